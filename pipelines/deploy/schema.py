"""That no migration of a release takes away what another one that may serve still needs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipelines.deploy.site import Site
from pipelines.errors import PolicyError
from pipelines.migrations import Revision, find
from pipelines.migrations.order import too_early
from pipelines.release import Release


class TakesAway(PolicyError):
    """A contracting migration comes too early, or a release comes back too late."""


def require_migratable(site: Site, release: Release, others: Iterable[str]) -> None:
    """Raise `TakesAway` where a migration of the release breaks one of these others."""
    deployable = {it[:12]: _of(site, it) for it in others if it and it != release.id}
    present = [set(_ids(its)) for its in deployable.values()]
    applied = [
        it for it in _of(site, release.id) if not all((it.chain, it.id) in ids for ids in present)
    ]
    for early in too_early(applied, deployable):
        raise TakesAway(
            f"{early.revision.where}: it takes away what release {early.release} still needs",
            hint=f"deploy {early.revision.contracts!r} first, and this one after that",
        )


def require_returnable(site: Site, release: Release, serving: str) -> None:
    """Raise `TakesAway` where the schema of what serves no longer has what the release needs."""
    for early in too_early(_of(site, serving), {release.short: _of(site, release.id)}):
        raise TakesAway(
            f"release {release.short} needs what {early.revision.where} has taken away",
            hint="go back to a later one, or mend forward; a rollback undoes no migration",
        )


def _of(site: Site, release: str) -> tuple[Revision, ...]:
    folder = site.source(release)
    return find(folder, sorted(_files(folder))) if release and folder.is_dir() else ()


def _files(folder: Path) -> Iterable[str]:
    return (it.relative_to(folder).as_posix() for it in folder.glob("**/versions/*.py"))


def _ids(revisions: Iterable[Revision]) -> Iterable[tuple[str, str]]:
    return ((it.chain, it.id) for it in revisions)
