"""As whom a container runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model, compose, kubernetes
from pipelines.audit.model.containers import images
from pipelines.audit.model.containers.bases import base, split
from pipelines.audit.model.containers.images import Image
from pipelines.audit.model.nodes import Node
from pipelines.audit.rule import Rule, rule

_ROOT = ("", "root", "0")
# Their own entry point gives up root before it starts the server.
_STEP_DOWN = (
    "postgres postgis/postgis pgvector/pgvector timescale/timescaledb redis valkey/valkey mysql"
    " mariadb mongo rabbitmq memcached eclipse-mosquitto vault hashicorp/vault influxdb neo4j"
)
_DROPS = re.compile(
    r"\b(gosu|su-exec|setpriv|runuser|s6-setuidgid|chpst|setuidgid)\b|\bsu\s+(-\w?\s+)*\w"
    r"|--userspec"
)


@rule("REL008", "root-user", Severity.MEDIUM)
def root_user(model: Model) -> Iterator[Fault]:
    """The container runs as root.

    Why: whoever breaks out of the program owns the container, may write to every volume that is
    mounted there, and stands one kernel fault away from the host.

    Example:

        FROM python:3.12-slim
        COPY . /app
        CMD ["uvicorn", "main:app"]

    Mend: make a user in the final stage and end with it (`RUN useradd --system app`, `USER app`),
    or set `user:` in Compose, `runAsNonRoot` in Kubernetes.
    """
    containers = list(model.kubernetes.containers)
    for image in model.images:
        if _runs_as_root(model, image) and not _is_restrained(model, image, containers):
            yield _rooted(image)
    for project in model.projects:
        for service in project.services.values():
            if service.user.partition(":")[0] in ("root", "0"):
                yield _made_root(service)


def _rooted(image: Image) -> Fault:
    names = {service.name for service in image.services}
    base_image = image.reference
    if image.user_place is not None:
        place, message = image.user_place, f"the image runs as root: USER {image.user}"
    else:
        place = image.place
        message = f"the image runs as root: no USER in its final stage, and none in {base_image}"
    return Fault(
        place,
        message,
        "make a user and switch to it at the end of the final stage: USER app",
        service=min(names) if len(names) == 1 else "",
    )


def _made_root(service: compose.Service) -> Fault:
    image = service.image or "the image"
    is_ours = service.build is not None
    return Fault(
        service.node["user"].key_place,
        f"`{service.name}` is made to run as root",
        "leave `user:` out, or name a user that may only do what the service needs",
        also=(Also(service.image_place or service.place, image),),
        service=service.name,
        severity=None if is_ours else Severity.LOW,
    )


def _runs_as_root(model: Model, image: Image) -> bool:
    if image.user not in _ROOT:
        return False
    known = base(image.reference)
    if known is None and image.user_place is None:
        return False
    if split(image.reference).name in _STEP_DOWN.split() and image.user_place is None:
        return False
    if image.entry is None and not image.services and not _is_server(image):
        return False  # to build with, or to copy from: nothing runs in it
    return not _drops(model, image)


def _is_server(image: Image) -> bool:
    """Whether the base starts a server of its own, as a file server does."""
    name = split(image.reference).name
    return name in ("nginx", "httpd", "caddy", "tomcat") or (
        name == "php" and ("fpm" in image.reference or "apache" in image.reference)
    )


def _drops(model: Model, image: Image) -> bool:
    """Whether what it starts gives up root itself."""
    if image.entry is None:
        return False
    if image.entry.words[:1] == ("/init",):  # s6-overlay: each of its services says its user
        return True
    if _DROPS.search(image.entry.text) or _DROPS.search(" ".join(image.entry.words)):
        return True
    files = {place.file for it in model.started(image) for place in it.via}
    return any(_DROPS.search(model.tracked.text(file) or "") for file in sorted(files))


def _is_restrained(model: Model, image: Image, containers: list[kubernetes.Container]) -> bool:
    """Whether everything that runs the image says another user."""
    users = [service.user.partition(":")[0] not in _ROOT for service in image.services]
    users += [
        _is_another(container)
        for container in containers
        if (it := images.named(model.images, container.image)) and it.place == image.place
    ]
    return bool(users) and all(users)


def _is_another(container: kubernetes.Container) -> bool:
    own = container.node["securityContext"]
    around = container.pod["securityContext"] if container.pod else own
    return _says_another(own) or _says_another(around)


def _says_another(context: Node) -> bool:
    user = context["runAsUser"].text
    return context["runAsNonRoot"].is_true or (user not in ("", "0") and user.isdigit())


RULES: tuple[Rule, ...] = (root_user,)
