"""Where Alertmanager delivers: a webhook that notes when it was told what.

The body's format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from pipelines.errors import MachineError

PORT = 9099  # where the secret `alert_webhook_url` points unless somebody has written another


def named(labels: Mapping[str, str]) -> str:
    """An alert's name: its rule's and, where it is about one, the service's, `ServiceDown/a`."""
    return "/".join(filter(None, (labels["alertname"], labels.get("service"))))


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert as it was delivered: `firing` or `resolved`, and when it began to fire."""

    status: str
    labels: dict[str, str]
    starts_at: datetime

    @property
    def name(self) -> str:
        return named(self.labels)

    def __post_init__(self) -> None:
        if not self.labels.get("alertname"):
            raise ValueError("an alert without a name")


class _Delivery(msgspec.Struct):
    alerts: list[Alert]


class Receiver:
    """What has been delivered so far, at `port`, and waiting for more."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._latest: dict[str, Alert] = {}
        self._changed = threading.Condition()

    def take(self, body: bytes) -> None:
        """Note a delivery; raises `msgspec.DecodeError` for anything else."""
        with self._changed:
            for alert in msgspec.json.decode(body, type=_Delivery).alerts:
                self._latest[alert.name] = alert
            self._changed.notify_all()

    def wait(self, name: str, status: str, timeout: float, *, since: datetime) -> bool:
        """Whether this alert has this status within `timeout` seconds.

        What began to fire before `since` is an older one, though it may only now be delivered.
        """

        def is_told() -> bool:
            alert = self._latest.get(name)
            return alert is not None and alert.status == status and alert.starts_at >= since

        with self._changed:
            return self._changed.wait_for(is_told, timeout)


@contextmanager
def listening(port: int = PORT) -> Iterator[Receiver]:
    """Listen on all addresses of this machine, since containers come from elsewhere.

    Port 0 is any that is free. Raises `MachineError` when the port is taken.
    """

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
    receiver = Receiver(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
