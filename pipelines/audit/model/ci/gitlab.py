"""GitLab's pipelines, read as the workflows that they are: jobs, and what their scripts run."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.findings import Unread
from pipelines.audit.model import nodes, shell
from pipelines.audit.model.ci.workflows import Job, Step, Workflow
from pipelines.audit.model.nodes import Broken, Node
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

FILE = ".gitlab-ci.yml"
_FOLDER = ".gitlab/"  # where the parts are kept that it includes
_NO_JOBS = frozenset(("default", "include", "stages", "variables", "workflow", "image", "services"))


def read(tracked: Tracked) -> tuple[tuple[Workflow, ...], tuple[Unread, ...]]:
    """The pipeline, and every file of jobs below `.gitlab`.

    Jobs that others extend (`.name`) are among the jobs: what they run is run by some job.
    """
    found: list[Workflow] = []
    unread: list[Unread] = []
    for path in _files(tracked):
        try:
            node = nodes.read(tracked.text(path) or "", path)
        except Broken as error:
            unread.append(Unread(Place(path, error.line), f"not valid YAML: {error.reason}"))
            continue
        jobs = {
            name: _job(name, it)
            for name, it in node.fields.items()
            if name not in _NO_JOBS and it.is_mapping and (it["script"] or it["before_script"])
        }
        found.append(Workflow(path, node, jobs=jobs))
    return tuple(found), tuple(unread)


def _files(tracked: Tracked) -> Iterator[str]:
    if FILE not in tracked:
        return
    yield FILE
    for path in tracked.below(_FOLDER.rstrip("/")):
        if path.endswith((".yml", ".yaml")) and "template" not in path:
            yield path


def _job(name: str, node: Node) -> Job:
    lines = [*_lines(node["before_script"]), *_lines(node["script"])]
    allows = node["allow_failure"]
    return Job(
        name,
        node.key_place,
        node,
        steps=tuple(_steps(lines)),
        continues=allows if allows.is_scalar else None,
    )


def _lines(node: Node) -> Iterator[Node]:
    """The texts of a script; what an anchor brings in is a list within the list."""
    if node.is_scalar:
        yield node
    for item in node.items:
        yield from (it for it in (item.items or [item]) if it.is_scalar)


def _steps(lines: list[Node]) -> Iterator[Step]:
    """Each text is a step; one shell runs them all, with -e and pipefail."""
    folder = ""
    for node in lines:
        script = shell.parse(node.text, node.text_place, stops_at_errors=True, pipefail=True)
        yield Step(node.place, node, script=script, folder=folder.rstrip("/"))
        words = node.text.split()
        if words[:1] == ["cd"] and len(words) == 2:
            folder = words[1] if words[1].startswith(("/", "$")) else f"{folder}{words[1]}/"
