"""Repositories as somebody's slip, merge or malice leaves them: real files, changed by chance.

The same number makes the same repository, so that what it did to the audit can be seen again.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from random import Random

from tests.audit.injected.injection import system

SYSTEMS = ("bikeshare", "clinic", "parcels")
LONGEST = 900_000  # bytes; what is larger is not read at all

Files = dict[str, bytes]
Change = Callable[[bytes, Random], bytes]

# What parsers trip over, to stand where a word stood.
_TOKENS = (
    "", " ", "\t", "\n", "\r\n", "\x00", "\ufeff", "\u2028", "\x85", "\x1b[31m", "\ud7ff", "\xe9",
    "\U0001d7d7", "'", '"', "`", '"""', "'''", "\\", "\\\n", "$", "$$", "${", "}", "$(", ")",
    "$((", "${{", "}}", "(", "[", "]", "{", "<<", "<<EOF", "<<-'E'", ">", "|", "||", "&&", "&",
    ";", "|| true", "; :", "#", "//", "/*", "<!--", "-", "--", "- ", "---", "...", "* ", "*",
    "&a ", "*a", "!!str", "!x ", "? ", ":", ": ", "=", "==", ">=", "@", "@sha256:", "::", "%",
    "~", "^", ",", ".", "..", "../..", "/", "null", "true", "0", "-1", "1e999", ".nan",
    "9" * 5_000, "0x", "1_0", "2024-13-99", "[]", "{}", "http://a:b@c:99999/", "file:///",
    "git+ssh://", "{0}", "%s", "f'{", "lambda: ", "not ", "await ", "FROM ", "AS ",
    "COPY --from=", "ARG ", "ENV ", "SHELL ", "HEALTHCHECK CMD ", "ONBUILD ", "services:",
    "extends:", "include:", "<<: *a", "build:", "depends_on:", "on:", "jobs:", "if: ",
    "define a\n", "endef", "ifeq (", "$(call a,", "-r ", "-e ", "-c ", "--hash=",
    "; python_version", "import ", "from . import *", "def ", "class ", "try:", "=>", "`${",
    "<a>", "/x/", "export * from ",
)  # fmt: skip
# Names that make another parser read the same text.
_NAMES = (
    "compose.yaml", "docker-compose.override.yml", "Dockerfile", ".dockerignore", "Makefile",
    ".github/workflows/ci.yml", "action.yml", "package.json", "package-lock.json",
    "tsconfig.json", "requirements.txt", "pyproject.toml", "setup.cfg", "setup.py", "Pipfile",
    "uv.lock", "poetry.lock", "prometheus.yml", ".env", "site.yaml", "values.yaml", "Chart.yaml",
    "README.md", "CHANGELOG.md", "FIXES_SUMMARY.md", "start.sh", "main.py", "settings.py",
    "index.js", "server.ts", "page.tsx", "nginx.conf", "init.sql", "alembic.ini", ".npmrc",
    "test_main.py", "COMMIT_MESSAGE.txt",
)  # fmt: skip


def mutated(seed: int) -> Files:
    """The files of a system, a few of them changed."""
    random = Random(seed)
    files = {path: text.encode() for path, text in system(random.choice(SYSTEMS)).items()}
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        path = random.choice(sorted(files))
        for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
            files[path] = random.choice(_CHANGES)(files[path], random)[:LONGEST]
        if random.random() < 0.15:
            other = posixpath.join(posixpath.dirname(path), random.choice(_NAMES))
            files[other] = files[path] if random.random() < 0.5 else files.pop(path)
        if random.random() < 0.1:
            files[random.choice(sorted(files))] = files.get(path, b"")
        if random.random() < 0.05 and len(files) > 1:
            del files[random.choice(sorted(files))]
    return files


def _span(data: bytes, random: Random, longest: int = 200) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.randrange(longest))


def _flip(data: bytes, random: Random) -> bytes:
    at, _ = _span(data, random)
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _insert(data: bytes, random: Random) -> bytes:
    at, _ = _span(data, random)
    return data[:at] + _token(random) + data[at:]


def _cut(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[end:]


def _end(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _double(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:end] + data[start:]


def _repeat(data: bytes, random: Random) -> bytes:
    """The same piece very often: what is done once for each piece, for each piece."""
    start, end = _span(data, random, random.choice((3, 20, 200)))
    times = random.choice((10, 100, 1_000, 10_000))
    most = min(times, LONGEST // max(1, end - start))
    return data[:end] + data[start:end] * most + data[end:]


def _move(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    piece, rest = data[start:end], data[:start] + data[end:]
    at, _ = _span(rest, random)
    return rest[:at] + piece + rest[at:]


def _lines(data: bytes, random: Random) -> bytes:
    """Two lines change places, one goes, or comes twice, or in further."""
    lines = data.split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(4):
        case 0:
            lines[one], lines[other] = lines[other], lines[one]
        case 1:
            del lines[one]
        case 2:
            lines.insert(other, lines[one])
        case _:
            lines[one] = random.choice((b"  ", b"\t", b"        ")) + lines[one]
    return b"\n".join(lines)


def _word(data: bytes, random: Random) -> bytes:
    """A word of the text, or a token, in place of another one."""
    words = list(re.finditer(rb"[\w.$/-]+|[^\w\s]", data))
    if not words:
        return data
    place = random.choice(words)
    new = random.choice(words)[0] if random.random() < 0.4 else _token(random)
    return data[: place.start()] + new + data[place.end() :]


def _nest(data: bytes, random: Random) -> bytes:
    """Deep within itself, closed or not."""
    opening, closing = random.choice(
        (("(", ")"), ("[", "]"), ("{a: ", "}"), ("$(", ")"), ("${a:-", "}"), ("- ", ""), ("> ", ""))
    )
    depth = random.choice((5, 70, 1_000, 5_000))
    start, end = _span(data, random)
    closed = closing.encode() * (depth if random.random() < 0.7 else 0)
    return data[:start] + opening.encode() * depth + data[start:end] + closed + data[end:]


def _crossed(data: bytes, random: Random) -> bytes:
    """A piece of another file."""
    other = random.choice(list(system(random.choice(SYSTEMS)).values())).encode()
    start, end = _span(other, random, 600)
    at, _ = _span(data, random)
    return data[:at] + other[start:end] + data[at:]


def _token(random: Random) -> bytes:
    return random.choice(_TOKENS).encode()


_CHANGES: tuple[Change, ...] = (
    _flip, _insert, _insert, _cut, _end, _double, _repeat, _move, _lines, _lines, _lines,
    _word, _word, _word, _word, _nest, _crossed,
)  # fmt: skip
