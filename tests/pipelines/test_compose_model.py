from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from pipelines import compose
from pipelines.compose.model import Project
from pipelines.errors import ConfigError


@pytest.fixture
def project(tmp_path: Path) -> Project:
    file = tmp_path / "compose.yaml"
    file.write_text(
        textwrap.dedent(
            """\
            services:
              web:
                image: x
                depends_on: [api]
              api:
                image: x
                depends_on:
                  db: {condition: service_healthy}
                  tracer: {condition: service_started, required: false}
              db: {image: x}
              tracer: {image: x, profiles: [trace]}
              smoke:
                image: x
                profiles: [smoke]
                depends_on: [web]
              report:
                image: x
                profiles: [smoke]
                depends_on: [tracer]
            """
        )
    )
    return compose.load(file, environ={})


@pytest.mark.parametrize(
    ("profiles", "only", "expected"),
    [
        ([], [], "web api db"),
        (["trace"], [], "web api db tracer"),
        (["trace", "smoke"], [], "web api db tracer smoke report"),
        (["*"], [], "web api db tracer smoke report"),
        ([], ["db"], "db"),
        ([], ["api"], "api db"),
        (["trace"], ["api"], "api db tracer"),
        ([], ["web", "tracer"], "web api db tracer"),
        ([], ["smoke"], "web api db smoke"),
    ],
)
def test_which_services_take_part(
    project: Project, profiles: list[str], only: list[str], expected: str
) -> None:
    assert list(project.selected(profiles, only)) == expected.split()


def test_a_dependency_that_does_not_take_part_is_left_out(project: Project) -> None:
    def needs(*profiles: str) -> list[str]:
        return [d.service for d in project.selected(profiles)["api"].depends_on]

    assert (needs(), needs("trace")) == (["db"], ["db", "tracer"])


def test_a_needed_service_of_a_sleeping_profile_is_named(project: Project) -> None:
    with pytest.raises(ConfigError) as raised:
        project.selected(only=["report"])

    assert str(raised.value) == (
        f"{project.file}:19: 'report' depends on 'tracer', which no active profile enables;"
        " activate one of its profiles: trace"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [("dbb", "did you mean 'db'?"), ("zzz", "known: api, db, report, smoke, tracer, web")],
)
def test_an_unknown_service_is_named(project: Project, name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        project.selected(only=[name])

    assert str(raised.value) == f"no service called {name!r}; {hint}"


def test_each_service_starts_after_those_it_depends_on(project: Project) -> None:
    order = [service.name for service in project.start_order()]

    assert sorted(order) == sorted(project.services)
    for service in project.services.values():
        for dependency in service.depends_on:
            assert order.index(dependency.service) < order.index(service.name)


def test_a_selection_is_ordered_alone(project: Project) -> None:
    order = project.start_order(project.selected(only=["api"]))

    assert [service.name for service in order] == ["db", "api"]
