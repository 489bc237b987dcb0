"""Which builds a repository declares: in Compose, in CI, in Makefiles, or by a Dockerfile alone."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pipelines.audit.model import compose, shell
from pipelines.audit.model.ci import makefiles, workflows
from pipelines.audit.model.containers.contexts import Context
from pipelines.audit.model.containers.dockerfile import Dockerfile, fill
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked, join

_ACTION = re.compile(r"(docker/build-push-action|redhat-actions/buildah-build)@")
_MATRIX = re.compile(r"\$\{\{\s*matrix\.([\w.-]+)\s*\}\}")
_EXPRESSION = "GITHUB_EXPRESSION"  # what shell reads `${{ ... }}` as
_MOST_JOBS = 60  # that one matrix makes
_VALUED = re.compile(
    r"-[fto]|--(file|tag|target|build-arg|platform|cache-from|cache-to|label|output|progress"
    r"|builder|secret|ssh|network|iidfile|metadata-file|add-host|memory|build-context|provenance"
    r"|sbom|annotation|shm-size|ulimit)"
)


@dataclass(frozen=True)
class Declared:
    """One build: `place` is where it is asked for; `is_guessed` when nobody says the context."""

    build: compose.Build
    place: Place
    dockerfile_place: Place
    service: compose.Service | None = None
    tags: tuple[str, ...] = ()
    is_guessed: bool = False
    # Files that earlier steps of the same pipeline may have made are in the context as well.
    is_prepared: bool = False


def declared(
    tracked: Tracked,
    projects: Iterable[compose.Project],
    flows: Iterable[workflows.Workflow],
    makes: Mapping[str, makefiles.Makefile],
    dockerfiles: Mapping[str, Dockerfile],
) -> tuple[Declared, ...]:
    """Every build; a Dockerfile that none of them names is one of its own."""
    found = [it for project in projects for it in _of_project(project)]
    found += [it for flow in flows for it in _of_workflow(flow)]
    found += [it for file, make in sorted(makes.items()) for it in _of_makefile(file, make)]
    named = {it.build.dockerfile for it in found}
    found += [_alone(tracked, it) for file, it in sorted(dockerfiles.items()) if file not in named]
    return tuple(found)


def _of_project(project: compose.Project) -> Iterator[Declared]:
    for service in project.services.values():
        if service.build is not None:
            node = service.node["build"]
            named = node["dockerfile"]
            yield Declared(
                service.build,
                service.build.place,
                named.key_place if named else service.build.place,
                service,
                (service.image,) if service.image else (),
            )
    for override in project.overrides:
        yield from _of_project(override)


def _of_workflow(flow: workflows.Workflow) -> Iterator[Declared]:
    for job in flow.jobs.values():
        is_prepared = False
        for step in job.steps:
            if _ACTION.match(step.uses):
                for values in _combinations(job):
                    yield from _of_action(step, values, is_prepared=is_prepared)
            elif step.script is not None:
                for built in _of_script(step.script, step.folder):
                    yield replace(built, is_prepared=is_prepared)
                is_prepared = is_prepared or bool(step.script.commands)
            elif not step.uses.startswith(("actions/checkout@", "docker/")):
                is_prepared = True


def _combinations(job: workflows.Job) -> Iterator[dict[str, str]]:
    """The values of a job's matrix, each time it runs."""
    matrix = job.node.get("strategy", "matrix").fields
    lists = {
        key: [item.text for item in node if item.is_scalar]
        for key, node in matrix.items()
        if key not in ("include", "exclude")
    }
    lists = {key: values for key, values in lists.items() if values}
    included = [
        {key: node.text for key, node in item.fields.items()} for item in matrix["include"]
    ] if "include" in matrix else []  # fmt: skip
    if not lists:
        yield from included[:_MOST_JOBS] or [{}]
        return
    for values in itertools.islice(itertools.product(*lists.values()), _MOST_JOBS):
        found = dict(zip(lists, values, strict=True))
        for item in included:
            if any(item.get(key) == value for key, value in found.items()):
                found = item | found
        yield found


