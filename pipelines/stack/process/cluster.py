"""PostgreSQL as a service: what its image makes of the POSTGRES_* variables, done locally."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import MachineError
from pipelines.stack.process import postgres
from pipelines.stack.process.account import Account, identity
from pipelines.stack.process.postgres import Binaries


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL server on one data folder; made by `at`, started by the supervisor."""

    binaries: Binaries
    account: Account | None  # whom it runs as; None for ourselves
    data: Path
    port: int
    superuser: str
    password_file: Path
    database: str

    @classmethod
    def at(
        cls, data: Path, *, port: int, superuser: str, password_file: Path, database: str
    ) -> Cluster:
        """Find programs and a reachable folder for it. Raises MachineError where there are none."""
        home = postgres.place(postgres.find_binaries(), data)
        return cls(home.binaries, home.account, home.data, port, superuser, password_file, database)

    @property
    def programs(self) -> Path:
        return self.binaries.bin

    @property
    def command(self) -> tuple[str, ...]:
        return tuple(postgres.command(self.binaries, self.data, port=self.port))

    def initialise(self) -> None:
        """Make the data folder with its database; nothing where both stand. Raises MachineError."""
        postgres.initialise(
            self.binaries,
            self.data,
            superuser=self.superuser,
            password=self.password_file.read_text().strip(),
            account=self.account,
        )
        postgres.forget_dead_server(self.data)
        made = (
            self.data / "summit.database"
        )  # a kill between the two steps must not lose the second
        if self.database != "postgres" and not made.exists():
            self._create_database()
            made.touch()

    def _create_database(self) -> None:
        """By PostgreSQL's single-user mode: it needs no server, no port and no password."""
        done = subprocess.run(
            [str(self.binaries.postgres), "--single", "-D", str(self.data), "postgres"],
            **identity(self.account),
            check=False,
            input=f'CREATE DATABASE "{self.database}"\n',
            cwd="/",
            env=postgres.ENVIRONMENT,
            capture_output=True,
            text=True,
        )
        problems = [line for line in done.stderr.splitlines() if "ERROR" in line or "FATAL" in line]
        if any("already exists" not in line for line in problems):
            raise MachineError(f"cannot create the database {self.database!r}: {problems[0]}")
