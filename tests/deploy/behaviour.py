"""What a person sees of deploys, whichever engine does them: collected once for each.

The fixture `system` is a `tests.deploy.system.System` whose engine is the one in question.
"""

from __future__ import annotations

import signal

import pytest
import requests

from pipelines.deploy.engine import Traffic
from pipelines.deploy.machine import TakenBack
from pipelines.release import Release
from tests.deploy.deploys import Deploys
from tests.deploy.system import System
from tests.traffic import flowing

READY = 20.0  # seconds


def said(system: System, path: str = "/") -> str:
    return requests.get(system.url + path, timeout=5).text


def brought_up(system: System, release: Release) -> None:
    """What a deploy does before the switch, without its journal."""
    engine = system.engine
    engine.preflight(release)
    engine.fetch(release)
    engine.provide(release)
    engine.migrate(release)
    engine.start(release)
    engine.ready(release, timeout=READY, say=system.said.append)


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


def test_no_request_fails_while_deploys_are_killed_and_taken_up(system: System) -> None:
    deploys = Deploys(system)
    with flowing(system.url + "/", slow=[system.url + "/slow"]) as seen:
        seen.until_said("one")
        for step in ("switch", "bake", "retire"):
            assert deploys.start(deploys.new, step, "done").wait() == -signal.SIGKILL
            deploys.take_over()
        seen.until(10_000)

    assert seen.failed == []
    assert set(seen.bodies) == {"one", "two"}


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


def test_a_release_gets_no_traffic_before_the_switch_and_all_after_it(system: System) -> None:
    one, two = system.release("one"), system.release("two")
    brought_up(system, one)
    system.engine.switch(one)

    brought_up(system, two)
    before = (said(system), system.engine.serving())
    system.engine.switch(two)

    assert before == ("one", one.id)
    assert (said(system), system.engine.serving()) == ("two", two.id)
    assert set(system.engine.running()) == {one.id, two.id}


def test_whatever_was_done_may_be_done_again(system: System) -> None:
    one, two = system.release("one"), system.release("two")
    for _ in range(2):
        brought_up(system, one)
        system.engine.switch(one)
        system.engine.stop(two.id)

    assert said(system) == "one"
    assert set(system.engine.running()) == {one.id}


def test_requests_are_counted_for_the_release_that_answered_them(system: System) -> None:
    one, two = system.release("one"), system.release("two", "fails")
    for release in (one, two):
        brought_up(system, release)
    system.engine.switch(one)
    before = system.engine.traffic(one.id)
    for _ in range(40):
        said(system, "/slow")
    counted = system.engine.traffic(one.id) - before
    system.engine.switch(two)
    for _ in range(40):
        said(system)

    assert (counted.requests, counted.failed) == (40, 0)
    assert counted.seconds == pytest.approx(40 * 0.3, rel=0.2)
    assert system.engine.traffic(one.id).requests == 40
    assert system.engine.traffic(two.id).requests == 40
    assert system.engine.traffic(two.id).failed == 2
    assert system.engine.traffic("0" * 64) == Traffic()


def test_a_closed_edge_leads_nowhere(system: System) -> None:
    one = system.release("one")
    brought_up(system, one)
    system.engine.switch(one)

    system.engine.close()

    assert system.engine.serving() == ""
    assert requests.get(system.url, timeout=5).status_code == 503
