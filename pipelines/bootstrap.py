"""Makes `.venv` from requirements.txt for `./inv`, on a bare Python: it imports nothing else.

Each environment is a folder `.venvs/<key>`, complete once it holds a copy of the requirements.txt
it was made from; `.venv` is a link to the one in use, moved in one step. So an install that fails
or is killed leaves the last good environment in place, and one at the same time waits.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Set
from pathlib import Path

MACHINE_ERROR = 5
INTERRUPTED = 130
KEPT = 2  # the one in use, and the one before: a running stack may still need it
LAST_LINES = 5
OFFLINE = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")


class Impossible(Exception):
    """The environment cannot be made, and why."""


def main(root: Path) -> int:
    """Make the environment of `root` current; returns the exit code."""
    try:
        make_current(root)
    except Impossible as error:
        say(f"error: {error}")
        return MACHINE_ERROR
    except OSError as error:
        say(f"error: cannot make {root / '.venv'}: {error.strerror}: {error.filename}")
        return MACHINE_ERROR
    except KeyboardInterrupt:
        say("interrupted; the next `./inv` starts over")
        return INTERRUPTED
    return 0


def make_current(root: Path) -> None:
    """Have `.venv` lead to an environment made from requirements.txt by this Python."""
    wanted = (root / "requirements.txt").read_bytes()
    store = root / ".venvs"
    environment = store / key(wanted)
    if is_complete(environment, wanted) and leads_to(root / ".venv", environment):
        return  # nothing to write: the checkout may be read-only
    store.mkdir(exist_ok=True)
    with locked(store / "lock") as descriptor:
        if not is_complete(environment, wanted):
            install(root, environment, wanted, descriptor)
        switch(root / ".venv", environment)
        prune(store, {environment, *deployed(root)})


def provide(root: Path, source: Path, wanted: bytes) -> Path:
    """The environment made from the lock in `source`, in the store of `root`; `.venv` stays."""
    store = root / ".venvs"
    environment = store / key(wanted)
    if not is_complete(environment, wanted):
        store.mkdir(exist_ok=True)
        with locked(store / "lock") as descriptor:
            if not is_complete(environment, wanted):
                install(source, environment, wanted, descriptor)
    return environment


def key(requirements: bytes) -> str:
    """What an environment depends on, in short: its packages, the Python, the kind of machine."""
    made_of = (
        hashlib.sha256(requirements).hexdigest(),
        sys.implementation.cache_tag,
        os.path.realpath(sys.executable),
        sysconfig.get_platform(),
    )
    digest = hashlib.sha256("\0".join(made_of).encode()).hexdigest()
    return f"{sys.implementation.cache_tag}-{digest[:16]}"


def is_complete(environment: Path, requirements: bytes) -> bool:
    """Whether the environment was made to its end, and its Python is still there."""
    marker = environment / "requirements.txt"
    works = os.access(environment / "bin" / "python", os.X_OK)
    return works and marker.is_file() and marker.read_bytes() == requirements


def leads_to(link: Path, environment: Path) -> bool:
    """Whether `link` is a link to `environment`."""
    return link.is_symlink() and link.resolve() == environment.resolve()


@contextlib.contextmanager
def locked(file: Path) -> Iterator[int]:
    """Hold the lock, waiting for whoever holds it; yields its descriptor."""
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another `./inv` to finish the environment")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def install(root: Path, environment: Path, requirements: bytes, lock: int) -> None:
    """Make the environment from nothing; the marker is written last."""
    say(f"making .venv with Python {platform.python_version()}, once per requirements.txt")
    shutil.rmtree(environment, ignore_errors=True)  # what a killed install left
    log = environment.with_suffix(".log")
    base = os.path.realpath(sys.executable)  # `python3` may become another version's name one day
    python = str(environment / "bin" / "python")
    pip = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # --no-deps: the lock names everything. Before 23.3, pip asks for the newest version of what
    # another package needs with an extra, finds no hash for it, and gives up.
    locked_only = ["install", "--require-hashes", "--no-deps"]
    commands = [
        ("python's venv module", [base, "-I", "-m", "venv", str(environment)]),
        ("pip", [*pip, *locked_only, f"--requirement={root / 'requirements.txt'}"]),
        ("pip", [*pip, "check"]),
    ]
    with log.open("w") as output:
        for name, command in commands:
            # Holding the lock as well: should we be killed, nobody touches what pip still writes.
            code = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"},
                pass_fds=[lock],
                check=False,
            ).returncode
            if code != 0:
                raise Impossible(explain(name, log.read_text(errors="replace")))
    temporary = environment / "requirements.txt.part"
    temporary.write_bytes(requirements)
    temporary.replace(environment / "requirements.txt")
    log.unlink()


def explain(name: str, log: str) -> str:
    """Why the install failed, and how to mend it, followed by the end of its log."""
    if "ensurepip" in log:
        mend = "this Python has no ensurepip; on Debian: apt install python3-venv"
    elif "No space left on device" in log:
        mend = "the disk is full"
    elif any(sign in log for sign in OFFLINE):
        mend = "the package index cannot be reached; try again once online"
    elif "which is not installed" in log or "has requirement" in log:
        mend = "requirements.txt is not complete: see above"
    else:
        mend = "see above"
    sys.stderr.write("".join(f"  {line}\n" for line in log.splitlines()[-LAST_LINES:]))
    return f"{name} could not make .venv; {mend}"


def switch(link: Path, environment: Path) -> None:
    """Let `.venv` lead to the environment, in one step."""
    if link.exists() and not link.is_symlink():
        raise Impossible(f"{link} is a folder that `./inv` did not make; move it away")
    fresh = link.with_name(".venv.part")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(environment.relative_to(link.parent))
    fresh.replace(link)
    os.utime(environment / "requirements.txt")  # the time of its last use, for `prune`


def deployed(root: Path) -> set[Path]:
    """The environments that releases run in, which are deployed on this machine."""
    links = ("releases/*/.venv", "python")
    return {it.resolve() for link in links for it in root.glob(f".summit/environments/*/{link}")}


def prune(store: Path, needed: Set[Path]) -> None:
    """Delete what a killed install left, and all but those needed and the last used."""
    store = store.resolve()
    needed = {path.resolve() for path in needed}
    environments = [path for path in store.iterdir() if path.is_dir() and path not in needed]
    used = {
        path: marker.stat().st_mtime
        for path in environments
        if (marker := path / "requirements.txt").exists()
    }
    kept = sorted(used, key=lambda path: used[path], reverse=True)[: KEPT - 1]
    for path in environments:
        if path not in kept:
            shutil.rmtree(path)


def say(text: str) -> None:
    """Tell what takes so long."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
