"""What a person types: every task by the name it is typed."""

from __future__ import annotations

from invoke.collection import Collection

from tasks import audit, controls, detection, engine, gates, images, ledger, lock, plan, stack

namespace = Collection(
    controls.controls,
    detection.mttd,
    gates.build,
    gates.check,
    gates.fmt,
    gates.integration,
    gates.lint,
    gates.test,
    gates.types,
    lock.lock,
    plan.graph,
    plan.why,
    stack.down,
    stack.exec_,
    stack.health,
    stack.logs,
    stack.ps,
    stack.restart,
    stack.smoke,
    stack.up,
)
namespace.add_collection(
    Collection(
        "ledger",
        ledger.checkpoint,
        ledger.flaky,
        ledger.gc,
        ledger.key,
        ledger.show,
        ledger.verify,
    )
)
# `inv audit` is the collection's default: a task of that name could not stand beside it.
namespace.add_collection(Collection("audit", audit.run, audit.explain, audit.rules))
namespace.add_collection(Collection("engine", engine.start, engine.stop))
namespace.add_collection(Collection("images", images.bases))
