"""One fault for one place: a line that an anchor or `extends` brings into many services is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipelines.audit.findings import Fault
from pipelines.audit.place import Place


def first_at_each_place(faults: Iterable[Fault]) -> Iterator[Fault]:
    """The first of those that stand at the same place."""
    seen: set[Place] = set()
    for fault in faults:
        if fault.place not in seen:
            seen.add(fault.place)
            yield fault
