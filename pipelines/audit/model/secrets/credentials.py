"""What a credential looks like: by the name that holds it, by its own form, and within a URL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import NamedTuple


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


# What a name must hold to hold a secret, as whole words: `dbPassword`, `DB-PASSWORD`, `db_pass`.
_SECRET = re.compile(
    r"(?:^| )(?:(?:pg|db|my|mysql|user|admin|root)?password|passwd|passwort|passphrase|pwd"
    r"|secrets?|token|credentials?|(?:api|secret|auth|private|encryption|signing|master)key|salt"
    r"|(?:api|private|secret|account|encryption|crypto|signing|signature|master|auth|jwt"
    r"|session|hmac|fernet|shared|cipher|aes) key"
    r"|(?:db|database|pg|postgres|mysql|redis|mqtt|smtp|mail|email|ftp|ldap|admin|user|root"
    r"|rabbitmq|amqp|mongo|auth|default|login|basic|http) pass"
    r"|^pass|erlang cookie|redis auth)(?: |$)"
)
_SHORT = re.compile(r"[A-Z0-9_]+_PASS")
# What follows that word tells what it really is: where the secret is, how long it lasts...
_ABOUT = _words(
    "age alg algo algorithm algorithms arn attempts attribute audience autocomplete backend",
    "budget button category change changed charset class client complexity config",
    "configuration confirm confirmation context cookie cost count counts created creation dialog",
    "digits dir directory disabled duration enabled encoder encoding endpoint env error errors exp",
    "expiration expire expired expires expiry factory field fields file filename files folder",
    "form format forgot generator getter grant handler hash hasher hashers hashing header",
    "headers help hint history host icon id identifier ids index input invalid issuer",
    "iterations key keyword kid kind label labels leeway len length lengths lifetime limit",
    "limits link list location lookup manager marker max message metadata min minutes missing mode",
    "model module mount name names namespace page param parameter path paths pattern per",
    "placeholder plugin policies policy prefix prompt property provider query rate ref",
    "reference refresh regex region reset role rotation rounds rule rules schema scheme scope",
    "scopes screen seconds selector separator service size source status storage store",
    "strategy strength suffix template text timeout title to tokenizer transport ttl type types",
    "uid updated uri url urls usage used user username uuid validation validator validators",
    "validity var variable vault verify version view visible warning",
)
# `SECRET_KEY` is a secret, `TOKEN_KEY` and `PASSWORD_KEY` are where to find one.
_KEY_OF = _words("secret secrets")
# What comes before that word, likewise.
_NOT = re.compile(
    r"(?:^| )(?:no|not|is|has|use|uses|enable|disable|allow|require|requires|required|forgot|reset"
    r"|show|hide|validate|verify|check|get|set|fetch|create|generate|make|parse|with|without|public"
    r"|max|min|num|total|input|output|prompt|completion|cached|page|continuation|next|prev|csrf"
    r"|xsrf|pad|eos|bos|unk|sep|cls|mask|special|stop|start|end|begin|syntax|lexer|design|existing"
    r"|change|update|remove|delete|invalid|missing|wrong|incorrect|key|old|previous"
    r"|hashed|grant|claim|event|error|label|column|attribute)(?: |$)"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GAP = re.compile(r"[^A-Za-z0-9]+")
_LONGEST_NAME = 120

# `scheme://user:password@host`: the password may hold what Compose fills in.
_LOGIN = re.compile(
    r"([A-Za-z][A-Za-z0-9+.\-]{1,30})://([^\s:/@'\"`<>]{0,80}):([^\s@'\"`/]{1,200})"
    r"@([^\s/'\"`?#,]{0,200})"
)
_CONNECTION = re.compile(
    r"(?i)(?:^|;)\s*(?:password|pwd|accountkey|sharedaccesskey)=([^;\s]{1,200})"
)

# Forms that only a credential has.
_TOKENS = (
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_\-]{20,}"),
    ("a Slack token", r"\bxox[abposr]-[0-9A-Za-z\-]{20,}"),
    ("a Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]{7,}/B[A-Z0-9]{7,}/[A-Za-z0-9]{20,}"),
    ("a Stripe key", r"\b[sr]k_live_[0-9A-Za-z]{20,}"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_\-]{35}\b"),
    ("an OpenAI key", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_\-]{40,}"),
    ("a SendGrid key", r"\bSG\.[A-Za-z0-9_\-]{20,}\.[A-Za-z0-9_\-]{40,}"),
    ("a package index token", r"\b(?:pypi-AgEI[A-Za-z0-9_\-]{50,}|npm_[A-Za-z0-9]{36})\b"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{34}\b"),
    ("a private key", r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,2}PRIVATE KEY(?: BLOCK)?-----"),
)
_TOKEN = re.compile("|".join(f"({pattern})" for _, pattern in _TOKENS))
# One of these is in a text that holds one of those: a cheap look before the expensive one.
_MARK = re.compile(
    r"A(?:KIA|SIA|Iza)|g(?:h|lpat-)|xox|h(?:ooks\.slack|f_)|k_live_|sk-|SG\.|pypi-|npm_|PRIVATE KEY"
)
_SHOWN = re.compile(r"(?i)example|x{4}|0{6}|1234567|abcdef|fake|dummy|your")

_REFERENCE = re.compile(
    r"\$\{|^`|^\$\(.*\)$|^\$(?:[A-Za-z_]\w*|[\d@*#?])$|\$[A-Z_]{2}|\{\{|%\(\w+\)s|%s|<%"
    r"|^\{[^{}]*\}$|^<[^<>]*>$|^\[[^\[\]]*\]$|^%[A-Za-z_]+%$|^@\w+@$|\{[A-Za-z_][\w.]*\}"
    r"|^(?:secretKeyRef|valueFrom|vault|ssm|arn|op|file|env|ref|sops)[:+]|^ENC\["
)
_NOTHING = _words(
    "true false none null nil undefined yes no on off auto default optional required unset empty",
    "n/a na disabled enabled string text password_hash bearer basic digest plain md5",
    "scram-sha-256 sha256 hs256 rs256 jwt oauth oauth2 memory session cookie header env",
    "environment vault file keyring inherit prompt ignore trust 0 1 -1",
)
# People write these to say "something else belongs here".
_PLACEHOLDER = re.compile(
    r"(?i)your[-_ .]|[-_ .]your|your(?:own|secret|password|token|key|api)|example\.|user:pass"
    r"|replace[-_ ]?(?:me|this|with)|to[-_ ]?be[-_ ]|insert|redacted|fixme|todo|dummy|\bfake"
    r"|fake[-_]|sample|xxx|\*\*\*|\.\.\.|#{3,}|_{4,}|put[-_ ].*here|[-_ ]here$|enter[-_ ]"
    r"|fill[-_ ]?(?:me|in)|not[-_ ]?(?:a[-_ ]?)?(?:real|used|needed|set|secret)|unused|test[-_]only"
    r"|^<|>$|generate[-_ ]|goes[-_ ]|[-_ ]for[-_ ]test(?:s|ing)$"
)
# ... and these as well, yet a system starts with them: they are the password until changed.
_CHANGE = re.compile(
    r"(?i)change[-_ ]?(?:me|it|this|in|the|before)|changed?[-_]|please[-_ ]?change|unsafe|insecure"
    r"|example|placeholder|\bmock[-_]"
)
# Written to find secrets with.
_PATTERN = re.compile(r"\[[^\]\s]{0,40}\w-\w[^\]\s]{0,40}\](?:[+*]|\{\d)|\\[swdb][+*)]|\(\?[:i=!]")
_NAME_OF_ONE = re.compile(r"[A-Z]+(?:_[A-Z]+)+")  # of a variable that should stand there
_HOLLOW_HOST = re.compile(r"(?i)your|example\.|^host(?:name)?(?::|$)|^<|^server(?::|$)")
_PATH = re.compile(r"(?:~|\.{1,2})?/[\w.\-]+(?:/[\w.\-${}]*)*|[A-Za-z]:\\\S*")
_KEY_FILE = re.compile(r"[\w.\-]+(?:/[\w.\-]+)+\.(?:pem|key|crt|cer|p12|pfx|jks|json|txt)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,30}://\S*")
_LONGEST = 5_000  # characters of a value; longer ones are data


class Kind(Enum):
    """What a value of a secret's name is worth."""

    NOTHING = "nothing"  # empty, a reference, a path, a switch: no credential
    PLACEHOLDER = "placeholder"  # says itself that something else belongs here, and opens nothing
    CHANGE = "change"  # says that too, but a system takes it for the password all the same
    WORKING = "working"  # weak ones too: `admin` opens the door as well


