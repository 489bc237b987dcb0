import pytest

from pipelines.audit.model.secrets import envfiles
from tests.audit.repository import tracked


def test_every_variable_knows_its_line():
    text = "A=1\n\n# a comment\nexport B=\"two words\" # why\nC\nD='multi\nline'\nE=$X-${Y:-z}\n"

    found = envfiles.parse(text, ".env")

    assert [(it.name, it.value, it.place.line) for it in found] == [
        ("A", "1", 1),
        ("B", "two words", 4),
        ("C", None, 5),
        ("D", "multi\nline", 6),
        ("E", "$X-${Y:-z}", 8),
    ]


def test_what_is_no_assignment_is_passed_over():
    found = envfiles.parse("A='open\n= nothing\n%%%\nB=2\n", ".env")

    assert "B" in [it.name for it in found]


@pytest.mark.parametrize(
    "path", [".env", "app/.env.production", "web.env", "env.example", ".env-prod", "env/netbox.env"]
)
def test_an_env_file_by_its_name(path):
    assert envfiles.is_env_file(path)


@pytest.mark.parametrize(
    "path", ["environment.ts", ".envrc", "env.py", "src/env.mjs", "env.d.ts", ".env.md", "venv/x"]
)
def test_no_env_file_by_its_name(path):
    assert not envfiles.is_env_file(path)


def test_only_what_is_tracked_is_read():
    repository = tracked({".env": "A=1\n", "data.env": b"\0\1"})

    assert [it.name for it in envfiles.read(repository, ".env")] == ["A"]
    assert envfiles.read(repository, "data.env") == ()
    assert envfiles.read(repository, "other/.env") == ()
    assert envfiles.files(repository) == [".env", "data.env"]
