"""Builds that cannot work from what Git tracks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.containers import bases
from pipelines.audit.model.containers.builds import Declared
from pipelines.audit.model.containers.contexts import Context
from pipelines.audit.model.containers.dockerfile import Dockerfile, Instruction, Stage, fill
from pipelines.audit.model.containers.images import Image, files_of, needed, ran
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.local_entries import absent_entries
from pipelines.audit.rules.local_imports import absent_modules
from pipelines.audit.rules.local_scripts import absent_scripts

_GLOB = re.compile(r"[*?\[]")
# What a build before this one makes: not tracked, and not meant to be.
_MADE = re.compile(
    r"(dist|build|builds|out|output|\.output|target|bin|obj|publish|release|artifacts?|node_modules"
    r"|coverage|generated|gen|\.next|\.nuxt|\.svelte-kit|vendor|wheels?|wheelhouse|_build|public"
    r"|static|certs?|secrets?|data|models?|linux|amd64|\.env.*|\.npmrc|\.netrc|\.git)"
    r"|.*\.(jar|war|whl|exe|pem|key|crt|tar|gz|tgz|zip|deb|rpm|so|wasm|pt|pth|onnx|bin|env)"
)
# What a project has, and no build makes.
_WRITTEN = re.compile(
    r"package\.json|alembic(\.ini)?|migrations|prisma|requirements.*\.txt|pyproject\.toml"
    r"|manage\.py|main\.py|gunicorn.*\.py|nginx\.conf|next\.config\.\w+|public"
)
_STANDALONE = re.compile(r"standalone")


@rule("REL007", "build-cannot-work", Severity.HIGH)
def build_cannot_work(model: Model) -> Iterator[Fault]:
    """A build needs a file, a folder or a stage that is not there, or leaves out a local module.

    Why: it works on the machine where the file happens to lie, and fails on a fresh clone: in CI,
    on the day of the launch, for the next colleague. A module of the repository that the program
    imports and no `COPY` takes is missed only when the container starts. A pattern of `.gitignore`
    such as `lib/` takes sources with it that everybody has but Git.

    Example:

        COPY --from=builder /app/public ./public    (and no public folder is tracked)

    Mend: add the file to Git, correct the path (it is relative to the build's context, not to the
    Dockerfile), take it out of `.dockerignore`, or copy what is there.
    """
    seen: set[tuple[Place, str]] = set()  # services that share a Dockerfile share its faults
    for built in model.builds:
        faults = list(_declared_wrongly(model, built)) or _contents(model, built)
        for fault in faults:
            if (fault.place, fault.message) not in seen:
                seen.add((fault.place, fault.message))
                yield fault
    yield from absent_entries(model)
    yield from absent_modules(model)
    yield from absent_scripts(model)


def _declared_wrongly(model: Model, built: Declared) -> Iterator[Fault]:
    """The context, the Dockerfile and the stage that a build names."""
    build, tracked = built.build, model.tracked
    name = built.service.name if built.service else ""
    context = build.context
    if context is None or built.is_guessed:
        return
    severity = Severity.LOW if built.is_prepared else None
    if context not in tracked.folders:
        if not _is_elsewhere(model, context):
            yield Fault(
                built.place,
                f"the build's context {context} is no folder that Git tracks",
                "name the folder as it is seen from this file, or add it to Git",
                service=name,
                severity=severity,
            )
        return
    path = build.dockerfile
    if build.dockerfile_text is None and path is not None and path not in tracked:
        if not _is_elsewhere(model, path):
            yield Fault(
                built.dockerfile_place,
                f"the build's Dockerfile {path} is not tracked",
                "add the file, or name the one that is there; it is looked for in the context",
                service=name,
                severity=severity,
            )
        return
    found = model.dockerfile(build)
    if found is not None and found.stages and found.target(build.target) is None:
        yield Fault(
            build.target_place or built.place,
            f"the build's target {build.target} is no stage of {found.file}",
            f"name one of its stages: {_stages(found)}",
            also=(Also(found.stages[-1].place, "its last stage"),),
            service=name,
        )


def _stages(dockerfile: Dockerfile) -> str:
    return ", ".join(stage.name for stage in dockerfile.stages if stage.name) or "none has a name"


def _is_elsewhere(model: Model, path: str) -> bool:
    """Whether it is a link, or lies behind one, or in a submodule: that is not looked into."""
    outer = {path, *(path[: match.start()] for match in re.finditer("/", path))}
    return bool(outer & (model.tracked.links | model.tracked.submodules))


def _contents(model: Model, built: Declared) -> Iterator[Fault]:
    """What the Dockerfile copies, stage by stage, as far as the build needs them."""
    image = model.built(built.build)
    if image is None or image.dockerfile is None or image.context is None:
        return
    context = Context(model.tracked, image.context, image.dockerfile.file)
    for stage in needed(image):
        for instruction in stage.instructions:
            if instruction.name not in ("COPY", "ADD"):
                continue
            origin = instruction.flags.get("from")
            if origin is None:
                yield from _absent(context, built, stage, instruction)
            elif fault := _unknown_stage(built, image.dockerfile, stage, instruction, origin):
                yield fault
            elif other := image.dockerfile.target(origin):
                yield from _never_there(model, built, image, other, instruction)
    yield from _no_lock(model, built, image)


def _absent(
    context: Context, built: Declared, stage: Stage, instruction: Instruction
) -> Iterator[Fault]:
    *sources, _ = instruction.arguments or ("",)
    for written in sources:
        source = fill(written, stage.arguments)
        if source is None or _GLOB.search(source) or "://" in source or source.startswith("<<"):
            continue
        if source.startswith("git@") or context.holds(source):
            continue
        path = context.path(source)
        if path is None:
            why = f"{source} lies outside of the build's context {context.folder or '.'}"
        elif path in context.tracked or path in context.tracked.folders:
            why = f"{source} is there, but .dockerignore leaves it out"
        else:
            why = f"{source} is not tracked in the build's context {context.folder or '.'}"
        yield Fault(
            instruction.place,
            f"nothing to copy: {why}",
            "add it to Git, or correct the path: it is relative to the context",
            also=() if built.is_guessed else (Also(built.place, "the build, with its context"),),
            service=built.service.name if built.service else "",
            severity=_weight(context, built, path),
        )


def _weight(context: Context, built: Declared, path: str | None) -> Severity | None:
    """Less where the file may be made before the build, or where nobody says the context."""
    if path is None:
        return Severity.MEDIUM if built.is_guessed else None
    if path in context.tracked or path in context.tracked.folders:
        return None
    inner = path[len(context.folder) :].strip("/").split("/")
    if built.is_prepared or any(_MADE.fullmatch(part) for part in inner):
        return Severity.LOW
    return Severity.LOW if built.is_guessed else None


def _unknown_stage(
    built: Declared, dockerfile: Dockerfile, stage: Stage, instruction: Instruction, origin: str
) -> Fault | None:
    """A COPY --from of what is no stage, and does not look like an image."""
    filled = fill(origin, stage.arguments)
    if filled is None or dockerfile.target(filled) is not None:
        return None
    if re.search(r"[/:.]", filled) or bases.base(filled) is not None:
        return None
    if built.service and filled in built.service.node["build"]["additional_contexts"].fields:
        return None
    is_number = filled.isdigit()
    return Fault(
        instruction.place,
        f"`--from={filled}` is no stage of {dockerfile.file}",
        f"name one of its stages: {_stages(dockerfile)}",
        severity=None if is_number or built.is_guessed is False else Severity.MEDIUM,
        confidence=Confidence.HIGH if is_number else Confidence.MEDIUM,
    )


def _never_there(
    model: Model, built: Declared, image: Image, stage: Stage, instruction: Instruction
) -> Iterator[Fault]:
    """A COPY --from of what the other stage neither copies nor makes."""
    files = files_of(model.tracked, image, stage)
    *sources, _ = instruction.arguments or ("",)
    for written in sources:
        source = fill(written, stage.arguments)
        if source is None or _GLOB.search(source):
            continue
        if ".next/standalone" in source:
            yield from _not_standalone(model, built, files, instruction, source)
        elif _WRITTEN.fullmatch(posixpath.basename(source.rstrip("/"))):
            yield from _not_written(model, built, files, stage, instruction, source)


def _not_standalone(
    model: Model, built: Declared, files: Image, instruction: Instruction, source: str
) -> Iterator[Fault]:
    """Next.js makes `.next/standalone` only when its configuration says so."""
    folder = files.origin(source.partition("/.next/")[0], model.tracked)
    if folder is None:
        return
    for path in (
        posixpath.join(folder, f"next.config.{end}") for end in ("js", "mjs", "ts", "cjs")
    ):
        if path in model.tracked and not _STANDALONE.search(model.tracked.text(path) or ""):
            yield Fault(
                instruction.place,
                f"nothing to copy: {path} does not ask for the standalone output",
                'set output: "standalone" in the configuration',
                also=(Also(Place(path), "the configuration"),),
                service=built.service.name if built.service else "",
            )


def _not_written(
    model: Model,
    built: Declared,
    files: Image,
    stage: Stage,
    instruction: Instruction,
    source: str,
) -> Iterator[Fault]:
    """A file or folder that people write, below a folder that the other stage copies."""
    name = posixpath.basename(source.rstrip("/"))
    parent = files.origin(posixpath.dirname(source.rstrip("/")), model.tracked)
    there = files.origin(source, model.tracked)
    if parent is None or (there is not None and _is_given(model, files, there)):
        return
    if any(name in it.text for one in stage.chain for it in one.instructions if it.name != "COPY"):
        return
    if any(name in it.text for it in stage.instructions if "from" in it.flags):
        return
    if name == "public" and not _is_next(model, parent):
        return
    path = posixpath.join(parent, name)
    why = "is not tracked" if there is None else "is left out by .dockerignore"
    if _is_elsewhere(model, path):
        return
    yield Fault(
        instruction.place,
        f"nothing to copy: {path} {why}, and no command of the stage makes it",
        f"add {path} to Git (a .gitkeep will do for a folder), or leave this line out",
        also=(Also(_copy_of(stage) or stage.place, "which copies what is tracked"),),
        service=built.service.name if built.service else "",
    )


def _is_given(model: Model, image: Image, path: str) -> bool:
    """Whether `.dockerignore` lets a tracked file or folder, or a part of it, into the build."""
    file = image.dockerfile.file if image.dockerfile else ""
    context = Context(model.tracked, image.context or "", file)
    return any(context.has(it) for it in (path, *context.below(path)) if it in model.tracked)


def _copy_of(stage: Stage) -> Place | None:
    """Where the stage takes its files from the context."""
    copies = [it for it in stage.all("COPY", "ADD") if "from" not in it.flags]
    return copies[-1].place if copies else None


def _is_next(model: Model, folder: str) -> bool:
    package = model.tracked.text(posixpath.join(folder, "package.json")) or ""
    return '"next"' in package


def _no_lock(model: Model, built: Declared, image: Image) -> Iterator[Fault]:
    """`npm ci` refuses to work without a lock file."""
    brought = _lock_brought(image)
    packages = {
        it.place: package
        for stage in needed(image)
        if (package := _package(model, image, stage)) is not None
        for it in stage.instructions
    }
    for instruction, command in ran(image):
        if command.program != "npm" or command.words[1:2] not in (("ci",), ("clean-install",)):
            continue
        package = packages.get(instruction.place)
        if package is None or instruction.mounts or (brought and brought < instruction.place):
            continue
        folder = posixpath.dirname(package)
        locks = [posixpath.join(folder, it) for it in ("package-lock.json", "npm-shrinkwrap.json")]
        if not any(lock in model.tracked or _is_elsewhere(model, lock) for lock in locks):
            yield Fault(
                instruction.place,
                f"`npm ci` needs a lock file, and {locks[0]} is not tracked",
                "add package-lock.json to Git, and copy it beside package.json",
                also=(Also(Place(package), "the package without a lock"),),
                service=built.service.name if built.service else "",
            )


def _lock_brought(image: Image) -> Place | None:
    """The first command or copy that may bring a lock file from elsewhere."""
    for stage in needed(image):
        for it in stage.instructions:
            if (it.name == "RUN" or "from" in it.flags) and "lock" in it.text:
                return it.place
    return None


def _package(model: Model, image: Image, stage: Stage) -> str | None:
    """The tracked file that is the stage's package.json."""
    if not any(it.name == "RUN" and "npm" in it.text for it in stage.instructions):
        return None
    package = files_of(model.tracked, image, stage).origin("package.json", model.tracked)
    return package if package is not None and package in model.tracked else None


RULES: tuple[Rule, ...] = (build_cannot_work,)
