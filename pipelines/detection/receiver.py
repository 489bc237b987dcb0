"""Where Alertmanager delivers: a webhook that notes when it was told what.

The body's format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from pipelines.errors import MachineError

PORT = 9099  # where the secret `alert_webhook_url` points unless somebody has written another


class Alert(msgspec.Struct, frozen=True):
    """One alert as it was delivered; `status` is `firing` or `resolved`."""

    status: str
    labels: dict[str, str]


class _Delivery(msgspec.Struct):
    alerts: list[Alert]


class Receiver:
    """What has been delivered so far, and waiting for more."""

    def __init__(self) -> None:
        self._latest: dict[str, str] = {}
        self._changed = threading.Condition()

    def take(self, body: bytes) -> None:
        """Note a delivery; raises `msgspec.DecodeError` for anything else."""
        with self._changed:
            for alert in msgspec.json.decode(body, type=_Delivery).alerts:
                self._latest[_name(alert.labels)] = alert.status
            self._changed.notify_all()

    def wait(self, alert: str, status: str, timeout: float) -> float | None:
        """Seconds until the alert was last delivered with this status; None when it was not."""
        began = time.monotonic()
        with self._changed:
            if self._changed.wait_for(lambda: self._latest.get(alert) == status, timeout):
                return time.monotonic() - began
        return None

    def firing(self) -> set[str]:
        """The alerts that are firing."""
        with self._changed:
            return {name for name, status in self._latest.items() if status == "firing"}


def _name(labels: dict[str, str]) -> str:
    return "/".join(filter(None, (labels["alertname"], labels.get("service"))))


@contextmanager
def listening(port: int = PORT) -> Iterator[Receiver]:
    """Listen on all addresses of this machine, since containers come from elsewhere.

    Raises `MachineError` when the port is taken.
    """
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
            except (msgspec.DecodeError, ValueError, TypeError):
                self.send_response(400)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    try:
        server = ThreadingHTTPServer(("0.0.0.0", port), Handler)  # noqa: S104
    except OSError as error:
        raise MachineError(f"cannot listen on port {port}: {error.strerror}") from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
