"""Logs that a machine cannot read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.python.web import WebService
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule

# What writes records with fields, or may be told to.
_STRUCTURED = frozenset(
    {"structlog", "pythonjsonlogger", "loguru", "json_log_formatter", "ecs_logging", "eliot",
     "logfire", "json_logging", "logstash_formatter", "logstash", "watchtower",
     "aws_lambda_powertools", "asgi_correlation_id", "opentelemetry", "ddtrace", "picologging"}
)  # fmt: skip
_CONFIGURED = ("dictConfig", "fileConfig", "Formatter", "addHandler")
_LOGS = re.compile(r"(^|\.)(basicConfig|getLogger)$")


@rule("OBS005", "unstructured-logs", Severity.NOTE, Confidence.MEDIUM)
def unstructured_logs(model: Model) -> Iterator[Fault]:
    """A service writes its logs as free text.

    Why: whoever collects the logs of several services can only search them for words; no field says
    which request, user or service a line belongs to.

    Example:

        logging.basicConfig(level=logging.INFO)

    Programs for the command line and tests are left alone.

    Mend: write JSON (`structlog`, `python-json-logger`), with the request's id in every record.
    """
    seen = set()
    for service in model.web:
        place = _free_text(service)
        if place is not None and place not in seen:
            seen.add(place)
            yield Fault(
                place,
                f"{service.name} logs free text",
                "write records of JSON, for instance with structlog",
                also=(Also(service.app.place, "the application"),),
                service=service.application.service,
            )


def _free_text(service: WebService) -> Place | None:
    """Where logging is set up without a structure; the application when only `print` is used."""
    if service.libraries & _STRUCTURED or any(service.holding(*_CONFIGURED)):
        return None
    for mark in ("basicConfig", "getLogger", "print("):
        for module in service.holding(mark):
            called = [place for name, place in module.calls.items() if _LOGS.search(name)]
            if called:
                return min(called)
            if "print" in module.calls:
                return service.app.place
    return None


RULES: tuple[Rule, ...] = (unstructured_logs,)
