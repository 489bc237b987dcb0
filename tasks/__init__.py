"""What a person types: every task by the name it is typed."""

from __future__ import annotations

from functools import cache

from invoke.collection import Collection


def __getattr__(name: str) -> Collection:
    """`namespace`, when it is asked for: the audit alone needs no other family."""
    if name == "namespace":
        return _namespace()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _namespace() -> Collection:
    from tasks import (
        controls,
        deploy,
        detection,
        engine,
        gates,
        images,
        ledger,
        lock,
        migrations,
        plan,
        policy,
        ready,
        registry,
        release,
        secrets,
        stack,
    )

    namespace = Collection(
        controls.controls,
        deploy.promote,
        deploy.rollback,
        deploy.status,
        deploy.undeploy,
        deploy.unlock,
        deploy.verify_running,
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
        policy.policy,
        ready.ready,
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
    namespace.add_collection(of_audit())
    namespace.add_collection(Collection("engine", engine.start, engine.stop))
    namespace.add_collection(Collection("deploy", deploy.deploy, deploy.render))
    namespace.add_collection(Collection("images", images.bases))
    namespace.add_collection(Collection("migrations", migrations.check))
    namespace.add_collection(Collection("registry", registry.start, registry.stop))
    namespace.add_collection(Collection("release", release.make, release.list_))
    namespace.add_collection(
        Collection(
            "secrets",
            secrets.audit,
            secrets.check,
            secrets.init,
            secrets.providers,
            secrets.put,
            secrets.rotate,
        )
    )
    return namespace


def of_audit() -> Collection:
    """The audit's: `inv audit` is its default, as a task of that name could not stand beside it."""
    from tasks import audit

    return Collection("audit", audit.run, audit.explain, audit.rules)
