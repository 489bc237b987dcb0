"""All rules, by id. A new one joins its family's table, a new family this one."""

from __future__ import annotations

from pipelines.audit.rule import Rule
from pipelines.audit.rules import (
    builds,
    claims,
    cors,
    debug,
    development,
    exposure,
    gates,
    health,
    imports,
    installs,
    limits,
    logs,
    metrics,
    migrations,
    mounts,
    pins,
    probes,
    processes,
    resources,
    routes,
    secrets,
    suppressions,
    tags,
    tls,
    users,
    wiring,
    workflows,
)

_FAMILIES = (
    builds.RULES,
    claims.RULES,
    cors.RULES,
    debug.RULES,
    development.RULES,
    exposure.RULES,
    gates.RULES,
    health.RULES,
    imports.RULES,
    installs.RULES,
    limits.RULES,
    logs.RULES,
    metrics.RULES,
    migrations.RULES,
    mounts.RULES,
    pins.RULES,
    probes.RULES,
    processes.RULES,
    resources.RULES,
    routes.RULES,
    secrets.RULES,
    suppressions.RULES,
    tags.RULES,
    tls.RULES,
    users.RULES,
    wiring.RULES,
    workflows.RULES,
)

RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in sorted((rule for family in _FAMILIES for rule in family), key=lambda it: it.id)
}
