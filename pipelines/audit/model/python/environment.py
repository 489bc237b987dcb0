"""Which variables of the environment a module reads, and with which defaults."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from pipelines.audit.model.python.facts import Read
from pipelines.audit.model.python.values import dotted, text
from pipelines.audit.place import Place

Known = Mapping[str, ast.expr]

_GETS = {
    "os.getenv", "getenv", "os.environ.get", "environ.get", "os.environ.setdefault",
    "environ.setdefault", "os.environ.pop", "environ.pop", "config", "env", "getenv_bool",
    "decouple.config", "os.environb.get",
}  # fmt: skip
# `env.str("NAME", "default")` of environs and django-environ, `config.get` of neither.
_TYPED = {
    "str", "bool", "int", "float", "list", "json", "url", "db", "cache", "email", "path", "tuple",
    "dict", "decimal", "log_level", "timedelta", "bytes", "db_url", "cache_url", "search_url",
}  # fmt: skip
_MAPPINGS = ("os.environ", "environ")
_SETTINGS = ("BaseSettings", "PydanticBaseSettings")
_FIELDS = ("Field", "SettingsField")


def read(
    node: ast.Call | ast.Subscript | ast.Compare | ast.BoolOp, file: str, known: Known
) -> Iterator[Read]:
    """The variable that an expression reads, if it reads one."""
    if isinstance(node, ast.Call):
        yield from _call(node, file, known)
    elif isinstance(node, ast.Subscript):
        name = text(node.slice, known)
        if name and isinstance(node.ctx, ast.Load) and dotted(node.value) in _MAPPINGS:
            yield Read(name, None, Place(file, node.lineno), is_required=True)
    elif isinstance(node, ast.Compare):
        name = text(node.left, known)
        if name and dotted(node.comparators[0]) in _MAPPINGS:
            yield Read(name, None, Place(file, node.lineno))
    elif isinstance(node.op, ast.Or):
        yield from _alternative(node, file, known)


def _call(node: ast.Call, file: str, known: Known) -> Iterator[Read]:
    function = dotted(node.func)
    owner, _, last = function.rpartition(".")
    if function not in _GETS and not (owner == "env" and last in _TYPED):
        return
    name = text(node.args[0], known) if node.args else None
    if not name or not name.replace("_", "a").isalnum():
        return
    default = _default(node, function)
    place = Place(file, node.lineno)
    if default is None or (isinstance(default, ast.Constant) and default.value is None):
        required = function in ("config", "env", "decouple.config") or owner == "env"
        yield Read(name, None, place, is_required=required and default is None)
    else:
        at = Place(file, default.lineno)
        yield Read(name, text(default, known) or "", place, default_place=at)


def _default(node: ast.Call, function: str) -> ast.expr | None:
    for keyword in node.keywords:
        if keyword.arg == "default":
            return keyword.value
    takes_type = function in ("config", "env", "decouple.config") and len(node.args) == 2
    if len(node.args) < 2 or (takes_type and isinstance(node.args[1], ast.Name)):
        return None
    return node.args[1]


def _alternative(node: ast.BoolOp, file: str, known: Known) -> Iterator[Read]:
    """`os.getenv("NAME") or "default"`."""
    first, last = node.values[0], node.values[-1]
    value = text(last, known)
    if not value or not isinstance(first, ast.Call | ast.Subscript):
        return
    for found in read(first, file, known):
        if not found.default:
            place = Place(file, last.lineno)
            yield Read(found.name, value, found.place, default_place=place)


def settings(node: ast.ClassDef, file: str, known: Known) -> Iterator[Read]:
    """The variables of a class of pydantic settings."""
    bases = {dotted(base).rpartition(".")[2] for base in node.bases}
    if not any(base in _SETTINGS or base.endswith("Settings") for base in bases):
        return
    prefix = _prefix(node, known)
    for field in node.body:
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if field.target.id == "model_config" or _is_class_variable(field.annotation):
            continue
        yield from _field(field, field.target.id, prefix, file, known)


def _is_class_variable(annotation: ast.expr) -> bool:
    named = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return dotted(named).rpartition(".")[2] == "ClassVar"


def _field(node: ast.AnnAssign, name: str, prefix: str, file: str, known: Known) -> Iterator[Read]:
    place = Place(file, node.lineno)
    names, default = [f"{prefix}{name}".upper()], node.value
    if isinstance(default, ast.Call) and dotted(default.func).rpartition(".")[2] in _FIELDS:
        names = _names(default, known) or names
        default = _field_default(default)
    if isinstance(default, ast.Constant) and default.value in (None, Ellipsis):
        default = None if default.value is Ellipsis else default
    for variable in names:
        if default is None:
            yield Read(variable, None, place, is_required=True)
        elif isinstance(default, ast.Constant) and default.value is None:
            yield Read(variable, None, place)
        else:
            at = Place(file, default.lineno)
            yield Read(variable, text(default, known) or "", place, default_place=at)


def _names(call: ast.Call, known: Known) -> list[str]:
    """`Field(env="NAME")`, `validation_alias="NAME"` or `AliasChoices("NAME", "OTHER")`."""
    found: list[str] = []
    for keyword in call.keywords:
        if keyword.arg not in ("env", "alias", "validation_alias"):
            continue
        value = keyword.value
        parts: list[ast.expr] = [value]
        if isinstance(value, ast.List | ast.Tuple):
            parts = value.elts
        elif isinstance(value, ast.Call):
            parts = value.args
        found += [name for name in (text(part, known) for part in parts) if name]
    return list(dict.fromkeys(found))


def _field_default(call: ast.Call) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == "default":
            return keyword.value
        if keyword.arg == "default_factory":
            return keyword.value
    return call.args[0] if call.args else None


def _prefix(node: ast.ClassDef, known: Known) -> str:
    """`env_prefix` of `model_config`, or of an inner class `Config`."""
    for part in node.body:
        if isinstance(part, ast.ClassDef) and part.name == "Config":
            for inner in part.body:
                if isinstance(inner, ast.Assign) and dotted(inner.targets[0]) == "env_prefix":
                    return text(inner.value, known) or ""
        value = getattr(part, "value", None)
        if isinstance(part, ast.Assign) and dotted(part.targets[0]) == "model_config":
            return _in_config(value, known)
        if isinstance(part, ast.AnnAssign) and dotted(part.target) == "model_config":
            return _in_config(value, known)
    return ""


def _in_config(value: ast.expr | None, known: Known) -> str:
    if isinstance(value, ast.Call):
        for keyword in value.keywords:
            if keyword.arg == "env_prefix":
                return text(keyword.value, known) or ""
    if isinstance(value, ast.Dict):
        for key, item in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "env_prefix":
                return text(item, known) or ""
    return ""
