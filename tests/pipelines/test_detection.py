"""Noticing a fault: what is delivered, what that is counted as, and how it is drawn."""

from __future__ import annotations

import json
import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import docker
import pytest
from docker.errors import APIError

from pipelines.detection import calm, drill, load, picture
from pipelines.detection.faults import Fault
from pipelines.detection.measure import Noticed, measure
from pipelines.detection.receiver import Receiver, listening
from pipelines.errors import ConfigError, MachineError, SummitError
from pipelines.stack import ports

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(hours=1)


def body(status: str, *, since: datetime, name: str = "ServiceDown") -> dict[str, Any]:
    labels = {"alertname": name, "service": "fusion"}
    alert = {"status": status, "labels": labels, "annotations": {}, "startsAt": since.isoformat()}
    return {"alerts": [alert]}


def told(receiver: Receiver, status: str, since: datetime) -> None:
    receiver.take(json.dumps(body(status, since=since)).encode())


def soon(receiver: Receiver, status: str, since: datetime) -> None:
    threading.Timer(0.02, told, (receiver, status, since)).start()


@dataclass(frozen=True)
class Webhook:
    receiver: Receiver

    def deliver(self, body: object) -> int:
        address = f"http://127.0.0.1:{self.receiver.port}/"
        request = urllib.request.Request(address, json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening(0) as receiver:
        yield Webhook(receiver)


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that gives one answer to everybody, but to the first; returns its address."""
    with ExitStack() as stack:

        def start(status: int, document: object, *first: int) -> str:
            statuses = [*first]

            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    self.rfile.read(int(self.headers.get("Content-Length", 0)))
                    self.send_response(statuses.pop(0) if statuses else status)
                    self.end_headers()
                    self.wfile.write(json.dumps(document).encode())

                def do_POST(self) -> None:
                    self.do_GET()

                def log_message(self, *_words: object) -> None:
                    pass

            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


def test_a_delivery_ends_the_waiting_for_it_and_for_nothing_else(webhook: Webhook) -> None:
    receiver = webhook.receiver
    assert not receiver.wait("ServiceDown/fusion", "firing", 0, since=LONG_AGO)
    threading.Timer(0.05, webhook.deliver, (body("firing", since=NOW),)).start()
    assert receiver.wait("ServiceDown/fusion", "firing", 10, since=LONG_AGO)
    assert not receiver.wait("ServiceDown/fabric", "firing", 0, since=LONG_AGO)

    assert webhook.deliver(body("resolved", since=NOW)) == 200
    assert not receiver.wait("ServiceDown/fusion", "firing", 0, since=LONG_AGO)


def test_an_older_alert_is_not_the_one_that_is_waited_for() -> None:
    receiver = Receiver(port=0)
    told(receiver, "firing", LONG_AGO)

    assert not receiver.wait("ServiceDown/fusion", "firing", 0, since=NOW)
    assert receiver.wait("ServiceDown/fusion", "firing", 0, since=LONG_AGO)


@pytest.mark.parametrize(
    "delivered",
    [
        7,
        {},
        {"alerts": [{}]},
        {"alerts": [{"status": "firing", "labels": {}, "startsAt": NOW.isoformat()}]},
        {"alerts": [{"status": "firing", "labels": {"alertname": "A"}, "startsAt": "today"}]},
    ],
)
def test_what_is_no_delivery_is_refused(webhook: Webhook, delivered: object) -> None:
    assert webhook.deliver(delivered) == 400


def test_a_taken_port_is_one_line(webhook: Webhook) -> None:
    port = webhook.receiver.port
    with (
        pytest.raises(MachineError, match=f"cannot listen on port {port}: Address already"),
        listening(port),
    ):
        pass


def fault(begin: Any, end: Any = lambda *_: None, bar: float = 10) -> Fault:
    return Fault("killed", "fusion", "ServiceDown/fusion", bar, begin, end)


def measured(receiver: Receiver, fault: Fault) -> Noticed:
    client, containers = cast(docker.DockerClient, None), cast(Any, {"fusion": None})
    [found] = measure(client, containers, receiver, [fault], set)
    return found


def test_a_fault_is_timed_from_its_beginning_and_from_its_end() -> None:
    receiver = Receiver(port=0)
    later = datetime.now(UTC) + timedelta(minutes=1)

    found = measured(
        receiver,
        fault(
            lambda *_: soon(receiver, "firing", later), lambda *_: soon(receiver, "resolved", later)
        ),
    )

    assert found.detected is not None
    assert found.detected >= 0.02
    assert found.recovered is not None
    assert found.is_met


def test_a_fault_that_does_nothing_is_never_noticed_though_an_older_alert_comes_late() -> None:
    receiver = Receiver(port=0)
    found = measured(receiver, fault(lambda *_: soon(receiver, "firing", LONG_AGO), bar=0.1))

    assert (found.detected, found.recovered, found.is_met) == (None, None, False)


def test_a_fault_is_ended_even_when_it_could_not_begin() -> None:
    ended = []

    def fail(*_: object) -> None:
        raise MachineError("no container")

    with pytest.raises(MachineError):
        measured(Receiver(port=0), fault(fail, lambda *_: ended.append(True)))
    assert ended == [True]


def test_what_the_engine_refuses_is_one_line_and_the_first_of_two() -> None:
    def refuse(*_: object) -> None:
        raise APIError("409 Client Error", explanation="container 1f is not running")

    text = "the fault 'killed' does not {} in fusion: container 1f is not running"
    with pytest.raises(SummitError, match=text.format("begin")):
        measured(Receiver(port=0), fault(refuse, refuse))
    with pytest.raises(SummitError, match=text.format("end")):
        measured(Receiver(port=0), fault(lambda *_: None, refuse, bar=0.01))


def test_a_fault_is_not_begun_before_there_is_calm() -> None:
    answers = iter([{"Latency/a"}, {"Latency/a"}, set()])

    calm.wait_for(lambda: next(answers))

    assert list(answers) == []
    with pytest.raises(calm.NotCalm, match="no calm to begin a fault in: A/b, Latency/a; `inv ps`"):
        calm.wait_for(lambda: {"Latency/a", "A/b"}, patience=0)


RULES = {
    "ServiceDown": {"health": "ok", "alerts": [{"labels": {"alertname": "ServiceDown"}}]},
    "Latency": {"health": "unknown", "alerts": []},
    "DatabaseDown": {"health": "ok", "alerts": []},
    "SecretOld": {"health": "ok", "alerts": [{"labels": {"alertname": "SecretOld"}}]},
}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["ServiceDown", "DatabaseDown"], {"ServiceDown"}),
        (["Latency"], {"Latency is not evaluated yet"}),
        (["DatabaseDown"], set()),
    ],
)
def test_prometheus_is_asked_for_what_the_faults_raise_and_nothing_else(
    serve: Serve, asked: list[str], told: set[str]
) -> None:
    rules = [{"name": name, **rule} for name, rule in RULES.items()]
    address = serve(200, {"status": "success", "data": {"groups": [{"rules": rules}]}})

    assert calm.disturbances(address, asked) == told


def test_a_prometheus_that_is_away_is_no_calm(serve: Serve) -> None:
    away = f"http://127.0.0.1:{ports.any_free()}"

    assert calm.disturbances(away, ["Latency"]) == {"Prometheus does not answer"}
    assert calm.disturbances(serve(503, {}), ["Latency"]) == {"Prometheus does not answer"}


def test_a_login_that_fails_is_one_line(serve: Serve) -> None:
    refused, away = serve(401, {}), f"http://127.0.0.1:{ports.any_free()}"

    for gateway, why in ((refused, "401 Unauthorized"), (away, "no answer")):
        text = f"cannot log in at {gateway} as the administrator: {why}; `inv health`"
        with pytest.raises(load.NoToken, match=re.escape(text)), load.steady(gateway, "secret"):
            pass


def test_a_service_that_is_given_a_rest_is_waited_for(serve: Serve) -> None:
    rested = serve(401, {}, 503)

    with pytest.raises(load.NoToken, match="401 Unauthorized"), load.steady(rested, "secret"):
        pass


class Stack:
    """Fails to come up as often as it is told to."""

    def __init__(self, *outcomes: str) -> None:
        self.outcomes = list(outcomes)
        self.with_faults: list[bool] = []

    def bring_up(self) -> None:
        self.with_faults.append(drill.VARIABLE in os.environ)
        if error := self.outcomes.pop(0):
            raise SummitError(error)


@pytest.mark.parametrize(
    ("outcomes", "body", "told", "with_faults"),
    [
        (["", ""], "", "", [True, False]),
        (["not healthy", ""], "", "not healthy", [True]),
        (["", ""], "not calm", "not calm", [True, False]),
        (["", "not healthy"], "not calm", "not calm", [True, False]),
        (["", "not healthy"], "", "not healthy", [True, False]),
    ],
)
def test_what_went_wrong_first_is_told(
    outcomes: list[str], body: str, told: str, with_faults: list[bool]
) -> None:
    stack = Stack(*outcomes)
    said = ""
    try:
        with drill.faults_allowed(stack.bring_up):
            if body:
                raise SummitError(body)
    except SummitError as error:
        said = error.message

    assert said == told
    assert stack.with_faults == with_faults


def test_an_unknown_alert_is_named_with_one_like_it() -> None:
    with pytest.raises(ConfigError, match="no fault raises 'ServiceDwn'") as raised:
        drill.chosen(["ServiceDwn"])
    assert "ServiceDown" in str(raised.value.hint)
    assert [it.service for it in drill.chosen(["DatabaseDown"])] == ["postgres"]
    assert len(drill.chosen([])) == 5


GOOD = Noticed("killed", "ServiceDown/a", 5, 3, 4)
LATE = Noticed("slow", "Latency/a", 5, 6, 4)
NEVER = Noticed("cut", "DatabaseDown", 5, None, None)


def test_what_was_too_late_or_never_told_is_not_met_and_is_drawn_so() -> None:
    assert [it.is_met for it in (GOOD, LATE, NEVER)] == [True, False, False]
    svg = picture.drawn([GOOD, LATE, NEVER])
    assert svg.count(picture.GOOD) == 1
    assert svg.count(picture.BAD) == 2
    assert "unnoticed" in svg


def test_the_table_says_never_and_the_judgement_names_what_was_missed() -> None:
    rows = [line.split() for line in drill.table([LATE, NEVER]).splitlines()[1:]]
    assert rows[0] == ["slow", "Latency/a", "6.0", "s", "5", "s", "4.0", "s"]
    assert rows[1] == ["cut", "DatabaseDown", "never", "5", "s", "never"]
    drill.judge([GOOD])
    with pytest.raises(drill.Unnoticed, match="not noticed in time: Latency/a, DatabaseDown"):
        drill.judge([GOOD, LATE, NEVER])
