"""The unprivileged user that PostgreSQL runs as when we are root, which it refuses to run as."""

from __future__ import annotations

import errno
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from pipelines.errors import MachineError


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that change who the child is."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A user to drop to; only root can."""

    name: str
    uid: int
    gid: int

    def can_run(self, program: Path) -> bool:
        """Whether this user can start `program`, found out by asking it for its version.

        Neither the mode bits of the file nor `os.access` tell: a folder far above may be closed,
        a library unreadable, the file system mounted `noexec`.
        """
        return self._succeeds([str(program), "--version"])

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can reach what stands in `folder`."""
        return self._succeeds(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])

    def _succeeds(self, argv: list[str]) -> bool:
        try:
            ended = subprocess.run(
                argv, **identity(self), cwd="/", timeout=20.0, check=False, capture_output=True
            )
        except PermissionError as error:
            if error.errno == errno.EPERM:  # from setuid; a closed folder is EACCES
                raise MachineError(
                    f"root may not become {self.name!r} here, and PostgreSQL refuses root",
                    hint="run as an ordinary user, or allow this container to change users",
                ) from error
            return False
        except (OSError, subprocess.TimeoutExpired):
            return False
        return ended.returncode == 0


def identity(account: Account | None) -> Identity:
    """What to hand to `subprocess.Popen` to run a program as `account`; nothing for ourselves."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def account_for(data: Path) -> Account | None:
    """Who is to run PostgreSQL on `data`: None for ourselves, an unprivileged user for root.

    Root goes on with the owner of data that exists, for instance from a start as an ordinary user.
    Raises `MachineError` where there is no user to drop to.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    # initdb asks the system for the name of its user, so a number without a name will not do.
    users = {user.pw_uid if owner else user.pw_name: user for user in pwd.getpwall()}
    for wanted in (owner,) if owner else ("postgres", "nobody"):
        if user := users.get(wanted):
            return Account(user.pw_name, user.pw_uid, user.pw_gid)
    raise MachineError(
        "PostgreSQL refuses to run as root, and there is no other user to run it as",
        hint=f"give user id {owner} a name" if owner else "add one: useradd --system postgres",
    )
