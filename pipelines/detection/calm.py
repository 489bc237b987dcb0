"""Calm before a fault: no alert is on its way that could be taken for the one that it raises."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import msgspec
import requests
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipelines.detection.receiver import named
from pipelines.errors import SummitError

PATIENCE = 120.0  # seconds for calm to come
TIMEOUT = 5.0  # seconds for an answer


class NotCalm(SummitError):
    """Something is wrong that no fault of ours has brought about."""

    def __init__(self, disturbances: set[str]) -> None:
        super().__init__(
            f"there is no calm to begin a fault in: {', '.join(sorted(disturbances))}",
            hint="`inv ps` and `inv health` say what is wrong",
        )


class _Active(msgspec.Struct):
    labels: dict[str, str]


class _Rule(msgspec.Struct):
    name: str
    health: str
    alerts: list[_Active]


class _Group(msgspec.Struct):
    rules: list[_Rule]


class _Groups(msgspec.Struct):
    groups: list[_Group]


class _Answer(msgspec.Struct):
    """See https://prometheus.io/docs/prometheus/latest/querying/api/#rules."""

    data: _Groups


def disturbances(prometheus: str, alerts: Collection[str]) -> set[str]:
    """Which of these alerts Prometheus, at this address, has firing or about to.

    One that has only just started cannot tell, which is no calm either.
    """
    try:
        answer = requests.get(
            f"{prometheus}/api/v1/rules", params={"type": "alert"}, timeout=TIMEOUT
        )
        answer.raise_for_status()
    except requests.RequestException:
        return {"Prometheus does not answer"}
    groups = msgspec.json.decode(answer.content, type=_Answer).data.groups
    rules = [rule for group in groups for rule in group.rules if rule.name in alerts]
    return {name for rule in rules for name in _active(rule)}


def _active(rule: _Rule) -> Iterator[str]:
    if rule.health != "ok":
        yield f"{rule.name} is not evaluated yet"
    yield from (named(alert.labels) for alert in rule.alerts)


def wait_for(disturbances: Callable[[], set[str]], *, patience: float = PATIENCE) -> None:
    """Return once there are no disturbances; raises `NotCalm` after `patience` seconds."""
    left = Retrying(
        retry=retry_if_result(bool),
        wait=wait_fixed(0.2),
        stop=stop_after_delay(patience),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else set(),
    )(disturbances)
    if left:
        raise NotCalm(left)
