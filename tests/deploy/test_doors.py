"""Where the doors of an environment of containers are, and what is refused beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines import compose
from pipelines.deploy.docker.haproxy import Door
from pipelines.deploy.docker.wanted import Wanted
from pipelines.deploy.site import Parts, Site, parts
from pipelines.environments import load
from pipelines.errors import ConfigError

COMPOSE = """
services:
  web: {image: web, ports: ["127.0.0.1:8000:80"], restart: always}
  console: {image: console, ports: ["3000"], restart: always}
"""


def wanted(root: Path, environment: str) -> tuple[Wanted, Parts]:
    (root / "compose.yaml").write_text(COMPOSE)
    (root / "environments").mkdir()
    (root / "environments/staging.yaml").write_text(environment)
    site = Site(root, load(root, "staging"), root / "secrets")
    return Wanted(site), parts(compose.load(root / "compose.yaml", environ={}), ())


def doors(root: Path, environment: str) -> list[Door]:
    made, cut = wanted(root, environment)
    return made.doors(cut)


@pytest.mark.parametrize(
    ("environment", "at"),
    [
        ("engine: docker", [("127.0.0.1", 8000), ("0.0.0.0", 3000)]),  # noqa: S104
        ("doors: {web: 80}", [("127.0.0.1", 80), ("0.0.0.0", 3000)]),  # noqa: S104
        ("address: 198.51.100.7", [("198.51.100.7", 8000), ("198.51.100.7", 3000)]),
    ],
)
def test_doors_are_where_the_environment_or_the_compose_file_says(
    tmp_path: Path, environment: str, at: list[Any]
) -> None:
    assert [(it.host, it.port) for it in doors(tmp_path, environment)] == at


def test_a_door_to_what_publishes_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no door to 'wbe'.*did you mean 'web'"):
        doors(tmp_path, "doors: {wbe: 80}")


def test_a_door_on_the_loopback_of_another_machine_is_refused(tmp_path: Path) -> None:
    made, cut = wanted(tmp_path, "host: ssh://deploy@manager.example")

    with pytest.raises(ConfigError, match="the door of web is on another machine's loopback"):
        made.require_reachable(made.doors(cut))
