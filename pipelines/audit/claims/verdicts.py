"""A verdict for each claim: whether what was found speaks against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from itertools import chain

from pipelines.audit.claims import sources, statements
from pipelines.audit.claims.scope import Layout, Scope
from pipelines.audit.claims.sources import Manner
from pipelines.audit.claims.statements import Form, Statement
from pipelines.audit.claims.topics import Topic, without_paths
from pipelines.audit.findings import Finding, Severity
from pipelines.audit.model import Model, markdown
from pipelines.audit.model.roles import Role, is_deployed, role
from pipelines.audit.place import Place

MESSAGE = "commit message"
_MOST = 5  # pieces of counter-evidence that are worth reading


class Status(Enum):
    """What became of a claim."""

    BACKED = "backed"  # its rules look at something there, and find nothing
    CONTRADICTED = "contradicted"
    DOCUMENTED = "documentation only"
    OPEN = "not checkable"  # no rule is about it, or there is nothing to look at


@dataclass(frozen=True)
class Claim:
    """One statement, and where it holds; `restated` is where the document says it again."""

    statement: Statement
    scope: Scope
    restated: tuple[Place, ...] = ()
    is_documented: bool = False

    @property
    def place(self) -> Place:
        return self.statement.place


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of a claim; `counter` speaks against it, the worst first.

    One that sums up its document stands or falls with the `rest`.
    """

    claim: Claim
    counter: tuple[Finding, ...] = ()
    rest: tuple[Verdict, ...] = ()

    @property
    def place(self) -> Place:
        return self.claim.place

    @property
    def text(self) -> str:
        return self.claim.statement.text

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that the claim was held to."""
        topics = self.claim.statement.topics
        return tuple(dict.fromkeys(rule for it in topics for rule in it.held_to))

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """What is contradicted of all that it sums up."""
        return tuple(it for it in self.rest if it.is_contradicted)

    @property
    def is_contradicted(self) -> bool:
        return bool(self.counter or self.broken)

    @cached_property
    def status(self) -> Status:
        if self.claim.is_documented:
            return Status.DOCUMENTED
        if self.is_contradicted:
            return Status.CONTRADICTED
        scope = self.claim.scope
        is_backed = any(it.status is Status.BACKED for it in self.rest) or any(
            _is_looked_at(topic, scope) for topic in self.claim.statement.topics
        )
        return Status.BACKED if is_backed else Status.OPEN


def verdicts(
    model: Model, findings: Iterable[Finding], files: Sequence[str] = (), message: str = ""
) -> list[Verdict]:
    """A verdict for every claim of these files, or of all documents, by file and line.

    And for those of a commit's `message`, if one is given, as if it stood in a file `MESSAGE`.
    """
    layout = Layout(model)
    known = _by_rule(it for it in findings if not it.is_open and not it.suppressed)
    documents = sources.documents(model.tracked, files)
    if message:
        documents = chain([(markdown.parse(message, MESSAGE), Manner.COMMIT)], documents)
    found: list[Verdict] = []
    for document, manner in documents:
        claims = _claims(layout, statements.read(document, manner))
        found += _summed_up([_judged(claim, known) for claim in claims])
    return found


def _claims(layout: Layout, found: Sequence[Statement]) -> list[Claim]:
    """The claims of one document, each said once."""
    claims = [
        Claim(it, _scope(layout, it), is_documented=_is_documented(layout, it)) for it in found
    ]
    kept: list[Claim] = []
    for claim in sorted(claims, key=lambda it: (-it.statement.weight, it.place.line)):
        same = next((at for at, one in enumerate(kept) if _is_same(one, claim)), None)
        if same is None:
            kept.append(claim)
        else:
            restated = tuple(sorted((*kept[same].restated, claim.place)))
            kept[same] = replace(kept[same], restated=restated)
    return sorted(kept, key=lambda it: it.place.line)


def _is_same(one: Claim, other: Claim) -> bool:
    """Whether the other one says again, and less exactly, what this one says."""
    first, second = one.statement, other.statement
    if first.is_summary or second.is_summary:
        return first.is_summary and second.is_summary
    if not second.topics or second.numbers or second.topics[0] not in first.topics:
        return False
    if one.is_documented is not other.is_documented:
        return False
    return other.scope.is_whole or (
        other.scope.files <= one.scope.files and other.scope.services <= one.scope.services
    )


_FOR_ALL = re.compile(r"\b(?:all|every|each|any|entire|everywhere|(\d+)/\1)\b", re.IGNORECASE)
_EVERYWHERE = re.compile(
    r"\b(?:all|every|each|across|\d+)\b[^.\n]{0,30}"
    r"\b(?:(?:micro-?)?services?|containers?|images|apps|repositor\w+|workflows)\b",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:app|apps|application|backend|python|node|own|our)\s+(?:services?|containers?)\b",
    re.IGNORECASE,
)


def _scope(layout: Layout, statement: Statement) -> Scope:
    text = "\n".join((statement.text, *statement.details))
    files = {
        file
        for file in layout.files(statement.words, statement.place.file)
        if file.endswith("/") or role(file) not in (Role.DOCUMENT, Role.TEST)
    }
    is_for_all = bool(_FOR_ALL.search(text))
    services = layout.named(statement.text)
    if not services and not is_for_all:
        services = layout.named("\n".join(statement.details))
    if any("REL007" in topic.rules for topic in statement.topics):
        files |= {f"{file.rpartition('/')[0]}/" for file in files if "ockerfile" in file}
    scope = Scope(
        layout, frozenset(files - {"/"}), services, is_for_all, is_own=bool(_OWN.search(text))
    )
    home = layout.home(statement.place.file) if scope.is_whole else ""
    if not home or _EVERYWHERE.search(text):
        return scope
    return replace(scope, services=frozenset((home,)), is_implied=True)


def _by_rule(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for it in findings:
        found.setdefault(it.rule, []).append(it)
    return found


def _judged(claim: Claim, findings: Mapping[str, Sequence[Finding]]) -> Verdict:
    if claim.is_documented:
        return Verdict(claim)
    topics = claim.statement.topics
    found = sorted(_counter(claim, findings), key=lambda it: _order(it, topics))
    return Verdict(claim, tuple(found))


def _counter(claim: Claim, findings: Mapping[str, Sequence[Finding]]) -> list[Finding]:
    """The findings that concern exactly what the claim is about."""
    topics = claim.statement.topics
    rules = dict.fromkeys(rule for topic in topics for rule in topic.held_to)
    return [
        it
        for rule in rules
        for it in findings.get(rule, ())
        if any(_is_against(it, claim, topic) for topic in topics)
    ]


def _is_against(finding: Finding, claim: Claim, topic: Topic) -> bool:
    scope = claim.scope
    if topic.needs_scope and not scope.is_named:
        return False
    if not topic.concerns(finding) or not scope.holds(finding):
        return False
    if not topic.is_strict and not _is_grave(claim, finding):
        return False
    if topic.by_name and not _is_named(claim, finding):
        return False
    if _is_of_others(claim, finding):
        return False
    return finding.rule in topic.rules or scope.is_for_all or scope.names(finding)


# Rules whose findings are advice: where a claim is about that, advice speaks against it.
_ADVICE = frozenset({"GATE007", "GATE008", "GATE009", "OBS005", "REL010", "REL011"})


def _is_grave(claim: Claim, finding: Finding) -> bool:
    """Whether it matters enough; what matters less, does in a file that the claim names."""
    if finding.severity >= Severity.MEDIUM or finding.rule in _ADVICE:
        return True
    return claim.scope.is_named and claim.scope.has(finding.place.file)


# What a gate is of: a language, and what it looks at.
_LANGUAGES = {
    "Node": r"\b(?:npm|yarn|pnpm|eslint|tsc|jest|vitest|biome)\b",
    "Python": r"\b(?:pytest|flake8|ruff|black|mypy|pylint|pyright|isort|bandit|pip-audit)\b",
}
_SUBJECTS = {
    "tests": r"\btest|pytest|vitest|coverage",
    "lint": r"\blint|eslint|flake8|ruff\b|pylint",
    "format": r"\bformat|\bblack\b|prettier|isort",
    "types": r"type-?check|\btypes?\b|\bmypy\b|\btsc\b|pyright",
    "security": r"\bsecur|bandit|pip-audit|trivy|\baudit\b",
}


# What a secret opens.
_OPENED = {
    "tokens of users": r"jwt|session",
    "database": r"(?:\b|_)(?:db|database|postgres\w*|pg|mysql|mariadb|mongo\w*)(?:\b|_)|pgpassword",
    "cache": r"redis|memcache",
    "broker": r"rabbit|amqp|kafka|mqtt",
    "payments": r"stripe|paypal",
    "mail": r"smtp|e-?mail|sendgrid|(?:\b|_)ses(?:\b|_)",
    "cloud": r"(?:\b|_)(?:aws|s3|azure|gcp)(?:\b|_)",
    "series": r"influx|grafana",
}


def _is_of_others(claim: Claim, finding: Finding) -> bool:
    """Whether a claim speaks of one language's gates, or one sort, and the finding of another.

    Or of one secret, and the finding of another.
    """
    text = claim.statement.text
    if finding.rule in ("SEC001", "SEC002"):
        return _differ(_OPENED, without_paths(text), f"{finding.message}\n{finding.evidence}")
    if not finding.rule.startswith("GATE"):
        return False
    return _differ(_LANGUAGES, text, finding.message) or _differ(_SUBJECTS, text, finding.message)


def _differ(words: Mapping[str, str], *texts: str) -> bool:
    """Whether both texts have some of these words, and none of the same."""
    said, found = (
        {name for name, pattern in words.items() if re.search(pattern, text, re.IGNORECASE)}
        for text in texts
    )
    return bool(said) and bool(found) and not said & found


_NAME = re.compile(r"\b[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+\b")


def _is_named(claim: Claim, finding: Finding) -> bool:
    """Whether the finding is about one of the names that the claim gives, if it gives any."""
    statement = claim.statement
    names = _names(statement.text)
    if not names and not claim.scope.is_for_all:
        names = _names("\n".join(statement.details))
    return not names or bool(names & _names(f"{finding.message}\n{finding.evidence}"))


def _names(text: str) -> set[str]:
    return set(_NAME.findall(without_paths(text)))


def _order(finding: Finding, topics: Sequence[Topic]) -> tuple[object, ...]:
    ranks = [rule for topic in topics for rule in topic.held_to]
    return (-finding.severity, ranks.index(finding.rule), finding.place)


def _is_looked_at(topic: Topic, scope: Scope) -> bool:
    """Whether the claim's scope holds something that the topic's rules look at."""
    if not topic.held_to or (topic.needs_scope and not scope.is_named):
        return False
    tracked = scope.layout.tracked
    return any(
        topic.trace is None or topic.trace.search(tracked.text(path) or "")
        for path in tracked
        if scope.touches(path) and topic.files.search(path) and is_deployed(path)
    )


def _summed_up(found: Sequence[Verdict]) -> Iterator[Verdict]:
    """With what sums up its document held to all the rest of it."""
    rest = tuple(it for it in found if not it.claim.statement.is_summary)
    for it in found:
        yield replace(it, rest=rest) if it.claim.statement.is_summary else it


_WRITTEN = re.compile(
    r"(?<!/)\b(?:documented|documentation|docs?|guide|guidance|guidelines|runbook|playbook|wiki)\b",
    re.IGNORECASE,
)
# Where a document was what was missing, a document is the fix.
_LACKED = re.compile(
    r"\b(?:no|missing|lack\w*|absent|undocumented|outdated)\b.{0,40}"
    r"\b(?:docs?|documentation|documented|guides?|reference|runbooks?|undocumented)\b",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"\([^()]*\)|\b(?:see|see also|documented in|described in|refer to|more in)\b[^\n]*",
    re.IGNORECASE,
)
_FIX = re.compile(
    r"fix|issue|critical|secur|reliab|observab|resolved|remediat|harden|launch|vulnerab",
    re.IGNORECASE,
)
_DOCUMENTS = (".md", ".rst", ".txt", ".adoc", ".mdx", ".pdf", ".html")


def _is_documented(layout: Layout, statement: Statement) -> bool:
    """Whether documents are all that there is of a claimed fix."""
    if not statement.topics:
        return False
    named = list(layout.files(statement.words, statement.place.file))
    is_code_named = any(not file.endswith(_DOCUMENTS) for file in named)
    says = bool(_WRITTEN.search(_POINTER.sub(" ", statement.text)))
    told = any(_WRITTEN.search(_POINTER.sub(" ", it)) for it in statement.details)
    return not is_code_named and (says or (told and bool(statement.listed)))


def is_fix(claim: Claim) -> bool:
    """Whether a claim is said to mend something, rather than to describe it."""
    said = claim.statement
    if statements.is_about_documents(said) or _LACKED.search(said.text):
        return False
    if said.form is Form.BOX:
        return True
    return any(_FIX.search(text) for text in (*said.section[-2:], said.text))


def worst(verdict: Verdict) -> tuple[Finding, ...]:
    """The counter-evidence that is worth showing beside a finding."""
    return verdict.counter[:_MOST]
