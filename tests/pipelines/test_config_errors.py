"""What is wrong in `pipelines.yaml` is told in one line, with the place and the way to mend it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

import pytest

from pipelines.config import Config
from pipelines.errors import ConfigError

Configured = Callable[[Mapping[str, str]], Config]

FILES = {"kit/a.py": "", "api/a.py": "", "compose.yaml": "services: {postgres: {image: x}}"}


@pytest.fixture
def refused(configured: Configured) -> Callable[[str], str]:
    """The message on which this `pipelines.yaml` is refused."""

    def load(text: str) -> str:
        with pytest.raises(ConfigError) as caught:
            configured({**FILES, "pipelines.yaml": text})
        message = str(caught.value)
        assert "\n" not in message
        return message.removeprefix("pipelines.yaml:")

    return load


# Below `kinds: lib: test:`, from line 7 on.
IN_STEP = {
    "imputs: [a]": "7: kinds.lib.test.imputs: unknown key; did you mean 'inputs'?",
    "inputs: a": "7: kinds.lib.test.inputs: expected a list of texts, not a text",
    "inputs:\n- a\n- 3": "9: kinds.lib.test.inputs[1]: expected a text in quotes, not a number",
    "inputs: ['']": "7: kinds.lib.test.inputs[0]: '' names no file; write \"**\" for all files",
    "inputs: ['!']": "7: kinds.lib.test.inputs[0]: '!' names no file",
    "inputs: ['[z-a]']": "7: kinds.lib.test.inputs[0]: '[z-a]' is no pattern; see gitignore(5)",
    "inputs: ['a\\']": "7: kinds.lib.test.inputs[0]: 'a\\\\' is no pattern",
    "inputs: [../a]": "7: kinds.lib.test.inputs[0]: '../a' leaves the folder; begin with /",
    "inputs: ['{junit}']": "7: kinds.lib.test.inputs[0]: no placeholder {junit}; a brace itself",
    "outputs: ['{foldr}']": "7: kinds.lib.test.outputs[0]: no placeholder {foldr}; did you mean 'f",
    "outputs: ['a}']": "7: kinds.lib.test.outputs[0]: a brace without its pair in 'a}'; a brace it",
    "outputs: ['{folder!r:>3}']": "7: kinds.lib.test.outputs[0]: no placeholder {folder!r:>3};",
    "needs: [lnt]": "7: kinds.lib.test.needs[0]: no step called 'lnt'; did you mean 'lint'?",
    "needs: [^lnt]": "7: kinds.lib.test.needs[0]: no step called 'lnt'; did you mean 'lint'?",
    "needs: ['lnt:*']": "7: kinds.lib.test.needs[0]: no step called 'lnt'; did you mean 'lint'?",
    "needs: ['lint:kat']": "7: kinds.lib.test.needs[0]: no component called 'kat'; did you mean 'k",
    "needs: ['lnt:kit']": "7: kinds.lib.test.needs[0]: no step called 'lnt' in component 'kit'; d",
    "needs: ['service:postgre']": "7: kinds.lib.test.needs[0]: no service called 'postgre' in comp",
    "needs: ['^lint:kit']": "7: kinds.lib.test.needs[0]: '^lint:kit' is no need; it is one of lint",
    "needs: ['']": "7: kinds.lib.test.needs[0]: '' is no need",
    "env: [A=1]": "7: kinds.lib.test.env[0]: 'A=1' is not the name of a variable",
    "secrets: [A-B]": "7: kinds.lib.test.secrets[0]: 'A-B' is not the name of a variable",
    "tools: [bin/x]": "7: kinds.lib.test.tools[0]: 'bin/x' is not the name of an executable",
    "timeout: 0": "7: kinds.lib.test.timeout: 0 is not a time in seconds, more than 0",
    "timeout: -1.5": "7: kinds.lib.test.timeout: -1.5 is not a time in seconds, more than 0",
    "timeout: 1.0e+999": "7: kinds.lib.test.timeout: inf is not a time in seconds, more than 0",
    "timeout: 5m": "7: kinds.lib.test.timeout: expected a number, not a text",
    "timeout: true": "7: kinds.lib.test.timeout: expected a number, not true or false",
    "retries: -1": "7: kinds.lib.test.retries: -1 is not a whole number from 0 on",
    "retries: 1.5": "7: kinds.lib.test.retries: 1.5 is not a whole number from 0 on",
    "retries: 1.0e+999": "7: kinds.lib.test.retries: inf is not a whole number from 0 on",
    "cwd: rot": "7: kinds.lib.test.cwd: no place 'rot'; did you mean 'root'?",
    "run: [again]": "7: kinds.lib.test: the key 'run' stands twice; first on line 6",
}


@pytest.mark.parametrize(("line", "message"), IN_STEP.items(), ids=IN_STEP)
def test_what_is_wrong_in_a_step(refused: Callable[[str], str], line: str, message: str) -> None:
    told = refused(f"""\
