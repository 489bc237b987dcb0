"""Whether this host is a Debian, and where it gets Debian's packages from by the word of apt."""

from __future__ import annotations

import platform

from pipelines.programs import process

RELEASE = "trixie"
_SUITES = {"Debian": ("", "-updates"), "Debian-Security": ("-security",)}


def mirrors() -> dict[str, str]:
    """The address of each archive by its label; empty on a host that has none of Debian's."""
    question = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)"]
    try:
        said = process.read([*question, "Created-By: Packages"])
    except process.ProgramMissing:
        return {}
    pairs = [line.split() for line in said.text.splitlines()] if said else []
    return {label: uri for label, uri in reversed(pairs) if label in _SUITES}  # the first counts


def sources() -> list[str]:
    """The lines of a sources.list for `RELEASE`, from this host's own mirrors."""
    return [
        f"deb {uri} {RELEASE}{suite} main"
        for label, uri in sorted(mirrors().items())
        for suite in _SUITES[label]
    ]


def family() -> str | None:
    """`debian` or `ubuntu`, for what is made from them too; None on any other system."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return None
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    return next((name for name in names if name in ("ubuntu", "debian")), None)


def is_old() -> bool:
    """Whether this is a release of Debian whose engine is too old; apt's lists must be there."""
    question = ["apt-get", "indextargets", "--format", "$(CODENAME)", "Origin: Debian"]
    known = set(process.read(question).text.split())
    return bool(known & {"bullseye", "bookworm"})
