"""Migrations: whether the release that still runs can live with them while they are applied.

A revision either expands the schema, adding what nobody needs yet, or contracts it, taking away
what nobody needs any more. See M. Fowler, "ParallelChange", and PostgreSQL's explicit locking.
"""

from pipelines.migrations.revision import Phase, Revision, find

__all__ = ["Phase", "Revision", "find"]
