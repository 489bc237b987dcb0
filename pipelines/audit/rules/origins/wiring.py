"""Origins that Compose and Kubernetes give to code by a variable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.audit.model import Model
from pipelines.audit.model.compose import Project, Service
from pipelines.audit.place import Place

# The name of a variable that says origins, of images that somebody else built.
_NAME = re.compile(r"(.*_)?(CORS_(.*_)?(ORIGINS?|DOMAINS?|URLS?)|CORS|ALLOW(ED)?_ORIGINS?|ORIGINS)")


@dataclass(frozen=True)
class Setting:
    """A variable that a service is given; `folders` is where its code stands, None for anywhere."""

    name: str
    text: str
    place: Place
    service: str
    is_default: bool = False
    folders: tuple[str, ...] | None = None

    @property
    def is_wild(self) -> bool:
        return "*" in (it.strip(" []\"'") for it in self.text.split(","))

    @property
    def is_telling(self) -> bool:
        """Whether its name says that it is about origins, whoever takes it."""
        return bool(_NAME.fullmatch(self.name))

    def reaches(self, file: str) -> bool:
        """Whether the code in a file may be what the service runs."""
        if self.folders is None:
            return True
        return any(not it or file == it or file.startswith(f"{it}/") for it in self.folders)


def of_compose(model: Model) -> Iterator[Setting]:
    """Every variable of every service whose value may speak of origins."""
    seen: set[tuple[Place, str, str]] = set()
    for project in model.projects:
        for each in (project, *project.overrides):
            for found in _of_project(each):
                key = (found.place, found.name, found.service)
                if key not in seen:
                    seen.add(key)
                    yield found


def _of_project(project: Project) -> Iterator[Setting]:
    for service in project.services.values():
        for it in service.environment.values():
            if "ORIGIN" in it.name.upper() or "CORS" in it.name.upper():
                is_default = it.raw is not None and "${" in it.raw
                yield Setting(
                    it.name, it.text, it.place, service.name, is_default, _folders(service)
                )


def _folders(service: Service) -> tuple[str, ...]:
    """Where the code of a service stands: what it is built from, and what is mounted into it."""
    found = [service.build.context] if service.build else []
    if service.build and service.build.context is None:
        found = [""]  # it is built, and from where is not known
    # The whole repository is mounted for its tools; what is run stands in a folder.
    found += [it.path for it in service.mounts if it.kind == "bind" and it.path]
    return tuple(it for it in found if it is not None)


def of_kubernetes(model: Model) -> Iterator[Setting]:
    """Variables of containers, and the data of configuration maps."""
    for manifest in model.kubernetes.manifests:
        for container in manifest.containers:
            for it in container.node["env"]:
                name, value = it["name"].text, it["value"]
                if "ORIGIN" in name.upper() or "CORS" in name.upper():
                    yield Setting(name, value.text, value.key_place, container.workload)
        if manifest.kind == "ConfigMap":
            for name, value in manifest.node["data"].fields.items():
                if "ORIGIN" in name.upper() or "CORS" in name.upper():
                    yield Setting(name, value.text, value.key_place, manifest.name)
