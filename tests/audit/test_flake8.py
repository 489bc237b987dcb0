"""The plug-in for flake8, run by flake8 itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.audit.flake8 import Plugin, code

ROOT = Path(__file__).parents[2]
_CONFIG = f"""
[flake8]
select = SUM

[flake8:local-plugins]
extension =
    SUM = pipelines.audit.flake8:Plugin
paths = {ROOT}
"""
_COUNTER = "from prometheus_client import Counter\n"
_OPEN = 'app.add_middleware(CORSMiddleware, allow_origins=["*"])'
_MODULE = f"""\
import os

import requests
from starlette.middleware.cors import CORSMiddleware

PASSWORD = os.getenv("DB_PASSWORD", "postgres")


def main(app):
    {_OPEN}
    requests.get("https://a.example", timeout=5, verify=False)
    requests.get("https://a.example")
"""


def flake8(folder: Path, text: str, file: str = "app/main.py") -> list[str]:
    """What flake8 says, without the file's name, which is the same for all."""
    (folder / "flake8.ini").write_text(_CONFIG, encoding="utf-8")
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    outcome = subprocess.run(
        [sys.executable, "-m", "flake8", "--config=flake8.ini", "--jobs=1", file],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.stderr == ""
    return [line.removeprefix(f"{file}:") for line in outcome.stdout.splitlines()]


def test_flake8_says_what_one_file_decides(tmp_path: Path) -> None:
    said = [" ".join(line.split()[:2]) for line in flake8(tmp_path, _MODULE)]

    assert said == ["6:1: SUM002", "10:1: SUM003", "11:1: SUM008", "12:1: SUM115"]


def test_a_finding_reads_as_in_the_audit(tmp_path: Path) -> None:
    text = f"from starlette.middleware.cors import CORSMiddleware\n{_OPEN}\n"

    (line,) = flake8(tmp_path, text)
    message, remedy = "CORSMiddleware allows every origin", "name the origins that may call, and"
    assert line.startswith(f"2:1: SUM003 {message}: {remedy}")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("from flask import Flask\napp = Flask(__name__)\napp.run(debug=True)\n", ["SUM006"]),
        ("from fastapi import FastAPI\napp = FastAPI(debug=True)\n", ["SUM006"]),
        ("from fastapi import FastAPI\napp = FastAPI(debug=False)\n", []),
        ('if __name__ == "__main__":\n    app.run(debug=True)\n', []),
        (
            f'{_COUNTER}A = Counter("a_total", "a")\nB = Counter("b_total", "b")\nA.inc()\n',
            ["SUM202"],
        ),
        (f'{_COUNTER}A = Counter("a_total", "a")\n', []),
    ],
)
def test_what_needs_the_repository_is_said_of_one_file_only_where_it_is_sure(
    text: str, codes: list[str]
) -> None:
    found = Plugin(ast.Module([], []), "app/main.py", [text]).run()

    assert [it[2].split()[0] for it in found] == codes


def test_both_kinds_of_comment_let_one_stay(tmp_path: Path) -> None:
    text = (
        "from starlette.middleware.cors import CORSMiddleware\n"
        f"{_OPEN}  # noqa: SUM003\n"
        f"{_OPEN}  # summit: ignore SEC003 -- a public list of stations\n"
    )

    assert flake8(tmp_path, text) == []


@pytest.mark.parametrize("file", ["tests/test_main.py", "docs/example.py"])
def test_what_is_not_deployed_is_left_alone(tmp_path: Path, file: str) -> None:
    assert flake8(tmp_path, _MODULE, file) == []


def test_a_file_that_is_no_python_says_nothing() -> None:
    """flake8 says so itself, and an editor asks while a line is half written."""
    assert list(Plugin(ast.Module([], []), "app/main.py", ["def f(:\n"]).run()) == []


def test_a_file_elsewhere_is_read_as_a_module() -> None:
    found = list(Plugin(ast.Module([], []), "/elsewhere/tests/x.py", [_MODULE]).run())

    assert [it[2].split()[0] for it in found] == ["SUM002", "SUM003", "SUM008", "SUM115"]


def test_codes_are_made_of_the_rules_ids() -> None:
    assert [code(it) for it in ("SEC001", "REL015", "OBS002")] == ["SUM001", "SUM115", "SUM202"]
