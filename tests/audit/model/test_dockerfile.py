"""Dockerfiles as the engine reads them."""

from __future__ import annotations

import pytest
import tree_sitter_dockerfile
from hypothesis import given, strategies as st
from tree_sitter import Language, Parser

from pipelines.audit.model.containers.dockerfile import fill, is_named_so, parse
from tests.audit.repository import model


def lines(text: str) -> list[tuple[str, int, str]]:
    """Name, line and text of every instruction of the last stage."""
    stage = parse(text, "Dockerfile").stages[-1]
    return [(it.name, it.place.line, it.line) for it in stage.instructions]


def test_continued_lines_are_one_instruction_and_comments_within_are_no_part_of_it():
    text = "FROM x\nRUN a && \\\n    # why\n\n    b\nCMD c\n"

    assert [(name, line) for name, line, _ in lines(text)] == [("RUN", 2), ("CMD", 6)]
    assert lines(text)[0][2].split() == ["a", "&&", "b"]


def test_a_shell_sees_the_lines_where_they_stand():
    instruction = parse("FROM x\nRUN a && \\\n  # why\n  b\n", "D").stages[0].instructions[0]

    assert instruction.text.split("\n")[2].strip() == "b"
    assert instruction.text_place.line == 2


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('CMD ["a", "b c"]', ("a", "b c")),
        ('CMD [ "a", \\\n  "b" ]', ("a", "b")),
        ("CMD ['a', 'b']", ("[a,", "b]")),  # no JSON: the engine gives it to a shell
        ('COPY ["a b", "/c"]', ("a b", "/c")),
        ('COPY "a b" /c', ("a b", "/c")),
        ('WORKDIR "/a b"', ("/a b",)),
    ],
)
def test_words(text, arguments):
    assert parse(f"FROM x\n{text}\n", "D").stages[0].instructions[0].arguments == arguments


def test_flags_are_no_part_of_the_text_and_mounts_are_read():
    text = (
        "FROM x\nRUN --mount=type=bind,src=a,dst=/b --network=none \\\n  make\n"
        "COPY --from=build --chown=a:b /c /d\n"
    )
    run, copy = parse(text, "D").stages[0].instructions

    assert (run.text, run.text_place.line) == ("make", 3)
    assert run.mounts == ({"type": "bind", "source": "a", "target": "/b"},)
    assert (copy.flags["from"], copy.arguments) == ("build", ("/c", "/d"))


@pytest.mark.parametrize(
    ("text", "script", "line"),
    [
        ("RUN <<EOF\na\nb\nEOF", "a\nb", 3),
        ('RUN <<-"EOF" bash -e\na\n\tEOF', "a", 3),
        ("RUN cat <<EOF > /x\na\nEOF", "cat <<EOF > /x\na\nEOF", 2),
    ],
)
def test_a_heredoc_is_a_script_when_a_shell_reads_it(text, script, line):
    instruction = parse(f"FROM x\n{text}\nCMD z\n", "D").stages[0].instructions[0]

    assert (instruction.text, instruction.text_place.line) == (script, line)


def test_what_stands_in_a_heredoc_is_no_instruction():
    assert [it[0] for it in lines("FROM x\nCOPY <<EOF /etc/x\nUSER root\nEOF\nCMD z\n")] == [
        "COPY",
        "CMD",
    ]


def test_another_escape_character():
    assert lines("# escape=`\nFROM x\nRUN a `\n  b\n")[0][2].split() == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "given_", "base"),
    [
        ("ARG V=3.12\nFROM python:${V}-slim", {}, "python:3.12-slim"),
        ("ARG V=3.12\nFROM python:$V", {"V": "3.13"}, "python:3.13"),
        ("ARG V\nFROM python:$V", {}, ""),
        ("FROM ${R:-docker.io}/python:3", {}, "docker.io/python:3"),
        ("ARG A=1\nARG B=${A}.2\nFROM x:$B", {}, "x:1.2"),
        ("FROM --platform=$BUILDPLATFORM alpine", {}, "alpine"),
        ("FROM alpine:$TARGETARCH", {}, "alpine:amd64"),
    ],
)
def test_the_base_has_its_arguments_filled_in(text, given_, base):
    assert parse(text, "D", given_).stages[0].base == base


