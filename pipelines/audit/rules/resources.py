"""Services that stay down once they fail, or may take all memory."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Project, Service, each_once, mended
from pipelines.audit.model.compose.jobs import is_job
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule

_SWARM = (
    "placement",
    "update_config",
    "rollback_config",
    "endpoint_mode",
)  # only Swarm reads these


@rule("REL005", "restart-missing", Severity.MEDIUM)
def restart_missing(model: Model) -> Iterator[Fault]:
    """A service that runs for ever is not restarted when it ends.

    Why: without a policy a container that crashed, ran out of memory or was there before the
    machine rebooted stays down until somebody looks.

    Example:

        api:
          image: example/api:1.4

    Mend: `restart: unless-stopped`, or in a Swarm `deploy.restart_policy`.
    """
    kept = mended(model.projects, _has_policy)
    swarms: dict[str, bool] = {}  # asked once for each project, as all its services are looked at
    for project, service in _lasting(model):
        if project.file not in swarms:
            swarms[project.file] = _is_swarm(project)
        if service.place in kept or swarms[project.file]:
            continue
        if _has_policy(service):
            continue
        if not service.restart and not service.node.get("deploy", "restart_policy"):
            yield Fault(
                service.place,
                f"{service.name} has no restart policy, so it stays down once it has ended",
                "add restart: unless-stopped",
                service=service.name,
            )
        elif not project.is_development:
            yield Fault(
                _policy_place(service),
                f"{service.name} is never restarted, so it stays down once it has ended",
                "say restart: unless-stopped, if it is to run for ever",
                service=service.name,
                severity=Severity.LOW,
            )


@rule("REL010", "no-memory-limit", Severity.NOTE)
def no_memory_limit(model: Model) -> Iterator[Fault]:
    """A service may take all the memory of its machine.

    Why: when memory runs out, the kernel ends some process, and seldom the one that took it all.
    With a limit the leak ends itself, and is restarted.

    Example:

        api:
          image: example/api:1.4
          restart: unless-stopped

    Mend: `mem_limit: 512m`, or `deploy: {resources: {limits: {memory: 512m}}}`; in Kubernetes
    `resources: {limits: {memory: 512Mi}}`.
    """
    limited = mended(model.projects, _has_limit)
    for project, service in _lasting(model):
        if not (project.is_development or service.place in limited or _has_limit(service)):
            yield Fault(
                service.place,
                f"{service.name} has no memory limit",
                "add mem_limit, with what it needs at most",
                service=service.name,
            )
    for container in model.kubernetes.containers:
        limit = container.node.get("resources", "limits", "memory")
        if container.is_long_running and not limit:
            yield Fault(
                container.place,
                f"{container.name} of {container.workload} has no memory limit",
                "add resources.limits.memory, with what it needs at most",
                service=container.workload,
            )


def _lasting(model: Model) -> Iterator[tuple[Project, Service]]:
    """Services that run for ever."""
    for project, service in each_once(model.projects):
        if not is_job(service, project):
            yield project, service


def _has_policy(service: Service) -> bool:
    policy = service.node.get("deploy", "restart_policy")
    if policy:
        return policy["condition"].text != "none"
    if not service.restart and "$" in service.node["restart"].text:
        return True  # the variable is its deployer's
    return service.restart not in ("", "no", "false")


def _policy_place(service: Service) -> Place:
    policy = service.node.get("deploy", "restart_policy")
    return (policy["condition"] if policy else service.node["restart"]).key_place


def _has_limit(service: Service) -> bool:
    node = service.node
    return bool(node["mem_limit"] or node.get("deploy", "resources", "limits", "memory"))


def _is_swarm(project: Project) -> bool:
    """Whether Swarm runs it, which restarts by itself."""
    name = project.file.rpartition("/")[2]
    return (
        "stack" in name
        or "swarm" in name
        or any(
            service.node.get("deploy", key)
            for service in project.services.values()
            for key in _SWARM
        )
    )


RULES: tuple[Rule, ...] = (restart_missing, no_memory_limit)
