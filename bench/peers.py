"""The runners that are measured: ours and its peers, each with the words a person types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.measure import ROOT
from bench.repository import Component, generate
from bench.spent import Spent, spent

INSTALLED = ROOT / ".summit" / "bench"  # kept from one run to the next
LOCK = "package-lock.json"
MISSING = 5
NPM_STUB = "#!/bin/sh\nexec cp package.json built\n"


@dataclass(frozen=True)
class Runner:
    """A program that builds the repository in `folder`; `memory` is what it keeps there."""

    folder: Path
    parts: list[Component]
    command: tuple[str | Path, ...]
    memory: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: Path = Path(os.devnull)

    def run(self) -> Spent:
        # Nothing of whoever measures: neither settings, nor the switch that leaves bytecode out.
        plain = {"PATH": os.environ["PATH"], "HOME": str(self.folder.parent)}
        return spent(
            self.command,
            cwd=self.folder,
            environment={**plain, **self.environment},
            stdin=self.stdin,
        )

    def run_cold(self) -> Spent:
        """Run it where nothing has ever been built."""
        for name in self.memory:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for part in self.parts:
            (self.folder / part.built).unlink(missing_ok=True)
        figures = self.run()
        assert all((self.folder / part.built).exists() for part in self.parts)
        return figures


def ours(folder: Path, count: int) -> Runner:
    """What `./inv build` starts. The signing key is in `folder`'s parent, and stays."""
    launcher = ROOT / "pipelines" / "launch.py"
    command = (sys.executable, "-I", "-S", launcher, "build")
    return Runner(folder, generate(folder, count), command, (".summit",))


def turborepo(folder: Path, count: int) -> Runner:
    """Turborepo as npm installs it; `npm` itself is a stub, so that only the runner counts."""
    parts = generate(folder, count)
    (folder / "node_modules").symlink_to(_install())
    stub = folder.with_suffix(".bin") / "npm"
    stub.parent.mkdir()
    stub.write_text(NPM_STUB)
    stub.chmod(0o755)
    environment = {
        "PATH": os.pathsep.join([str(stub.parent), os.environ["PATH"]]),
        "TURBO_TELEMETRY_DISABLED": "1",
        "DO_NOT_TRACK": "1",
        "TURBO_NO_UPDATE_NOTIFIER": "1",
    }
    command = (Path("node_modules", ".bin", "turbo"), "run", "build")
    return Runner(folder, parts, command, (".turbo",), environment)


def without_node(turborepo: Runner) -> Runner:
    """The program proper, which Node otherwise only starts."""
    (program,) = turborepo.folder.glob("node_modules/@turbo/*/bin/turbo")
    return replace(turborepo, command=(program, *turborepo.command[1:]))


def make(folder: Path, count: int) -> Runner:
    """GNU make without its built-in rules; what is built is the stamp."""
    return Runner(folder, generate(folder, count), (_find("make"), "-rR"))


def doit(folder: Path, count: int) -> Runner:
    return Runner(folder, generate(folder, count), (sys.executable, "-m", "doit"))


def xargs(folder: Path, count: int) -> Runner:
    """The commands and nothing else, two at a time."""
    parts = generate(folder, count)
    (program,) = {part.command[0] for part in parts}
    words = folder.with_suffix(".words")
    words.write_text("".join(f"{' '.join(part.command[1:])}\n" for part in parts))
    return Runner(folder, parts, (_find("xargs"), "-P2", "-n2", program), stdin=words)


def _install() -> Path:
    """Install what `package-lock.json` names, unless it is there, and return where."""
    modules, lock = INSTALLED / "node_modules", ROOT / "bench" / LOCK
    if not modules.is_dir() or (INSTALLED / LOCK).read_bytes() != lock.read_bytes():
        INSTALLED.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(modules, ignore_errors=True)
        for file in (lock, lock.with_name("package.json")):
            shutil.copy(file, INSTALLED)
        subprocess.run(
            [_find("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
            cwd=INSTALLED,
            check=True,
        )
    return modules


def _find(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        sys.stderr.write(f"error: no `{program}`; install it, e.g. `apt-get install {program}`\n")
        sys.exit(MISSING)
    return found
