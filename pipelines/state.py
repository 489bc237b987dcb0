"""The folder in which a repository's runs leave what the next ones need; Git never sees it."""

from __future__ import annotations

import os
from typing import TextIO

from pipelines.errors import unwritable

FOLDER = ".summit"


def make(root: str) -> str:
    """The folder in this repository, made when there is none yet. Raises `MachineError`."""
    folder = f"{root}/{FOLDER}"
    mark = f"{folder}/.gitignore"
    try:
        os.makedirs(folder, exist_ok=True)
        if not os.path.exists(mark):
            with open(mark, "w") as file:
                file.write("# Made by Summit, for this machine only.\n*\n")
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def lock_file(root: str, name: str) -> TextIO:
    """A file to lock, in the folder, for those that do the same thing. Raises `MachineError`."""
    path = f"{make(root)}/running/{name.replace('/', '_')}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "w")
    except OSError as error:
        raise unwritable(path, error) from error
