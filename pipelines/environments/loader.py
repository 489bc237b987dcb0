"""From `environments/NAME.yaml` to an environment. Every key is known, or refused with its line."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from pipelines.documents import document, shapes
from pipelines.documents.document import Entry
from pipelines.documents.nearest import nearest
from pipelines.documents.shapes import FLAG, NUMBER, SCALAR, TEXT, TEXTS, Keys, List, Map
from pipelines.environments import duration
from pipelines.environments.environment import Bake, Environment, Requirement, Subject, Waiver
from pipelines.errors import ConfigError

FOLDER = Path("environments")
ENGINES = ("docker", "process", "swarm")
_OF_ENVIRONMENT = {"same_digests_as", "max_age", "roles", "max_retries"}

_REQUIREMENT = Keys(
    {
        "gate": TEXT,
        "subject": TEXT,
        "environment": TEXT,
        "max_age": TEXT,
        "min_tests": NUMBER,
        "max_skipped": NUMBER,
        "roles": TEXTS,
        "controlled": FLAG,
        "max_retries": NUMBER,
        "same_digests_as": TEXT,
    }
)
_WAIVER = Keys(
    dict.fromkeys(("gate", "owner", "reason", "expires"), TEXT),
    required=("gate", "owner", "reason", "expires"),
)
_BAKE = Keys(
    {"seconds": NUMBER, "requests": NUMBER, "errors": NUMBER, "slower": NUMBER, "paths": TEXTS}
)
_FILE = Keys(
    {
        "engine": TEXT,
        "host": TEXT,
        "address": TEXT,
        "variables": Map(SCALAR),
        "doors": Map(NUMBER),
        "secrets": Map(SCALAR),
        "profiles": TEXTS,
        "ready": TEXT,
        "bake": _BAKE,
        "policy": List(_REQUIREMENT),
        "waivers": List(_WAIVER),
    }
)


def known(root: Path) -> tuple[str, ...]:
    """The names of the environments that are described, sorted."""
    return tuple(sorted(file.stem for file in (root / FOLDER).glob("*.yaml")))


def load(root: Path, name: str) -> Environment:
    """The environment of this name.

    Raises `ConfigError`, with file and line, for an unknown one and for the first thing that is
    wrong: an unknown key, a waiver of what nobody asks for.
    """
    names = known(root)
    if name not in names:
        described = f"{FOLDER / name}.yaml describes none"
        raise ConfigError(
            f"no environment called {name!r}", hint=nearest(name, names) if names else described
        )
    shown = FOLDER / f"{name}.yaml"
    whole = document.read(root / shown, shown=shown)
    shapes.check(whole, _FILE)
    fields = whole.fields
    plain: Mapping[str, Any] = whole.plain()
    policy = tuple(_requirement(it, names) for it in _items(fields, "policy"))
    engine = _engine(fields["engine"]) if "engine" in fields else ENGINES[1]
    return Environment(
        name=name,
        file=root / shown,
        digest=hashlib.sha256((root / shown).read_bytes()).hexdigest(),
        engine=engine,
        host=str(plain.get("host", "")),
        address=_address(fields["address"]) if "address" in fields else "",
        variables=_texts(plain.get("variables", {})),
        doors={door: int(port) for door, port in plain.get("doors", {}).items()},
        secrets=_texts(plain.get("secrets", {})),
        profiles=tuple(plain.get("profiles", ())),
        ready=_seconds(fields["ready"]) if "ready" in fields else Environment.ready,
        bake=_bake(plain.get("bake", {})),
        policy=policy,
        waivers=tuple(
            _waiver(it, [asked.gate for asked in policy if asked.gate])
            for it in _items(fields, "waivers")
        ),
    )


def _items(fields: Mapping[str, Entry], key: str) -> list[Entry]:
    return fields[key].items if key in fields else []


def _texts(plain: Mapping[str, Any]) -> dict[str, str]:
    """Single values as variables have them: `true` as Compose writes it too."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in plain.items()
    }


def _engine(entry: Entry) -> str:
    if entry.text not in ENGINES:
        raise entry.error(f"no engine called {entry.text!r}", hint=nearest(entry.text, ENGINES))
    return entry.text


def _address(entry: Entry) -> str:
    try:
        return str(ip_address(entry.text))
    except ValueError:
        raise entry.error(
            f"{entry.text!r} is no address to listen at", hint="such as 0.0.0.0"
        ) from None


def _bake(plain: Mapping[str, Any]) -> Bake:
    return Bake(**{**plain, "paths": tuple(plain.get("paths", ()))})


def _requirement(entry: Entry, names: tuple[str, ...]) -> Requirement:
    fields, plain = entry.fields, entry.plain()
    if ("gate" in fields) == ("same_digests_as" in fields):
        raise entry.error("needs either `gate` or `same_digests_as`")
    if "same_digests_as" in fields and (more := fields.keys() - _OF_ENVIRONMENT):
        raise entry.error(f"`same_digests_as` does not go with `{min(more)}`")
    if "roles" in fields and not fields["roles"].items:
        raise fields["roles"].error("no role is named", hint="without `roles` any key will do")
    for key in ("environment", "same_digests_as"):
        if key in fields and fields[key].text not in names:
            raise fields[key].error(
                f"no environment called {fields[key].text!r}",
                hint=nearest(fields[key].text, names),
            )
    subject = _subject(fields["subject"]) if "subject" in fields else Subject.TREE
    if (subject is Subject.ENVIRONMENT) != ("environment" in fields):
        raise entry.error("`subject: environment` and `environment: NAME` belong together")
    return Requirement(
        gate=str(plain.get("gate", "")),
        subject=subject,
        where=entry.where,
        environment=str(plain.get("environment", "")),
        max_age=_seconds(fields["max_age"]) if "max_age" in fields else None,
        min_tests=int(plain.get("min_tests", 0)),
        max_skipped=int(plain["max_skipped"]) if "max_skipped" in plain else None,
        roles=tuple(plain.get("roles", ())),
        controlled=bool(plain.get("controlled", False)),
        max_retries=int(plain["max_retries"]) if "max_retries" in plain else None,
        same_digests_as=str(plain.get("same_digests_as", "")),
    )


def _subject(entry: Entry) -> Subject:
    words = [it.value for it in Subject]
    if entry.text not in words:
        raise entry.error(f"no subject {entry.text!r}", hint=nearest(entry.text, words))
    return Subject(entry.text)


def _waiver(entry: Entry, gates: Sequence[str]) -> Waiver:
    fields = entry.fields
    for key in ("owner", "reason"):
        if not fields[key].text.strip():
            raise fields[key].error(f"a waiver without {key}")
    gate = fields["gate"].text
    if gate not in gates:
        raise fields["gate"].error(f"no requirement of {gate!r}", hint=nearest(gate, gates))
    try:
        expires = date.fromisoformat(fields["expires"].text)
    except ValueError:
        raise fields["expires"].error("not a day", hint="write it as 2030-01-31") from None
    texts = {key: fields[key].text for key in ("gate", "owner", "reason")}
    return Waiver(**texts, expires=expires, where=entry.where)


def _seconds(entry: Entry) -> float:
    try:
        return duration.seconds(entry.text)
    except ValueError as error:
        raise entry.error(str(error), hint=duration.MEND) from None
