"""Records and what was found out about them, as lines for a person."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from pipelines.console import Colour, paint, table
from pipelines.ledger.checkpoint import Checkpoint
from pipelines.ledger.flaky import Flaky
from pipelines.ledger.keys import Keys
from pipelines.ledger.record import Record
from pipelines.ledger.verify import Verification

SHORT = 12  # digits of an id: enough to give back
_MOST_FAULTS = 20


def rows(records: Iterable[Record]) -> str:
    """One line each: number, id, step, result, end, seconds, tests."""
    headers = ("number", "record", "step", "result", "ended", "seconds", "tests")
    return table(headers, [_row(record) for record in records])


def whole(record: Record) -> str:
    """One record, field by field."""
    part = record.summit
    subjects = {it["name"]: next(iter(it["digest"].items())) for it in record.statement["subject"]}
    fields = {
        "record": record.id,
        "number": str(record.sequence),
        "previous": record.previous,
        "key": record.keyid,
        "step": record.step_id,
        "result": _result(record),
        "message": part["message"],
        "command": shlex.join(part["argv"]),
        "exit code": str(part["exitCode"]),
        "started": part["started"],
        "ended": part["ended"],
        "seconds": f"{record.seconds:.3f}",
        "attempt": str(part["attempt"]),
        "tests": _tests(record),
        "log": record.log,
        **{f"tool {name}": version for name, version in sorted(part["tools"].items())},
        **{f"where {name}": said for name, said in sorted(part["where"].items())},
        **{name: f"{kind}:{digest}" for name, (kind, digest) in subjects.items()},
        **{f"output {path}": said for path, said in sorted(record.outputs.items())},
    }
    return table(("field", "value"), [(name, said) for name, said in fields.items() if said])


def faults(found: Verification) -> Iterator[str]:
    """What is wrong, a line each; a long list is cut."""
    yield from map(str, found.faults[:_MOST_FAULTS])
    if len(found.faults) > _MOST_FAULTS:
        yield f"and {len(found.faults) - _MOST_FAULTS} more"


def sound(found: Verification, keys: Keys, checkpoint: Checkpoint | None) -> Iterator[str]:
    """What a check that found nothing wrong has shown, and what it cannot show."""
    yield f"{found.count} records hold"
    for keyid, count in sorted(found.signers.items()):
        yield f"{count} by {_signer(keyid, keys)}"
    if found.collected:
        yield f"{found.collected} superseded, with blobs that were collected"
    if found.unfinished:
        yield f"unfinished last line ({found.unfinished} bytes): its writer was killed"
    if checkpoint is None:
        yield "truncation: not detectable without a checkpoint"
    else:
        yield f"checkpoint: its {checkpoint.count} records are all there"


def unstable(found: Iterable[Flaky]) -> str:
    """One line for each fingerprint that both passed and failed."""
    headers = ("step", "fingerprint", "passed", "failed", "records that failed")
    return table(
        headers,
        [
            (
                it.step,
                it.fingerprint[:SHORT],
                str(len(it.passed)),
                str(len(it.failed)),
                " ".join(record.id[:SHORT] for record in it.failed),
            )
            for it in found
        ],
    )


def _signer(keyid: str, keys: Keys) -> str:
    if keys.is_local(keyid):
        return f"the local key {keyid[:SHORT]}: somebody holding it said so on this machine"
    grant = next(it for it in keys.keyring.grants if it.keyid == keyid)
    return f"the key {grant.name} ({grant.where}): somebody holding it said so"


def _row(record: Record) -> tuple[str, ...]:
    return (
        str(record.sequence),
        record.id[:SHORT],
        record.step_id,
        _result(record),
        record.ended,
        f"{record.seconds:.3f}",
        _tests(record),
    )


def _result(record: Record) -> str:
    return paint("passed", Colour.GOOD) if record.passed else paint("failed", Colour.BAD)


def _tests(record: Record) -> str:
    counts = record.counts
    if counts is None:
        return ""
    named = {"failed": counts.failed, "skipped": counts.skipped}
    rest = (f", {number} {name}" for name, number in named.items() if number)
    return f"{counts.run} run{''.join(rest)}"
