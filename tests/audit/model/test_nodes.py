"""YAML nodes know their lines, and no file makes them hang or fail."""

from __future__ import annotations

import pytest

from pipelines.audit.model import nodes
from pipelines.audit.model.nodes import Broken


def read(text: str) -> nodes.Node:
    return nodes.read(text, "a.yaml")


def test_every_value_knows_its_line_and_that_of_its_key() -> None:
    node = read("a:\n  b: [1, 2]\n  c:\n    - x\n    - y\n")

    assert node["a"].key_place.line == 1
    assert node.get("a", "b").place.line == 2
    assert (node.get("a", "c").key_place.line, node.get("a", "c").place.line) == (3, 4)
    assert [item.place.line for item in node.get("a", "c")] == [4, 5]


def test_the_lines_of_a_block_are_counted_from_below_its_mark() -> None:
    node = read("run: |\n  one\n  two\n")

    assert (node["run"].text, node["run"].text_place.line) == ("one\ntwo\n", 2)


def test_what_is_not_there_is_empty() -> None:
    nowhere = read("a: 1").get("x", "y", "z")

    assert not nowhere
    assert (nowhere.text, nowhere.items, nowhere.fields) == ("", [], {})


def test_a_merge_gives_way_to_own_keys_and_the_first_source_wins() -> None:
    node = read("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  <<: [*x, *y]\n  a: 3\n")["z"]

    assert {key: value.text for key, value in node.fields.items()} == {"a": "3", "b": "1", "c": "2"}


def test_one_text_and_a_list_of_texts_are_read_alike() -> None:
    node = read("a: x\nb: [x, y]\nc:\n")

    assert [node[key].texts for key in "abc"] == [["x"], ["x", "y"], []]


@pytest.mark.parametrize(
    ("text", "line"), [("a: [1\nb: 2\n", 2), ("a: 'x\n", 2), ("\ta: 1\n", 1), ("a: *b\n", 1)]
)
def test_broken_yaml_names_its_line(text: str, line: int) -> None:
    with pytest.raises(Broken) as raised:
        read(text)

    assert raised.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 50_000,
        "\n".join(f"{' ' * depth}a:" for depth in range(1_000)),
        "- " * 20_000 + "x",
        "? " * 20_000 + "x",
    ],
    ids=["lists", "mappings", "indent", "dashes", "questions"],
)
def test_values_that_are_nested_too_deeply_are_refused(text: str) -> None:
    with pytest.raises(Broken, match="too deep"):
        read(text)


def test_aliases_that_unfold_into_billions_cost_nothing_until_asked_for() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]

    node = read("\n".join(lines))

    assert len(node["a29"].items) == 9


def test_an_alias_to_itself_ends() -> None:
    node = read("a: &a\n  b: *a\n")
    depth = 0
    while node := node["a"] or node["b"]:
        depth += 1

    assert depth < 100


def test_merges_that_multiply_are_bounded() -> None:
    many = "\n".join(f"  k{n}: 1" for n in range(3_000))

    node = read(f"x: &x\n{many}\ny:\n  <<: [{', '.join(['*x'] * 500)}]\n")

    assert len(node["y"].fields) == 3_000
