"""What a `pipelines.yaml` becomes: steps with everything resolved, gates, tools, places."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from pipelines.config import Component, Config
from pipelines.step import Step, Tool

Configured = Callable[[Mapping[str, str]], Config]

KIT_AND_API = """\
components:
  kit: {folder: libs/kit, kind: lib}
  api: {folder: services/api, kind: lib, needs: [kit]}
kinds:
  lib:
    build:
      run: [make, all]
      needs: [^build]
    test:
      run: [python, -m, pytest, "{folder}"]
      needs: [build]
"""
FILES = {"libs/kit/a.py": "", "services/api/a.py": ""}


@pytest.fixture
def loaded(configured: Configured) -> Callable[[str], Config]:
    """Loads this text as `pipelines.yaml` beside `libs/kit` and `services/api`."""
    return lambda text: configured({**FILES, "pipelines.yaml": text})


def steps(loaded: Config) -> dict[str, Step]:
    return {step.id: step for step in loaded.steps}


def one_step(keys: str, folder: str = "libs/kit") -> str:
    return f"""\
components: {{one: {{folder: {folder}, kind: lib}}}}
kinds:
  lib:
    step:
      run: [tool]
      {keys}
"""


def test_every_component_has_the_steps_of_its_kind(loaded: Callable[[str], Config]) -> None:
    result = loaded(KIT_AND_API)

    assert list(steps(result)) == ["build:kit", "test:kit", "build:api", "test:api"]
    assert result.components == (
        Component("kit", "libs/kit", "lib"),
        Component("api", "services/api", "lib", ("kit",)),
    )
    assert result.source == "pipelines.yaml"
    assert result.sources == ("pipelines.yaml",)
    assert not result.follows_files


def test_what_is_not_written_has_a_default(loaded: Callable[[str], Config]) -> None:
    result = loaded(KIT_AND_API)

    step = steps(result)["build:kit"]
    assert step == Step(
        "build",
        "kit",
        ("make", "all"),
        cwd="libs/kit",
        inputs=("/libs/kit/**",),
        template=("make", "all"),
    )
    assert (step.timeout, step.retries) == (600, 0)


NEEDS = {
    "[build]": ("build:api",),
    "[^build]": ("build:kit",),
    "[^test]": ("test:kit",),
    "['build:kit']": ("build:kit",),
    "['build:*']": ("build:kit", "build:api"),
    "['test:*']": ("test:kit",),
    "[build, 'build:*', ^build]": ("build:api", "build:kit"),
    "[]": (),
}


@pytest.mark.parametrize(("needs", "ids"), NEEDS.items(), ids=NEEDS)
def test_needs_become_ids_of_steps(
    loaded: Callable[[str], Config], needs: str, ids: tuple[str, ...]
) -> None:
    text = KIT_AND_API.replace("needs: [kit]", f"needs: [kit], steps: {{test: {{needs: {needs}}}}}")

    assert steps(loaded(text))["test:api"].needs == ids


def test_services_are_no_steps(configured: Configured) -> None:
    result = configured(
        {
            **FILES,
            "pipelines.yaml": one_step("needs: ['service:postgres']"),
            "compose.yaml": "services: {postgres: {image: 'postgres:${VERSION}'}}",
        }
    )

    assert steps(result)["step:one"].services == ("postgres",)
    assert steps(result)["step:one"].needs == ()
    assert result.sources == ("pipelines.yaml", "compose.yaml")


PATTERNS = {
    "**": "/libs/kit/**",
    "**/*.py": "/libs/kit/**/*.py",
    "*.py": "/libs/kit/**/*.py",
    "src/*.py": "/libs/kit/src/*.py",
    "build/": "/libs/kit/**/build/",
    "/pyproject.toml": "/pyproject.toml",
    "!**/generated/**": "!/libs/kit/**/generated/**",
    "!/docs/*": "!/docs/*",
    "/.coverage.{component}": "/.coverage.one",
    "/out/{folder}/x": "/out/libs/kit/x",
    "{{a}}/b": "/libs/kit/{a}/b",
}


@pytest.mark.parametrize("key", ["inputs", "outputs", "locks", "controls"])
def test_patterns_are_anchored_at_the_root(loaded: Callable[[str], Config], key: str) -> None:
    result = loaded(one_step(f"{key}: {list(PATTERNS)}"))

    assert getattr(result.steps[0], key) == tuple(PATTERNS.values())


def test_in_the_root_patterns_are_anchored_too(loaded: Callable[[str], Config]) -> None:
    result = loaded(one_step("inputs: ['*.py', 'src/*', '**', '!x/y']", folder="."))

    assert result.steps[0].inputs == ("/**/*.py", "/src/*", "/**", "!/x/y")
    assert result.steps[0].cwd == ""


def test_a_folder_is_no_pattern(configured: Configured) -> None:
    text = one_step("inputs: ['*.py']", folder="'app/[slug] !'")

    result = configured({"app/[slug] !/a.py": "", "pipelines.yaml": text})

    assert result.steps[0].inputs == ("/app/\\[slug\\]\\ \\!/**/*.py",)
    assert result.steps[0].cwd == "app/[slug] !"


WORDS = {
    "{folder}/x": {"component": "./x", "root": "libs/kit/x"},
    "{component}": {"component": "one", "root": "one"},
    "--junit-xml={junit}": {"component": "--junit-xml={junit}", "root": "--junit-xml={junit}"},
    "{{}}": {"component": "{}", "root": "{}"},
    "{{{component}}}": {"component": "{one}", "root": "{one}"},
}


@pytest.mark.parametrize("cwd", ["component", "root"])
def test_words_are_as_seen_from_where_the_command_runs(
    loaded: Callable[[str], Config], cwd: str
) -> None:
    result = loaded(one_step(f"cwd: {cwd}").replace("[tool]", f"[tool, {str([*WORDS])[1:-1]}]"))

    assert result.steps[0].argv == ("tool", *(word[cwd] for word in WORDS.values()))
    assert result.steps[0].template[1:3] == ("{folder}/x", "{component}")
    assert result.steps[0].cwd == ("libs/kit" if cwd == "component" else "")


def test_a_component_overrides_key_by_key(loaded: Callable[[str], Config]) -> None:
    text = KIT_AND_API.replace(
        "needs: [kit]", "needs: [kit], steps: {test: {timeout: 9.5}, smoke: {run: [./smoke]}}"
    )

    found = steps(loaded(text))

    assert found["test:api"] == found["test:kit"]._replace(
        component="api",
        argv=("python", "-m", "pytest", "."),
        cwd="services/api",
        inputs=("/services/api/**",),
        needs=("build:api",),
        timeout=9.5,
    )
    assert found["smoke:api"].argv == ("./smoke",)
    assert "smoke:kit" not in found


def test_a_step_removed_is_no_longer_needed_by_its_component(
    loaded: Callable[[str], Config],
) -> None:
    text = KIT_AND_API.replace("kind: lib}", "kind: lib, steps: {build: false}}")

    found = steps(loaded(text))

    assert "build:kit" not in found
    assert found["test:kit"].needs == ()
    assert found["build:api"].needs == ()


def test_every_step_is_a_gate_and_check_is_all(loaded: Callable[[str], Config]) -> None:
    assert loaded(KIT_AND_API).gates == {
        "build": ("build",),
        "test": ("test",),
        "check": ("build", "test"),
    }


def test_a_gate_selects_the_steps_it_names(loaded: Callable[[str], Config]) -> None:
    result = loaded(f"gates: {{test: [build, test], all-tests: [test]}}\n{KIT_AND_API}")

    assert result.gates["test"] == ("build", "test")
    assert result.gates["all-tests"] == ("test",)
    assert result.gates["check"] == ("build", "test")


def test_tools_in_use_say_their_version(loaded: Callable[[str], Config]) -> None:
    text = one_step("tools: [python, ruff, go, cc]")

    result = loaded(
        "tools: {go: [go, version], idle: [idle], "
        f"cc: {{run: [cc, -v], optional: true, follows: [/x], env: [Y]}}}}\n{text}"
    )

    assert result.tools == {
        "cc": Tool(("cc", "-v"), is_optional=True, follows=("/x",), env=("Y",)),
        "go": Tool(("go", "version")),
        "python": Tool(("python", "--version")),
        "ruff": Tool(("python", "-m", "ruff", "--version")),
    }


@pytest.mark.parametrize(
    ("key", "index", "line"), [("", None, 6), ("run", None, 7), ("needs", 0, 8), ("cwd", 0, 6)]
)
def test_a_place_is_as_near_as_there_is_one(
    loaded: Callable[[str], Config], key: str, index: int | None, line: int
) -> None:
    place = loaded(KIT_AND_API).where("build:kit", key, index)

    assert str(place) == f"pipelines.yaml:{line}"


def test_an_item_has_its_own_line(loaded: Callable[[str], Config]) -> None:
    result = loaded(one_step("inputs:\n      - '*.py'\n      - '*.toml'"))

    assert str(result.where("step:one", "inputs", 1)) == "pipelines.yaml:8"


def test_what_an_anchor_shares_is_merged(loaded: Callable[[str], Config]) -> None:
    text = one_step("<<: *shared")

    result = loaded(f"x-shared: &shared {{timeout: 5, retries: 2}}\n{text}")

    assert (result.steps[0].timeout, result.steps[0].retries) == (5, 2)


def test_a_kind_given_replaces_the_default_kind(loaded: Callable[[str], Config]) -> None:
    text = KIT_AND_API.replace("lib}", "python}").replace("kind: lib", "kind: python")

    result = loaded(text.replace("  lib:", "  python:"))

    assert [step.name for step in result.steps] == ["build", "test"] * 2
    assert not result.is_default("test:kit", "inputs")


def test_a_default_kind_can_be_overridden_key_by_key(configured: Configured) -> None:
    text = "components: {a: {folder: a, kind: python, steps: {lint: {timeout: 5}}}}"

    result = configured({"a/x.py": "", "pipelines.yaml": text})

    assert [step.id for step in result.steps] == ["lint:a"]
    assert result.steps[0].timeout == 5
    assert result.is_default("lint:a", "inputs")
    assert not result.is_default("lint:a", "timeout")
    assert result.follows_files
