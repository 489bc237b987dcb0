"""Which contracting revisions may be applied, given what else may have to run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pipelines.migrations.revision import Phase, Revision


class TooEarly(NamedTuple):
    """A contracting revision, and a release that still needs what it takes away."""

    revision: Revision
    release: str


def too_early(
    applied: Iterable[Revision], deployable: Mapping[str, Iterable[Revision]]
) -> Iterator[TooEarly]:
    """The contracting ones of the revisions that would be applied, which come too early.

    `deployable` has the revisions of each release that may serve without a further deploy. Such a
    release can live with a contraction when it has the expansion that made it possible.
    """
    known = {name: {(it.chain, it.id) for it in its} for name, its in deployable.items()}
    for revision in applied:
        if revision.phase is Phase.CONTRACT:
            for release, ids in known.items():
                if (revision.chain, revision.contracts) not in ids:
                    yield TooEarly(revision, release)
