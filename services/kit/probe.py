"""Asks this machine's service whether it is well: `python -m services.kit.probe [/readyz [1.5]]`.

For the health check of an image: it exits 0 or 1. A service that does not listen yet is waited for
as many seconds as are given: one question then does for all that a starting container would be
asked, each of which takes from the start what a new process takes.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

from services.kit.command import FAILED, refuse

TIMEOUT_SECONDS = 3.0


def main(arguments: list[str]) -> int:
    """Ask `127.0.0.1:$PORT` and return 0 when the answer is a success.

    `arguments` are the path, and for how many seconds to wait until somebody listens.
    """
    path = arguments[0] if arguments else "/readyz"
    port = os.environ.get("PORT", "8000")
    try:
        connection = HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_SECONDS)
        _connect(connection, float(arguments[1]) if len(arguments) > 1 else 0.0)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(2000).decode(errors="replace")
    except (OSError, HTTPException, ValueError) as error:
        return refuse(FAILED, f"{path} on port {port}: {error}")
    if answer.status >= 300:
        return refuse(FAILED, f"{path} on port {port} answered {answer.status}: {body}")
    return 0


def _connect(connection: HTTPConnection, patience: float) -> None:
    try:
        connection.connect()
    except ConnectionRefusedError:
        if not patience:
            raise
        # Only here, for it takes longer to import than the whole probe.
        import tenacity  # noqa: PLC0415

        tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(ConnectionRefusedError),
            wait=tenacity.wait_fixed(0.02),
            stop=tenacity.stop_after_delay(patience),
            reraise=True,
        )(connection.connect)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
