"""A repository without `pipelines.yaml` has the components and steps that it evidently uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from pipelines.config import Component, Config
from pipelines.errors import ConfigError

Configured = Callable[[Mapping[str, str]], Config]

RUFF = "[tool.ruff]\n"
PYTEST = "[tool.pytest.ini_options]\n"


def ids(loaded: Config) -> list[str]:
    return [step.id for step in loaded.steps]


def package(name: str = "", *, scripts: Mapping[str, str] = {}, **needs: Mapping[str, str]) -> str:
    return json.dumps({"name": name, "scripts": scripts, **needs})


def test_a_python_project_has_the_steps_of_its_tools(configured: Configured) -> None:
    loaded = configured(
        {"pyproject.toml": f"{RUFF}[tool.mypy]\n{PYTEST}", "tests/test_a.py": "", "a.py": ""}
    )

    assert ids(loaded) == ["lint:repository", "types:repository", "test:repository"]
    assert loaded.components == (Component("repository", ".", "python"),)
    assert loaded.steps[2].argv == ("python", "-m", "pytest", "--junit-xml={junit}")
    assert loaded.source == "discovered"
    assert loaded.sources == ("pipelines.yaml", "pyproject.toml")
    assert loaded.follows_files


EVIDENCE = {
    "lint:a": {"a/setup.py": "", "a/ruff.toml": ""},
    "types:a": {"a/setup.py": "", "setup.cfg": "[mypy]\nstrict = true\n"},
    "test:a": {"a/requirements.txt": "", "a/b/x_test.py": "", "conftest.py": ""},
}


@pytest.mark.parametrize(("step", "files"), EVIDENCE.items(), ids=EVIDENCE)
def test_a_tool_may_be_configured_in_the_folder_or_around_it(
    configured: Configured, step: str, files: Mapping[str, str]
) -> None:
    assert ids(configured(files)) == [step]


def test_without_tests_there_is_no_test_step(configured: Configured) -> None:
    loaded = configured({"pyproject.toml": RUFF + PYTEST, "testing.py": "", "test_a.txt": ""})

    assert ids(loaded) == ["lint:repository"]


def test_tests_without_a_sign_of_pytest_are_left_alone(configured: Configured) -> None:
    loaded = configured({"pyproject.toml": RUFF, "test_a.py": ""})

    assert ids(loaded) == ["lint:repository"]


def test_what_is_set_up_once_runs_once(configured: Configured) -> None:
    loaded = configured(
        {
            "pyproject.toml": RUFF + PYTEST,
            "a/requirements.in": "",
            "a/test_a.py": "",
            "b/pyproject.toml": PYTEST,
            "b/test_b.py": "",
        }
    )

    assert ids(loaded) == ["lint:repository", "test:repository", "test:b"]


def test_npm_scripts_become_steps(configured: Configured) -> None:
    scripts = {"build": "tsc", "lint": "eslint .", "start": "node .", "prepare": "husky"}

    loaded = configured({"web/package.json": package(scripts=scripts)})

    assert {step.id: step.argv for step in loaded.steps} == {
        "lint:web": ("npm", "run", "lint"),
        "build:web": ("npm", "run", "build"),
    }
    assert all(step.cwd == "web" for step in loaded.steps)


def test_the_test_script_that_npm_init_writes_is_none(configured: Configured) -> None:
    unset = 'echo "Error: no test specified" && exit 1'

    loaded = configured({"package.json": package(scripts={"lint": "eslint .", "test": unset})})

    assert ids(loaded) == ["lint:repository"]


def test_workspaces_need_one_another_by_name(configured: Configured) -> None:
    scripts = {"build": "tsc"}

    loaded = configured(
        {
            "packages/ui/package.json": package("@x/ui", scripts=scripts),
            "apps/web/package.json": package(
                "@x/web", scripts=scripts, dependencies={"@x/ui": "*", "react": "19"}
            ),
        }
    )

    assert [step.needs for step in loaded.steps if step.id == "build:web"] == [("build:ui",)]


def test_python_components_need_one_another(configured: Configured) -> None:
    loaded = configured(
        {
            "pyproject.toml": RUFF,
            "requirements.in": "-r a/requirements.in\n",
            "a/requirements.in": "-c ../requirements.txt\n-r ../kit/requirements.in\nhttpx\n",
            "kit/requirements.in": "pydantic\n",
            "my_lib/pyproject.toml": '[project]\nname = "My_Lib"\n',
            "b/pyproject.toml": '[project]\ndependencies = ["my-lib>=1", "-- no"]\n',
            "e/requirements.in": "-e ../my_lib\n",
        }
    )

    assert {it.name: it.needs for it in loaded.components if it.needs} == {
        "repository": ("a",),
        "a": ("kit",),
        "b": ("my_lib",),
        "e": ("my_lib",),
    }


def test_folders_called_the_same_are_told_apart(configured: Configured) -> None:
    loaded = configured(
        {
            "ruff.toml": "",
            "libs/api/setup.py": "",
            "apps/api/setup.py": "",
            "apps/web app/setup.py": "",
        }
    )

    assert [it.name for it in loaded.components] == ["apps-api", "web-app", "libs-api"]


def test_material_for_tests_is_no_component(configured: Configured) -> None:
    loaded = configured({"pyproject.toml": RUFF, "tests/fixtures/a/pyproject.toml": RUFF})

    assert [it.folder for it in loaded.components] == ["."]


def test_a_file_without_components_adds_its_kinds_to_what_is_discovered(
    configured: Configured,
) -> None:
    loaded = configured(
        {
            "Dockerfile": "",
            "pipelines.yaml": "kinds: {image: {lint: {run: [hadolint, Dockerfile]}}}",
        }
    )

    assert ids(loaded) == ["lint:repository"]
    assert loaded.source == "pipelines.yaml"
    assert str(loaded.where("lint:repository")) == "pipelines.yaml:1"


def test_a_component_that_is_listed_has_only_the_default_steps_in_use(
    configured: Configured,
) -> None:
    loaded = configured(
        {
            "ruff.toml": "",
            "a/x.py": "",
            "pipelines.yaml": "components: {a: {folder: a, kind: python}}",
        }
    )

    assert ids(loaded) == ["lint:a"]
    assert loaded.is_default("lint:a", "inputs")
    assert loaded.sources == ("pipelines.yaml",)
    assert loaded.follows_files


REFUSED = {
    "nothing to check: no folder has any of pyproject.toml, requirements.in, requirements.txt,"
    " setup.py, package.json, Dockerfile; list the components in pipelines.yaml": {"README.md": ""},
    "nothing to run: no step for repository, a; describe steps in pipelines.yaml; by themselves"
    " only ruff, mypy, pytest and the npm scripts lint, test and build are found": {
        "Dockerfile": "",
        "a/pyproject.toml": "",
    },
    "a/pyproject.toml: not valid: Invalid value": {"a/pyproject.toml": "a = \n"},
    "package.json: not valid: Expecting value: line 2": {"package.json": '{"a":\n}'},
    "several folders would be called 'a-b-c'": {
        "a-b/c/setup.py": "",
        "a/b-c/setup.py": "",
        "c/setup.py": "",
        "b-c/setup.py": "",
    },
}


@pytest.mark.parametrize(("message", "files"), REFUSED.items(), ids=str)
def test_what_cannot_be_discovered_is_one_line(
    configured: Configured, message: str, files: Mapping[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(files)

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_cycle_of_packages_names_their_files(configured: Configured) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(
            {
                "a/package.json": package("a", scripts={"test": "x"}, dependencies={"b": "*"}),
                "b/package.json": package("b", devDependencies={"a": "*"}),
            }
        )

    assert str(caught.value) == (
        "a/package.json: components need each other in a cycle:"
        " a (a/package.json) -> b (b/package.json) -> a; remove one of these needs"
    )


@pytest.mark.parametrize("text", ["[]", '{"scripts": []}', '{"scripts": {"test": 3}, "name": 4}'])
def test_a_package_of_a_strange_shape_has_no_steps(configured: Configured, text: str) -> None:
    with pytest.raises(ConfigError, match="nothing to run"):
        configured({"package.json": text})
