"""Public gateways that take as many requests as anybody sends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Project, Service
from pipelines.audit.model.javascript import SERVERS
from pipelines.audit.model.roles import Role, role
from pipelines.audit.place import Place

_GATEWAY = re.compile(r"(^|[-_.])(gateway|gw|bff|edge|ingress)([-_.]|$)", re.IGNORECASE)
_API = re.compile(r"(^|[-_.])(api|backend|server)([-_.]|$)", re.IGNORECASE)
_LIMITS = re.compile(
    rb"rate.?limit|throttl|slowapi|limiter|limit_req|limit_conn|too.?many.?requests|\b429\b",
    re.IGNORECASE,
)
_PROXY = re.compile(
    r"\.conf(\.template)?$|Caddyfile|(traefik|kong|envoy|apisix|nginx)[^/]*(/[^/]*)?\.(ya?ml|toml)$"
)
_LOOPBACK = ("127.", "::1", "[::1]", "localhost")
_CODE = (".py", ".js", ".mjs", ".ts", ".txt", ".toml", ".json", ".conf", ".yml", ".yaml", ".go")
_REMEDY = "limit requests per client, in the application or in a proxy before it"


def faults(model: Model) -> Iterator[Fault]:
    """One for each gateway, at the line of its application."""
    seen: set[Place] = set()
    for project in model.projects:
        if project.is_development:
            continue
        found = {
            service.name: _application(model, service)
            for service in project.services.values()
            if _is_public(service)
        }
        doors = {name: place for name, place in found.items() if place is not None}
        for name, place in doors.items():
            service = project.services[name]
            severity = _severity(project, service, is_alone=len(doors) == 1)
            if severity is None or place in seen or _is_limited(model, project, service):
                continue
            seen.add(place)
            yield Fault(
                place,
                f"{name} is public and limits no requests",
                _REMEDY,
                (Also(service.ports[0].place, "its port is published"),),
                service=name,
                severity=severity,
            )


def _is_public(service: Service) -> bool:
    """Whether it is built here, always runs, and has a port on all interfaces."""
    is_open = any(not port.host.startswith(_LOOPBACK) for port in service.ports)
    return is_open and service.build is not None and not service.profiles


def _application(model: Model, service: Service) -> Place | None:
    """Where the service makes its application; None for one that none is found of."""
    folder = service.build.context if service.build else None
    if not folder:  # the whole repository may hold several
        folder = _folder_of_image(model, service)
    if folder is None:
        return None
    found = [
        app.place
        for file in model.words.holding("fastapi", "flask", "starlette", suffixes=(".py",))
        if file.startswith(f"{folder}/") and role(file) is Role.PRODUCTION
        for app in model.python.module(file).apps
    ]
    for module in model.javascript.holding(*SERVERS):
        if module.file.startswith(f"{folder}/"):
            found += [
                app.place for app in module.applications if app.framework not in ("next", "node")
            ]
    return min(found, key=lambda it: (it.file.count("/"), it), default=None)


def _folder_of_image(model: Model, service: Service) -> str | None:
    """The one folder that the image's code comes from."""
    sources = [it for it in model.image(service).sources if it and it in model.tracked.folders]
    return sources[0] if len(sources) == 1 else None


def _severity(project: Project, service: Service, *, is_alone: bool) -> Severity | None:
    """How much it matters, as the service is a gateway, an only door, or none of both."""
    if _GATEWAY.search(service.name) or len(_behind(project, service)) > 1:
        return Severity.MEDIUM
    return Severity.LOW if is_alone and _API.search(service.name) else None


def _behind(project: Project, service: Service) -> set[str]:
    """The services built here that it is given addresses of by HTTP."""
    texts = [it.text for it in service.environment.values()]
    return {
        name
        for name, other in project.services.items()
        if other is not service and other.build is not None
        if any(re.search(rf"https?://{re.escape(name)}(:\d+)?(/|$)", text) for text in texts)
    }


def _is_limited(model: Model, project: Project, service: Service) -> bool:
    """Whether its code speaks of limits, or a proxy's settings do."""
    folder = service.build.context if service.build else ""
    own = [it for it in model.tracked.below(folder or "") if it.endswith(_CODE)]
    if any(_speaks(model, file) for file in own):
        return True
    labels = " ".join(it for other in project.services.values() for it in _labels(other))
    is_told = bool(_LIMITS.search(labels.encode(errors="replace")))
    return is_told or any(_speaks(model, it) for it in model.tracked if _PROXY.search(it))


def _labels(service: Service) -> Iterator[str]:
    labels = service.node["labels"]
    yield from labels.texts
    yield from (f"{key}={value.text}" for key, value in labels.fields.items())


def _speaks(model: Model, file: str) -> bool:
    data = model.tracked.bytes(file) if role(file) is not Role.TEST else None
    return data is not None and bool(_LIMITS.search(data))
