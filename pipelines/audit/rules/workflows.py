"""Workflows: jobs that never run, and actions that may change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.ci import conditions
from pipelines.audit.model.ci.reach import waiting_for
from pipelines.audit.model.ci.workflows import Job, Workflow
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule
from pipelines.audit.tracked import Tracked

_COMMIT = re.compile(r"[0-9a-fA-F]{40}([0-9a-fA-F]{24})?")
_BRANCHES = frozenset(("main", "master", "develop", "dev", "latest", "trunk", "HEAD", "edge"))
_MOST_NAMES = 5
_BRACES = "${} \n"
_OWN = ("actions", "github")  # the platform's own
_ASKED = re.compile(r"github\.repository(?:_owner)? *[!=]= *'([\w-]+)[/']")
_TEAM = re.compile(r"@([\w-]+)/[\w-]+")


@rule("GATE006", "unreachable-job", Severity.MEDIUM)
def unreachable(model: Model) -> Iterator[Fault]:
    """A job or step needs an event that its workflow never has.

    Why: End-to-end tests that wait for `workflow_dispatch` in a workflow without that trigger have
    never run, and never will; the list of jobs says otherwise.

    Example:

        on: [push, pull_request]
        jobs:
          e2e:
            if: github.event_name == 'workflow_dispatch'

    Mend: Add the trigger to `on:`, or change the condition.
    """
    for workflow in model.workflows:
        for job in workflow.jobs.values():
            if conditions.fold(job.condition, workflow) is False:
                at = job.condition_place or job.place
                yield _never(
                    at, f"job `{job.id}`", job.condition, workflow, _waiting(workflow, job)
                )
                continue
            for step in job.steps:
                if conditions.fold(step.condition, workflow) is False:
                    place = step.condition_place or step.place
                    name = step.name or step.uses or "a step"
                    yield _never(place, f"step `{name}`", step.condition, workflow)


def _waiting(workflow: Workflow, job: Job) -> str:
    """The jobs that do not run either, as they need this one."""
    more: list[str] = []
    waiting = [job.id]
    while waiting and len(more) <= _MOST_NAMES:
        for id_ in waiting_for(workflow, waiting.pop()):
            own = conditions.fold(workflow.jobs[id_].condition, workflow)
            if id_ not in more and own is not False:  # else it is told by itself
                more.append(id_)
                waiting.append(id_)
    named = [f"`{id_}`" for id_ in sorted(more)[:_MOST_NAMES]]
    others = ", ..." if len(more) > _MOST_NAMES else ""
    return f", and so does nothing that needs it ({', '.join(named)}{others})" if more else ""


def _never(place: Place, what: str, condition: str, workflow: Workflow, more: str = "") -> Fault:
    if condition.strip(_BRACES).lower() == "false":
        return Fault(
            place,
            f"{what} is switched off by `if: false`{more}",
            "remove it, or the condition",
            severity=Severity.LOW,  # somebody did it on purpose
        )
    events = ", ".join(workflow.triggers) or "nothing"
    on = workflow.node["on"] or workflow.node["true"]
    return Fault(
        place,
        f"{what} never runs: the workflow is triggered by {events} alone{more}",
        "add the event that it waits for to `on:`, or change the condition",
        also=(Also(on.key_place, "all that triggers it"),),
    )


@rule("GATE007", "action-unpinned", Severity.LOW)
def unpinned(model: Model) -> Iterator[Fault]:
    """An action is named by a tag or a branch, which somebody can move.

    Why: Whoever can push to the action's repository can run code with this repository's token and
    secrets; tags of well-known actions have been moved for that.

    Example:

        - uses: actions/checkout@v4

    Mend: Name the commit, and the tag in a comment:
    `uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2`.
    """
    owners = _owners(model.tracked)
    for workflow in (*model.workflows, *model.other_workflows):
        for job in workflow.jobs.values():
            if job.uses:
                yield from _uses(job.uses, job.uses_place or job.place, owners)
            for step in job.steps:
                if step.uses:
                    yield from _uses(step.uses, step.uses_place or step.place, owners)


def _owners(tracked: Tracked) -> frozenset[str]:
    """Whose repository this is: by its origin, its teams, and what its workflows ask of GitHub."""
    teams = " ".join(tracked.text(path) or "" for path in tracked.named("CODEOWNERS"))
    asked = " ".join(tracked.text(path) or "" for path in tracked.below(".github/workflows"))
    origin = tracked.origin.removesuffix("/").rpartition("/")[0].rpartition("/")[2]
    names = (*_TEAM.findall(teams), *_ASKED.findall(asked), origin, *_OWN)
    return frozenset(it.lower() for it in names)


def _uses(uses: str, place: Place, owners: frozenset[str]) -> Iterator[Fault]:
    if uses.startswith(("./", "../")):
        return
    if uses.startswith("docker://"):
        if "@sha256:" not in uses:
            yield Fault(
                place,
                f"the image `{uses.removeprefix('docker://')}` is named without a digest",
                "add `@sha256:...`",
            )
        return
    action, _, version = uses.partition("@")
    if _COMMIT.fullmatch(version):
        return
    is_branch = not version or version in _BRANCHES
    owner, _, name = action.partition("/")
    # Only one's own organisation is likely to be asked for what its `.github` holds.
    is_foreign = owner.lower() not in owners and not name.startswith(".github/")
    yield Fault(
        place,
        f"`{action}` is named by {'a branch' if is_branch else 'a tag'}, not by a commit",
        "name the commit by its 40 digits, and the tag in a comment behind it",
        severity=Severity.MEDIUM if is_branch and is_foreign else None,
    )


RULES: tuple[Rule, ...] = (unreachable, unpinned)
