"""Asks this machine's service whether it is well: `python -m services.kit.probe [/readyz]`.

For the health check of an image: it needs nothing but the standard library, and exits 0 or 1.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

from services.kit.command import FAILED, refuse

TIMEOUT_SECONDS = 3.0


def main(arguments: list[str]) -> int:
    """Ask `127.0.0.1:$PORT` and return 0 when the answer is a success."""
    path = arguments[0] if arguments else "/readyz"
    port = os.environ.get("PORT", "8000")
    try:
        connection = HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_SECONDS)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(2000).decode(errors="replace")
    except (OSError, HTTPException, ValueError) as error:
        return refuse(FAILED, f"{path} on port {port}: {error}")
    if answer.status >= 300:
        return refuse(FAILED, f"{path} on port {port} answered {answer.status}: {body}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