def test_an_argument_of_before_from_is_seen_by_a_stage_only_when_it_asks():
    asks, does_not = parse("ARG A=1\nFROM x\nARG A\nFROM y\n", "D").stages

    assert (asks.arguments, does_not.arguments) == ({"A": "1"}, {})


def test_stages_are_chained_by_name_and_the_last_user_counts():
    dockerfile = parse(
        "FROM a AS base\nUSER app\nFROM b AS other\nUSER root\nFROM Base\nRUN x\n", "D"
    )
    last = dockerfile.target()

    assert [it.index for it in last.chain] == [2, 0]
    assert last.last("USER").line == "app"
    assert (last.root.base, dockerfile.target("OTHER").index) == ("a", 1)
    assert (dockerfile.target("1").name, dockerfile.target("nobody")) == ("other", None)


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ('ENV A=1 B="x y"', {"A": "1", "B": "x y"}),
        ("ENV A some words", {"A": "some words"}),
        ("ENV A=1 \\\n  # why\n  B=2", {"A": "1", "B": "2"}),
    ],
)
def test_variables(line, pairs):
    assert parse(f"FROM x\n{line}\n", "D").stages[0].instructions[0].pairs == pairs


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("$A/${B}", {"A": "1", "B": "2"}, "1/2"),
        ("${A:-x}", {}, "x"),
        ("${A:-x}", {"A": ""}, "x"),
        ("${A-x}", {"A": ""}, ""),
        ("${A:+x}", {"A": "1"}, "x"),
        ("${A:-${B:-c}}", {}, "c"),
        ("$A", {}, None),
    ],
)
def test_filling_in(text, values, filled):
    assert fill(text, values) == filled


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("Dockerfile", True),
        ("a/dockerfile", True),
        ("Dockerfile.prod", True),
        ("api.Dockerfile", True),
        ("api-dockerfile", True),
        ("Containerfile", True),
        ("Dockerfile.dockerignore", False),
        ("dockerfile.py", False),
        ("Dockerfile.j2", False),
        ("Dockerfile.md", False),
        ("mydockerfiles", False),
    ],
)
def test_names(path, is_one):
    assert is_named_so(path) is is_one


def test_half_a_file_says_what_it_could_not_read():
    it = model({"Dockerfile": "FROM x\n<<<<<<< HEAD\nCMD y\n", "a/Dockerfile": "# nothing\n"})

    assert [it.place.line for it in it.dockerfiles["Dockerfile"].stages[0].instructions] == [3]
    assert {str(place) for place, _ in it.unread} == {"Dockerfile:2", "a/Dockerfile:1"}


@pytest.fixture(scope="module")
def grammar():
    with pytest.deprecated_call():  # it still gives its pointer as a number
        return Parser(Language(tree_sitter_dockerfile.language()))


@pytest.mark.parametrize(
    "text",
    [
        "ARG V=1\nFROM a:$V AS b\nWORKDIR /app\nCOPY . .\nRUN a \\\n  && b\nUSER c\n",
        "FROM a\nENV A=1 \\\n    B=2\nEXPOSE 80\nHEALTHCHECK --interval=3s CMD curl -f x\n",
        'FROM a\nRUN <<EOF\nx\ny\nEOF\n# why\nENTRYPOINT ["a"]\nCMD ["b", \\\n "c"]\n',
    ],
)
def test_the_grammar_sees_the_same_instructions(grammar, text):
    tree = grammar.parse(text.encode())
    seen = [
        (node.children[0].text.decode(), node.start_point[0] + 1)
        for node in tree.root_node.children
        if node.type.endswith("_instruction")
    ]
    stage = parse(text, "D").stages[0]
    ours = [(it.name, it.place.line) for it in stage.instructions]

    assert not tree.root_node.has_error
    assert [it for it in seen if it[0] not in ("FROM", "ARG")] == ours


@given(
    st.lists(
        st.sampled_from(
            [
                "FROM a AS b",
                "FROM b",
                "RUN x \\",
                "# c",
                "",
                "RUN <<E",
                "E",
                'CMD ["',
                "COPY",
                "ENV",
            ]
        )
        | st.text(max_size=20),
        max_size=12,
    )
)
def test_whatever_a_file_holds_it_is_read(written):
    found = parse("\n".join(written), "Dockerfile")

    assert all(it.place.line <= len("\n".join(written).split("\n")) for it in found.stages)
