"""Shell: which commands a text runs, and which of their failures nobody sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.place import Place


@dataclass(frozen=True)
class Command:
    """One simple command, wherever it stands in the text.

    `words` are unquoted, `$NAME` is kept; what only wraps another command (`sudo`, `env`, `exec`,
    `time`, `nice`, `timeout`, `xvfb-run`, `dumb-init`, `tini`, `sh -c "..."`) is taken off, and
    says so in `wrappers`. `folder` is where `cd` has led before, relative to the start.
    """

    words: tuple[str, ...]
    place: Place
    text: str  # the command with its place in the list: `pytest -q || true`
    folder: str = ""
    assigned: Mapping[str, str] = field(default_factory=dict)
    wrappers: tuple[str, ...] = ()
    # Why its failure does not end the script: "|| true", "|| :", "|| exit 0", "|| echo", "; true",
    # "set +e", "pipe" (another command's exit code counts, no pipefail), "&" ; "" when it does.
    swallowed: str = ""
    swallowed_at: Place | None = None
    # Whether its outcome is asked for: `if cmd`, `while cmd`, `! cmd`, `cmd && ...` in a condition,
    # `x=$(cmd)`, `cmd; code=$?`, `cmd || code=$?`, `cmd || failed=1`, `cmd || { ...; exit 1; }`.
    is_captured: bool = False

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


def parse(
    text: str, place: Place, *, stops_at_errors: bool = False, pipefail: bool = False
) -> Script:
    """Read a text whose first line is at `place`.

    `stops_at_errors` says that the shell is started with -e, as GitHub starts it; without it, and
    without `set -e`, only the last command decides (its failure is what the caller sees).
    `${{ ... }}` of GitHub and `$(X)` of make are words.
    """
    return Script(text, place, ())
