"""What is read of a Markdown file, and with which line and section."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pipelines.audit.model import markdown
from pipelines.audit.model.markdown import Block, Kind


def blocks(text: str) -> list[Block]:
    return list(markdown.parse(dedent(text), "FIXES.md").blocks)


def seen(text: str) -> list[tuple[str, str, int]]:
    return [(it.kind.value, it.text, it.place.line) for it in blocks(text)]


def test_headings_items_and_paragraphs_know_their_lines() -> None:
    text = """\
        # Fixes

        All done.

        ## 1. **Secrets** removed
        - read from `env`
          and [nowhere](x.md) else
    """

    assert seen(text) == [
        ("heading", "Fixes", 1),
        ("text", "All done.", 3),
        ("heading", "1. Secrets removed", 5),
        ("item", "read from `env`\nand nowhere else", 6),
    ]


@pytest.mark.parametrize(
    ("item", "is_ticked"),
    [("- [x] done", True), ("- [X] done", True), ("1. [ ] done", False), ("- done", None)],
)
def test_a_box_is_ticked_or_not(item: str, is_ticked: bool | None) -> None:
    (block,) = blocks(item)

    assert (block.is_ticked, block.text) == (is_ticked, "done")


def test_a_section_is_the_headings_above_and_the_label() -> None:
    text = """\
        # A
        ## B
        ### C
        ## D
        **Files changed**:
        - one
        ### E
        - two
    """

    found = {it.text: it.section for it in blocks(text) if it.kind is Kind.ITEM}
    assert found == {"one": ("A", "D", "Files changed"), "two": ("A", "D", "E")}


@pytest.mark.parametrize("label", ["FIXES:", "**Fixes**:", "**Fixes:**", "**Fixes**"])
def test_a_paragraph_that_only_announces_is_a_label(label: str) -> None:
    assert [it.kind for it in blocks(f"{label}\n\n- x\n")] == [Kind.LABEL, Kind.ITEM]


@pytest.mark.parametrize("text", ["Risk: anybody can call it", "**Risk**: anybody", f"{'x' * 90}:"])
def test_a_sentence_is_no_label(text: str) -> None:
    assert [it.kind for it in blocks(text)] == [Kind.TEXT]


@pytest.mark.parametrize(
    "text",
    [
        "```\n- [x] done\n```",
        "    - [x] done",
        "> - [x] done",
        "> # Fixed",
        "<!-- - [x] done -->",
        "<div>\n- [x] done\n</div>",
        "",
        "![all done](picture.png)",
        "> | a |\n> |---|\n> | done |",
    ],
)
def test_code_quotes_pictures_and_html_say_nothing(text: str) -> None:
    assert markdown.parse(text, "FIXES.md").blocks == ()


def test_an_item_knows_how_deep_it_stands() -> None:
    text = """\
        - one
          - two
            - three
        - four
    """

    assert [(it.text, it.depth) for it in blocks(text)] == [
        ("one", 1),
        ("two", 2),
        ("three", 3),
        ("four", 1),
    ]


def test_only_the_first_paragraph_of_an_item_is_the_item() -> None:
    found = blocks("- one\n\n  more of it\n")

    assert [(it.kind, it.text) for it in found] == [(Kind.ITEM, "one"), (Kind.TEXT, "more of it")]


def test_a_row_has_its_cells_with_their_heads() -> None:
    (row,) = blocks("| Item | Status |\n|---|---|\n| `a` | ✅ |\n")

    assert row.kind is Kind.ROW
    assert row.place.line == 3
    assert row.cells == (("Item", "`a`"), ("Status", "✅"))


def test_sentences_have_their_own_lines() -> None:
    (block,) = blocks("One is\ndone. Two is\nnot, e.g. this.\n\n")

    assert [(text, place.line) for text, place in block.sentences()] == [
        ("One is done.", 1),
        ("Two is not, e.g. this.", 2),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "- " * 5_000 + "x",
        "> " * 5_000 + "x",
        "[" * 200_000,
        "*a_" * 60_000,
        "`" * 100_000,
        "| a " * 20_000 + "|\n" + "|---" * 20_000 + "|\n",
        "|a" * 3_000 + "\n" + "|-" * 3_000 + "\n" + ("|b" * 30 + "\n") * 3_000,
        "\ufeff\x00\x85\u2028# x\r# y",
    ],
    ids=[
        "lists",
        "quotes",
        "brackets",
        "emphasis",
        "backticks",
        "table",
        "lacking cells",
        "strange",
    ],
)
@pytest.mark.timeout(5)
def test_nothing_that_a_file_holds_is_too_much(text: str) -> None:
    markdown.parse(text, "x.md")
