"""The scanners that the audit is measured against, each as a person would call it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from bench.measure import ROOT
from bench.spent import Spent, spent

LOCK = ROOT / "bench" / "scanners" / "requirements.txt"
INSTALLED = ROOT / ".summit" / "bench" / "scanners"  # kept from one run to the next
STRICT = {"rules": {"unpinned-uses": {"config": {"policies": {"*": "hash-pin"}}}}}


def installed() -> Path:
    """The folder of their programs; they are installed from their lock at need."""
    kept = INSTALLED / LOCK.name
    if not kept.is_file() or kept.read_bytes() != LOCK.read_bytes():
        shutil.rmtree(INSTALLED, ignore_errors=True)
        venv.create(INSTALLED, with_pip=True)
        pip = [INSTALLED / "bin" / "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", LOCK], check=True)
        shutil.copy(LOCK, kept)
    return INSTALLED / "bin"


def ours(folder: Path) -> Spent:
    """`inv audit --path FOLDER`, as `./inv` starts it."""
    words = ("audit", "--path", str(folder), "--fail-on", "high", "--format", "json")
    return _spent((ROOT / "inv", *words), ROOT)


def checkov(folder: Path) -> Spent:
    """The frameworks of this kind of repository; no network, and success whatever it finds."""
    frameworks = ("dockerfile", "github_actions", "kubernetes", "secrets", "yaml")
    options = ("--quiet", "--compact", "--soft-fail", "--skip-download")
    words = ("--directory", str(folder), *options, "--framework", *frameworks)
    return _spent((installed() / "checkov", *words), folder)


def zizmor(folder: Path, workflows: list[Path]) -> set[tuple[str, int]]:
    """File and line of what it says is not pinned, its policy the strictest that it has."""
    config = folder / "zizmor.json"
    config.write_text(json.dumps(STRICT))  # JSON is YAML
    options = ("--offline", "--no-exit-codes", "--format", "json", "--config", str(config))
    found = _read((installed() / "zizmor", *options, *workflows))
    config.unlink()
    return {
        _place(folder, location)
        for finding in found
        if finding["ident"] == "unpinned-uses"
        for location in finding["locations"]
        if location["symbolic"]["kind"] == "Primary"
    }


def _place(folder: Path, location: dict[str, Any]) -> tuple[str, int]:
    given = location["symbolic"]["key"]["Local"]["verbatim_path"]
    row = location["concrete"]["location"]["start_point"]["row"]
    return os.path.relpath(given, folder), row + 1


def compose_lint(files: list[Path]) -> set[tuple[str, int]]:
    """File and line of the credentials it finds in Compose files."""
    words = ("check", "--format", "json", "--fail-on", "critical", "--no-merge-overrides")
    found = set()
    for file in files:
        said = _read((installed() / "compose-lint", *words, str(file)))
        found |= {
            (file.name, finding["line"])
            for finding in said["findings"]
            if finding["rule_id"] in ("CL-0020", "CL-0021")
        }
    return found


def _spent(command: tuple[str | Path, ...], cwd: Path) -> Spent:
    plain = {"PATH": os.environ["PATH"], "HOME": str(INSTALLED)}
    return spent(command, cwd=cwd, environment=plain)


def _read(command: tuple[str | Path, ...]) -> Any:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(ended.stdout)
    except ValueError:
        sys.exit(f"error: {command[0]} ended with {ended.returncode}:\n{ended.stderr}")
