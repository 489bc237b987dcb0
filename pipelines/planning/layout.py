"""The layout: the configuration with its patterns resolved to the working copy's files."""

from __future__ import annotations

from array import array
from typing import Any, NamedTuple

from pipelines.step import Step, Tool


class Layout(NamedTuple):
    """Steps in the order in which they can run, and which of the worktree's files each reads.

    Files are indices of the worktree's sorted paths. `services` has the digest of each Compose
    service's definition. `sources` are the files that another configuration would show in.
    """

    steps: dict[str, Step]
    gates: dict[str, tuple[str, ...]]
    tools: dict[str, Tool]
    inputs: dict[str, array[int]]
    locks: dict[str, array[int]]
    services: dict[str, str]
    sources: tuple[str, ...]
    source: str

    def pack(self) -> dict[str, Any]:
        """The same in types that `marshal` knows."""
        return {
            **self._asdict(),
            "steps": [tuple(step) for step in self.steps.values()],
            "tools": {name: tuple(tool) for name, tool in self.tools.items()},
            "inputs": {id_: indices.tobytes() for id_, indices in self.inputs.items()},
            "locks": {id_: indices.tobytes() for id_, indices in self.locks.items()},
        }


def unpack(packed: dict[str, Any]) -> Layout:
    """What `Layout.pack` made."""
    steps = (Step(*fields) for fields in packed["steps"])
    inputs = {id_: array("I", indices) for id_, indices in packed["inputs"].items()}
    locks = {id_: array("I", indices) for id_, indices in packed["locks"].items()}
    tools = {name: Tool(*fields) for name, fields in packed["tools"].items()}
    by_id = {step.id: step for step in steps}
    parts = {"steps": by_id, "tools": tools, "inputs": inputs, "locks": locks}
    return Layout(**{**packed, **parts})
