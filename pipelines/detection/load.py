"""A steady trickle of real requests, so that ratios and percentiles have something to count."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus

import requests
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from pipelines.errors import SummitError

PATHS = ("/v1/nodes", "/v1/incidents", "/v1/risks", "/v1/missions")
CALLERS = 10  # of each path
PAUSE = 0.7  # seconds between two requests of a caller: below the gateway's limit of 100 a second
PATIENCE = 5.0  # seconds for an answer
REST = 30.0  # seconds for which a gateway may say 503: it gives a service that failed a rest


class NoToken(SummitError):
    """The gateway does not let the administrator in, without whom there are no requests."""

    def __init__(self, gateway: str, why: str) -> None:
        super().__init__(
            f"cannot log in at {gateway} as the administrator: {why}",
            hint="`inv health` says what is wrong",
        )


@contextmanager
def steady(gateway: str, secret: str) -> Iterator[None]:
    """Send requests through the gateway for as long as the context lasts.

    `secret` is the administrator's. Raises `NoToken` when it cannot log in.
    """
    headers = {"Authorization": f"Bearer {_token(gateway, secret)}"}
    over = threading.Event()
    callers = [
        threading.Thread(target=_call, args=(gateway + path, headers, over), daemon=True)
        for path in PATHS
        for _ in range(CALLERS)
    ]
    callers.append(threading.Thread(target=_observe, args=(gateway, headers, over), daemon=True))
    for caller in callers:
        caller.start()
    try:
        yield
    finally:
        over.set()
        for caller in callers:
            caller.join()


def _token(gateway: str, secret: str) -> str:
    grant = {
        "grant_type": "client_credentials",
        "client_id": "admin",
        "client_secret": secret,
    }
    try:
        answer = _asked(f"{gateway}/v1/tokens", grant)
    except requests.RequestException as error:
        raise NoToken(gateway, "no answer") from error
    if not answer.ok:
        raise NoToken(gateway, f"{answer.status_code} {answer.reason}")
    return str(answer.json()["access_token"])


def _is_at_rest(answer: requests.Response) -> bool:
    return answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE


@retry(
    retry=retry_if_result(_is_at_rest),
    wait=wait_fixed(0.5),
    stop=stop_after_delay(REST),
    retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
)
def _asked(url: str, grant: dict[str, str]) -> requests.Response:
    return requests.post(url, json=grant, timeout=PATIENCE)


def _call(url: str, headers: dict[str, str], over: threading.Event) -> None:
    with requests.Session() as session:
        while not over.wait(PAUSE):
            with suppress(requests.RequestException):
                session.get(url, headers=headers, timeout=PATIENCE)


def _observe(gateway: str, headers: dict[str, str], over: threading.Event) -> None:
    """Report smoke again and again: each report is an event that fusion has to hand on."""
    with requests.Session() as session:
        while not over.wait(PAUSE):
            observation = {
                "key": str(uuid.uuid4()),
                "kind": "smoke",
                "position": {"lat": 44.0, "lon": -121.0},
                "uncertainty_m": 100,
                "confidence": 0.5,
                "source": "detection-drill",
                "observed_at": datetime.now(UTC).isoformat(),
            }
            with suppress(requests.RequestException):
                session.post(
                    f"{gateway}/v1/observations",
                    json=observation,
                    headers=headers,
                    timeout=PATIENCE,
                )
