"""Shell: which commands a text runs, and which of their failures nobody sees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import zip_longest
from typing import NamedTuple

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from pipelines.audit.place import Place

_LONGEST = 60_000  # characters; the grammar may take seconds for more, when it is no shell
_DEEPEST = 60  # constructs within constructs, and texts within `sh -c`
_MOST_WRAPPERS = 20  # `env sudo timeout 9 ...`: people need two
_EXPRESSION = re.compile(r"\$\{\{[^\n]{0,2000}?\}\}")  # GitHub's
_EXPRESSION_MARK = "GITHUB_EXPRESSION"

# Programs that run the rest of their line. How many words of theirs come first, options apart.
_WRAPPERS = {
    "command": 0, "builtin": 0, "chronic": 0, "dumb-init": 0, "env": 0, "exec": 0, "nice": 0,
    "nohup": 0, "setsid": 0, "stdbuf": 0, "sudo": 0, "time": 0, "tini": 0, "unbuffer": 0,
    "xvfb-run": 0, "catchsegv": 0, "doas": 0, "ionice": 0,
    "timeout": 1, "gosu": 1, "su-exec": 1, "setpriv": 0, "chroot": 1, "retry": 0,
}  # fmt: skip
_WITH_VALUE = {
    "timeout": ("-s", "--signal", "-k", "--kill-after"),
    "nice": ("-n", "--adjustment"),
    "sudo": ("-u", "--user", "-g", "--group"),
    "env": ("-u", "--unset", "-C", "--chdir"),
    "ionice": ("-c", "-n"),
    "stdbuf": ("-i", "-o", "-e"),
    "xvfb-run": ("-s", "--server-args", "-n", "--server-num", "-e", "--error-file"),
}
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh"))
NAMES = _SHELLS | {"source", "."}  # what runs a file of shell
_NO_WORDS = ("variable_assignment", "file_redirect", "heredoc_redirect", "herestring_redirect")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


@dataclass(frozen=True)
class Command:
    """One simple command, wherever it stands in the text.

    `words` are unquoted, `$NAME` is kept; `places` are where they stand. What only wraps another
    command (`sudo`, `env`, `exec`, `time`, `nice`, `timeout`, `xvfb-run`, `dumb-init`, `tini`,
    `sh -c "..."`) is taken off, and says so in `wrappers`. `folder` is where `cd` has led before,
    relative to the start.

    `swallowed` says why its failure does not end the text: `|| true`, `|| :`, `|| exit 0`,
    `|| echo`, `; true`, `set +e`, `no set -e` (a later command's exit code is all that counts),
    `pipe` (another command's exit code counts, without pipefail), `&`, `&&` (within a loop: a list
    that fails before its last part does not end the text, even with -e); it is "" when it does.
    `is_captured` says that its outcome is asked for: in a condition, by `!`, `x=$(cmd)`,
    `cmd; code=$?`, `cmd || failed=1`, `cmd || { ...; exit 1; }`, `cmd || another`.
    """

    words: tuple[str, ...]
    place: Place
    text: str  # the command with its place in the list: `pytest -q || true`
    folder: str = ""
    assigned: Mapping[str, str] = field(default_factory=dict)
    wrappers: tuple[str, ...] = ()
    swallowed: str = ""
    swallowed_at: Place | None = None
    is_captured: bool = False
    places: tuple[Place, ...] = ()  # one for each word

    @property
    def program(self) -> str:
        """The last part of the first word: `/usr/bin/curl` is `curl`."""
        return self.words[0].rpartition("/")[2] if self.words else ""


@dataclass(frozen=True)
class Script:
    """A text for a shell. `operators` are those outside of quotes: `&&`, `||`, `|`, `>`..."""

    text: str
    place: Place
    commands: tuple[Command, ...]
    operators: frozenset[str] = frozenset()
    is_broken: bool = False  # the grammar did not understand some part


@lru_cache(maxsize=4_000)  # each rule asks for the same commands again
def parse(
    text: str, place: Place, *, stops_at_errors: bool = False, pipefail: bool = False
) -> Script:
    """Read a text whose first line is at `place`.

    `stops_at_errors` says that the shell is started with -e, as GitHub starts it; without it, and
    without `set -e`, only the last command decides (its failure is what the caller sees).
    `${{ ... }}` of GitHub is a word; make's `$(X)` has to be replaced before.
    """
    if len(text) > _LONGEST:
        return Script(text, place, (), is_broken=True)
    reading = _Reading(place, stops=stops_at_errors, pipefail=pipefail)
    return reading.script(text)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


class _Where(NamedTuple):
    """What holds for a command because of what it stands in."""

    depth: int = 0
    text: str = ""
    swallowed: str = ""
    swallowed_at: Place | None = None
    is_captured: bool = False
    is_repeated: bool = False  # in the body of a loop
    is_chosen: bool = False  # by a condition, within that body

    def captured(self) -> _Where:
        return self._replace(is_captured=True, swallowed="", swallowed_at=None)

    def lost(self, reason: str, at: Place) -> _Where:
        """What is captured is not lost; what is written at the command itself is told first."""
        if self.is_captured or (self.swallowed and not reason.startswith("||")):
            return self
        return self._replace(swallowed=reason, swallowed_at=at)


class _After(NamedTuple):
    """What of a list follows a part: the first behind a `||`, the last one, and a way back."""

    other: Node | None = None
    last: Node | None = None
    goes_back: bool = False  # to the folder before


class _Reading:
    """One text being read; `set` and `cd` change what holds for what follows."""

    def __init__(self, place: Place, *, stops: bool, pipefail: bool) -> None:
        self._place = place
        self._stops = stops
        self._pipefail = pipefail
        self._unset_at: Place | None = None
        self._folder = ""
        self._commands: list[Command] = []
        self._operators: set[str] = set()

    def script(self, text: str) -> Script:
        plain = _EXPRESSION.sub(_EXPRESSION_MARK, text)
        root = _parser().parse(plain.encode(errors="replace")).root_node
        self._statements(root, _Where())
        commands = tuple(self._commands)
        return Script(text, self._place, commands, frozenset(self._operators), root.has_error)

    def _at(self, node: Node) -> Place:
        return self._place.below(node.start_point.row)

    def _statements(self, node: Node, where: _Where) -> None:
        """Statements one after another; without -e only the last one's failure is seen."""
        if where.depth > _DEEPEST:
            return
        # From the children: a node's own `next_sibling` counts them from the first one every time.
        children = node.children
        nodes = [
            (it, after is not None and after.type == "&")
            for it, after in zip_longest(children, children[1:])
            if it.is_named and it.type != "comment"
        ]
        last = nodes[-1][0] if nodes else node
        succeeds = _always_succeeds(last) if len(nodes) > 1 else ""
        for at, (statement, is_background) in enumerate(nodes):
            inner = where._replace(depth=where.depth + 1)
            if at + 1 < len(nodes) and _asks_for_outcome(nodes[at + 1][0]):
                inner = inner.captured()
            elif at + 1 < len(nodes) and not self._stops:
                inner = self._lost_by_what_follows(inner, last, succeeds)
            if is_background:
                inner = inner.lost("&", self._at(statement))
            self._statement(statement, inner._replace(text=_text(statement)))

    def _lost_by_what_follows(self, where: _Where, last: Node, succeeds: str) -> _Where:
        if succeeds in ("true", ":", "exit 0"):
            return where.lost(f"; {succeeds}", self._at(last))
        if self._unset_at is not None:
            return where.lost("set +e", self._unset_at)
        return where.lost("no set -e", self._at(last))

    def _statement(self, node: Node, where: _Where) -> None:
        if where.depth > _DEEPEST:
            return
        deeper = where._replace(depth=where.depth + 1)
        match node.type:
            case "list":
                self._list(node, deeper)
            case "pipeline":
                self._pipeline(node, deeper)
            case "command":
                self._command(node, where)
            case "redirected_statement":
                self._redirected(node, deeper)
            case "negated_command":
                self._each(node, deeper.captured())
            case "for_statement" | "c_style_for_statement":
                self._each(node, deeper._replace(is_repeated=True, is_chosen=False))
            case "if_statement" | "while_statement" | "until_statement" | "elif_clause":
                self._conditional(node, deeper)
            case "subshell":
                before = self._folder
                self._statements(node, deeper)
                self._folder = before
            case "compound_statement" | "do_group" | "else_clause" | "case_item":
                self._statements(node, deeper)
            case "function_definition":
                self._each(node, _Where(depth=deeper.depth, text=where.text))
            case "variable_assignment" | "variable_assignments" | "declaration_command":
                self._substitutions(node, deeper.captured())
            case "test_command":
                self._substitutions(node, deeper.captured())
            case _:
                self._each(node, deeper)

    def _each(self, node: Node, where: _Where) -> None:
        for child in node.named_children:
            self._statement(child, where)

    def _list(self, node: Node, where: _Where) -> None:
        """`a && b || c`, from the left; the grammar nests it to the left, however long it is."""
        parts: list[tuple[str, Node]] = []
        while node.type == "list":
            operator = next((it.type for it in node.children if it.type in ("&&", "||")), "&&")
            left, right = node.named_children[0], node.named_children[-1]
            self._operators.add(operator)
            parts.append((operator, right))
            node = left
        parts.append(("", node))
        followed: list[tuple[Node, _After]] = []
        after = _After()
        for operator, part in parts:  # from the right
            followed.append((part, after))
            goes_back = where.is_repeated and _text(part).startswith(("cd ", "popd"))
            after = _After(
                part if operator == "||" else after.other,
                after.last or part,
                after.goes_back or goes_back,
            )
        for part, rest in reversed(followed):
            self._statement(part, self._in_list(where, rest))

    def _in_list(self, where: _Where, after: _After) -> _Where:
        """What the next `||` makes of a failure."""
        if after.other is None:
            if after.last is None or not self._goes_on(where, after):
                return where
            return where.lost("&&", self._at(after.last))
        succeeds = _always_succeeds(after.other)
        if succeeds:
            return where.lost(f"|| {succeeds}", self._at(after.other))
        return where.captured()

    def _goes_on(self, where: _Where, after: _After) -> bool:
        """Whether a loop has its next turn though a part of a list failed that is not the last.

        Where the list would have gone back to its folder, the next turn does not find its own, and
        fails, unless it asks first whether it is there.
        """
        if not self._stops or not where.is_repeated:
            return False
        return where.is_chosen or not after.goes_back

    def _pipeline(self, node: Node, where: _Where) -> None:
        parts = node.named_children
        self._operators.update(it.type for it in node.children if it.type in ("|", "|&"))
        for part in parts:
            is_last = part == parts[-1]
            is_lost = not is_last and not self._pipefail
            self._statement(part, where.lost("pipe", self._at(parts[-1])) if is_lost else where)

    def _redirected(self, node: Node, where: _Where) -> None:
        for child in node.children:
            if child.type in ("file_redirect", "heredoc_redirect", "herestring_redirect"):
                self._operators.update(it.type for it in child.children if not it.is_named)
                self._substitutions(child, where.captured())
                # `cmd <<EOF && other`: what follows stands in the heredoc's node.
                self._heredoc_rest(child, where)
            else:
                self._statement(child, where)

    def _heredoc_rest(self, node: Node, where: _Where) -> None:
        for child in node.named_children:
            if child.type in ("command", "list", "pipeline"):
                self._statement(child, where)

    def _conditional(self, node: Node, where: _Where) -> None:
        is_condition = True
        for child in node.children:
            if child.type in ("then", "do_group", "do"):
                is_condition = False
            if not child.is_named:
                continue
            body = where._replace(is_chosen=where.is_repeated)
            self._statement(child, where.captured() if is_condition else body)

    def _command(self, node: Node, where: _Where) -> None:
        assigned, words = _words(node)
        self._substitutions(node, where._replace(depth=where.depth + 1).captured())
        if words:
            places = [self._at(it) for it in _word_nodes(node)]
            self._simple(words, places, assigned, where, self._at(node))

    def _simple(
        self,
        words: list[str],
        places: list[Place],
        assigned: Mapping[str, str],
        where: _Where,
        at: Place,
    ) -> None:
        wrappers, rest, more = _unwrapped(words)
        text = _script_of(rest)
        if text is not None and where.depth < _DEEPEST:
            self._inner(text, at, where, (*wrappers, rest[0].rpartition("/")[2]))
            return
        if self._changes_shell(rest, at):
            return
        if self._folder_after(rest):
            return
        if rest:
            if not self._stops and self._unset_at is not None and not where.is_captured:
                where = where.lost("set +e", self._unset_at)
            self._commands.append(
                Command(
                    words=tuple(rest),
                    place=at,
                    text=where.text,
                    folder=self._folder,
                    assigned={**assigned, **more},
                    wrappers=tuple(wrappers),
                    swallowed=where.swallowed,
                    swallowed_at=where.swallowed_at,
                    is_captured=where.is_captured,
                    places=tuple(places[len(words) - len(rest) :]),
                )
            )

    def _inner(self, text: str, at: Place, where: _Where, wrappers: tuple[str, ...]) -> None:
        """The text after `sh -c`; what holds for the whole holds for each of its commands."""
        inner = _Reading(at, stops=False, pipefail=False)
        root = _parser().parse(text.encode(errors="replace")).root_node
        inner._folder = self._folder
        inner._statements(root, where._replace(depth=where.depth + 10))
        for command in inner._commands:
            self._commands.append(replace(command, wrappers=(*wrappers, *command.wrappers)))

    def _changes_shell(self, words: list[str], at: Place) -> bool:
        """Follow `set -e`, `set +e`, `set -o pipefail`, `shopt`."""
        if words[:1] != ["set"]:
            return False
        for at_word, word in enumerate(words[1:], start=1):
            named = words[at_word + 1] if at_word + 1 < len(words) else ""
            is_on = word.startswith("-")
            if word[:1] not in "-+":
                continue
            if "e" in word[1:] or (word.endswith("o") and named == "errexit"):
                self._stops = is_on
                self._unset_at = None if is_on else at
            if word.endswith("o") and named == "pipefail":
                self._pipefail = is_on
        return True

    def _folder_after(self, words: list[str]) -> bool:
        if words[:1] not in (["cd"], ["pushd"]) or len(words) < 2:
            return False
        target = words[-1]
        if "$" in target or target.startswith(("/", "~", "-")):
            self._folder = target
        else:
            self._folder = f"{self._folder}/{target}" if self._folder else target
        return True

    def _substitutions(self, node: Node, where: _Where) -> None:
        """The commands in `$(...)` and backticks, however deep in words."""
        if where.depth > _DEEPEST:
            return
        for child in node.named_children:
            if child.type in ("command_substitution", "process_substitution"):
                self._operators.add("$(")
                before = self._folder
                self._statements(child, where._replace(depth=where.depth + 1))
                self._folder = before
            elif child.child_count:
                self._substitutions(child, where._replace(depth=where.depth + 1))


def _text(node: Node) -> str:
    said = (node.text or b"")[:3_000].decode(errors="replace")
    return " ".join(said.split())[:300]


def _asks_for_outcome(following: Node) -> bool:
    """Whether the next statement looks at `$?` (or PIPESTATUS)."""
    text = _text(following)
    return "$?" in text or "PIPESTATUS" in text


def _always_succeeds(node: Node) -> str:
    """What of `|| true` it is that cannot fail; "" for all that can, or that keeps the failure."""
    match node.type:
        case "command":
            _, words = _words(node)
            return _cannot_fail(words)
        case "redirected_statement":
            return _always_succeeds(node.named_children[0]) if node.named_children else ""
        case "compound_statement" | "subshell" | "list":
            inner = [_always_succeeds(it) for it in node.named_children]
            return "" if "" in inner or not inner else inner[-1]
    return ""


def _cannot_fail(words: list[str]) -> str:
    program = words[0].rpartition("/")[2] if words else ""
    if program in ("true", ":"):
        return program
    if program in ("exit", "return") and words[1:] == ["0"]:
        return f"{program} 0"
    return program if program in ("echo", "printf", "continue") else ""


def _words(node: Node) -> tuple[dict[str, str], list[str]]:
    """The assignments before a command, and its words."""
    assigned: dict[str, str] = {}
    for child in node.named_children:
        if child.type == "variable_assignment":
            name, _, value = _text(child).partition("=")
            assigned[name] = value.strip("\"'")
    return assigned, [_word(child) for child in _word_nodes(node)]


def _word_nodes(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type not in _NO_WORDS]


def _word(node: Node, depth: int = 0) -> str:
    """A word without its quotes."""
    said = (node.text or b"").decode(errors="replace")
    match node.type:
        case "raw_string":
            return said[1:-1]
        case "string":
            return said[1:-1].replace('\\"', '"')
        case "ansi_c_string" | "translated_string":
            return said[2:-1]
        case "concatenation" | "command_name" if node.named_children and depth < _DEEPEST:
            return "".join(_word(child, depth + 1) for child in node.children)
        case "word":
            return re.sub(r"\\(.)", r"\1", said, flags=re.DOTALL)
    return said


def _unwrapped(words: list[str]) -> tuple[list[str], list[str], dict[str, str]]:
    """What wraps a command, the command, and what `env` assigns."""
    wrappers: list[str] = []
    assigned: dict[str, str] = {}
    while words and len(wrappers) < _MOST_WRAPPERS:
        program = words[0].rpartition("/")[2]
        if program not in _WRAPPERS or len(words) == 1:
            break
        rest = list(_after_options(words[1:], _WITH_VALUE.get(program, ())))
        rest = rest[_WRAPPERS[program] :]
        while rest and program == "env" and _ASSIGNMENT.match(rest[0]):
            name, _, value = rest.pop(0).partition("=")
            assigned[name] = value
        if not rest:
            break
        wrappers.append(program)
        words = rest
    return wrappers, words, assigned


def _after_options(words: list[str], with_value: tuple[str, ...]) -> Iterator[str]:
    """The words from the first that is no option, `--` left out."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        if words[at] == "--":
            at += 1
            break
        at += 2 if words[at] in with_value else 1
    yield from words[at:]


def _script_of(words: list[str]) -> str | None:
    """The text that `sh -c` is given, with whatever options before it."""
    if not words or words[0].rpartition("/")[2] not in _SHELLS:
        return None
    for at, word in enumerate(words[1:], start=1):
        if not word.startswith("-"):
            return None
        if not word.startswith("--") and word.endswith("c"):
            return words[at + 1] if at + 1 < len(words) else None
    return None
