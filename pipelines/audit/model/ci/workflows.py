"""GitHub workflows and actions: jobs, steps, and the conditions under which they run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.audit.findings import Unread
from pipelines.audit.model import nodes, shell
from pipelines.audit.model.nodes import Broken, Node
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.shell import Script
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_FOLDER = ".github/workflows/"
_ENDS = (".yml", ".yaml")
_STEP = re.compile(r"steps\.([\w-]+)\.(?:outcome|conclusion|outputs)")
_JOB = re.compile(r"needs\.([\w-]+)\.result")
_UPLOAD = "github/codeql-action/upload-sarif"
_RETRIES = ("nick-fields/retry", "nick-invision/retry")  # actions that run a script again


@dataclass(frozen=True)
class Step:
    """One step: it runs a script or uses an action. `script` is None for other shells than sh."""

    place: Place
    node: Node
    name: str = ""
    id: str = ""
    script: Script | None = None
    uses: str = ""
    uses_place: Place | None = None
    condition: str = ""
    condition_place: Place | None = None
    folder: str = ""  # working-directory, with the defaults of job and workflow
    continues: Node | None = None  # `continue-on-error`, where it is given
    environment: Mapping[str, Node] = field(default_factory=dict)

    @property
    def inputs(self) -> str:
        """The values of `env` and `with`, as one text."""
        values = (*self.environment.values(), *self.node["with"].fields.values())
        return " ".join(it.text for it in values)

    @property
    def said(self) -> tuple[str, ...]:
        """All of it that may hold an expression."""
        return self.condition, self.node["run"].text, self.inputs


@dataclass(frozen=True)
class Job:
    """One job; `uses` is that of a reusable workflow."""

    id: str
    place: Place
    node: Node
    steps: tuple[Step, ...] = ()
    needs: tuple[str, ...] = ()
    uses: str = ""
    uses_place: Place | None = None
    condition: str = ""
    condition_place: Place | None = None
    continues: Node | None = None
    environment: Mapping[str, Node] = field(default_factory=dict)
    services: Mapping[str, Node] = field(default_factory=dict)

    @cached_property
    def asked(self) -> frozenset[str]:
        """The steps, by id, whose outcome some step looks at."""
        return frozenset(
            name for step in self.steps for said in step.said for name in _STEP.findall(said)
        )

    @cached_property
    def publishes(self) -> bool:
        """Whether it hands findings to code scanning, which can block by itself."""
        return any(step.uses.startswith(_UPLOAD) for step in self.steps)


@dataclass(frozen=True)
class Workflow:
    """One file of `.github/workflows`, or a composite action (`is_action`, one job "runs").

    `triggers` are the events of `on:`, each with what stands below it.
    """

    file: str
    node: Node
    triggers: Mapping[str, Node] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    is_action: bool = False
    environment: Mapping[str, Node] = field(default_factory=dict)

    @cached_property
    def asked(self) -> frozenset[str]:
        """The jobs whose result another one looks at."""
        return frozenset(
            name
            for job in self.jobs.values()
            for said in (job.condition, *(text for step in job.steps for text in step.said))
            for name in _JOB.findall(said)
        )

    @cached_property
    def needed_by(self) -> Mapping[str, tuple[str, ...]]:
        """The jobs that need each job."""
        found: dict[str, tuple[str, ...]] = {}
        for job in self.jobs.values():
            for other in job.needs:
                found[other] = (*found.get(other, ()), job.id)
        return found


def read(tracked: Tracked) -> tuple[tuple[Workflow, ...], tuple[Unread, ...]]:
    """Every workflow and every composite action, by file."""
    return _read(tracked, lambda path: path.startswith(_FOLDER))


def elsewhere(tracked: Tracked) -> tuple[Workflow, ...]:
    """Workflows in a folder of the repository: a template's, which run where it is copied to."""
    found, _ = _read(tracked, lambda path: f"/{_FOLDER}" in path)
    return tuple(it for it in found if not it.is_action and role(it.file) is not Role.VENDORED)


