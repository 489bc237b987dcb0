"""The ledger: what every step's result was, and whether the records can be believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from invoke.context import Context

from pipelines import console
from pipelines.errors import ConfigError, PolicyError
from pipelines.ledger import Ledger, Record, show as layout
from pipelines.ledger.checkpoint import Checkpoint, parse
from pipelines.ledger.collect import collect
from pipelines.ledger.flaky import flaky as find_flaky
from pipelines.ledger.keyfile import public_pem
from pipelines.ledger.verify import Verification, verify as verify_all
from pipelines.root import find_root
from tasks._task import task

MIB = 1 << 20
MOST_MIB = 512


@task(help={"checkpoint": "a line that `inv ledger.checkpoint` printed, or a file that holds it"})
def verify(c: Context, checkpoint: str = "") -> None:
    """Check every record, the chain and the blobs; names each that is not as it was written.

    Example: inv ledger.verify --checkpoint ../checkpoint.txt
    """
    ledger = _ledger()
    known = _checkpoint(checkpoint) if checkpoint else None
    found = verify_all(ledger, now=datetime.now(UTC), checkpoint=known)
    for line in layout.faults(found):
        console.result(line)
    _refuse_faulty(found, ledger)
    for line in layout.sound(found, ledger.keys, known):
        console.result(line)


@task()
def checkpoint(c: Context) -> None:
    """Print a line to keep elsewhere, by which a truncated or rebuilt ledger is found.

    Example: inv ledger.checkpoint
    """
    ledger = _ledger()
    found = verify_all(ledger, now=datetime.now(UTC))
    _refuse_faulty(found, ledger)
    console.result(str(found.checkpoint))


@task(
    name="show",
    help={
        "record": "one record in full, by its number or the beginning of its id",
        "step": "every record of a step: NAME:COMPONENT",
        "all": "every record",
        "log": "with --record: what the step printed, secrets masked",
        "envelope": "with --record: the signed envelope, as JSON for other tools",
        "inputs": "with --record: the document of everything the result depends on",
    },
)
def show(
    c: Context,
    record: str = "",
    step: str = "",
    all: bool = False,  # noqa: A002 - what a person types
    log: bool = False,
    envelope: bool = False,
    inputs: bool = False,
) -> None:
    """Show the newest record of each step, or what was recorded about one.

    Example: inv ledger.show --record 1a2b3c --log
    """
    ledger = _ledger()
    if record:
        console.result(
            _about(ledger, ledger.get(record), log=log, envelope=envelope, inputs=inputs)
        )
        return
    if log or envelope or inputs:
        raise ConfigError(
            "--log, --envelope and --inputs are about one record", hint="name it with `--record`"
        )
    if step:
        found = ledger.history(step)
    else:
        every = list(ledger.records())
        found = every if all else list({it.step_id: it for it in every}.values())
    for warning in ledger.warnings:
        console.progress(f"warning: {warning}")
    if not found:
        console.progress(f"nothing recorded of {step}" if step else "nothing recorded")
        return
    console.result(layout.rows(found))


@task(help={"max-mib": f"how much the blobs may take together, in MiB (default {MOST_MIB})"})
def gc(c: Context, max_mib: int = MOST_MIB) -> None:
    """Remove the oldest logs and outputs that no live record needs; records stay.

    Example: inv ledger.gc --max-mib 100
    """
    if max_mib < 0:
        raise ConfigError("--max-mib: expected 0 or more")
    done = collect(_ledger(), most=max_mib * MIB, now=datetime.now(UTC))
    console.result(
        f"removed: {done.removed} files, {done.freed / MIB:.1f} MiB; "
        f"kept: {done.left}, {done.left_bytes / MIB:.1f} MiB"
    )
    if done.left_bytes > max_mib * MIB:
        console.progress("what is left is needed by live records, or younger than an hour")


@task()
def flaky(c: Context) -> None:
    """Show the steps that both passed and failed on the very same inputs.

    Example: inv ledger.flaky
    """
    found = find_flaky(_ledger().records())
    if not found:
        console.progress("no step both passed and failed on the same inputs")
        return
    console.result(layout.unstable(found))


@task()
def key(c: Context) -> None:
    """Print this machine's public key, for keyrings and for other tools.

    Example: inv ledger.key
    """
    console.result(public_pem(_ledger().keys.point).rstrip())


def _ledger() -> Ledger:
    return Ledger.at(find_root(Path.cwd()))


def _checkpoint(given: str) -> Checkpoint:
    file = Path(given)
    try:
        return parse(file.read_text() if file.is_file() else given)
    except OSError as error:
        raise ConfigError(f"cannot read {given}: {error.strerror}") from error


def _refuse_faulty(found: Verification, ledger: Ledger) -> None:
    if not found:
        faults = f"{len(found.faults)} fault{'s' if len(found.faults) > 1 else ''}"
        raise PolicyError(
            f"{faults} in {ledger.path}",
            hint="to start anew, move its folder away; every step then runs again",
        )


def _about(ledger: Ledger, record: Record, *, log: bool, envelope: bool, inputs: bool) -> str:
    if log:
        if not record.log:
            raise ConfigError(f"no log was kept of record {record.sequence}")
        return ledger.blobs.read(record.log).decode(errors="replace").rstrip("\n")
    if envelope:
        return json.dumps(json.loads(record.line), indent=2)
    if inputs:
        return ledger.blobs.read(record.fingerprint).decode(errors="replace")
    return layout.whole(record)