class Login(NamedTuple):
    """A URL with user and password, as written; `start` is where the URL begins in the text."""

    scheme: str
    user: str
    password: str
    host: str
    start: int


class Token(NamedTuple):
    """A text that has the form of a known credential; `what` is that with its article."""

    what: str
    text: str
    start: int


@cache
def is_secret_name(name: str) -> bool:
    """Whether what a variable, key or argument of this name holds is a secret.

    `DB_PASSWORD`, `apiKey` and `jwt-secret` do; `PASSWORD_FILE`, `tokenUrl`, `secret_name` and
    `MAX_TOKENS` only say something about one.
    """
    if len(name) > _LONGEST_NAME:
        return False
    if _SHORT.fullmatch(name):
        return True
    words = _GAP.sub(" ", _HUMP.sub(" ", name)).strip().lower()
    found = [*_SECRET.finditer(words)]
    if not found or _NOT.search(words[: found[-1].start() + 1]):
        return False
    word = found[-1].group().split()[-1]
    return not any(_says_something_about(it, word) for it in words[found[-1].end() :].split())


def _says_something_about(word: str, secret: str) -> bool:
    if word == "key":
        return secret not in _KEY_OF
    return word in _ABOUT or (word.isdigit() and len(word) > 2)  # `PASSWORD_1` is one all the same


