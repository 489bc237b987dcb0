"""Programs out of Debian's packages, for tests that need one this machine does not have."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

KEYS = "debian-archive-keyring.*"  # .gpg up to Debian 12, .pgp from 13 on
TIMEOUT = 150.0  # seconds for one program; a test has 180

# Written after the machine's own `Acquire` settings (mirrors' proxies and certificates), and
# instead of all its others: an update must not run the machine's hooks, nor touch its lists.
CONFIGURATION = """
Dir::State "{folder}/state";
Dir::State::status "/dev/null";
Dir::Cache "{folder}/cache";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "{folder}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "2";
"""
SOURCES = """
Types: deb
URIs: {mirrors}
Suites: {release}
Components: main
Signed-By: {keys}
"""


class Unavailable(Exception):
    """The package cannot be had here; the message says why in one line."""


def program(package: str, *, release: str, tools: Path) -> Path:
    """The program `package`: the one on PATH, else the one of Debian's package of that name.

    Debian's is fetched once by apt, without privileges, checked against the machine's keyring of
    Debian, and unpacked to `tools`, where every later run finds it. Raises Unavailable.
    """
    if found := shutil.which(package):
        return Path(found)
    try:
        tools.mkdir(parents=True, exist_ok=True)
        with (tools / f"{package}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # parallel workers: the first fetches, the others wait
            return _unpacked(package, tools) or _fetch(package, release, tools)
    except FileNotFoundError as error:
        raise Unavailable(f"no {error.filename}") from error
    except OSError as error:
        raise Unavailable(str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{error.cmd[0]} was not done after {TIMEOUT:g} s") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.splitlines()
        said = (
            [line for line in lines if line.startswith("E: ")]
            or lines
            or [f"code {error.returncode}"]
        )
        raise Unavailable(f"{error.cmd[0]}: {said[0].strip()}") from error


def _reason(error: subprocess.CalledProcessError) -> str:
    lines: list[str] = error.stderr.splitlines()
    return next((line for line in lines if line.startswith("E: ")), " ".join(lines))


def _unpacked(package: str, tools: Path) -> Path | None:
    return next(iter(sorted(tools.glob(f"{package}-*/usr/bin/{package}"))), None)


def _fetch(package: str, release: str, tools: Path) -> Path:
    with tempfile.TemporaryDirectory(prefix=f".{package}-", dir=tools) as name:
        folder = Path(name).resolve()
        _configure(folder, release)
        _run("apt-get", "--quiet", "update", folder=folder)
        _run("apt-get", "--quiet", "download", package, folder=folder)
        archive = next(folder.glob("*.deb"))
        version = _run("dpkg-deb", "--field", archive.name, "Version", folder=folder).strip()
        _run("dpkg-deb", "--extract", archive.name, "unpacked", folder=folder)
        home = tools / f"{package}-{version}"
        (folder / "unpacked").replace(home)
    return home / "usr" / "bin" / package


def _configure(folder: Path, release: str) -> None:
    """Write apt's configuration and the one source, from the mirrors that this machine uses."""
    own = _run("apt-config", "dump", "Acquire", folder=folder)
    mirrors = _mirrors(folder)
    keys = next(iter(sorted(Path("/usr/share/keyrings").glob(KEYS))), None)
    if keys is None:
        raise Unavailable("no keyring of Debian; the package debian-archive-keyring has it")
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    (folder / "apt.conf").write_text(own + CONFIGURATION.format(folder=folder))
    source = SOURCES.format(mirrors=" ".join(mirrors), release=release, keys=keys)
    (folder / "debian.sources").write_text(source)


def _mirrors(folder: Path) -> list[str]:
    """Where this machine has its own release from: the same place has the other releases."""
    own = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    chosen = ("Created-By: Packages", "Component: main", f"Release: {own}")
    said = _run("apt-get", "indextargets", "--format", "$(REPO_URI)", *chosen, folder=folder)
    mirrors = sorted(set(said.split()))
    if not mirrors:
        raise Unavailable(f"apt has no source for {own or 'this system'}")
    return mirrors


def _run(*words: str, folder: Path) -> str:
    configuration = folder / "apt.conf"
    environment = {**os.environ, "LC_ALL": "C"}
    if configuration.exists():
        environment["APT_CONFIG"] = str(configuration)
    return subprocess.run(
        words,
        check=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    ).stdout
