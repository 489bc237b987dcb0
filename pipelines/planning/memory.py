"""What a run leaves to the next one, in the body of `snapshot.FILE`."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipelines.checkout import snapshot, stats
from pipelines.checkout.git import Repository
from pipelines.checkout.snapshot import Look
from pipelines.checkout.worktree import Known
from pipelines.planning.layout import Layout, unpack
from pipelines.planning.plan import Evidence, Verdict
from pipelines.running.tools import Version
from pipelines.step import Counts


class Memory(NamedTuple):
    """Everything that took long to find out; empty where nothing is remembered."""

    known: Known | None = None
    layout: Layout | None = None
    versions: Mapping[str, Version] = {}
    verdicts: Mapping[str, Verdict] = {}
    environment: Mapping[str, str | None] = {}
    outputs: Mapping[str, tuple[str, tuple[int, ...]]] = {}  # as `outputs.Seen` has it
    others: tuple[str, ...] = ()  # watched beside the files and folders
    stamp: tuple[int, ...] | None = None  # of the ledger
    answers: Mapping[str, str] = {}

    def save(self, root: str, others: Sequence[str]) -> None:
        """Write it down; `others` are files beside the working copy's that are watched too.

        Outputs are watched as they were when they were looked at: a later step may have written
        into them.
        """
        known, layout = self.known, self.layout
        assert known is not None
        assert layout is not None
        made = [number for _, numbers in self.outputs.values() for number in numbers]
        watched = [*others, *(f"{root}/{path}" for path in self.outputs)]
        body = {
            "known": _pack_known(known),
            "layout": layout.pack(),
            "versions": {name: tuple(version) for name, version in self.versions.items()},
            "verdicts": {id_: _pack_verdict(it) for id_, it in self.verdicts.items()},
            "outputs": dict(self.outputs),
            "environment": dict(self.environment),
            "stamp": self.stamp,
        }
        snapshot.save(
            root,
            watched=[*known.paths, *(folder or "." for folder in known.folders), *watched],
            numbers=(known.numbers + stats.stats(others) + array("q", made)).tobytes(),
            variables=self.environment,
            answers=dict(self.answers),
            body=body,
        )


def recall(look: Look | None) -> Memory:
    """What the last run left; an empty memory when there is nothing that can be used.

    Another version of this program may have left something of another shape.
    """
    if look is None:
        return Memory()
    try:
        return _unpack(look, look.body())
    except (EOFError, KeyError, OSError, TypeError, ValueError):
        return Memory()


def _unpack(look: Look, body: dict[str, Any]) -> Memory:
    layout = unpack(body["layout"])
    paths = look.paths
    known = _unpack_known(paths, look.numbers, body["known"])
    return Memory(
        known=known,
        layout=layout,
        versions={name: Version(*version) for name, version in body["versions"].items()},
        verdicts={
            id_: _unpack_verdict(layout, id_, verdict) for id_, verdict in body["verdicts"].items()
        },
        outputs=body["outputs"],
        others=tuple(paths[len(known.paths) + len(known.folders) :]),
        environment=body["environment"],
        stamp=body["stamp"],
        answers=look.answers,
    )


def _pack_known(known: Known) -> tuple[Any, ...]:
    """What is not among the watched paths and their numbers already."""
    digests = "\0".join(known.digests)
    return (tuple(known.repository), digests, len(known.folders), dict(known.trees))


def _unpack_known(paths: list[str], numbers: memoryview, packed: tuple[Any, ...]) -> Known:
    repository, joined, folders, trees = packed
    digests = tuple(joined.split("\0")) if joined else ()
    files, watched = len(digests), len(digests) + folders
    return Known(
        Repository(*repository),
        tuple(paths[:files]),
        digests,
        ("", *paths[files + 1 : watched]),  # the root comes first; watched it is a dot
        array("q", numbers[: watched * stats.WIDTH].tobytes()),
        trees,
    )


def _pack_verdict(verdict: Verdict) -> tuple[Any, ...]:
    evidence = verdict.evidence
    if evidence is None:
        return (verdict.digest, None)
    counts = tuple(evidence.counts) if evidence.counts else None
    plain = evidence._replace(counts=None, outputs=dict(evidence.outputs))
    return (verdict.digest, (*plain, counts))


def _unpack_verdict(layout: Layout, id_: str, packed: tuple[Any, ...]) -> Verdict:
    digest, evidence = packed
    step = layout.steps[id_]
    if evidence is None:
        return Verdict(step, digest, None)
    *fields, counts = evidence
    found = Evidence(*fields)
    return Verdict(step, digest, found._replace(counts=Counts(*counts) if counts else None))
