"""Credentials in YAML: Compose files, workflows, manifests, charts' values, other settings."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from pipelines.audit.model import nodes
from pipelines.audit.model.nodes import Node
from pipelines.audit.model.secrets.credentials import kind, tokens
from pipelines.audit.model.secrets.facts import WORTH, Where, Written, interpolated, written
from pipelines.audit.model.secrets.texts import command, shell_line
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked, join

_PAIR = re.compile(r"([A-Za-z_][\w.\-]{0,100})=(.*)", re.DOTALL)
_COMPOSE = re.compile(r".*compose.*\.ya?ml|(docker-?)?(stack|swarm)([._-].*)?\.ya?ml")
_MOST = 50_000  # values of a file that are looked at: a few lines can unfold into billions
_DEEPEST = 40
_LONGEST_BLOCK = 400  # lines of a text within YAML
# What is no setting although its name may say so: `permissions: {id-token: write}`.
_ASIDE_IN_COMPOSE = frozenset({"labels", "secrets", "volumes", "networks", "deploy", "profiles"})
_ASIDE_IN_PIPELINE = frozenset(
    {"permissions", "services", "inputs", "outputs", "secrets", "on", "name", "description", "if"}
)
_MODES = frozenset({"NODE_ENV", "RAILS_ENV", "APP_ENV", "FLASK_ENV", "ENVIRONMENT", "ENV"})
_COMMANDS = frozenset({"command", "entrypoint", "args", "test", "run", "cmd", "script", "exec"})


def read(tracked: Tracked, path: str) -> Iterator[Written]:
    """The credentials of one YAML file; none of one that is no valid YAML."""
    text = tracked.text(path)
    if text is None:
        return
    try:
        documents = nodes.documents(text, path)
    except nodes.Broken:
        return
    for document in documents:
        yield from _document(document, path)
        if _COMPOSE.fullmatch(path.rpartition("/")[2].lower()):
            yield from _secret_files(document, tracked, path)


def _secret_files(root: Node, tracked: Tracked, path: str) -> Iterator[Written]:
    """Files that Compose hands on as secrets, and that are tracked."""
    for name, secret in root["secrets"].fields.items():
        file = join(path.rpartition("/")[0], secret["file"].text) if secret["file"].text else None
        text = (tracked.text(file) or "").strip() if file else ""
        if file and kind(text) in WORTH and not list(tokens(text)):
            what = f"the secret {name}"
            yield Written(Place(file, 1), "", text, kind(text), Where.FILE, what)


def _document(root: Node, path: str) -> Iterator[Written]:
    fields = root.fields
    name = path.rpartition("/")[2].lower()
    if "apiVersion" in fields and "kind" in fields:
        yield from _manifest(root)
    elif "services" in fields and _COMPOSE.fullmatch(name):
        yield from _Walk(Where.DEPLOYMENT, _ASIDE_IN_COMPOSE).compose(root)
    elif path.startswith(".github/"):
        yield from _Walk(Where.PIPELINE, _ASIDE_IN_PIPELINE).values(root)
    elif name.startswith("values"):
        yield from _Walk(Where.DEPLOYMENT, frozenset()).values(root)
    elif not {"openapi", "swagger", "$schema"} & fields.keys():
        yield from _Walk(Where.CONFIGURATION, frozenset()).values(root)


class _Walk:
    """One way through a document, which ends after so many values."""

    def __init__(self, where: Where, aside: frozenset[str]) -> None:
        self.where = where
        self._aside = aside
        self._left = _MOST

    def compose(self, root: Node) -> Iterator[Written]:
        """A Compose file, service by service; what only anchors hold, too."""
        for key, value in root.fields.items():
            if key == "services":
                for name, service in value.fields.items():
                    yield from self.values(service, service=name)
            elif key not in self._aside:
                yield from self.values(value)

    def values(
        self, node: Node, key: str = "", service: str = "", depth: int = 0
    ) -> Iterator[Written]:
        """Every value below a node, by the key it has."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return
        if node.is_mapping:
            yield from self._mapping(node, service, depth)
        elif node.is_list:
            flag = ""
            for item in node.items:
                if item.is_scalar:
                    yield from self._item(item, key, service, flag)
                    flag = f"{item.text} " if item.text.startswith("-") else ""
                else:
                    yield from self.values(item, key, service, depth + 1)
        elif node.is_scalar and not node.is_null and not node.tag:  # `!Ref Password` refers to one
            yield from self._scalar(node, key, service)

    def _mapping(self, node: Node, service: str, depth: int) -> Iterator[Written]:
        fields = node.fields
        if self.where is Where.PIPELINE and any(
            fields[it].text == "test" for it in _MODES & fields.keys()
        ):
            return  # nothing but tests sees it
        named, value = fields.get("name"), fields.get("value")
        if named and value and named.is_scalar and value.is_scalar:
            yield from self._held(named.text, value.text, value.key_place, service)
        for key, child in fields.items():
            if key not in self._aside:
                yield from self.values(child, key, service, depth + 1)

    def _item(self, item: Node, key: str, service: str, flag: str) -> Iterator[Written]:
        """One text of a list; `flag` is the one before it, if that is the flag of a command."""
        pair = _PAIR.fullmatch(item.text)
        if pair and not key.startswith("x-"):
            yield from self._held(pair[1], pair[2], item.place, service)
        else:
            yield from self._text(f"{flag}{item.text}", item.place, service)

    def _scalar(self, node: Node, key: str, service: str) -> Iterator[Written]:
        if node.is_block:
            lines = node.text.split("\n")[:_LONGEST_BLOCK]
            for number, line in enumerate(lines):
                yield from shell_line(line, node.text_place.below(number), self.where, service)
        elif key in _COMMANDS:
            yield from self._text(node.text, node.key_place, service)
        else:
            yield from self._held(key, node.text, node.key_place, service)

    def _held(self, name: str, value: str, place: Place, service: str) -> Iterator[Written]:
        if self.where is Where.PIPELINE:
            yield from written(name, value, place, self.where)
        else:
            yield from interpolated(name, value, place, self.where, service=service)

    def _text(self, text: str, place: Place, service: str) -> Iterator[Written]:
        yield from command(text, place, self.where, service)


