"""Installs a container engine, and what builds its base images, from this host's own packages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from pipelines import console
from pipelines.containers import debian
from pipelines.errors import MachineError
from pipelines.files import write_atomically
from pipelines.programs import process

# What is needed, as words that succeed where it is there, and the packages that bring it.
Needed = dict[tuple[str, ...], dict[str, str]]
CLIENT: Needed = {
    ("docker", "--version"): {"debian": "docker-cli", "ubuntu": "docker.io"},
    ("docker", "buildx", "version"): {"debian": "docker-buildx", "ubuntu": "docker-buildx"},
    ("docker", "compose", "version"): {"debian": "docker-compose", "ubuntu": "docker-compose-v2"},
}
ENGINE: Needed = {("dockerd", "--version"): {"debian": "docker.io", "ubuntu": "docker.io"}}
BASES: Needed = {("mmdebstrap", "--version"): {"debian": "mmdebstrap"}}
REGISTRY: Needed = {
    ("docker-registry", "--version"): {"debian": "docker-registry", "ubuntu": "docker-registry"}
}
_APT = ("apt-get", "--yes", "--quiet", "--option=Dpkg::Use-Pty=0")


def install(needed: Needed) -> None:
    """Install what of it is missing; nothing happens where all is there.

    Raises `MachineError` on a host that is neither Debian nor Ubuntu, without root's rights, and
    when apt fails.
    """
    missing = [words for words in needed if not _runs(words)]
    if not missing:
        return
    names = ", ".join(" ".join(words[:-1]) for words in missing)
    family = debian.family()
    if family is None or shutil.which("apt-get") is None:
        raise MachineError(
            f"this host lacks {names}, and its packages are not Debian's",
            hint="install Docker Engine 25 or newer with buildx and Compose",
        )
    if os.geteuid() != 0:
        raise MachineError(f"this host lacks {names}", hint="install it, or run this as root")
    console.progress(f"installing {names}")
    _install(
        dict.fromkeys(needed[words][family] for words in missing), is_debian=family == "debian"
    )


def _install(packages: Iterable[str], *, is_debian: bool) -> None:
    _apt("update")  # without its lists apt does not know which release this is
    release = debian.RELEASE if is_debian and debian.is_old() else None
    if release:
        _add_release(release)
        _apt("update")
    target = [f"--target-release={release}"] if release else []
    _apt("install", "--no-install-recommends", *target, *packages)


def _add_release(release: str, etc: Path = Path("/etc/apt")) -> None:
    """Let apt know a newer release, which it takes from only when told to: it is pinned low."""
    mirror = debian.mirrors()["Debian"]
    source = f"Types: deb\nURIs: {mirror}\nSuites: {release}\nComponents: main\n"
    source += "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    pin = f"Package: *\nPin: release n={release}\nPin-Priority: 100\n"
    write_atomically(etc / "preferences.d" / f"summit-{release}", pin)
    write_atomically(etc / "sources.list.d" / f"summit-{release}.sources", source)


def _apt(*words: str) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    completed = process.run([*_APT, *words], capture=True, env=env)
    if not completed:
        lines = completed.output.strip().splitlines() or ["no reason given"]
        raise MachineError(f"apt-get {words[0]} ended with exit code {completed.code}: {lines[-1]}")


def _runs(words: Iterable[str]) -> bool:
    try:
        return bool(process.read(tuple(words)))
    except process.ProgramMissing:
        return False
