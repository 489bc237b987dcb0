"""Says why a step runs or need not: what changed since an earlier record, down to its causes."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from pipelines.errors import ConfigError, Where
from pipelines.ledger import Ledger, Record
from pipelines.ledger.envelope import canonical, reopen
from pipelines.ledger.record import Rejected, read, shaped
from pipelines.planning.fingerprint import Fingerprint
from pipelines.reporting.differences import Document, differences

MOST = 20  # lines about one step; a new version of a formatter changes every file
_UNKNOWN = (
    "not known: which files, locks, variables, secrets, services, outputs or upstream steps"
    " differ; the record has one digest for all of them"
)


class _Where(msgspec.Struct):
    host: str
    ci: str


class _Summit(msgspec.Struct):
    argv: list[str]
    tools: dict[str, str]
    where: _Where


class _Predicate(msgspec.Struct):
    summit: _Summit


class _Subject(msgspec.Struct):
    name: str
    digest: dict[str, str]


class _Statement(msgspec.Struct):
    """What is compared of a record by itself: nothing of another machine is taken on trust."""

    subject: list[_Subject]
    predicate: _Predicate

    @property
    def tree(self) -> str:
        trees = (it.digest.get("gitTree", "") for it in self.subject if it.name == "worktree")
        return next(trees, "")


@dataclass(frozen=True)
class _Found:
    """A record, what it says, and what is known of who made it."""

    record: Record
    statement: _Statement
    proof: str


Current = Callable[[str], Fingerprint]  # of a step, by its id, as the working copy is now


def explain(step_id: str, current: Current, ledger: Ledger) -> str:
    """Why the step runs, or since which record it need not."""
    holds, said, causes = _found_out(step_id, current, ledger)
    return _listed(f"{step_id}: {said}" if holds else f"{step_id} runs: {said}", causes)


def reason(step_id: str, current: Current, ledger: Ledger) -> str:
    """The same in one line, without the step's name."""
    _, said, causes = _found_out(step_id, current, ledger)
    more = f" and {len(causes) - 1} more" if len(causes) > 1 else ""
    return f"{causes[0]}{more}" if causes else said


def _found_out(step_id: str, current: Current, ledger: Ledger) -> tuple[bool, str, list[str]]:
    """Whether its evidence holds, since when that or the last change is, and what changed then."""
    now = current(step_id)
    record = ledger.find(now.digest())
    if record and record.passed:
        return True, f"nothing changed, the evidence holds since {_named(record)}", []
    if record:
        return False, f"nothing changed since it failed, {_named(record)}", []
    record = ledger.latest(step_id)
    if record is None:
        return False, "it never ran here", []
    if _kept(ledger, record.fingerprint) is None:
        said = msgspec.convert(record.statement, _Statement).predicate.summit
        causes = [*_partly(record, said, now), _UNKNOWN]
    else:
        causes = list(_causes(step_id, record.fingerprint, current, ledger))
    return False, f"since {_named(record)}", causes


def against(
    origin: str,
    current: Fingerprint,
    *,
    ledger: Ledger,
    tree: str,
    inputs: Path | None = None,
) -> str:
    """What differs between a record made anywhere and the working copy as it is now.

    `origin` is the beginning of an id in the ledger, or a file with a record. `tree` is the Git
    tree of the working copy. `inputs` is the document that the record's fingerprint is the digest
    of, for a record whose document is not among the ledger's blobs.

    Raises `ConfigError`: no such record, a record of another step, inputs of another record.
    """
    found = _find(origin, ledger)
    record = found.record
    step_id = f"{current.step}:{current.component}"
    if record.step_id != step_id:
        raise ConfigError(f"{origin} is a record of {record.step_id}, not of {step_id}")
    said = found.statement.predicate.summit
    title = f"{step_id} here, compared with {_named(record)}, made {_place(said.where)}"
    if record.fingerprint == current.digest():
        return _listed(title, [found.proof, "the same inputs: nothing differs"])
    document = _given(inputs, record) if inputs else _kept(ledger, record.fingerprint)
    if document is not None:
        found_here = map(str, differences(document, _plain(current)))
        return _listed(title, [found.proof, *_at_most(list(found_here))])
    ways = f"to know: --inputs FILE, as `inv ledger.show --record {record.id[:12]} --inputs` there"
    partly = [*_partly(record, said, current), _trees(found.statement.tree, tree)]
    return _listed(title, [found.proof, *partly, _UNKNOWN, ways])


