"""Runs a step's command under a tracer and says afterwards what it read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import MachineError
from pipelines.trace import hooks, syscalls
from pipelines.trace.reads import files_read


@dataclass
class Traced:
    """A command to run instead, and what is known of it when the block has ended.

    `read` are POSIX paths relative to the root. `notice` is empty, or one line about what could
    not be seen.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    read: frozenset[str] = frozenset()
    notice: str = ""


@contextmanager
def traced(
    root: Path, argv: Sequence[str], env: Mapping[str, str], scratch: Path
) -> Iterator[Traced]:
    """Trace the command that the block runs to its end, `Traced.argv` with `Traced.env`.

    Where `strace` is installed and allowed, it sees every program, Python or not, and leaves the
    environment as it is. Elsewhere an audit hook sees what Python programs open, through a start-up
    module on PYTHONPATH, and `notice` names the other programs. Neither sees what a tool takes
    from a cache of its own instead of the file, nor that it merely asked whether a file exists.

    Read is a regular file that was opened for reading or executed; bytecode stands for its source,
    and a symbolic link on the way was read as well. What the command wrote before it read it, or
    deleted, is left out. `scratch` is an existing folder for the tracer's own files, empty and
    outside of `root`.

    Raises `MachineError` at the end of the block when the tracer saw nothing at all.

    >>> with traced(root, ["cat", "a.txt"], env, scratch) as it:  # doctest: +SKIP
    ...     process.run(it.argv, env=it.env, cwd=root)
    >>> it.read  # doctest: +SKIP
    frozenset({'a.txt'})
    """
    # A program that is not there is for the caller to miss: strace would, in words of its own.
    is_there = "/" in argv[0] or shutil.which(argv[0], path=env.get("PATH"))
    strace = syscalls.find_strace() if is_there else None
    if strace:
        session = Traced(syscalls.command(strace, argv, scratch), dict(env))
        yield session
        events = syscalls.events(scratch)
        if not events:
            raise MachineError("strace saw nothing of what the step read")
    else:
        session = Traced(tuple(argv), hooks.environment(env, scratch))
        yield session
        events = hooks.events(scratch)
        session.notice = hooks.notice(argv, env, scratch)
    session.read = files_read(root, events)