components:
  kit: {{folder: kit, kind: lib}}
kinds:
  lib:
    test:
      run: [tool]
{textwrap.indent(line, "      ")}
    lint: {{run: [tool]}}
""")

    assert told.startswith(message)


COMMANDS = {
    "run: []": "4: kinds.lib.test.run: no command; write its words: [python, -m, pytest]",
    "run: ['']": "4: kinds.lib.test.run: no command",
    "run: make all": "4: kinds.lib.test.run: expected a list of texts, not a text",
    "run: [a, 3.10]": "4: kinds.lib.test.run[1]: expected a text in quotes, not a number",
    "run: [a, '{fodler}']": "4: kinds.lib.test.run[1]: no placeholder {fodler}; did you mean",
    "run: [a, '{\"x\": 1}']": '4: kinds.lib.test.run[1]: no placeholder {"x": 1}; a brace itself',
    "run: [a, '{{junit}}']": "4: kinds.lib.test.run[1]: {junit} is always the report's file",
    "run: [a, '{}']": "4: kinds.lib.test.run[1]: no placeholder {}",
    "cwd: root": "3: kinds.lib.test: 'run' is missing; write the command's words",
}


@pytest.mark.parametrize(("line", "message"), COMMANDS.items(), ids=COMMANDS)
def test_what_is_wrong_in_a_command(refused: Callable[[str], str], line: str, message: str) -> None:
    assert refused(f"kinds:\n  lib:\n    test:\n      {line}\n").startswith(message)


# From line 4 on, below the kind `lib`.
IN_FILE = {
    "kind: {}": "4: kind: unknown key; did you mean 'kinds'?",
    "components: [kit]": "4: components: expected a mapping, not a list",
    "components: {kit: {kind: lib}}": "4: components.kit: 'folder' is missing",
    "components: {kit: {folder: kit}}": "4: components.kit: 'kind' is missing",
    "components: {kit: {folder: kit, kind: lab}}": (
        "4: components.kit.kind: no kind called 'lab'; did you mean 'lib'?"
    ),
    "components: {kit: {folder: kat, kind: lib}}": (
        "4: components.kit.folder: no file of the repository is in 'kat'"
    ),
    "components: {kit: {folder: ../x, kind: lib}}": (
        "4: components.kit.folder: '../x' leaves the repository; write it from the root"
    ),
    "components: {kit: {folder: /kit, kind: lib}}": (
        "4: components.kit.folder: '/kit' leaves the repository"
    ),
    "components: {a b: {folder: kit, kind: lib}}": "4: components.a b: a name has only letters,",
    "components:\n  a: {folder: kit, kind: lib}\n  b: {folder: kit/, kind: lib}": (
        "6: components.b.folder: 'kit' is already a component; see pipelines.yaml:5"
    ),
    "components: {kit: {folder: kit, kind: lib, needs: [kot]}}": (
        "4: components.kit.needs[0]: no component called 'kot'; did you mean 'kit'?"
    ),
    "components: {kit: {folder: kit, kind: lib, steps: {test: true}}}": (
        "4: components.kit.steps.test: true says nothing; write the keys that differ, or false"
    ),
    "components: {kit: {folder: kit, kind: lib, steps: {tset: false}}}": (
        "4: components.kit.steps.tset: kind 'lib' has no such step to remove; did you mean 'test'?"
    ),
    "components: {kit: {folder: kit, kind: lib, steps: {tset: {timeout: 3}}}}": (
        "4: components.kit.steps.tset: 'run' is missing"
    ),
    "components: {kit: {folder: kit, kind: lib, steps: {service: {run: [a]}}}}": (
        "4: components.kit.steps.service: no step can be called 'service'; it stands for Compose"
    ),
    "components: {kit: {folder: kit, kind: lib, steps: {Test: {run: [a]}}}}": (
        "4: components.kit.steps.Test: a name here has only lower-case letters"
    ),
    "components: {kit: {folder: kit, kind: repository}}": (
        " nothing to run: no step for kit; describe steps in pipelines.yaml"
    ),
    "components: {}": " nothing to run; describe steps in pipelines.yaml",
    "tools: {go: []}\ncomponents: {kit: {folder: kit, kind: lib}}": (
        "4: tools.go: no command; write its words: [go, --version]"
    ),
    "tools: {bin/go: [go]}": "4: tools.bin/go: a name has only letters, digits, dots",
    "gates: {all: [tst]}\ncomponents: {kit: {folder: kit, kind: lib}}": (
        "4: gates.all[0]: no step called 'tst'; did you mean 'test'?"
    ),
    "gates: {all: []}\ncomponents: {kit: {folder: kit, kind: lib}}": (
        "4: gates.all: no steps; name those that it selects"
    ),
    "gates: {check: [test]}\ncomponents: {kit: {folder: kit, kind: lib}}": (
        "4: gates.check: 'check' is always every step; choose another name"
    ),
    "gates: [a": "5: not valid YAML: ",
}


@pytest.mark.parametrize(("text", "message"), IN_FILE.items(), ids=IN_FILE)
def test_what_is_wrong_in_the_file(refused: Callable[[str], str], text: str, message: str) -> None:
    assert refused(f"kinds:\n  lib:\n    test: {{run: [a]}}\n{text}\n").startswith(message)


def test_an_empty_file_is_refused(refused: Callable[[str], str]) -> None:
    assert refused("") == " the file is empty"


def test_a_service_needs_a_compose_file(configured: Configured) -> None:
    text = "components: {a: {folder: a, kind: lib}}\nkinds:\n  lib:\n    test:\n      run: [a]\n"

    with pytest.raises(ConfigError, match=r"^pipelines.yaml:6: .* there is no compose.yaml"):
        configured({"a/x": "", "pipelines.yaml": f"{text}      needs: ['service:db']\n"})


def test_a_cycle_of_components_is_a_path_with_lines(refused: Callable[[str], str]) -> None:
    told = refused("""\
components:
  kit: {folder: kit, kind: lib, needs: [api]}
  api: {folder: api, kind: lib, needs: [kit]}
kinds:
  lib: {test: {run: [a]}}
""")

    assert told == (
        "2: components need each other in a cycle: kit (line 2) -> api (line 3) -> kit;"
        " remove one of these needs"
    )


def test_a_cycle_of_steps_is_a_path_with_lines(refused: Callable[[str], str]) -> None:
    told = refused("""\
components:
  kit: {folder: kit, kind: lib}
kinds:
  lib:
    lint: {run: [a], needs: [test]}
    test: {run: [a], needs: [lint]}
""")

    assert told == (
        "5: steps need each other in a cycle: lint:kit (line 5) -> test:kit (line 6) -> lint:kit;"
        " remove one of these needs"
    )


def test_a_step_cannot_need_itself(refused: Callable[[str], str]) -> None:
    told = refused("""\
components: {kit: {folder: kit, kind: lib}}
kinds: {lib: {test: {run: [a], needs: [test]}}}
""")

    assert told.startswith("2: steps need each other in a cycle: test:kit (line 2) -> test:kit;")
