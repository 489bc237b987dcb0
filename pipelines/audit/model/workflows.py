"""GitHub workflows and actions: jobs, steps, and the conditions under which they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.model.nodes import Node
from pipelines.audit.model.shell import Script
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


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


@dataclass(frozen=True)
class Workflow:
    """One file of `.github/workflows`, or a composite action (`is_action`, one job "runs")."""

    file: str
    node: Node
    triggers: Mapping[str, Node] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    is_action: bool = False
    environment: Mapping[str, Node] = field(default_factory=dict)


def read(tracked: Tracked) -> tuple[tuple[Workflow, ...], tuple[Unread, ...]]:
    """Every workflow and every composite action, by file."""
    return (), ()
