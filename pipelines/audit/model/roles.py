"""What a file is for, told by its path: only what goes to production can break a launch."""

from __future__ import annotations

import re
from enum import Enum
from functools import cache


class Role(Enum):
    """The part a file plays."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"  # compose.dev.yaml, Dockerfile.dev, override files
    EXAMPLE = "example"  # examples, samples, templates, demos: read, and copied
    TEST = "test"
    DOCUMENT = "document"
    VENDORED = "vendored"  # somebody else's code


_ENDS = r"([._-].*)?"
_FOLDERS = (
    (
        Role.VENDORED,
        r"node_modules|vendor|vendored|third[_-]?party|site-packages|bower_components",
    ),
    (
        Role.TEST,
        (
            r"tests?|__tests__|testing|testdata|test[_-]data|fixtures?|e2e|specs?|cypress|mocks?"
            r"|__mocks__|.*[_-]tests?|tests?[_-].*|suites?"
        ),
    ),
    (
        Role.EXAMPLE,
        (
            r"(.*[_-])?examples?|samples?|templates?|demos?|playground|sandbox|tutorials?"
            r"|benchmarks?|cookbook"
        ),
    ),
    (Role.DOCUMENT, r"docs?|documentation"),
    (Role.DEVELOPMENT, r"\.devcontainer|dev|development|local|localdev|dev[_-].*|.*[_-]dev"),
)
# What these folders hold for others to copy, or to make packages with; deeper ones may be modules.
_TOP = {"contrib": Role.EXAMPLE, "packaging": Role.DEVELOPMENT}
# What a pipeline starts to try a system with, not the scripts and requirements of its jobs.
_TRIED = re.compile(r".*compose.*\.ya?ml|(.*[._-])?values\.ya?ml|(.*\.)?env")
_NAMES = (
    (
        Role.TEST,
        (
            r"(test_.*|.*_test|conftest)\.py|.*_test\.go|.*\.(test|spec)\.[jt]sx?"
            rf"|(.*[._-])?(tests?|testing|acceptance|e2e|ci){_ENDS}\.(ya?ml|dockerfile)"
            r"|(cypress|playwright|vitest|jest|karma|wdio)\.(config|setup)(\.\w+)?\.[cm]?[jt]s"
            r"|(docker)?compose[._-]?(tests?|ci)|dockerfile[._-](tests?|e2e|ci)(\..*)?"
        ),
    ),
    (
        Role.EXAMPLE,
        rf".*[._-](example|sample|template|dist|tmpl|tpl){_ENDS}|example[._-].*|sample[._-].*",
    ),
    (
        Role.DEVELOPMENT,
        (
            rf"(.*[._-])?(dev|devel|develop|development|local|override|debug){_ENDS}"
            r"\.(ya?ml|dockerfile|env|toml|json|sh)"
            r"|dockerfile[._-](dev|devel|development|local|debug)(\..*)?"
            r"|\.env\.(dev|development|local)"
        ),
    ),
)
_FOLDER_ROLES = [(role, re.compile(pattern)) for role, pattern in _FOLDERS]
_NAME_ROLES = [(role, re.compile(pattern)) for role, pattern in _NAMES]
_DOCUMENTS = (".md", ".rst", ".txt", ".adoc", ".mdx")


@cache
def role(path: str) -> Role:
    """The part that the file at this path plays.

    Folders count from the outermost, and before the name; workflows are production whatever their
    name, as they are what runs.
    """
    *folders, name = path.lower().split("/")
    if folders[:2] == [".github", "workflows"]:
        return Role.PRODUCTION
    if "ci" in folders and _TRIED.fullmatch(name):
        return Role.TEST
    for folder in folders:
        for found, pattern in _FOLDER_ROLES:
            if pattern.fullmatch(folder):
                return found
    if folders and folders[0] in _TOP:
        return _TOP[folders[0]]
    for found, pattern in _NAME_ROLES:
        if pattern.fullmatch(name):
            return found
    is_document = name.endswith(_DOCUMENTS) and not name.startswith("requirements")
    return Role.DOCUMENT if is_document else Role.PRODUCTION


def is_deployed(path: str) -> bool:
    """Whether what the file says may reach a running system, be it a developer's or an example."""
    return role(path) in (Role.PRODUCTION, Role.DEVELOPMENT, Role.EXAMPLE)
