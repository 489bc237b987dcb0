"""Takes observations in: stored once, correlated, told to the neighbours; all or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from math import cos, radians
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.fusion import events
from services.fusion.belief import Belief
from services.fusion.correlation import METRES_PER_DEGREE, Correlator, Gate
from services.fusion.incident import Incident, Status, Testimony
from services.fusion.models import IncidentRow, ObservationRow
from services.fusion.observation import MAX_UNCERTAINTY_M, Observation
from services.kit.problems import Code, Problem

# Two replicas correlating at once would open two incidents for one fire.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('fusion.correlation'))")

COLUMNS = [field.name for field in fields(Incident)]


@dataclass(frozen=True)
class Taken:
    """`incident_of` each observation's key; `accepted` counts those that were not known before."""

    incident_of: dict[str, UUID]
    accepted: int


def check_not_in_future(
    observations: Iterable[Observation], now: datetime, skew: timedelta
) -> None:
    """Raise `VALIDATION_FAILED` for the first observation that claims to be later than now."""
    for seen in observations:
        if seen.observed_at > now + skew:
            raise Problem(
                Code.VALIDATION_FAILED,
                f"observed_at of {seen.key!r} is in the future; it is {now.isoformat()} here",
            )


async def take_in(
    session: AsyncSession, observations: Sequence[Observation], gate: Gate, belief: Belief
) -> Taken:
    """Store what is fresh and say which incident each observation belongs to.

    Raises:
        Problem: `CONFLICT` if a key, here or in the database, has another content.
    """
    by_key = _by_key(observations)
    await session.execute(ONE_AT_A_TIME)
    incident_of = await _known(session, by_key)
    fresh = sorted(
        (seen for key, seen in by_key.items() if key not in incident_of),
        key=lambda seen: (seen.observed_at, seen.key),
    )
    if fresh:
        candidates = await _candidates(session, fresh, gate)
        before = {incident.id: incident.status for incident in candidates}
        correlator = Correlator(gate, belief, candidates)
        took = {seen.key: correlator.assign(seen, new_id=uuid4()) for seen in fresh}
        touched = {incident.id: incident for incident in took.values()}.values()
        incident_of |= {key: incident.id for key, incident in took.items()}
        await _save(session, touched)
        await session.execute(
            insert(ObservationRow), [_row(seen, incident_of[seen.key]) for seen in fresh]
        )
        await events.tell(
            session, [(events.topic(one, before.get(one.id)), one) for one in touched]
        )
    return Taken(incident_of, accepted=len(fresh))


def _by_key(observations: Iterable[Observation]) -> dict[str, Observation]:
    by_key: dict[str, Observation] = {}
    for seen in observations:
        if by_key.setdefault(seen.key, seen) != seen:
            raise _conflict(seen.key)
    return by_key


async def _known(session: AsyncSession, by_key: dict[str, Observation]) -> dict[str, UUID]:
    """The incidents of the keys that were stored before, each with the same content."""
    query = select(ObservationRow.__table__).where(ObservationRow.key.in_(by_key))
    known = {}
    for row in (await session.execute(query)).mappings():
        if dict(row) != _row(by_key[row["key"]], row["incident_id"]):
            raise _conflict(row["key"])
        known[row["key"]] = row["incident_id"]
    return known


def _row(seen: Observation, incident_id: UUID) -> dict[str, object]:
    columns = seen.model_dump(exclude={"position"})
    lat, lon = seen.position.lat, seen.position.lon
    return columns | {"lat": lat, "lon": lon, "incident_id": incident_id}


async def _candidates(
    session: AsyncSession, fresh: Sequence[Observation], gate: Gate
) -> list[Incident]:
    """Every open incident that the gate could admit one of `fresh` (ascending in time) to."""
    query = select(*(getattr(IncidentRow, name) for name in COLUMNS)).where(
        IncidentRow.status != Status.CLOSED,
        IncidentRow.last_seen_at >= fresh[0].observed_at - gate.window,
        IncidentRow.first_seen_at <= fresh[-1].observed_at + gate.window,
        *_around(fresh, gate),
    )
    rows = (await session.execute(query)).mappings()
    return [Incident(**{**row, "sources": _testimonies(row["sources"])}) for row in rows]


def _around(fresh: Sequence[Observation], gate: Gate) -> list[ColumnElement[bool]]:
    """A box that holds every incident within reach; all longitudes where one could wrap around."""
    lats = [seen.position.lat for seen in fresh]
    lons = [seen.position.lon for seen in fresh]
    vaguest = max(seen.uncertainty_m for seen in fresh)
    margin = gate.reach_m(vaguest, MAX_UNCERTAINTY_M) / METRES_PER_DEGREE
    south, north = min(lats) - margin, max(lats) + margin
    box: list[ColumnElement[bool]] = [IncidentRow.lat.between(south, north)]
    poleward = max(-south, north)
    if poleward < 89:
        margin /= cos(radians(poleward))
        if min(lons) - margin > -180 and max(lons) + margin < 180:
            box.append(IncidentRow.lon.between(min(lons) - margin, max(lons) + margin))
    return box


def _testimonies(stored: dict[str, list[float]]) -> dict[str, Testimony]:
    return {source: Testimony(*said) for source, said in stored.items()}


async def _save(session: AsyncSession, incidents: Iterable[Incident]) -> None:
    rows = [{name: getattr(incident, name) for name in COLUMNS} for incident in incidents]
    statement = upsert(IncidentRow)
    changed = {name: statement.excluded[name] for name in COLUMNS if name != "id"}
    await session.execute(
        statement.on_conflict_do_update(index_elements=[IncidentRow.id], set_=changed), rows
    )


def _conflict(key: str) -> Problem:
    return Problem(Code.CONFLICT, f"the key {key!r} was used for another observation")
