"""A release of local processes: brought to serve, gone back from, and taken back when it is bad."""

from __future__ import annotations

import pytest
import requests

from pipelines.deploy.machine import TakenBack
from tests.deploy.system import System
from tests.traffic import flowing

# A supervisor outlives the process that has started it.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def said(system: System, path: str = "/") -> str:
    return requests.get(system.url + path, timeout=5).text


def test_no_request_fails_while_releases_come_and_go(system: System) -> None:
    first, second = system.release("one"), system.release("two")
    system.deploy(first)

    with flowing(system.url + "/", slow=[system.url + "/slow"]) as seen:
        seen.until_said("one")
        system.deploy(second)
        seen.until_said("two")
        system.roll_back(first)
        asked = seen.requests
        seen.until(max(10_000, asked + 100))

    assert seen.failed == []
    assert seen.slow > 0
    assert said(system) == "one"


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("is never ready", "not healthy"),
        ("crashes", "not healthy"),
        ("fails", "requests failed"),
    ],
)
def test_a_bad_release_is_taken_back(system: System, does: str, why: str) -> None:
    system.deploy(system.release("good"))

    with pytest.raises(TakenBack, match=why):
        system.deploy(system.release("bad", does))

    assert said(system) == "good"
    assert list(system.engine.running()) == [system.engine.serving()]


def test_a_release_that_fails_its_smoke_test_never_gets_traffic(system: System) -> None:
    system.deploy(system.release("good"))

    with flowing(system.url + "/") as seen:
        seen.until_said("good")
        with pytest.raises(TakenBack, match="smoke"):
            system.deploy(system.release("wrong"))

    assert set(seen.bodies) == {"good"}
    assert seen.failed == []


def test_a_first_release_that_is_bad_leaves_nothing_serving(system: System) -> None:
    with pytest.raises(TakenBack, match="nothing serves"):
        system.deploy(system.release("bad", "is never ready"))

    assert system.engine.serving() == ""
    assert system.engine.running() == {}


def test_services_read_the_secrets_that_were_delivered(system: System) -> None:
    system.deploy(system.release("one"))

    assert said(system, "/secret") == str(len("known to nobody"))
