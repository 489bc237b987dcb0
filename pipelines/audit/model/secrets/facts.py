"""One credential that stands in a file, and how a name with a value becomes one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from pipelines.audit.model.compose.interpolation import Reference, references, resolve
from pipelines.audit.model.secrets.credentials import (
    Kind,
    connection_passwords,
    is_secret_name,
    kind,
    login_kind,
    logins,
    tokens,
)
from pipelines.audit.place import Place

_MARK = "\x1a"
WORTH = (Kind.WORKING, Kind.CHANGE)


class Where(Enum):
    """What kind of file a credential stands in; how sure one can be depends on it."""

    DEPLOYMENT = "deployment"  # Compose, manifests, charts' values, images: it is what runs
    VARIABLES = "variables"  # an env file
    CONFIGURATION = "configuration"  # some other file of settings
    PIPELINE = "pipeline"  # a workflow
    SOURCE = "source"
    SCRIPT = "script"  # shell, make
    FILE = "file"  # a file that is itself a secret


class Hidden(NamedTuple):
    """A text that must not be shown where it stands between these."""

    text: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Written:
    """A credential where it is written.

    `name` is what holds it; `what` says what it is when its form does: "a GitHub token", "the
    password of a URL". `is_default` when it holds only as long as nobody sets `name`.
    """

    place: Place
    name: str
    value: str
    kind: Kind
    where: Where
    what: str = ""
    is_default: bool = False
    service: str = ""

    @property
    def hidden(self) -> tuple[Hidden, ...]:
        """What of the line must not be shown, and nothing else that only reads the same."""
        if self.what == "the password of a URL":
            return (Hidden(self.value, ":", "@"), Hidden(self.value, "-", "}"))
        if self.value.lower() not in f"{self.what} {self.name}".lower():
            return (Hidden(self.value),)
        return tuple(Hidden(self.value, it) for it in ('"', "'", "=", ": ", ":-", "- "))


def written(
    name: str,
    value: str,
    place: Place,
    where: Where,
    *,
    is_default: bool = False,
    service: str = "",
) -> Iterator[Written]:
    """The credential that a value is, if it is one: by its form, in a URL, or by its name."""
    for token in tokens(value):
        yield Written(place, name, token.text, Kind.WORKING, where, token.what, is_default, service)
        return
    for login in logins(value):
        worth = login_kind(login)
        if worth in WORTH:
            what = "the password of a URL"
            yield Written(place, name, login.password, worth, where, what, is_default, service)
            return
    for password in connection_passwords(value):
        if (worth := kind(password)) in WORTH:
            what = "the password of a connection string"
            yield Written(place, name, password, worth, where, what, is_default, service)
            return
    if is_secret_name(name) and (worth := kind(value)) in WORTH:
        text = value.strip().strip("'\"")
        yield Written(place, name, text, worth, where, "", is_default, service)


def interpolated(
    name: str, raw: str, place: Place, where: Where, *, service: str = ""
) -> Iterator[Written]:
    """The same for a value with `${...}` in it: its defaults are credentials as well."""
    if "$" not in raw:
        yield from written(name, raw, place, where, service=service)
        return
    asked = references(raw)
    whole = resolve(raw)
    defaults = [it for it in asked if it.has_default and "$" not in it.argument]
    for it in defaults:
        marked = resolve(raw, {it.name: _MARK})
        yield from _default(name, it, whole, marked, place, where, service)
    # What is put together of parts is a credential only by its form, and not by its defaults'.
    bare = resolve(raw, {it.name: "${}" for it in defaults})
    for found in written(name, bare, place, where, service=service):
        if not asked or found.what:
            yield found


def _default(
    name: str,
    reference: Reference,
    whole: str,
    marked: str,
    place: Place,
    where: Where,
    service: str,
) -> Iterator[Written]:
    """A default that is a credential by its variable's name, by its form, or by where it is put.

    `${ANY:-value}` is one when it is all that a secret holds, or a URL's password: `marked` is the
    whole with a mark in its place.
    """
    value = reference.argument
    is_all = value == whole and is_secret_name(name) and not is_secret_name(reference.name)
    held = name if is_all else reference.name
    found = list(written(held, value, place, where, is_default=True, service=service))
    if not found and (worth := kind(value)) in WORTH:
        for login in logins(marked):
            if login.password == _MARK:
                what = "the password of a URL"
                yield Written(place, reference.name, value, worth, where, what, True, service)
                return
    yield from found
