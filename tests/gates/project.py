"""A small Git repository with steps of its own, worked on by the real command line."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests import unmeasured

REPOSITORY = Path(__file__).parents[2]
LAUNCHER = REPOSITORY / "pipelines" / "launch.py"
GATES = {"lint", "types", "test", "build", "audit", "check"}

# What differs from run to run, in the order in which it is replaced.
_VARYING = (
    (re.compile(r"\b\d+(\.\d+)?(ms|s)\b"), "TIME"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "RECORD"),
    (re.compile(r"( skipped) in TIME"), r"\1"),  # not said of a run in which nothing changed
    (re.compile(r" {2,}"), "  "),
)

# Three components in a row and one that stands alone; every step notes that it ran.
THREE = """
    components:
      kit: {folder: kit, kind: plain}
      shop: {folder: shop, kind: plain, needs: [kit]}
      lone: {folder: lone, kind: plain}
    kinds:
      plain:
        lint:
          run: [sh, -c, "echo lint:{component} >> ~/ran; ! grep bad *.txt"]
          inputs: ["*.txt"]
        build:
          run: [sh, -c, "echo build:{component} >> ~/ran; mkdir -p out; cat *.txt > out/made"]
          inputs: ["*.txt"]
          outputs: ["out/**"]
          needs: [^build]
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> list[str]:
        """The lines on stderr; times, ids of records and widths of columns are evened out."""
        text = self.stderr
        for pattern, replacement in _VARYING:
            text = pattern.sub(replacement, text)
        return text.splitlines()

    @property
    def totals(self) -> str:
        """The line that counts how all steps ended."""
        (line,) = (line for line in self.said if re.match(r"\d+ steps?: ", line))
        return line.partition(" (")[0]

    @property
    def error(self) -> str:
        """The one line that says what is wrong; a traceback is no such line."""
        assert "Traceback" not in self.stderr, self.stderr
        (line,) = (line for line in self.stderr.splitlines() if line.startswith("error: "))
        return line.removeprefix("error: ")


@dataclass(frozen=True)
class Project:
    """A checkout at `root`; `home` is the home folder, which keys and traces go to."""

    root: Path
    home: Path
    variables: dict[str, str] = field(default_factory=dict)
    # A program that goes on for hours and is told from all others by its argument.
    nap: str = field(default_factory=lambda: f"sleep 9{uuid.uuid4().int % 10**12:012}")

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).replace("NAP", self.nap))
        return file

    def steps(self, text: str) -> None:
        """Let the repository be one component, `it`, with these steps."""
        body = textwrap.indent(textwrap.dedent(text).strip("\n"), "    ")
        self.write(
            "pipelines.yaml",
            f"components: {{it: {{folder: ., kind: plain}}}}\nkinds:\n  plain:\n{body}\n",
        )

    def command(self, *words: str) -> list[str]:
        """What `./inv` does with these words, and `summit` where Invoke is to answer."""
        if words and GATES.issuperset(words):
            return [sys.executable, "-I", "-S", str(LAUNCHER), *words]
        return [sys.executable, "-m", "tasks", *words]

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "LD_LIBRARY_PATH") or name.startswith("COVERAGE_PROCESS_")
        }
        return {
            **kept,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "PYTHONPATH": str(REPOSITORY),
            "GIT_CONFIG_NOSYSTEM": "1",
            **self.variables,
        }

    def inv(
        self, *words: str, folder: str = ".", within: Sequence[str] = (), **variables: str
    ) -> Outcome:
        """Type a command, in a process of its own as a person does; `within` starts it."""
        ended = subprocess.run(
            [*within, *self.command(*words)],
            check=False,
            cwd=self.root / folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Outcome(ended.returncode, ended.stdout, ended.stderr)

    @contextmanager
    def running(self, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on meanwhile, in a process group of its own as a shell makes it.

        It is there to be interrupted, and so unmeasured.
        """
        with hearing():
            program = subprocess.Popen(
                self.command(*words),
                cwd=self.root,
                env={**unmeasured.environment(self.environment), **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                process_group=0,
            )
        with program:
            try:
                yield program
                program.wait(60)
            except BaseException:
                os.killpg(program.pid, signal.SIGKILL)
                raise

    def git(self, *words: str) -> str:
        said = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            check=True,
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        return said.stdout

    def commit(self, branch: str = "main") -> None:
        """Put all there is into a commit of its own on the branch."""
        self.git("checkout", "--quiet", "-B", branch)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "all")

    @property
    def ran(self) -> list[str]:
        """What steps have noted in `~/ran`, sorted, since this was last asked."""
        notes = self.home / "ran"
        noted = notes.read_text().splitlines() if notes.exists() else []
        notes.unlink(missing_ok=True)
        return sorted(noted)

    def left(self) -> list[psutil.Process]:
        """The naps that still go on, whoever started them."""
        number = self.nap.partition(" ")[2]
        return [process for process in psutil.process_iter() if number in _words(process)]

    def end_naps(self) -> list[psutil.Process]:
        """End what a test has left behind; returns it."""
        left = self.left()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return left

    @property
    def records(self) -> list[Mapping[str, Any]]:
        """What the records say of their steps, under the key of our own, oldest first."""
        lines = (self.root / ".summit/ledger/records.jsonl").read_bytes().splitlines()
        statements = (json.loads(base64.b64decode(json.loads(it)["payload"])) for it in lines)
        return [statement["predicate"]["summit"] for statement in statements]

    def files(self) -> list[Path]:
        """Every file below `.summit`."""
        return [path for path in (self.root / ".summit").rglob("*") if path.is_file()]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextmanager
def hearing() -> Iterator[None]:
    """What is started hears every signal, even where `nohup` or a background job has started us."""
    signals = (signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(it, signal.SIG_DFL) for it in signals]
    try:
        yield
    finally:
        for it, handler in zip(signals, before, strict=True):
            signal.signal(it, handler)