def _manifest(root: Node) -> Iterator[Written]:
    """An object of Kubernetes: the variables of containers, and what secrets and maps hold."""
    what = root["kind"].text
    if what in ("CustomResourceDefinition", "SealedSecret", "ExternalSecret", "SecretStore"):
        return
    service = root.get("metadata", "name").text
    if what in ("Secret", "ConfigMap"):
        for name, value in root["data"].fields.items():
            text = _decoded(value.text) if what == "Secret" else value.text
            yield from _datum(name, text, value, service)
        for name, value in root["stringData"].fields.items():
            yield from _datum(name, value.text, value, service)
        return
    for literal in (it for item in root["secretGenerator"].items for it in item["literals"].items):
        if pair := _PAIR.fullmatch(literal.text):
            yield from written(pair[1], pair[2], literal.place, Where.DEPLOYMENT)
    yield from _Containers(service).below(root)


def _datum(name: str, text: str, value: Node, service: str) -> Iterator[Written]:
    if value.is_block and "\n" in text:
        for number, line in enumerate(text.split("\n")[:_LONGEST_BLOCK]):
            place = value.text_place.below(number)
            yield from shell_line(line, place, Where.DEPLOYMENT, service)
    else:
        yield from written(name, text, value.key_place, Where.DEPLOYMENT, service=service)


def _decoded(text: str) -> str:
    """The text that base64 stands for; as it is when it stands for none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return text if "$" in text or "{{" in text or "<" in text else ""


class _Containers:
    """Every `name` with a `value`, and every command, wherever in an object."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._left = _MOST

    def below(self, node: Node, depth: int = 0) -> Iterator[Written]:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return
        for item in node.items:
            yield from self.below(item, depth + 1)
        fields = node.fields
        named, value = fields.get("name"), fields.get("value")
        if named and value and named.is_scalar and value.is_scalar:
            place, where = value.key_place, Where.DEPLOYMENT
            yield from written(named.text, value.text, place, where, service=self._service)
        for key, child in fields.items():
            if key in ("command", "args"):
                for item in child.items:
                    yield from command(item.text, item.place, Where.DEPLOYMENT, self._service)
            else:
                yield from self.below(child, depth + 1)
