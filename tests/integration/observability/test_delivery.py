"""From a fault in a real stack to an alert at a webhook is what `inv mttd` runs; here its parts."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request

import pytest

from pipelines.detection import picture
from pipelines.detection.measure import Noticed
from pipelines.detection.receiver import listening
from pipelines.errors import MachineError
from pipelines.stack import ports


def deliver(port: int, body: object) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def alert(status: str) -> dict[str, object]:
    labels = {"alertname": "ServiceDown", "service": "fusion"}
    return {"alerts": [{"status": status, "labels": labels, "annotations": {}}]}


def test_a_delivery_ends_the_waiting_for_it_and_for_nothing_else() -> None:
    port = ports.any_free()
    with listening(port) as receiver:
        assert receiver.wait("ServiceDown/fusion", "firing", 0) is None
        threading.Timer(0.05, deliver, (port, alert("firing"))).start()
        assert receiver.wait("ServiceDown/fusion", "firing", 10) is not None
        assert receiver.wait("ServiceDown/fabric", "firing", 0) is None
        assert receiver.firing() == {"ServiceDown/fusion"}

        assert deliver(port, alert("resolved")) == 200
        assert receiver.firing() == set()


@pytest.mark.parametrize("body", [7, {}, {"alerts": [{}]}])
def test_what_is_no_delivery_is_refused(body: object) -> None:
    port = ports.any_free()
    with listening(port) as receiver:
        assert deliver(port, body) == 400
        assert receiver.firing() == set()


def test_a_taken_port_is_one_line() -> None:
    port = ports.any_free()
    with (
        listening(port),
        pytest.raises(MachineError, match=f"cannot listen on port {port}: Address already in use"),
        listening(port),
    ):
        pass


def test_what_was_too_late_or_never_told_is_not_met_and_is_drawn_so() -> None:
    good = Noticed("killed", "ServiceDown/a", 5, 3, 4)
    late = Noticed("slow", "Latency/a", 5, 6, 4)
    never = Noticed("cut", "DatabaseDown", 5, None, None)

    assert [it.is_met for it in (good, late, never)] == [True, False, False]
    svg = picture.drawn([good, late, never])
    assert svg.count(picture.GOOD) == 1
    assert svg.count(picture.BAD) == 2
    assert "unnoticed" in svg
