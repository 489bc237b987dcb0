"""Modules of the repository that an image's program imports, and the image does not have."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.python import Application, Import
from pipelines.audit.place import Place

_FEW = 3  # imports that are told one by one
# What a build writes, and nobody tracks.
_GENERATED = re.compile(r"_?version|__about__|_?generated|\w+_pb2(_grpc)?|.*\.(so|pyd)|_build\w*")


def absent_modules(model: Model) -> Iterator[Fault]:
    """Imports at start that cannot work because a file was not copied, or is not in Git."""
    seen: set[Place] = set()
    for application in (*model.applications, *model.unmounted):
        for imported, files in _together(model, application):
            if imported.place not in seen:
                seen.add(imported.place)
                yield _outside(model, application, imported, files)
        for imported, wanted in _untracked(model, application):
            if imported.place not in seen:
                seen.add(imported.place)
                yield _absent(application, imported, wanted)


def _together(model: Model, application: Application) -> Iterator[tuple[Import, list[str]]]:
    """The imports that the image cannot serve, with the files that they lack.

    Of a package of which nothing is in the image, many are one fault, at the first import: one
    `COPY` is missing.
    """
    there = model.imports(application).files
    packages: dict[str, list[tuple[Import, str]]] = {}
    for imported, file in model.outside(application):
        folder = _package(imported, file)
        if folder is None or any(it.startswith(f"{folder}/") for it in there):
            yield imported, [file]
        else:
            packages.setdefault(folder, []).append((imported, file))
    for lacking in packages.values():
        if len(lacking) > _FEW:
            yield lacking[0][0], list(dict.fromkeys(file for _, file in lacking))
        else:
            yield from ((imported, [file]) for imported, file in lacking)


def _package(imported: Import, file: str) -> str | None:
    """The folder of the package that an absolute import begins with; None for a plain module."""
    inside = "/" + imported.top + "/"
    at = f"/{file}".rfind(inside)
    is_within = at >= 0 and not imported.module.startswith(".")
    return file[: at + len(inside) - 2] if is_within else None


def _outside(
    model: Model, application: Application, imported: Import, files: Sequence[str]
) -> Fault:
    file = files[0]
    rest = f", nor are {len(files) - 1} more of its package" if len(files) > 1 else ""
    image = application.image
    copies = list(image.stage.all("COPY", "ADD")) if image and image.stage else []
    also = [Also(Place(file), "the module, which no COPY takes")]
    if copies:
        also.append(Also(copies[-1].place, "what is copied"))
    is_mounted = application in model.unmounted and bool(image and image.services)
    when = " without what Compose mounts" if is_mounted else ""
    services = {service.name for service in image.services} if image else set()
    return Fault(
        imported.place,
        f"{imported.module} is imported at start, and {file} is not in the image{when}{rest}",
        f"copy {file} into the image (the context has to hold it), or make it a package",
        also=tuple(also),
        service=application.service or (min(services) if len(services) == 1 else ""),
        severity=Severity.MEDIUM if is_mounted else None,
    )


def _absent(application: Application, imported: Import, wanted: str) -> Fault:
    return Fault(
        imported.place,
        f"{imported.module} is imported at start, and Git tracks no {wanted}",
        f"add {wanted} to Git; look whether .gitignore leaves it out",
        also=(Also(application.place, f"starts {application.module}"),),
        service=application.service,
    )


def _untracked(model: Model, application: Application) -> Iterator[tuple[Import, str]]:
    """The relative imports of modules that are nowhere, and where they would be."""
    stage = application.image.stage if application.image else None
    text = " ".join(it.text for it in (stage.all("RUN") if stage else ()))
    for file in model.imports(application).files:
        for imported in model.python.module(file).imports:
            wanted = _wanted(imported)
            if wanted is None or imported.is_optional:
                continue
            name = posixpath.basename(wanted)
            if _GENERATED.fullmatch(name) or name in text or _is_there(model, wanted):
                continue
            yield imported, f"{wanted}.py"


def _wanted(imported: Import) -> str | None:
    """The module that `from .a.b import c` needs, without its ending."""
    inner = imported.module.lstrip(".")
    dots = len(imported.module) - len(inner)
    if not dots or not inner:
        return None
    folder = posixpath.dirname(imported.place.file)
    for _ in range(dots - 1):
        folder = posixpath.dirname(folder)
    return posixpath.join(folder, inner.replace(".", "/"))


def _is_there(model: Model, path: str) -> bool:
    """Whether something of that name is tracked, be it a folder, a link or a compiled module."""
    tracked = model.tracked
    names = (f"{path}.py", f"{path}.pyi", f"{path}.pyx", f"{path}/__init__.py")
    if path in tracked.folders or any(name in tracked for name in names):
        return True
    around = {path, f"{path}.py", posixpath.dirname(path)}
    return bool(around & (tracked.links | tracked.submodules))
