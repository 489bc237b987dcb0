"""Certificates that nobody verifies."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.verification import commands, lines, python


@rule("SEC008", "tls-verify-off", Severity.HIGH)
def tls_verify_off(model: Model) -> Iterator[Fault]:
    """A certificate is not verified.

    Why: whoever stands between two machines can then read and change everything that they say, and
    what is installed that way is whatever he likes.

    Example:

        requests.get("https://billing.example.org", verify=False)

    Mend: verify, and give the authority of your own certificates (`verify="/etc/ssl/own-ca.pem"`,
    `curl --cacert`, `NODE_EXTRA_CA_CERTS`, `pip --cert`).
    """
    yield from python.faults(model)
    yield from lines.faults(model)
    yield from commands.faults(model)


RULES: tuple[Rule, ...] = (tls_verify_off,)