def _read(
    tracked: Tracked, is_wanted: Callable[[str], bool]
) -> tuple[tuple[Workflow, ...], tuple[Unread, ...]]:
    found: list[Workflow] = []
    unread: list[Unread] = []
    for path in tracked.paths:
        is_workflow = is_wanted(path) and _is_workflow(path)
        if not is_workflow and not _is_action(path):
            continue
        try:
            node = nodes.read(tracked.text(path) or "", path)
        except Broken as error:
            unread.append(Unread(Place(path, error.line), f"not valid YAML: {error.reason}"))
            continue
        if is_workflow and node["jobs"].is_mapping:
            found.append(_workflow(node))
        elif not is_workflow and node.get("runs", "using").text == "composite":
            found.append(_action(node))
    return tuple(found), tuple(unread)


def _is_workflow(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return f"/{folder}/".endswith(f"/{_FOLDER}") and name.endswith(_ENDS)


def _is_action(path: str) -> bool:
    is_named = path.rpartition("/")[2] in ("action.yml", "action.yaml")
    return is_named and role(path) not in (Role.VENDORED, Role.TEST)


def _workflow(node: Node) -> Workflow:
    defaults = _Defaults.of(node)
    return Workflow(
        node.file,
        node,
        triggers=_triggers(node),
        jobs={id_: _job(id_, job, defaults) for id_, job in node["jobs"].fields.items()},
        environment=node["env"].fields,
    )


def _action(node: Node) -> Workflow:
    runs = node["runs"]
    job = Job("runs", runs.key_place, runs, steps=_steps(runs, _Defaults()))
    return Workflow(node.file, node, jobs={"runs": job}, is_action=True)


def _triggers(node: Node) -> dict[str, Node]:
    """`on:` is a text, a list or a mapping; YAML 1.1 reads its key as `true`."""
    on = node["on"] or node["true"]
    if on.is_mapping:
        return on.fields
    return {item.text: item for item in ([on] if on.is_scalar else on.items)}


@dataclass(frozen=True)
class _Defaults:
    """What `defaults.run` says, and the shell that GitHub starts without it: bash with -e."""

    folder: str = ""
    shell: str = ""

    @classmethod
    def of(cls, node: Node, outer: _Defaults | None = None) -> _Defaults:
        run = node.get("defaults", "run")
        outer = outer or cls()
        return cls(run["working-directory"].text or outer.folder, run["shell"].text or outer.shell)


def _job(id_: str, node: Node, outer: _Defaults) -> Job:
    return Job(
        id_,
        node.key_place,
        node,
        steps=_steps(node, _Defaults.of(node, outer)),
        needs=tuple(node["needs"].texts),
        uses=node["uses"].text,
        uses_place=node["uses"].key_place,
        condition=node["if"].text,
        condition_place=node["if"].key_place,
        continues=node["continue-on-error"] or None,
        environment=node["env"].fields,
        services=node["services"].fields,
    )


def _steps(node: Node, defaults: _Defaults) -> tuple[Step, ...]:
    return tuple(_step(step, defaults) for step in node["steps"].items if step.is_mapping)


def _step(node: Node, defaults: _Defaults) -> Step:
    return Step(
        node.place,
        node,
        name=node["name"].text,
        id=node["id"].text,
        script=_script(node, node["shell"].text or defaults.shell),
        uses=node["uses"].text,
        uses_place=node["uses"].key_place,
        condition=node["if"].text,
        condition_place=node["if"].key_place,
        folder=(node["working-directory"].text or defaults.folder).removeprefix("./").rstrip("/"),
        continues=node["continue-on-error"] or None,
        environment=node["env"].fields,
    )


def _script(node: Node, named: str) -> Script | None:
    """What the step runs.

    GitHub starts `bash -e` where no shell is named, `bash -eo pipefail` where bash is, `sh -e`.
    """
    run = node.get("with", "command") if node["uses"].text.startswith(_RETRIES) else node["run"]
    words = named.split()
    if not run.is_scalar or (words and words[0].rpartition("/")[2] not in ("bash", "sh")):
        return None
    is_bare = len(words) <= 1
    return shell.parse(
        run.text,
        run.text_place,
        stops_at_errors=is_bare or any(word.startswith("-") and "e" in word for word in words[1:]),
        pipefail=named == "bash" or "pipefail" in named,
    )
