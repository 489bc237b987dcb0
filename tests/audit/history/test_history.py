"""When an issue came, went and came back, in real repositories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree as ET

import pytest

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.history import page, picture, printing
from pipelines.audit.history.command import FORMATS, history
from pipelines.audit.history.issues import History, Span
from pipelines.audit.model import Model
from pipelines.audit.place import Place
from pipelines.audit.rule import rule
from pipelines.errors import ConfigError
from tests.audit import repository
from tests.audit.history.checkout import Checkout

READ: list[str] = []


@rule("TST001", "fault-word", Severity.HIGH)
def fault_word(model: Model) -> Iterator[Fault]:
    """The word is there."""
    for path in model.tracked:
        READ.append(path)
        lines = model.tracked.once("lines", path, lambda path=path: _lines(model, path))
        for number in lines:
            yield Fault(Place(path, number), "the word <fault> is there", "remove it")


def _lines(model: Model, path: str) -> list[int]:
    READ.append(f"parsed {path}")
    return [at for at, line in enumerate(model.tracked.lines(path), start=1) if "fault" in line]


@pytest.fixture(autouse=True)
def one_rule() -> Iterator[None]:
    READ.clear()
    with repository.only(fault_word):
        yield


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def spans(found: History) -> dict[str, list[Span]]:
    return {str(it.finding.place): list(it.spans) for it in found.issues}


def test_an_issue_comes_goes_and_comes_back(checkout: Checkout) -> None:
    checkout.commit("one", {"a.py": "good\n"})
    checkout.commit("two", {"a.py": "fault\n"})
    checkout.commit("three", {"a.py": "good\n"})
    checkout.commit("four", {"a.py": "fault\n"})

    found = history(checkout.folder)

    assert spans(found) == {"a.py:1": [Span(1, 2), Span(3)]}
    assert (found.came, found.went) == ((0, 1, 0, 1), (0, 0, 1, 0))
    assert found.issues[0].returns == 1
    assert [it.subject for it in found.commits] == ["one", "two", "three", "four"]


def test_an_issue_whose_line_moves_stays_the_same(checkout: Checkout) -> None:
    checkout.commit("one", {"a.py": "fault\n"})
    checkout.commit("two", {"a.py": "above\nabove\nfault\n"})

    assert spans(history(checkout.folder)) == {"a.py:3": [Span(0)]}


def test_an_issue_goes_with_its_file(checkout: Checkout) -> None:
    checkout.commit("one", {"a.py": "fault\n", "b.py": ""})
    checkout.commit("two", {"a.py": None})

    assert spans(history(checkout.folder)) == {"a.py:1": [Span(0, 1)]}


def test_by_first_parents_a_branch_is_its_merge(checkout: Checkout) -> None:
    checkout.commit("one", {"a.py": ""})
    checkout.branch("side")
    checkout.commit("within", {"b.py": "fault\n"})
    checkout.commit("within too", {"b.py": "fault\nfault\n"})
    checkout.merge("side")

    found = history(checkout.folder)

    assert [it.subject for it in found.commits] == ["one", "Merge side"]
    assert spans(found) == {"b.py:1": [Span(1)], "b.py:2": [Span(1)]}


def test_a_limit_takes_the_last_commits(checkout: Checkout) -> None:
    for number in range(1, 5):
        checkout.commit(f"commit {number}", {"a.py": f"{number}\n"})

    assert [it.subject for it in history(checkout.folder, limit=2).commits] == [
        "commit 3",
        "commit 4",
    ]


def test_it_ends_at_the_revision_that_was_asked_for(checkout: Checkout) -> None:
    first = checkout.commit("one", {"a.py": "fault\n"})
    checkout.commit("two", {"a.py": ""})

    assert [it.id for it in history(checkout.folder, first).commits] == [first]


def test_a_folder_has_its_own_history(checkout: Checkout) -> None:
    checkout.commit("one", {"a.py": "fault\n"})
    checkout.commit("two", {"inner/b.py": "fault\n"})

    assert spans(history(checkout.folder / "inner")) == {"b.py:1": [Span(1)]}


def test_what_did_not_change_is_not_audited_again(checkout: Checkout) -> None:
    checkout.commit("one", {"a.py": "fault\n", "picture.png": "1"})
    checkout.commit("only a picture", {"picture.png": "2"})
    checkout.commit("nothing", {})
    checkout.commit("another", {"b.py": "x\n"})
    checkout.commit("back", {"b.py": None})

    found = history(checkout.folder, jobs=1)

    assert spans(found) == {"a.py:1": [Span(0)]}
    assert READ.count("a.py") == 2  # in two states
    assert READ.count("parsed a.py") == 1  # as its contents are the same in both


def test_nothing_is_remembered_from_one_walk_to_the_next(checkout: Checkout) -> None:
    checkout.commit("one", {"a.py": "fault\n"})
    checkout.commit("two", {"b.py": "x\n"})

    for _ in range(2):
        READ.clear()
        history(checkout.folder, jobs=1)
        assert READ.count("parsed a.py") == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_in_several_processes_it_is_the_same(
    checkout: Checkout, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # another process has the rules as they are
    for number in range(9):
        user = "USER 1000\n" if number % 3 == 0 else ""
        checkout.commit(f"commit {number}", {"Dockerfile": f"FROM a:{number}\n{user}"})

    found = history(checkout.folder, jobs=jobs)

    assert len(found.commits) == 9
    assert printing.as_json(found) == printing.as_json(history(checkout.folder, jobs=1))


def test_without_a_repository_there_is_no_history(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is in no Git repository"):
        history(tmp_path)


def test_a_revision_that_is_not_there_is_named(checkout: Checkout) -> None:
    with pytest.raises(ConfigError, match="no commit called 'HEAD'"):
        history(checkout.folder)
    checkout.commit("one", {"a.py": ""})
    with pytest.raises(ConfigError, match="no commit called 'v9'"):
        history(checkout.folder, "v9")


def test_the_text_tells_what_came_and_went(checkout: Checkout) -> None:
    one = checkout.commit("one", {"a.py": "fault\n"})
    two = checkout.commit("mend \x1b[2J it", {"a.py": "", "b.py": "fault\n"})

    assert printing.text(history(checkout.folder)) == dedent(
        f"""\
        2 commits from {one[:9]} (2026-01-01) to {two[:9]} (2026-01-02)

        2 issues in all: 1 there now, 1 gone, 0 came back at some time

        severity  rule               now  gone  back  there since
        high      TST001 fault-word  1    1     0     {two[:9]} (2026-01-02)

        came  went  commit
        +1    -1    {two[:9]} (2026-01-02)  mend \\x1b[2J it
        +1    -0    {one[:9]} (2026-01-01)  one"""
    )


def test_a_clean_history_is_said_in_two_lines(checkout: Checkout) -> None:
    only = checkout.commit("one", {"a.py": ""})

    assert printing.text(history(checkout.folder)) == (
        f"1 commit from {only[:9]} (2026-01-01) to {only[:9]} (2026-01-01)\n\n"
        "0 issues in all: 0 there now, 0 gone, 0 came back at some time"
    )


def test_the_json_names_the_commits_of_each_span(checkout: Checkout) -> None:
    one = checkout.commit("one", {"a.py": "fault\n"})
    two = checkout.commit("two", {"a.py": ""})

    document = json.loads(printing.as_json(history(checkout.folder)))

    assert [(it["id"], it["came"], it["went"]) for it in document["commits"]] == [
        (one, 1, 0),
        (two, 0, 1),
    ]
    (issue,) = document["issues"]
    assert issue["spans"] == [{"came": one, "went": two}]
    assert (issue["rule"], issue["file"], issue["there"]) == ("TST001", "a.py", False)


class _Page(HTMLParser):
    """What a page loads from elsewhere, and whether its elements are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attributes if name in ("src", "href")]


