"""Looks for each requirement's evidence in the ledger; nothing is run and nobody is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pipelines.environments import Environment, Requirement, Subject, Waiver
from pipelines.errors import CannotTell, ConfigError
from pipelines.ledger import Ledger
from pipelines.ledger.record import Record
from pipelines.policy.decision import SHORT, Decision, Line, Verdict
from pipelines.policy.evidence import Evidence
from pipelines.release import Release, find, newest
from pipelines.release.release import COMPONENT

DEPLOY, ROLLBACK = "deploy", "rollback"
_CLOCKS = 60.0  # seconds by which two machines' clocks may differ
_ALWAYS = (
    "a key proves that somebody holding it said so, not that it is true",
    "times are the signers' own: no third party has stamped them",
)


def release_of(ledger: Ledger, prefix: str) -> Release:
    """The release to decide about: the only one that begins so, or without a prefix the newest.

    Raises `ConfigError` for a prefix of none or several, `CannotTell` where there is no release.
    """
    if prefix:
        return find(ledger, prefix)
    try:
        return newest(ledger)
    except ConfigError as error:
        raise CannotTell(error.message, hint=error.hint) from error


def decide(
    ledger: Ledger, environment: Environment, release: Release, *, now: datetime
) -> Decision:
    """Whether the release has the evidence that the environment asks for.

    Raises `CannotTell`; `ConfigError` for a waiver that has expired or lasts too long.
    """
    for waiver in environment.waivers:
        waiver.require_current(now.date())
    judge = _Judge(Evidence.of(ledger), environment, release, now)
    lines = [judge.line(it) for it in environment.policy]
    unproven = (
        *_ALWAYS,
        *_of_keys(lines),
        *judge.unproven(),
        *(_of_waiver(it) for it in environment.waivers),
    )
    return Decision(environment, release, lines, unproven, now)


def _of_keys(lines: Iterable[Line]) -> Iterable[str]:
    keys = {record.keyid for line in lines for record in line.records}
    if len(keys) == 1:
        yield f"one key, {keys.pop()[:SHORT]}, signed all of it: nobody else has looked"


def _of_waiver(waiver: Waiver) -> str:
    return f"{waiver.gate}: waived by {waiver.owner} until {waiver.expires}: {waiver.reason}"


class _Judge:
    def __init__(
        self, evidence: Evidence, environment: Environment, release: Release, now: datetime
    ) -> None:
        self._evidence = evidence
        self._environment = environment
        self._release = release
        self._now = now

    def line(self, asked: Requirement) -> Line:
        """The verdict on one requirement, or its waiver."""
        found = self._same_digests(asked) if asked.same_digests_as else self._gate(asked)
        waiver = next((it for it in self._environment.waivers if it.gate == asked.gate), None)
        if found.verdict.is_good or not asked.gate or waiver is None:
            return found
        said = f"{found.verdict.value} ({found.said}); waived by {waiver.owner}: {waiver.reason}"
        return found._replace(verdict=Verdict.WAIVED, said=f"{said}, until {waiver.expires}")

    def unproven(self) -> Iterable[str]:
        """What the deploys said of themselves where this release ran before."""
        names = dict.fromkeys(
            it.environment or it.same_digests_as for it in self._environment.policy
        )
        for name in filter(None, names):
            about = self._evidence.about(f"{DEPLOY}:{name}", "release", self._digest)
            for said in about[-1].details.get("unproven", ()) if about else ():
                yield f"{name}: {said}"

    @property
    def _digest(self) -> str:
        return f"sha256:{self._release.id}"

    def _gate(self, asked: Requirement) -> Line:
        if asked.subject is not Subject.TREE:
            return self._elsewhere(asked)
        name = f"{asked.gate} on the sources"
        steps = self._release.gates.get(asked.gate, ())
        if not steps:
            said = "the release has no step of this gate"
            return Line(name, Verdict.MISSING, said, f"inv {asked.gate}; inv release")
        judged = [self._step(step, asked) for step in steps]
        bad = [it for it in judged if not it.verdict.is_good]
        records = tuple(record for it in judged for record in it.records)
        if bad:
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            return Line(name, bad[0].verdict, f"{bad[0].said}{more}", bad[0].mend, records)
        return self._counted(name, asked, records)

    def _step(self, step: str, asked: Requirement) -> Line:
        wanted = self._release.steps[step]
        every = self._evidence.of_step(step)
        same = [it for it in every if it.fingerprint == wanted]
        mend = f"inv {asked.gate}   (at commit {self._release.commit[:SHORT]})"
        if not same:
            verdict = Verdict.WRONG_DIGEST if every else Verdict.MISSING
            said = f"{step}: of other inputs" if every else f"{step}: never run"
            return Line(step, verdict, said, mend, tuple(every[-1:]))
        again = f"inv {asked.gate} --strict-inputs   (at commit {self._release.commit[:SHORT]})"
        return self._judged(step, same, asked, again)

    def _elsewhere(self, asked: Requirement) -> Line:
        """A gate that looks at the release itself, wherever it is or runs."""
        component = asked.environment or COMPONENT
        step = f"{asked.gate}:{component}"
        where = f" in {asked.environment}" if asked.environment else ""
        name = f"{asked.gate} of the release{where}"
        every = self._evidence.of_step(step)
        same = self._evidence.about(step, "release", self._digest)
        mend = self._command(asked)
        if not same:
            verdict = Verdict.WRONG_DIGEST if every else Verdict.MISSING
            said = "of another release" if every else "nobody has looked"
            return Line(name, verdict, said, mend, tuple(every[-1:]))
        found = self._judged(name, same, asked, mend)
        return self._counted(name, asked, found.records) if found.verdict.is_good else found

    def _judged(self, name: str, same: Sequence[Record], asked: Requirement, mend: str) -> Line:
        """The newest record on exactly what was asked for, held against the requirement.

        `mend` makes evidence anew, also where some holds: that is what must be replaced.
        """
        newest = same[-1]
        about = (newest,)
        if not newest.passed:
            return Line(name, Verdict.FAIL, f"{name}: {_told(newest)}", mend, about)
        if asked.roles and not self._evidence.has_role(newest, asked.roles):
            said = f"{name}: signed by {newest.keyid[:SHORT]}, which is no {_or(asked.roles)}"
            mend = f"{mend}   (with a key of the role {_or(asked.roles)})"
            return Line(name, Verdict.WRONG_KEY, said, mend, about)
        if old := self._age(newest, asked):
            return Line(name, Verdict.STALE, f"{name}: {old}", mend, about)
        if asked.controlled and not self._evidence.is_controlled(newest):
            said = f"{name}: nothing has shown that it can fail"
            return Line(name, Verdict.UNCONTROLLED, said, "inv controls", about)
        failed = sum(not it.passed for it in same)
        if asked.max_retries is not None and failed > asked.max_retries:
            said = f"{name}: failed {failed} times on the same inputs before it passed"
            return Line(name, Verdict.FAIL, said, "mend what is flaky, then commit", about)
        return Line(name, Verdict.PASS, _told(newest), records=about)

    def _age(self, record: Record, asked: Requirement) -> str:
        """Why the record's age will not do, if so. One from the future would never be too old."""
        age = (self._now - datetime.fromisoformat(record.ended)).total_seconds()
        if asked.max_age is None or -_CLOCKS <= age <= asked.max_age:
            return ""
        if age < 0:
            return f"dated {_days(-age)} ahead"
        return f"{_days(age)} old, at most {_days(asked.max_age)}"

    def _counted(self, name: str, asked: Requirement, records: tuple[Record, ...]) -> Line:
        counts = [it.counts for it in records if it.counts]
        run, skipped = sum(it.run for it in counts), sum(it.skipped for it in counts)
        mend = f"inv {asked.gate} --strict-inputs"
        if run < asked.min_tests:
            said = f"{run} tests run, at least {asked.min_tests}"
            return Line(name, Verdict.FAIL, said, mend, records)
        if asked.max_skipped is not None and skipped > asked.max_skipped:
            said = f"{skipped} tests skipped, at most {asked.max_skipped}"
            return Line(name, Verdict.FAIL, said, mend, records)
        tests = f", {run} tests" if run else ""
        newest = max(records, key=lambda it: it.ended)
        some = f"{len(records)} records" if len(records) > 1 else _told(newest)
        return Line(name, Verdict.PASS, f"{some}{tests}", records=records)

    def _same_digests(self, asked: Requirement) -> Line:
        """Whether the other environment stands at exactly this release, and it did well there."""
        other = asked.same_digests_as
        name = f"the same digests as {other}"
        mend = f"inv deploy {other} --release {self._release.short}"
        moves = sorted(
            (it for kind in (DEPLOY, ROLLBACK) for it in self._evidence.of_step(f"{kind}:{other}")),
            key=lambda it: it.sequence,
        )
        same = [it for it in moves if it.subjects.get("release") == self._digest]
        stood = [it for it in moves if it.passed]
        if same and (not same[-1].passed or same[-1] is stood[-1]):
            return self._judged(name, same, asked, mend)
        if not stood:
            return Line(name, Verdict.MISSING, f"{other} has had no release", mend)
        stands_at = stood[-1].subjects.get("release", "").removeprefix("sha256:")[:SHORT]
        return Line(
            name, Verdict.WRONG_DIGEST, f"{other} stands at {stands_at}", mend, (stood[-1],)
        )

    def _command(self, asked: Requirement) -> str:
        """What a person types to have the gate look at the release."""
        return {
            "smoke": f"inv smoke --env {asked.environment}",
            "secrets": f"inv secrets.check {asked.environment}",
            "deploy": f"inv deploy {asked.environment} --release {self._release.short}",
        }.get(asked.gate, f"inv {asked.gate}")


def _told(record: Record) -> str:
    said = "passed" if record.passed else f"failed: {record.summit['message']}"
    return f"{said}, record {record.sequence} ({record.id[:SHORT]})"


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)


def _days(seconds: float) -> str:
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    unit, size = next(it for it in units if seconds >= it[1] or it[0] == "s")
    return f"{seconds / size:.0f}{unit}"
