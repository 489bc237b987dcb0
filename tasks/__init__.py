"""What a person types: every task by the name it is typed."""

from __future__ import annotations

from invoke.collection import Collection

from tasks import gates, lock, stack

namespace = Collection(
    gates.check,
    gates.fmt,
    gates.lint,
    gates.test,
    gates.types,
    lock.lock,
    stack.down,
    stack.exec_,
    stack.health,
    stack.logs,
    stack.ps,
    stack.restart,
    stack.smoke,
    stack.up,
)