def test_the_page_needs_nothing_else_and_no_program(checkout: Checkout) -> None:
    checkout.commit("<b>one</b>", {"a.py": "fault\n"})
    checkout.commit("two", {"a.py": ""})

    text = page.render(history(checkout.folder))

    found = _Page(text)
    assert found.loaded == []
    assert "script" not in found.tags
    assert {"svg", "details", "table", "title", "desc"} <= set(found.tags)
    assert "<b>" not in text
    assert "&lt;b&gt;one" in text
    assert "prefers-color-scheme: dark" in text


def test_every_picture_is_well_formed_and_says_what_it_shows(checkout: Checkout) -> None:
    checkout.commit("one", {"a.py": "fault\n"})
    checkout.commit("two", {"a.py": "fault\nfault\n"})
    checkout.commit("three", {"a.py": "fault\n"})
    found = history(checkout.folder)

    text = picture.timeline(
        found, [picture.rule_row(found, "TST001", found.issues)], "Rules", "rules"
    )

    drawn = ET.fromstring(text)
    assert drawn.get("role") == "img"
    assert drawn.get("aria-labelledby") == "rules-title rules-desc"
    assert [it.get("id") for it in drawn[:2]] == ["rules-title", "rules-desc"]
    said = [it.findtext("title") for it in drawn.iter("rect")]
    assert [(it or "").partition(",")[0] for it in said] == [
        "TST001: 1 issue",
        "TST001: 2 issues",
        "TST001: 1 issue",
    ]
    ET.fromstring(picture.sums(found, "Sums", "sums"))


def test_names_that_xml_cannot_write_are_replaced(checkout: Checkout) -> None:
    checkout.commit("one", {"a\x01b.py": "fault\n"})
    found = history(checkout.folder)

    ET.fromstring(picture.timeline(found, list(picture.rows_of(found, found.issues)), "x", "x"))


def test_each_format_gives_the_same_bytes_each_time(checkout: Checkout) -> None:
    checkout.commit("one", {f"{name}.py": "fault\n" for name in "zyxab"})
    checkout.commit("two", {"z.py": ""})

    for render in FORMATS.values():
        assert render(history(checkout.folder)) == render(history(checkout.folder))
