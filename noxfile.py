"""In which environment a gate runs: a session installs the lock and calls one task."""

from __future__ import annotations

import nox

nox.needs_version = ">=2026.4"
nox.options.sessions = ["lint", "types", "test"]
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"

# Session: task. Both spellings of `test` are typed by habit.
GATES = {
    "lint": "lint",
    "fmt": "fmt",
    "types": "types",
    "test": "test",
    "tests": "test",
    "audit": "audit",
    "build": "build",
    "integration": "integration",
    "check": "check",
    "controls": "controls",
}


def _install(session: nox.Session, *locks: str) -> None:
    """Install what the locks name and nothing else, and see that nothing is missing."""
    named = (f"--requirement={lock}" for lock in locks)
    session.install("--require-hashes", "--no-deps", *named)
    session.run("python", "-m", "pip", "check", silent=True)


def _session(name: str, task: str) -> None:
    @nox.session(name=name)
    def gate(session: nox.Session) -> None:
        _install(session, "requirements.txt")
        # -P as in `./inv`: no file of this folder takes the place of a library.
        session.run("python", "-P", "-m", "invoke", task, *session.posargs)

    gate.__doc__ = f"Call `inv {task}` in an environment of its own."


@nox.session
def bench(session: nox.Session) -> None:
    """Measure side by side and print every bar; needs the programs `wrk`, `npm` and `make`."""
    _install(session, "requirements.txt", "bench/requirements.txt")
    session.run("python", "-m", "bench", *session.posargs)


for _name, _task in GATES.items():
    _session(_name, _task)
