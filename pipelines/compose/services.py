"""One service of a Compose file: from checked entries to the model."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Mapping
from pathlib import Path

from pipelines.compose.environment import read_environment
from pipelines.compose.model import (
    Condition,
    Dependency,
    Healthcheck,
    Restart,
    RestartPolicy,
    SecretGrant,
    Service,
)
from pipelines.compose.mounts import read_mounts
from pipelines.compose.ports import read_expose, read_ports
from pipelines.documents.document import Entry
from pipelines.documents.nearest import nearest

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d)")
_DURATIONS = re.compile(f"(?:{_DURATION.pattern})+")


def read_service(name: str, entry: Entry, folder: Path, variables: Mapping[str, str]) -> Service:
    """The service that a checked entry describes. Raises `ConfigError` at the line it is about."""
    fields = entry.fields
    if "extends" in fields:
        raise fields["extends"].error("not supported", hint="share keys with an anchor and <<")
    if not {"image", "build", "provider"} & fields.keys():
        raise entry.error("neither 'image' nor 'build' says what to run")
    none = Entry([], entry.where, entry.path)
    return Service(
        name=name,
        where=entry.where,
        image=_text(fields, "image"),
        build=_build(fields.get("build")),
        command=_words(fields.get("command")),
        entrypoint=_words(fields.get("entrypoint")),
        environment=read_environment(fields, folder, variables),
        depends_on=_dependencies(fields.get("depends_on", none)),
        healthcheck=_healthcheck(fields.get("healthcheck")),
        ports=read_ports(fields.get("ports", none)),
        expose=read_expose(fields.get("expose", none)),
        secrets=tuple(_grant(item) for item in fields.get("secrets", none).items),
        volumes=read_mounts(fields.get("volumes", none), folder, variables),
        restart=_restart(fields.get("restart")),
        profiles=frozenset(item.text for item in fields.get("profiles", none).items),
        working_dir=_text(fields, "working_dir"),
        stop_grace_period=_seconds(fields, "stop_grace_period", 10.0),
        stop_signal=_signal(fields.get("stop_signal")),
        extension=read_extension(entry),
    )


def read_extension(entry: Entry) -> dict[str, object]:
    """What stands under `x-summit`: what Compose itself has no word for."""
    extension = entry.fields.get("x-summit")
    if extension is None or extension.value is None:
        return {}
    return {key: value.plain() for key, value in extension.fields.items()}


def _text(fields: Mapping[str, Entry], key: str) -> str | None:
    return fields[key].text if key in fields else None


def _build(entry: Entry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    return {"context": entry.text} if isinstance(entry.value, str) else dict(entry.plain())


def _words(entry: Entry | None) -> tuple[str, ...]:
    if entry is None or entry.value is None:
        return ()
    if isinstance(entry.value, list):
        return tuple(item.text for item in entry.items)
    try:
        return tuple(shlex.split(entry.text))
    except ValueError as error:
        raise entry.error(f"cannot be split into words: {error}".lower()) from error


def _dependencies(entry: Entry) -> tuple[Dependency, ...]:
    if isinstance(entry.value, list):
        return tuple(Dependency(item.text, where=item.where) for item in entry.items)
    return tuple(
        Dependency(
            name,
            _condition(item.fields["condition"]),
            required=_flag(item.fields, "required", default=True),
            restart=_flag(item.fields, "restart", default=False),
            where=item.where,
        )
        for name, item in entry.fields.items()
    )


def _condition(entry: Entry) -> Condition:
    try:
        return Condition(entry.text)
    except ValueError:
        known = [condition.value for condition in Condition]
        hint = nearest(entry.text, known)
        raise entry.error(f"no condition {entry.text!r}", hint=hint) from None


def _flag(fields: Mapping[str, Entry], key: str, *, default: bool) -> bool:
    return fields[key].text.lower() == "true" if key in fields else default


def _healthcheck(entry: Entry | None) -> Healthcheck | None:
    # Without a test of its own the check of the image counts, which only its engine knows.
    if entry is None or "test" not in entry.fields:
        return None
    test = _test(entry.fields["test"])
    if test == ("NONE",) or _flag(entry.fields, "disable", default=False):
        return None
    return Healthcheck(
        test=test,
        interval=_seconds(entry.fields, "interval", Healthcheck.interval),
        timeout=_seconds(entry.fields, "timeout", Healthcheck.timeout),
        retries=_retries(entry.fields.get("retries")),
        start_period=_seconds(entry.fields, "start_period", Healthcheck.start_period),
        start_interval=_seconds(entry.fields, "start_interval", Healthcheck.start_interval),
    )


def _test(entry: Entry) -> tuple[str, ...]:
    if isinstance(entry.value, str):
        return ("CMD-SHELL", entry.value)
    words = tuple(item.text for item in entry.items)
    match words:
        case ("NONE",) | ("CMD", _, *_) | ("CMD-SHELL", _):
            return words
    raise entry.error("expected [CMD, program, ...], [CMD-SHELL, line] or [NONE]")


def _retries(entry: Entry | None) -> int:
    if entry is None:
        return Healthcheck.retries
    if not entry.text.isdigit() or int(entry.text) < 1:
        raise entry.error(f"{entry.text!r} is not a whole number from 1 upwards")
    return int(entry.text)


def _seconds(fields: Mapping[str, Entry], key: str, default: float) -> float:
    if key not in fields:
        return default
    text = fields[key].text
    if text == "0":
        return 0.0
    if not _DURATIONS.fullmatch(text):
        raise fields[key].error(
            f"{text!r} is not a duration", hint="for example 1m30s, 2.5s or 500ms"
        )
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def _grant(item: Entry) -> SecretGrant:
    if isinstance(item.value, str):
        return SecretGrant(item.value, item.value, where=item.where)
    source = item.fields["source"].text
    return SecretGrant(source, _text(item.fields, "target") or source, where=item.where)


def _restart(entry: Entry | None) -> Restart:
    if entry is None:
        return Restart()
    name, colon, attempts = entry.text.partition(":")
    try:
        policy = RestartPolicy(name)
    except ValueError:
        known = [policy.value for policy in RestartPolicy]
        raise entry.error(f"no restart policy {name!r}", hint=nearest(name, known)) from None
    if not colon:
        return Restart(policy)
    if policy is not RestartPolicy.ON_FAILURE or not attempts.isdigit():
        raise entry.error(
            f"{entry.text!r} is not a restart policy", hint="only on-failure:N counts"
        )
    return Restart(policy, int(attempts))


def _signal(entry: Entry | None) -> str:
    if entry is None:
        return "SIGTERM"
    known = {number.name: number for number in signal.Signals}
    name = entry.text.upper()
    if name.isdigit():
        name = next((signal.name for signal in known.values() if signal == int(name)), name)
    elif not name.startswith("SIG"):
        name = f"SIG{name}"
    if name not in known:
        raise entry.error(f"no signal {entry.text!r}", hint=nearest(name, known))
    return name
