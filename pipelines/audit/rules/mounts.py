"""Source folders that are mounted over what the image was built with."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Mount, each
from pipelines.audit.model.containers.images import Image
from pipelines.audit.model.roles import Role, role
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.places import first_at_each_place
from pipelines.audit.tracked import Tracked, join

_SOURCES = (
    ".py", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue", ".svelte", ".go", ".rb", ".php",
    ".java", ".kt", ".scala", ".cs", ".rs", ".ex", ".exs", ".c", ".cc", ".cpp", ".swift",
)  # fmt: skip

_DATA = ("assets", "certs", "conf", "config", "data", "fixtures", "media", "public", "static")


@rule("REL014", "source-over-image", Severity.MEDIUM)
def source_over_image(model: Model) -> Iterator[Fault]:
    """A folder of sources is mounted over the image's own files.

    Why: the image that was built, scanned and tested is not what runs: the files of whatever is
    checked out on the machine are. What the build made there (compiled assets, `node_modules`) is
    hidden, and on a machine without a checkout the container finds an empty folder.

    Example:

        api:
          build: ./api
          volumes:
            - ./api:/app

    Mend: take the mount away; for development put it into `compose.override.yaml`, or use
    `develop: {watch: ...}`.
    """
    yield from first_at_each_place(_faults(model))


def _faults(model: Model) -> Iterator[Fault]:
    for project, service in each(model.projects):
        image = model.image(service)
        if not image.is_built or (project.base and project.is_development):
            continue  # an override for development is where such a mount belongs
        for mount in service.mounts:
            if _hides(image, mount) and _has_sources(model.tracked, mount.path):
                yield Fault(
                    mount.place,
                    f"{mount.source} is mounted over {mount.target}, so {service.name} does not run"
                    " what its image was built with",
                    "mount it only in an override for development",
                    also=_built(image, mount),
                    service=service.name,
                    severity=_severity(image),
                )


def _hides(image: Image, mount: Mount) -> bool:
    """Whether a mount covers the image's working folder, or the place of those very sources."""
    target = mount.target.rstrip("/")
    if mount.kind != "bind" or mount.path is None or not target.startswith("/"):
        return False
    if image.workdir != "/" and _is_in(image.workdir, target):
        return True
    for source, folder in image.sources.items():
        is_source = _is_in(source, mount.path) or _is_in(mount.path, source)
        if folder not in ("", "/") and _is_in(folder, target) and is_source:
            return True
    return target.rpartition("/")[2] not in _DATA and any(
        target == f"{folder.rstrip('/')}/{_below(mount.path, source)}"
        for source, folder in image.sources.items()
        if _below(mount.path, source)
    )


def _is_in(path: str, folder: str) -> bool:
    return folder in ("", path) or path.startswith(f"{folder}/")


def _below(path: str, folder: str) -> str:
    if not folder:
        return path
    return path[len(folder) + 1 :] if path.startswith(f"{folder}/") else ""


def _has_sources(tracked: Tracked, folder: str | None) -> bool:
    return folder is not None and any(path.endswith(_SOURCES) for path in tracked.below(folder))


def _severity(image: Image) -> Severity | None:
    """Whoever builds from a Dockerfile for development means to develop in it."""
    file = image.dockerfile.file if image.dockerfile else ""
    return Severity.LOW if role(file) is Role.DEVELOPMENT else None


def _built(image: Image, mount: Mount) -> tuple[Also, ...]:
    if image.stage is None:
        return ()
    copies = [it for it in image.stage.instructions if it.name in ("COPY", "ADD")]
    wanted = mount.path or ""
    of_it = [
        it
        for it in copies
        for word in it.arguments[:-1]
        if (path := join(image.context or "", word)) is not None and _is_in(wanted, path)
    ]
    place = (of_it or copies)[-1].place if copies else image.stage.place
    return (Also(place, "what the build puts there"),)


RULES: tuple[Rule, ...] = (source_over_image,)
