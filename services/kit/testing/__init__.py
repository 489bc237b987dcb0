"""What the tests of services use: a migrated database, tokens of any role, a client of an app.

What every route refuses is in `services.kit.testing.routes`.
"""

from services.kit.testing.clients import (
    Api,
    Replica,
    Told,
    callers,
    client,
    lifespan,
    replicas,
    told_by,
)
from services.kit.testing.databases import Server, differences, emptied, migrated, with_roles
from services.kit.testing.tokens import TestIssuer

__all__ = [
    "Api",
    "Replica",
    "Server",
    "TestIssuer",
    "Told",
    "callers",
    "client",
    "differences",
    "emptied",
    "lifespan",
    "migrated",
    "replicas",
    "told_by",
    "with_roles",
]