def kind(value: str) -> Kind:
    """What this value is worth as a credential, if its name is a secret's."""
    text = value.strip().strip("'\"").strip()
    if not text or len(text) > _LONGEST or text.lower() in _NOTHING or set(text) <= set(".-_ "):
        return Kind.NOTHING
    if _REFERENCE.search(text):
        return Kind.PLACEHOLDER if text[0] in "<[{" and text[:2] != "{{" else Kind.NOTHING
    if (
        _URL.fullmatch(text)
        or _PATTERN.search(text)
        or _KEY_FILE.fullmatch(text)
        or (_PATH.fullmatch(text) and not _looks_random(text))
    ):
        return Kind.NOTHING
    if _PLACEHOLDER.search(text) or _is_one_letter(text):
        return Kind.PLACEHOLDER
    if _CHANGE.search(text):
        return Kind.CHANGE
    return Kind.PLACEHOLDER if _NAME_OF_ONE.fullmatch(text) else Kind.WORKING


def _looks_random(text: str) -> bool:
    """Whether a text with slashes is base64 sooner than a path."""
    return len(text) >= 30 and "." not in text and any(it.isdigit() for it in text)


def _is_one_letter(text: str) -> bool:
    return len(set(text.lower()) - set("-_ ")) == 1 and not text.isdigit()


def logins(text: str) -> Iterator[Login]:
    """Every URL with a password that stands in the text, whatever the password is worth."""
    if "://" in text and "@" in text:
        for found in _LOGIN.finditer(text[:_LONGEST]):
            scheme, user, password, host = found.groups()
            yield Login(scheme, user, password, host, found.start())


def login_kind(login: Login) -> Kind:
    """What the password of a URL is worth: nobody logs in to `driver://user:pass@host`."""
    if login.scheme in ("driver", "scheme", "protocol") or _HOLLOW_HOST.search(login.host):
        return Kind.PLACEHOLDER
    user, password = login.user.lower(), login.password.lower()
    if user in ("user", "username", "login") and password in ("pass", "password", "passwd", "pwd"):
        is_near = login.host.partition(":")[0] in ("localhost", "127.0.0.1", "db")
        return Kind.CHANGE if is_near else Kind.PLACEHOLDER
    return kind(login.password)


def connection_passwords(text: str) -> list[str]:
    """The passwords of a connection string as ADO.NET and Azure write it: `Host=a;Password=b`."""
    return _CONNECTION.findall(text[:_LONGEST]) if "=" in text and ";" in text else []


def tokens(text: str) -> Iterator[Token]:
    """Every known credential that stands in the text, by its form."""
    if not _MARK.search(text):
        return
    for found in _TOKEN.finditer(text):
        if not _SHOWN.search(found.group()):
            what, _ = _TOKENS[(found.lastindex or 1) - 1]
            yield Token(what, found.group(), found.start())


_COMMON = re.compile(
    r"(?i)passw|pwd|secret|admin|root|guest|letmein|qwerty|123|changeme|postgres|mysql|mongo|redis"
    r"|rabbit|minio|default|\bdev|\btest|local|super|hunter|welcome|toor|demo"
)
_FIRST_TRY = re.compile(
    r"(?i)(?:admin|root|guest|postgres|mysql|passw[o0]rd|secret|letmein|qwerty|supersecret)[\d!@#]*"
)
_SYMBOL = re.compile(r"[!@#$%^&*+=~]")


def is_random(value: str) -> bool:
    """Whether a text is more likely made up by a machine, or by somebody who meant a password."""
    if len(value) < 6 or " " in value or value.count(".") > 2 or value.count("-") > 5:
        return False
    kinds = (
        any(it.isdigit() for it in value),
        any(it.islower() for it in value),
        any(it.isupper() for it in value),
        bool(_SYMBOL.search(value)),
    )
    if len(value) < 8:
        return kinds[0] and sum(kinds) > 2
    return (kinds[0] and sum(kinds) > 1) or (len(value) >= 32 and value.isalnum())


def is_common(value: str) -> bool:
    """Whether a text is one of those that people log in with until they think of a better one."""
    return " " not in value and len(value) <= 60 and bool(_COMMON.search(value))


def is_first_try(value: str) -> bool:
    """Whether a text is the very first that somebody would try."""
    return bool(_FIRST_TRY.fullmatch(value))


def names_itself(name: str, value: str) -> bool:
    """Whether a value is only what it is called: `PASSWORD_RESET = "user.password_reset"`.

    It may leave a word out: `tableAccessToken = "oauth_access_token"`.
    """
    if not name:
        return False
    is_told = len(_words_of(value)) > 2 and _joined(value) in _joined(name)
    return is_told or _words_of(name) <= _words_of(value)


def _joined(text: str) -> str:
    return _GAP.sub("", text[:_LONGEST_NAME]).lower()


def _words_of(text: str) -> frozenset[str]:
    return frozenset(_GAP.sub(" ", _HUMP.sub(" ", text[:_LONGEST_NAME])).lower().split())