def _of_action(
    step: workflows.Step, values: Mapping[str, str], *, is_prepared: bool
) -> Iterator[Declared]:
    given = step.node["with"]

    def text(*keys: str) -> str | None:
        """The value of the first key that is given; None when it cannot be known."""
        node = next((given[key] for key in keys if given[key]), None)
        if node is None:
            return ""
        filled = _MATRIX.sub(lambda match: values.get(match[1], match[0]), node.text).strip()
        return None if "${{" in filled else filled

    context, file, target = text("context"), text("file", "containerfiles"), text("target")
    if context is None or file is None or target is None or "://" in context or "{{" in context:
        return
    arguments = dict(
        line.split("=", 1) for line in (text("build-args") or "").splitlines() if "=" in line
    )
    tags = tuple(re.split(r"[,\s]+", (text("tags") or "").strip())) if text("tags") else ()
    folder = join("", context or ".")
    path = (
        join("", file)
        if file
        else (posixpath.join(folder, "Dockerfile") if folder is not None else None)
    )
    place = step.uses_place or step.place
    build = compose.Build(place, folder, path, target, arguments)
    named = given["file"]
    yield Declared(
        build, place, named.key_place if named else place, tags=tags, is_prepared=is_prepared
    )


def _of_makefile(file: str, make: makefiles.Makefile) -> Iterator[Declared]:
    for target in make.targets.values():
        is_prepared = bool(target.needs)
        for line in target.recipe:
            for built in _of_script(line.script, posixpath.dirname(file)):
                yield replace(built, is_prepared=is_prepared)
            is_prepared = True


def _of_script(script: shell.Script, folder: str) -> Iterator[Declared]:
    for command in script.commands:
        words = command.words
        if command.program in ("docker", "podman", "buildah", "nerdctl"):
            verbs = [word for word in words[1:4] if not word.startswith("-")]
            if verbs[:1] in (["build"], ["bud"]) or verbs[:2] in (
                ["buildx", "build"],
                ["image", "build"],
            ):
                yield from _of_command(command, folder)


def _of_command(command: shell.Command, folder: str) -> Iterator[Declared]:
    words = command.words[command.words.index("build" if "build" in command.words else "bud") + 1 :]
    options: dict[str, list[str]] = {}
    contexts = []
    waiting = ""
    for word in words:
        if waiting:
            options.setdefault(waiting, []).append(word)
            waiting = ""
        elif _VALUED.fullmatch(word):
            waiting = word
        elif word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            options.setdefault(name, []).append(value)
        else:
            contexts.append(word)
    here = join(folder, command.folder or ".")
    files = options.get("-f", []) + options.get("--file", [])
    targets = options.get("--target", [])
    if here is None or len(contexts) != 1 or "://" in contexts[0] or contexts[0] == "-":
        return
    if any("$" in word or _EXPRESSION in word for word in (*contexts, *files, *targets)):
        return
    context = join(here, contexts[0])
    if files:
        path = join(here, files[-1])
    else:
        path = posixpath.join(context, "Dockerfile") if context is not None else None
    arguments = dict(it.split("=", 1) for it in options.get("--build-arg", []) if "=" in it)
    build = compose.Build(
        command.place,
        context,
        path,
        targets[-1] if targets else "",
        {key: value for key, value in arguments.items() if "$" not in value},
    )
    tags = tuple(options.get("-t", []) + options.get("--tag", []))
    yield Declared(build, command.place, command.place, tags=tags)


def _alone(tracked: Tracked, dockerfile: Dockerfile) -> Declared:
    """A Dockerfile that nobody names: its context is the folder that has most of what it copies."""
    folder = posixpath.dirname(dockerfile.file)
    wanted = [
        fill(word, stage.arguments) or ""
        for stage in dockerfile.stages
        for it in stage.instructions
        if it.name in ("COPY", "ADD") and "from" not in it.flags
        for word in it.arguments[:-1]
    ]

    def has(context: str) -> int:
        files = Context(tracked, context, dockerfile.file)
        return sum(1 for word in wanted if files.holds(word))

    candidates = [folder]
    while candidates[-1]:
        candidates.append(posixpath.dirname(candidates[-1]))
    context = max(candidates, key=has) if len(candidates) > 1 else folder
    place = dockerfile.stages[-1].place if dockerfile.stages else Place(dockerfile.file)
    build = compose.Build(place, context, dockerfile.file)
    return Declared(build, place, place, is_guessed=True)