def _find(origin: str, ledger: Ledger) -> _Found:
    file = Path(origin)
    record, reason = _read(file, ledger) if file.is_file() else (ledger.get(origin), "")
    proof = f"signature: holds, by key {record.keyid}"
    if reason:
        proof = f"signature: proves nothing, key {record.keyid}: {reason}"
    try:
        return _Found(record, msgspec.convert(record.statement, _Statement), proof)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin} is no record: {error}") from error


def _read(file: Path, ledger: Ledger) -> tuple[Record, str]:
    """The record in the file, and why it is no evidence; that is empty when it is."""
    try:
        # However the file is laid out, the ledger knows one way to write an envelope.
        line = canonical(json.loads(_content(file)))
        envelope = reopen(line)
        record = shaped(line, envelope.keyid, envelope.statement)
    except (Rejected, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ConfigError(
            "this is no record",
            where=Where(file),
            hint="give what `inv ledger.show --record ID --envelope` prints",
        ) from error
    try:
        return read(line, ledger.keys), ""
    except Rejected as reason:
        return record, str(reason)


def _given(file: Path, record: Record) -> Document:
    content = _content(file).removesuffix(b"\n")  # a terminal's, not the document's
    hint = f"its inputs are the blob {record.fingerprint}"
    if sha256(content).hexdigest() != record.fingerprint:
        raise ConfigError("these are not the inputs of that record", where=Where(file), hint=hint)
    try:
        return _document(content)
    except (ValueError, RecursionError) as error:
        raise ConfigError("these are no inputs of a step", where=Where(file)) from error


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error


def _kept(ledger: Ledger, fingerprint: str) -> Document | None:
    """The document among the ledger's blobs; None once it has been collected."""
    return _document(ledger.blobs.read(fingerprint)) if ledger.blobs.holds(fingerprint) else None


def _plain(fingerprint: Fingerprint) -> Document:
    return _document(fingerprint.document())


def _document(content: bytes) -> Document:
    """The fields of `Fingerprint.document`. Raises `ValueError` when it is nothing like that."""
    document = json.loads(content.decode("utf-8", "surrogateescape"))
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def _causes(step_id: str, fingerprint: str, current: Current, ledger: Ledger) -> Iterator[str]:
    """What changed since then in the step itself, then in the steps that it changed because of.

    Every step is told of once, however many ways lead to it.
    """
    waiting = deque([(step_id, fingerprint)])
    told = {step_id}
    while waiting:
        now, since = waiting.popleft()
        through = "" if now == step_id else f"upstream {now}, because "
        document = _kept(ledger, since)
        if document is None:
            yield f"upstream {now} changed; its inputs of then are no longer kept"
            continue
        lines = []
        for found in differences(document, _plain(current(now))):
            if found.field != "upstream" or not found.is_change:
                lines.append(f"{through}{found}")
            elif found.name not in told:
                told.add(found.name)
                waiting.append((found.name, found.before))
        yield from _at_most(lines)


def _partly(record: Record, said: _Summit, current: Fingerprint) -> list[str]:
    """What a record says by itself, without the document of its inputs."""
    before = {"argv": said.argv, "tools": said.tools}
    after = {"argv": list(current.argv), "tools": dict(current.tools)}
    inputs = f"inputs: {record.fingerprint[:12]} -> {current.digest()[:12]}"
    return [inputs, *_at_most([str(found) for found in differences(before, after)])]


def _trees(then: str, now: str) -> str:
    if then == now:
        return "working copy: the same files"
    return f"working copy: tree {then[:12]} -> {now[:12]}"


def _named(record: Record) -> str:
    result = "passed" if record.passed else "failed"
    return f"record {record.id[:12]} ({result}, {record.ended})"


def _place(where: _Where) -> str:
    return f"on {where.host}, in CI" if where.ci else f"on {where.host}"


def _at_most(lines: Sequence[str]) -> list[str]:
    more = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return [*lines[:MOST], *more]


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join(map(_printable, [title, *(f"  {line}" for line in lines)]))


def _printable(line: str) -> str:
    """The line with whatever could play with the terminal escaped: names come from anywhere."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
