"""What claims are about: from their words to the rules that would speak against them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pipelines.audit.findings import Finding

_COMPOSE = r"compose[^/]*\.ya?ml$|docker-stack[^/]*\.ya?ml$"
_DOCKERFILE = r"(?:^|/)(?:[^/]*\.)?(?:dockerfile|containerfile)[^/]*$"
_WORKFLOW = r"^\.github/(?:workflows|actions)/"
_MAKE = r"(?:^|/)(?:gnu)?makefile$|\.mk$"
_PACKAGE = r"(?:^|/)package\.json$"
_PYTHON = r"\.py$"
_CODE = r"\.(?:py|[cm]?[jt]sx?|go|rb|java|kt|rs|php)$"
_SETTINGS = r"\.(?:ya?ml|toml|ini|cfg|conf|env|json)$|(?:^|/)\.env[^/]*$"
_REQUIREMENTS = r"requirements[^/]*\.(?:txt|in)$|pyproject\.toml$|Pipfile|package\.json$"


def _text(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Topic:
    """One thing that can be claimed.

    A claim is about it when it has a word of `subject`, of `act` where that is given, and none of
    `but`. Each
    finding of `rules` speaks against the claim; one of `lacking`, which says that something is
    not there or not good in one place, only where the claim names the place or speaks of all.
    `about` is what a rule's finding must mention to concern this topic. `files` are those that the
    rules look at, `trace` what such a file holds when there is something to look at.
    """

    name: str
    subject: re.Pattern[str]
    rules: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    act: re.Pattern[str] | None = None
    but: re.Pattern[str] | None = None
    about: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    files: re.Pattern[str] = re.compile("")
    trace: re.Pattern[str] | None = None
    needs_scope: bool = False  # too broad to be held against the whole repository
    is_strict: bool = False  # what matters less speaks against it as well
    by_name: bool = False  # a claim that gives names is about these: `Externalize DB_PASSWORD`

    @property
    def held_to(self) -> tuple[str, ...]:
        """The rules that may speak against it."""
        return (*self.rules, *self.lacking)

    def is_meant(self, text: str) -> bool:
        if not self.subject.search(text) or (self.act and not self.act.search(text)):
            return False
        return not (self.but and self.but.search(text))

    def concerns(self, finding: Finding) -> bool:
        """Whether the finding is about this topic, wherever it stands."""
        if finding.rule not in self.held_to:
            return False
        about = self.about.get(finding.rule)
        return about is None or bool(about.search(f"{finding.message}\n{finding.evidence}"))


_LINTERS = _text(r"\blint", r"flake8|ruff|pylint|eslint|black|prettier|format|biome|stylelint")
_TESTS = _text(
    r"(?<!snyk )(?<!container )\btests?\b|pytest|jest|vitest|unittest|tox\b|nox\b|go test",
    r"rspec|phpunit",
)
_TYPES = _text(r"mypy|pyright|tsc\b|type-?check")
_METRICS = _text(r"prometheus|metric|opentelemetry|instrument")

TOPICS: tuple[Topic, ...] = (
    Topic(
        "secrets",
        _text(
            r"\b(?:secrets?|credentials?|passwords?|passphrases?|api[- ]?keys?|tokens?)\b",
            r"\b[A-Z][A-Z0-9]*_(?:PASSWORD|SECRET|TOKEN|API_KEY)\b",
        ),
        ("SEC001", "SEC002"),
        act=_text(
            r"externali[sz]|hard-?coded|plain-?text|no (?:default|built-in) (?:secret|password)",
            r"(?:secrets?|credentials?|passwords?) (?:\w+ )?(?:removed|moved|purged|eliminated)",
            r"(?:remov|mov|purg|eliminat)\w* (?:\w+ ){0,3}(?:secret|credential|password|api.?key)",
            r"(?:to|from|via|into|in|through) (?:the )?env(?:ironment)?\b",
            r"no longer (?:\w+ )?(?:committed|in (?:the )?(?:code|repo|git|compose|source))",
        ),
        but=_text(
            r"\btests? (?:fixtures?|tokens?|data|secrets?|credentials?)\b|\bin (?:the )?tests\b",
            r"credentials?[- ](?:event|verif|issu|route|endpoint|type|schema|format|template|flow)",
            r"\b(?:detection|scann\w+)\b|false positives?|\(security risk\)",
        ),
        files=_text(_SETTINGS, _CODE, _DOCKERFILE),
        by_name=True,
    ),
    Topic(
        "secrets management",
        _text(
            r"secrets? (?:management|handling|rotation|storage)|(?:manag|handl|rotat)\w+ secrets"
        ),
    ),
    Topic(
        "CORS",
        _text(r"\bCORS\b|cross[- ]origin|allowed[-_ ]origins?|allow_origins"),
        ("SEC003",),
        act=_text(
            r"lock|restrict|tighten|configur|wildcard|allow-?list|whitelist|limit|secur|harden",
            r"fixed|specific|explicit|no longer|\ball\b.*\borigins|trusted|hardening",
        ),
        files=_text(_CODE, _SETTINGS),
        trace=_text(r"cors|allow_?origin"),
    ),
    Topic(
        "reload",
        _text(r"(?<!\w)(?:--reload|auto-?reload|hot[- ]?reload|live[- ]?reload|reload(?:ing)?)\b"),
        ("SEC004", "SEC005", "SEC006", "REL012"),
        act=_text(r"disabl|remov|off\b|no longer|dropp?|condition|only in dev|not in prod|gone"),
        about={
            "REL012": _text(r"reload"),
            "SEC006": _text(r"reload"),
        },
        files=_text(_COMPOSE, _DOCKERFILE, _PYTHON),
    ),
    Topic(
        "development server",
        _text(
            r"dev(?:elopment)? (?:server|mode|command)s?|runserver|flask run|npm run dev|next dev",
            r"production (?:server|command|build)s?|gunicorn",
        ),
        ("SEC004", "SEC005"),
        act=_text(r"replac|remov|no longer|switch|instead|now|disabl|runs?|us(?:e|es|ed|ing)\b"),
        but=_text(r"\bdev(?:elopment)? (?:server|mode) (?:now )?(?:runs?|works?|starts?|is)\b"),
        files=_text(_COMPOSE, _DOCKERFILE),
    ),
    Topic(
        "debug mode",
        _text(r"\bdebug(?:ging|ger)?(?: mode| flag)?\b"),
        ("SEC006",),
        act=_text(r"disabl|remov|off\b|no longer|false|turned"),
        about={"SEC006": _text(r"debug")},
        files=_text(_PYTHON, _SETTINGS),
        trace=_text(r"debug"),
    ),
    Topic(
        "exposed ports",
        _text(
            r"\b(?:ports?|databases?|data ?stores?|redis|postgres\w*|mysql|mongo\w*|broker)\b",
            r"\bdocker\.sock\b",
        ),
        ("SEC007",),
        act=_text(
            r"no longer (?:exposed|published|reachable|mounted)|not (?:exposed|published)",
            r"unexpos|unpublish|loopback|bound to (?:localhost|127)|internal[- ]only",
            r"(?:remov|clos)\w* (?:\w+ ){0,3}(?:ports?|docker\.sock)|ports? (?:removed|closed)",
            r"(?:internal|private) network",
        ),
        but=_text(r"\b(?:metrics?|debug|admin|separate|duplicate|unused) ports?\b"),
        files=_text(_COMPOSE),
        trace=_text(r"\bports\s*:|\bexpose\s*:|docker\.sock"),
    ),
    Topic(
        "TLS verification",
        _text(
            r"(?:tls|ssl|cert(?:ificate)?s?)\b.{0,20}\b(?:verif|validat|check)", r"verify\s*=\s*"
        ),
        ("SEC008",),
        act=_text(r"enabl|enforc|restor|re-?enabl|turned on|no longer|fixed|verified|added|always"),
        files=_text(_CODE, _SETTINGS, _DOCKERFILE),
        trace=_text(r"https|verify|tls|ssl"),
    ),
    Topic(
        "health checks",
        _text(r"\bhealth[- _]?checks?\b"),
        ("REL002", "REL012"),
        ("REL003", "REL001"),
        but=_text(
            r"health[- ]?checks? (?:response|integration|working|monitor|endpoints?|routes?)",
            r"health[- ]?checks? (?:tests?|pass|show|script|library)|/api/health",
            r"\b(?:front|back)-?end health",
        ),
        about={"REL012": _text(r"health|curl|wget|probe")},
        files=_text(_COMPOSE, _DOCKERFILE),
        trace=_text(r"healthcheck"),
    ),
    Topic(
        "start order",
        _text(
            r"depends_on|service_healthy|start(?:up)? order(?:ing)?|race conditions?",
            r"waits? (?:for|until) (?:\w+ ){0,3}(?:ready|healthy|health|services?|depend\w+)",
        ),
        ("REL004",),
        act=_text(
            r"waits?|order|healthy|depends_on|condition:",
        ),
        files=_text(_COMPOSE),
        trace=_text(r"depends_on"),
    ),
    Topic(
        "restart policy",
        _text(
            r"\brestart(?:s|ed)? polic(?:y|ies)|restart: (?:always|unless|on-fail)|auto-?restart"
        ),
        (),
        ("REL005",),
        files=_text(_COMPOSE),
        trace=_text(r"\brestart"),
    ),
    Topic(
        "migrations",
        _text(r"\bmigrations?\b|alembic|schema changes"),
        ("REL006",),
        act=_text(
            r"enabl|\bruns?\b|running|appl(?:y|ied|ies)|automat|start-?up|by default|skip",
            r"executed|on deploy",
        ),
        but=_text(r"\b(?:no|without|after)\b (?:\w+ ){0,2}migrations?\b|autogenerate|dry[- ]run"),
        files=_text(_COMPOSE, _PYTHON, _DOCKERFILE, _SETTINGS),
        trace=_text(r"migrat|alembic"),
        by_name=True,
    ),
    Topic(
        "image builds",
        _text(
            r"\bdockerfiles?\b|\b(?:docker|container|image)\s+(?:image\s+)?builds?\b",
            r"\b(?:images?|containers?)\s+(?:now\s+)?builds?\b|docker images?\b",
        ),
        ("REL007",),
        act=_text(
            r"creat|add|fix|miss|repair|resolv|work|automat",
            r"\b(?:now|successfully) buil(?:ds?|t)|\bbuilds? (?:now|again|success|pass)",
        ),
        files=_text(_DOCKERFILE),
    ),
    Topic(
        "an image build",
        _text(r"\bmulti-?stage\b|\bdockerfile$"),
        ("REL007",),
        files=_text(_DOCKERFILE),
        needs_scope=True,
    ),
    Topic(
        "non-root images",
        _text(r"\bnon-?root\b|\brun(?:s|ning)? as (?:root|an? un\w+)|unprivileged user|as root\b"),
        ("REL008",),
        files=_text(_DOCKERFILE),
    ),
    Topic(
        "pinned images",
        _text(
            r"(?:images?|tags?)\b.{0,25}\b(?:pinned|by digest)",
            r"pin(?:ned|s)? .{0,25}\b(?:images?|tags?)\b",
            r"(?:no|remov\w*|replac\w*|instead of) .{0,20}[:`]?latest\b",
        ),
        ("REL009",),
        files=_text(_COMPOSE, _DOCKERFILE),
    ),
    Topic(
        "memory limits",
        _text(r"\b(?:memory|resource|cpu|mem) (?:limits?|constraints?|quotas?)\b"),
        (),
        ("REL010",),
        files=_text(_COMPOSE),
        trace=_text(r"limits|mem_limit"),
    ),
    Topic(
        "graceful shutdown",
        _text(r"graceful(?:ly)? (?:shut|terminat|stop)|SIGTERM|signal handling"),
        (),
        ("REL011",),
        files=_text(_COMPOSE, _DOCKERFILE),
    ),
    Topic(
        "undeclared imports",
        _text(
            r"(?:missing|undeclared) (?:python )?(?:imports?|dependenc\w+|packages?|requirements?)",
            r"(?:dependenc\w+|requirements?|imports?) (?:complete|declared|fixed)",
        ),
        ("REL013",),
        act=_text(r"\badd|fix|declar|resolv|instal|complete"),
        files=_text(_PYTHON, _REQUIREMENTS),
    ),
    Topic(
        "timeouts",
        _text(r"\btime-?outs?\b"),
        (),
        ("REL015",),
        but=_text(
            r"\bwithin (?:\w+ )?time-?outs?\b",
            r"\b(?:jobs?|workflows?|statement|query|session|idle|lock|tests?) time-?outs?\b",
            r"\btime-?outs? (?:\w+ )?(?:to|for|on) (?:all |every )?(?:jobs?|workflows?|tests?)\b",
        ),
        about={"REL015": _text(r"time-?out|wait")},
        files=_text(_CODE),
        trace=_text(r"timeout"),
    ),
    Topic("error handling", _text(r"\berror (?:handling|taxonomy|codes?)\b|circuit breakers?")),
    Topic(
        "rate limits",
        _text(r"\brate[- ]?limit(?:s|ing|er|ed)?\b|throttl(?:ing|ed)"),
        ("REL015",),
        about={"REL015": _text(r"rate|throttl|many requests")},
        files=_text(_CODE, _SETTINGS, r"\.conf$"),
        trace=_text(r"limit|throttl"),
    ),
    Topic(
        "metrics",
        _text(
            r"/metrics\b|\bmetrics$|^\W*metrics\b(?! (?:module|instrument))|\bprometheus metrics",
            r"\bmetrics (?:endpoints?|export\w*|exposed|added|enabled|collect\w*|for|on|in)\b",
            r"\bexpos\w+ (?:\w+ ){0,3}metrics\b",
        ),
        (),
        ("REL013", "OBS001"),
        but=_text(
            r"\b(?:quality|performance|success|business|key|code|coverage|test|project|usage|impact"
            r"|evaluation|engagement|accuracy|progress|sprint|team|product) metrics\b"
        ),
        about={"REL013": _METRICS},
        files=_text(_CODE),
        trace=_text(r"metrics|prometheus"),
    ),
    Topic(
        "error counters",
        _text(
            r"\berror (?:tracking|counters?|metrics?|counting)\b|\b5xx\b.*\b(?:count|increment)",
            r"increment\w* (?:\w+ )?counters?",
            r"\b(?:errors?|exceptions?|failures?|requests?|prometheus|metrics?) counters?\b",
        ),
        ("OBS002",),
        ("REL013",),
        about={"OBS002": _text(r"^counter\b"), "REL013": _METRICS},
        files=_text(_CODE),
        trace=_text(r"counter"),
        by_name=True,
    ),
    Topic(
        "instrumentation",
        _text(
            r"\b(?:shared|common|reusable) (?:metrics?|instrumentation|logging|telemetry)\b",
            r"metrics? (?:instrumentation|modules?)|instrumentation modules?",
        ),
        ("OBS003",),
        files=_text(_CODE),
    ),
    Topic(
        "observability",
        _text(r"\bobservability\b"),
        ("OBS002", "OBS003", "REL013"),
        about={"REL013": _METRICS},
        files=_text(_CODE),
        trace=_text(r"metric|prometheus|opentelemetry"),
        needs_scope=True,
    ),
    Topic(
        "health routes",
        _text(
            r"`?/(?:health|healthz|readyz|livez|ready|live)`?(?=\W|$)",
            r"\b(?:readiness|liveness|health) (?:endpoints?|routes?|probes?)\b",
        ),
        (),
        ("OBS004",),
        about={"OBS004": _text(r"health")},
        files=_text(_CODE),
        trace=_text(r"health|ready|live"),
    ),
    Topic(
        "readiness and liveness routes",
        _text(
            r"`?/(?:readyz|livez|ready|live)`?(?=\W|$)",
            r"\b(?:readiness|liveness) (?:endpoints?|routes?|probes?)\b",
        ),
        (),
        ("OBS004",),
        files=_text(_CODE),
        trace=_text(r"ready|live"),
        is_strict=True,
    ),
    Topic(
        "structured logs",
        _text(r"\bstructured logg?(?:s|ing)\b|\bjson logg?(?:s|ing)\b|structlog"),
        (),
        ("OBS005",),
        files=_text(_CODE),
        trace=_text(r"structlog|logging|logger"),
    ),
    Topic(
        "CI gates",
        _text(
            r"\bCI(?:/CD)?\b|\bquality gates?\b|\bsafety valves?\b|\|\| ?true|continue-on-error",
            r"\bpipelines? (?:now )?(?:fail|block)|\bbuilds? (?:now )?fail",
        ),
        ("GATE001", "GATE002", "GATE003"),
        act=_text(
            r"enforc|\bfails?\b|failing on|fail on|block|remov|strict|no longer|mandatory",
            r"hardened|required|gates? (?:added|enabled|in place)",
        ),
        but=_text(
            r"\b(?:fails?|blocks?|exits?)\b(?: \w+){0,2} (?:on|if|when)"
            r" (?!(?:any|all|every|errors?|failures?|failing|lint\w*|tests?|types?)\b)\w",
            r"\bnon-?blocking|\b(?:no longer|not) block|\bblocked by\b",
        ),
        files=_text(_WORKFLOW, _MAKE),
    ),
    Topic(
        "test scripts",
        _text(
            r"\btests? scripts?\b|\b(?:frontend|console|ui|web|client) tests?\b",
            r"`(?:npm )?test`.{0,10}script|npm test\b",
        ),
        ("GATE004",),
        about={"GATE004": _TESTS},
        files=_text(_PACKAGE, _MAKE),
        trace=_text(r"\btest"),
    ),
    Topic(
        "tests in CI",
        _text(
            r"\btests?\b.{0,30}\b(?:in|by|on|part of) CI\b|\bCI\b.{0,30}\bruns?\b.{0,20}\btests?\b"
        ),
        ("GATE001", "GATE002", "GATE003"),
        ("GATE005",),
        about={
            "GATE001": _TESTS,
            "GATE002": _TESTS,
            "GATE003": _TESTS,
            "GATE005": _TESTS,
        },
        files=_text(_WORKFLOW),
    ),
    Topic(
        "end-to-end tests",
        _text(r"\b(?:e2e|end-to-end)\b"),
        ("GATE006",),
        act=_text(r"\bCI\b|\bruns?\b|pipeline|gate|enforc|automat|every (?:push|pull|commit)"),
        about={"GATE006": _text(r"e2e|end-to-end|integration")},
        files=_text(_WORKFLOW),
    ),
    Topic(
        "lint in CI",
        _text(r"\b(?:lint(?:ing|ers?)?|flake8|ruff|eslint|prettier|black)\b|\bformat checks?\b"),
        ("GATE001", "GATE002", "GATE003"),
        ("GATE005",),
        act=_text(r"\bCI\b|enforc|strict|required|blocks?\b|mandatory|configured|steps?\b|gate"),
        about={
            "GATE001": _LINTERS,
            "GATE002": _LINTERS,
            "GATE003": _LINTERS,
            "GATE005": _LINTERS,
        },
        files=_text(_WORKFLOW),
        trace=_LINTERS,
    ),
    Topic(
        "type checks in CI",
        _text(r"\b(?:type-?check(?:s|ing|ed)?|mypy|pyright)\b"),
        ("GATE001", "GATE002", "GATE003"),
        ("GATE005",),
        act=_text(r"\bCI\b|enforc|strict|required|blocks?\b|mandatory|gate"),
        about={
            "GATE001": _TYPES,
            "GATE002": _TYPES,
            "GATE003": _TYPES,
            "GATE005": _TYPES,
        },
        files=_text(_WORKFLOW),
        trace=_TYPES,
    ),
    Topic(
        "format and lint scripts",
        _text(r"(?:format|lint|typecheck)`?\s+scripts?\b"),
        ("GATE004",),
        about={"GATE004": _text(r"format|lint|typecheck|prettier|eslint")},
        files=_text(_PACKAGE, _MAKE),
        trace=_LINTERS,
    ),
    Topic(
        "pinned actions",
        _text(
            r"\bactions?\b.{0,25}\bpinned|pin(?:ned|s)? .{0,25}\bactions?\b",
        ),
        ("GATE007",),
        files=_text(_WORKFLOW),
        trace=_text(r"uses\s*:"),
    ),
    Topic(
        "pinned dependencies",
        _text(
            r"\b(?:dependenc\w+|requirements?|packages?)\b.{0,25}\bpinn(?:ed|ing)",
            r"\b(?:dependenc\w+|requirements?|packages?)\b.{0,25}\b(?:locked|hash\w*)",
            r"\bpinn?(?:ed|s|ing)? .{0,25}\b(?:dependenc\w+|requirements?|packages?|versions?)\b",
            r"\block ?files?\b",
        ),
        ("GATE008", "GATE009"),
        files=_text(_REQUIREMENTS, _DOCKERFILE),
    ),
)

_PATH = re.compile(
    r"(?<![\w.*{}/-])(?:[\w.*{}-]+/)*[\w*-]+\.(?!sock\b)[a-z]{2,5}\b(?:\.\w+)?|https?://\S+",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"[^\w`]*[^:\n`]{1,40}:[^\w`]*")  # and nothing behind it
_MEASURED = re.compile(r"\|\s*(?:[<>~≤]?\s*\d+(?:\.\d+)?\s*m?s|\d{3,5})\s*(?:\||$)")
# What begins so does not say that there is now something that was not there.
_REMOVAL = re.compile(
    r"(?:\W*[\[(][\w, -]+[\])])?\W*"
    r"(?:remov|drop|delet|renam|migrat|bump|increas|lower|refactor)\w*\s",
    re.IGNORECASE,
)


def _is_pointer(words: str) -> bool:
    """Whether it only says where something is: `Health check: http://localhost:8000/health`."""
    bare = re.sub(r"`[^`]*`", " ", words)
    return bare.rstrip() != words.rstrip() and bool(_LABELLED.fullmatch(bare))


def without_paths(text: str) -> str:
    """The text without names of files."""
    return _PATH.sub(" ", text)


@lru_cache(maxsize=1_000)  # the same items are asked about by what stands above them
def about(text: str) -> tuple[Topic, ...]:
    """What a text is about; the names of files in it mean nothing.

    A row with a time, a status or a port tells what somebody measured, and not what was done.
    """
    words = without_paths(text)
    if _MEASURED.search(words) or (":" in words and _is_pointer(words)):
        return ()
    is_removal = bool(_REMOVAL.match(words))
    return tuple(
        topic
        for topic in TOPICS
        if topic.is_meant(words) and not (is_removal and topic.act is None)
    )
