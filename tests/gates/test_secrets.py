"""A secret's value is nowhere: not on the terminal, not in a log, a record or any other file."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from tests.gates.project import Outcome, Project

VALUE = 'pa"ss w/rd+é&9#x\\y'
FORMS = {
    "as it is": VALUE,
    "base64": base64.b64encode(VALUE.encode()).decode(),
    "URL-safe base64": base64.urlsafe_b64encode(VALUE.encode()).decode(),
    "inside base64": base64.b64encode(f"user:{VALUE}\n".encode()).decode(),
    "percent-encoded": quote(VALUE, safe=""),
    "in a form": quote_plus(VALUE),
    "in JSON": json.dumps(VALUE)[1:-1],
    "in JSON, not escaped": json.dumps(VALUE, ensure_ascii=False)[1:-1],
}
# Long enough to be told, wherever it was taken out of.
TRACES = [
    VALUE,
    FORMS["base64"].rstrip("="),
    FORMS["URL-safe base64"].rstrip("="),
    *(FORMS[name] for name in ("percent-encoded", "in a form", "in JSON", "in JSON, not escaped")),
]

# Says the forms one after another, each in writes of a few bytes, on both streams.
TELL = """
import os, sys, json
for form in json.load(open("forms.json")):
    word = f"[{form}]\\n".encode()
    for at in range(0, len(word), 3):
        os.write(1 + at % 2 * int(sys.argv[1]), word[at : at + 3])
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def told(project: Project) -> Project:
    """A step that tells all it knows. What it tells is left out of what Git and inputs know."""
    project.write(".gitignore", "forms.json\n")
    project.write("tell.py", TELL)
    project.write("forms.json", json.dumps(list(FORMS.values())))
    return project


def steps(project: Project, *arguments: str) -> None:
    words = ", ".join(f'"{argument}"' for argument in arguments)
    project.steps(f"""
        test: {{run: [python, tell.py, {words}], inputs: [tell.py], secrets: [TOKEN]}}
        lint: {{run: ["true"]}}
    """)


def traces(project: Project, *outcomes: Outcome) -> list[str]:
    """Where a form of the secret is to be seen."""
    seen = [it.stdout + it.stderr for it in outcomes]
    kept = [(str(file), file.read_bytes()) for file in project.files()]
    places = [("the terminal", text.encode()) for text in seen] + kept
    return [
        f"{place}: {trace}" for place, text in places for trace in TRACES if trace.encode() in text
    ]


@pytest.mark.parametrize("gate", ["test", "check"], ids=["shown as it goes", "among others"])
@pytest.mark.parametrize("code", ["0", "1"], ids=["passed", "failed"])
def test_no_form_of_a_secret_is_seen_anywhere(told: Project, gate: str, code: str) -> None:
    steps(told, "0", code)

    outcome = told.inv(gate, TOKEN=VALUE)

    assert outcome.code == int(code)
    assert traces(told, outcome) == []
    assert "test" in [record["step"] for record in told.records]


def test_no_question_about_a_record_brings_it_back(told: Project) -> None:
    steps(told, "0", "0")
    told.inv("test", TOKEN=VALUE)

    answers = [
        told.inv("ledger.show", "--record", "0", "--log"),
        told.inv("ledger.show", "--record", "0", "--inputs"),
        told.inv("why", "test:it", TOKEN=VALUE),
    ]

    assert [answer.code for answer in answers] == [0, 0, 0]
    assert traces(told, *answers) == []


def test_the_log_says_that_something_was_hidden(told: Project) -> None:
    steps(told, "0", "0")

    told.inv("test", TOKEN=VALUE)

    (number,) = (str(at) for at, it in enumerate(told.records) if it["step"] == "test")
    log = told.inv("ledger.show", "--record", number, "--log").stdout.splitlines()
    assert len(log) == len(FORMS)
    assert all("***" in line for line in log)
    assert log[0] == "[***]"


def test_the_tests_would_see_it(told: Project) -> None:
    told.steps("""
        test: {run: [python, tell.py, "0", "0"], inputs: [tell.py], env: [TOKEN]}
    """)

    outcome = told.inv("test", TOKEN=VALUE)

    assert len(traces(told, outcome)) >= len(TRACES)


def test_a_secret_on_both_streams_in_turns_is_not_seen(told: Project) -> None:
    steps(told, "1", "0")

    outcome = told.inv("test", TOKEN=VALUE)

    assert traces(told, outcome) == []


def test_a_secret_word_of_the_command_is_not_recorded(project: Project) -> None:
    project.steps("""
        test: {run: [sh, -c, "echo hunter22-hunter22"], secrets: [TOKEN]}
    """)

    outcome = project.inv("test", TOKEN="hunter22-hunter22")

    (record,) = project.records
    assert record["argv"] == ["sh", "-c", "echo ***"]
    assert "hunter22" not in outcome.stderr


def test_a_secret_in_a_failed_tests_name_is_not_recorded(project: Project) -> None:
    project.steps("""
        test: {run: [python, -m, pytest, "--junit-xml={junit}", -p, no:cacheprovider],
          secrets: [TOKEN]}
    """)
    project.write(".gitignore", "__pycache__/\n")
    project.write(
        "test_it.py",
        """
        import os
        import pytest

        @pytest.mark.parametrize("token", [os.environ["TOKEN"]])
        def test_one(token):
            assert token == "other"
        """,
    )

    outcome = project.inv("test", TOKEN="hunter22-hunter22")

    assert outcome.code == 1
    kept = [str(file) for file in project.files() if b"hunter22" in file.read_bytes()]
    assert (kept, "hunter22" in outcome.stderr) == ([], False)
    assert not any("hunter22" in str(record) for record in project.records)


def test_another_value_of_a_secret_changes_no_evidence(project: Project) -> None:
    project.steps("""
        test: {run: [sh, -c, "echo test >> ~/ran"], secrets: [TOKEN]}
    """)
    for value in ("hunter22", "hunter33"):
        project.inv("test", TOKEN=value)
    assert project.ran == ["test"]

    project.inv("test")

    assert project.ran == ["test"]


def test_a_secret_too_short_to_be_hidden_is_one_line(project: Project) -> None:
    project.steps("""
        test: {run: ["true"], secrets: [TOKEN]}
    """)

    outcome = project.inv("test", TOKEN="abc")

    assert outcome.error == (
        "the secret TOKEN of test:it is too short to be masked; give it at least 4 characters"
    )
    assert outcome.code == 2
