"""Tells which files a Python program opens; Python imports it by this name when it starts.

It must neither disturb the program nor import what the program might want to replace, so it keeps
to what the interpreter has loaded by then. `pipelines/trace/hooks.py` reads what it tells.
"""

# As few imports as can be.
# ruff: noqa: SIM105

from __future__ import annotations

import os
import sys
import time
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

_FOLDER = os.environ.get("SUMMIT_TRACE", "")
_HERE = os.path.dirname(__file__)


def _chain() -> None:
    """Import the module of this name that this one stands before, if there is one."""
    others = [path for path in sys.path if os.path.abspath(path) != _HERE]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec and spec.loader:
        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


def _tell(word: str, path: str) -> None:
    # Opened each time: the program may close what it does not know, and use the number again.
    record = b"".join(os.fsencode(field) + b"\0" for field in (word, str(time.time_ns()), path))
    try:
        file = os.open(
            f"{_FOLDER}/hook.{os.getpid()}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
        )
        try:
            os.write(file, record)
        finally:
            os.close(file)
    except OSError:  # the program gave up the right to write there
        pass


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        _on_open(*arguments)
    elif event == "import":
        _on_file("read", arguments[1])  # a library that is loaded, not opened
    elif event == "sqlite3.connect":
        _on_file("read", arguments[0])
    elif event in ("subprocess.Popen", "os.posix_spawn", "os.exec"):
        environment = arguments[3] if event == "subprocess.Popen" else arguments[2]
        _on_start(arguments[0], arguments[1], environment)
    elif event == "os.system":
        _tell("started", "sh")


def _on_open(path: object, mode: str | None, flags: int) -> None:
    if isinstance(path, (str, bytes)) and not os.fsdecode(path).startswith(f"{_FOLDER}/"):
        if flags & (os.O_TRUNC | os.O_EXCL) or (mode and set(mode) & set("wx")):
            _on_file("replaced", path)
        elif not flags & os.O_WRONLY and not (mode and "a" in mode):
            _on_file("read", path)


def _on_file(word: str, path: object) -> None:
    if isinstance(path, (str, bytes)):
        # The working folder may be gone, and what is relative to it.
        try:  # noqa: SIM105 - nothing more is imported into a stranger's program
            _tell(word, os.path.join(os.getcwd(), os.fsdecode(path)))
        except FileNotFoundError:
            pass


def _on_start(program: Any, words: Any, environment: Any) -> None:
    words = [words] if isinstance(words, (str, bytes, os.PathLike)) else list(words)
    flags = [os.fsdecode(word) for word in words[1:2]]
    # Python's -I, -E and -S, alone or together with others: no start-up module from PYTHONPATH.
    ignores_startup = any(
        flag.startswith("-") and not flag.startswith("--") and set(flag) & set("IES")
        for flag in flags
    )
    is_told_where = environment is None or "SUMMIT_TRACE" in map(os.fsdecode, environment)
    silent = ignores_startup or not is_told_where
    _tell("silent" if silent else "started", os.fsdecode(program or words[0]))


if _FOLDER:
    _tell("python", sys.executable)
    sys.addaudithook(_hook)
_chain()
