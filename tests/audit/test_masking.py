"""No credential is shown, whichever rule is asked and whatever else it finds on the line."""

from __future__ import annotations

import json

import pytest

from pipelines.audit.audit import audit
from pipelines.audit.claims import judging, printing
from pipelines.audit.formats import FORMATS
from pipelines.audit.masking import masked
from pipelines.audit.rules import RULES
from tests.audit.repository import tracked

WORD = "hunter2-and-9more"
TOKEN = "ghp_" + "a1B2" * 9
FILES = {
    "compose.yaml": f"""\
        services:
          api:
            build: .
            command: uvicorn main:app && echo --password {WORD}
            environment:
              DATABASE_URL: postgresql://app:{WORD}@nowhere:5432/x
              OTHER_URL: postgresql://app:${{DB_PASSWORD:-{WORD}}}@nowhere:5432/x
              UNREAD_PASSWORD: "{WORD}"
        """,
    "Dockerfile": "FROM python:3.12-slim\nCOPY . /app\nCMD python main.py\n",
    "main.py": f"import requests\nrequests.get('https://me:{WORD}@a.example.org', verify=False)\n",
    "Makefile": f"test:\n\tPGPASSWORD={WORD} pytest || true\n",
    ".github/workflows/ci.yml": f"""\
        on: push
        jobs:
          a:
            steps:
              - run: PGPASSWORD={WORD} GITHUB_TOKEN={TOKEN} pytest || true
        """,
    "SUMMARY.md": "# Fixed\n\n- [x] Removed `|| true` from CI\n- [x] Removed hardcoded secrets\n",
}


@pytest.mark.parametrize("rules", [*([id_] for id_ in RULES), list(RULES)], ids=" ".join)
def test_a_finding_shows_no_credential(rules: list[str]) -> None:
    report = audit(tracked(FILES), {id_: RULES[id_] for id_ in rules})

    assert WORD not in repr(report)
    assert TOKEN not in repr(report)


def test_the_lines_in_question_are_found() -> None:
    found = {(it.rule, it.place.file) for it in audit(tracked(FILES)).findings}

    assert found >= {
        ("REL012", "compose.yaml"),
        ("REL016", "compose.yaml"),
        ("SEC008", "main.py"),
        ("GATE002", "Makefile"),
        ("GATE001", ".github/workflows/ci.yml"),
        ("DOC001", "SUMMARY.md"),
    }


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_shows_one(name: str) -> None:
    assert WORD not in FORMATS[name](audit(tracked(FILES)))


def test_only_the_credential_is_masked_and_not_what_reads_the_same() -> None:
    line = "environment: {DATABASE_URL: 'postgresql://app:postgres@postgres/app'}"
    files = {"compose.yaml": f"services:\n  api:\n    image: a\n    {line}\n"}
    shown = [it.evidence for it in audit(tracked(files)).findings if it.place.line == 4]

    assert set(shown) == {"environment: {DATABASE_URL: 'postgresql://app:***@postgres/app'}"}


def test_a_name_that_reads_as_the_password_is_shown() -> None:
    files = {"a.py": 'import os\nc = connect(password=os.environ.get("DB_PASSWORD", "password"))\n'}
    (found,) = audit(tracked(files), {"SEC002": RULES["SEC002"]}).findings

    assert found.evidence == 'c = connect(password=os.environ.get("DB_PASSWORD", "***"))'


def test_no_verdict_shows_one() -> None:
    verdicts = judging.judge(tracked(FILES))

    assert json.loads(printing.FORMATS["json"](verdicts, ""))["claims"]
    for render in printing.FORMATS.values():
        assert WORD not in render(verdicts, "")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"PASSWORD: {WORD}", "PASSWORD: ***"),
        (f'"password": "{WORD}",', '"password": "***",'),
        (f'password: str = "{WORD}"', 'password: str = "***"'),
        (f"- run: PGPASSWORD={WORD} psql", "- run: PGPASSWORD=*** psql"),
        (f'os.getenv("DB_PASSWORD", "{WORD}")', 'os.getenv("DB_PASSWORD", "***")'),
        (
            f'DB_PASSWORD = os.getenv("DB_PASSWORD", "{WORD}")',
            'DB_PASSWORD = os.getenv("DB_PASSWORD", "***")',
        ),
        (f"secret: process.env.KEY || '{WORD}',", "secret: process.env.KEY || '***',"),
        (f'secret = os.getenv("KEY") or "{WORD}"', 'secret = os.getenv("KEY") or "***"'),
        ('add("--password", default=os.getenv("X"))', 'add("--password", default=os.getenv("X"))'),
        ("password = getpass(prompt)", "password = getpass(prompt)"),
        (f"curl -u me:{WORD} http://a", "curl -u me:*** http://a"),
        (f"PASSWORD={WORD * 100} x", "PASSWORD=*** x"),
        (f"curl -u x --password={WORD} http://a", "curl -u x --password=*** http://a"),
        (f"psql postgres://a:{WORD}@b/c", "psql postgres://a:***@b/c"),
        (f"- DB_PASSWORD=${{DB_PASSWORD:-{WORD}}}", "- DB_PASSWORD=${DB_PASSWORD:-***}"),
        (f"git clone https://{TOKEN}@github.com/a/b", "git clone https://***@github.com/a/b"),
        ("password: ${{ secrets.PASSWORD }}", "password: ${{ secrets.PASSWORD }}"),
        ("PASSWORD_FILE: /run/secrets/password", "PASSWORD_FILE: /run/secrets/password"),
        ("image: postgres:16", "image: postgres:16"),
        ("test: [CMD, curl, http://localhost:80]", "test: [CMD, curl, http://localhost:80]"),
    ],
)
def test_a_line_is_masked_by_what_stands_in_it(line: str, shown: str) -> None:
    assert masked(line) == shown
