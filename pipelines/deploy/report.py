"""How an environment stands, as lines for a person, and where it drifted from the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from pipelines.console import table
from pipelines.deploy import standing as standings
from pipelines.deploy.journal import Journal
from pipelines.deploy.machine import DEPLOY, ROLLBACK
from pipelines.deploy.verbs import Place
from pipelines.ledger.record import Record
from pipelines.policy.record import STEP as POLICY

_SHORT = 12  # digits of an id that are shown


def standing(place: Place) -> str:
    """The release that serves, since when, by whom, and where it is reached."""
    known = standings.read(place.site.state)
    serving = place.engine.serving()
    if not serving:
        return f"{place.environment.name}: nothing serves"
    release = place.release(serving)
    since = datetime.fromtimestamp(known.since, UTC).isoformat(timespec="seconds")
    is_committed = known.release == serving
    rows = [
        ("environment", place.environment.name),
        ("engine", place.engine.name),
        ("release", f"{release.short} of commit {release.commit[:_SHORT]}"),
        ("since", since if is_committed else "not committed yet"),
        ("by", known.by if is_committed else ""),
        ("kept warm", known.previous[:_SHORT] if is_committed else known.release[:_SHORT]),
        *((f"door of {name}", url) for name, url in place.engine.doors().items()),
    ]
    return table(("", ""), [row for row in rows if row[1]])


def evidence(place: Place) -> str:
    """The newest records about the environment, and what its deploys do not prove."""
    name = place.environment.name
    steps = (f"{POLICY}:{name}", f"{DEPLOY}:{name}", f"{ROLLBACK}:{name}", f"smoke:{name}")
    found = [record for step in steps if (record := place.ledger.latest(step))]
    lines = [table(("evidence", "result", "record", "ended"), [_row(it) for it in found])]
    return "\n".join([*lines, *(f"not proven: {it}" for it in place.engine.unproven)])


def unfinished(place: Place) -> Iterator[str]:
    """What was begun and not ended, and who has the lock."""
    left = Journal(place.site.state / "journal.jsonl").open_attempt()
    if left:
        why = left.turned or left.paused or "it was interrupted"
        yield f"unfinished: {left.opened.kind} of {left.opened.release[:_SHORT]} ({why})"
        yield f"  `inv deploy {place.environment.name} --resume` goes on with it"
    if place.lock.is_held and (lease := place.lock.lease):
        yield f"locked by {lease.owner} (process {lease.pid}), number {lease.token}"


def drift(place: Place) -> list[str]:
    """Where what runs is not what the ledger says, a line each."""
    known = standings.read(place.site.state)
    serving = place.engine.serving()
    if not known.release:
        return [f"{place.environment.name} has had no release"] if not serving else []
    found = []
    if serving != known.release:
        said = serving[:_SHORT] or "nothing"
        found.append(f"the edge leads to {said}, the deploy committed {known.release[:_SHORT]}")
    deployed = place.ledger.latest(f"{DEPLOY}:{place.environment.name}")
    if deployed is None:
        found.append(f"the ledger has no deploy of {place.environment.name}")
    release = place.release(known.release)
    running = place.engine.running().get(release.id, ())
    if not running:
        found.append(f"release {release.short} does not run")
    expected = {
        f"gitTree:{release.tree}",
        *(it.rpartition("@")[2] for it in release.images.values()),
    }
    for part in running:
        if part.digest not in expected:
            found.append(f"{part.service} runs {part.digest}, which is not of {release.short}")
        if part.trouble:
            found.append(f"{part.service}: {part.trouble}")
    return found


def _row(record: Record) -> tuple[str, ...]:
    result = "passed" if record.passed else f"failed: {record.summit['message'][:80]}"
    return (record.step_id, result, f"{record.sequence} ({record.id[:_SHORT]})", record.ended)
