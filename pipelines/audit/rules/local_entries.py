"""Programs of the repository that a container is told to start, and Git does not track."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Service
from pipelines.audit.model.containers.images import Image
from pipelines.audit.model.python import starts
from pipelines.audit.model.python.starts import Start
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_PROGRAMS = ("__init__.py", "__main__.py")


def absent_entries(model: Model) -> Iterator[Fault]:
    """Modules that are started, and are nowhere though their package is there."""
    seen: set[Place] = set()
    for service, image in model.runs:
        for start in _starts(model, service, image):
            is_ours = not start.is_script and _is_ours(model.tracked, image, start.module)
            if not is_ours or start.place in seen or _is_there(model.tracked, start.module):
                continue
            seen.add(start.place)
            name = service.name if service else ""
            path = start.module.replace(".", "/")
            yield Fault(
                start.place,
                f"{start.module} is started, and Git tracks no {path}.py",
                f"add {path}.py to Git, or start a module that is there",
                also=(Also(image.stage.place, "the image"),) if image.stage else (),
                service=name,
            )


def _starts(model: Model, service: Service | None, image: Image) -> Iterator[Start]:
    if image.entry is None or not image.is_built:
        return
    environment = dict(image.environment)
    for name, setting in service.environment.items() if service else ():
        environment[name] = setting.text

    def opened(path: str) -> tuple[str, str] | None:
        file = image.origin(path, model.tracked)
        text = model.tracked.text(file) if file else None
        return (file, text) if file and text else None

    yield from starts.read(image.entry.script(), environment, opened)


def _is_ours(tracked: Tracked, image: Image, module: str) -> bool:
    """Whether a module's first part is a folder of sources here: it is no library then."""
    first, _, rest = module.partition(".")
    folders = {posixpath.join(folder, first) for folder in ("", image.context or "")}
    return bool(rest) and any(it.endswith(".py") for one in folders for it in tracked.below(one))


def _is_there(tracked: Tracked, module: str) -> bool:
    """Whether anything tracked may be that module, wherever it lies, or is not looked into."""
    path = module.replace(".", "/")
    parts = path.split("/")
    outer = {"/".join(parts[:at]) for at in range(1, len(parts) + 1)}
    if outer & (tracked.links | tracked.submodules):
        return True
    ends = (f"{path}.py", *(f"{path}/{name}" for name in _PROGRAMS))
    return any(it.endswith(ends) for it in tracked)
