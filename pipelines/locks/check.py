"""Whether the locks hold: offline, from the files alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from pipelines import console
from pipelines.errors import SummitError, Where
from pipelines.locks.lock import Finding, Lock, Pin
from pipelines.locks.source import Source, read_source

SOURCE = "requirements.in"
LOCK = "requirements.txt"


class LocksStale(SummitError):
    """At least one lock does not hold."""


def check(root: Path) -> int:
    """Return how many locks hold; raises LocksStale, after naming each place, when one does not."""
    sources = find_sources(root)
    found = findings(root, sources)
    for finding in found:
        console.result(str(finding))
    if found:
        places = "1 place" if len(found) == 1 else f"{len(found)} places"
        raise LocksStale(f"the locks do not hold: {places}", hint="run `inv lock`")
    return len(sources)


def find_sources(root: Path) -> list[Path]:
    """Every `requirements.in` below `root`, its own first, relative to it."""
    found = [*root.glob(SOURCE), *root.glob(f"[!.]*/{SOURCE}"), *root.glob(f"[!.]*/*/{SOURCE}")]
    return sorted(
        (file.relative_to(root) for file in found), key=lambda file: (len(file.parts), file)
    )


def read_lock(root: Path, source: Path) -> Lock:
    """Read the lock beside `source`; a missing one reads as empty."""
    file = source.with_name(LOCK)
    path = root / file
    return Lock(file, path.read_text() if path.exists() else "")


def findings(root: Path, sources: Sequence[Path]) -> list[Finding]:
    """Every place where a lock is stale, loose, tampered with or at odds with a lock before it."""
    found: list[Finding] = []
    agreed: dict[str, Pin] = {}
    for source in sources:
        lock = read_lock(root, source)
        found += check_lock(read_source(root, source), lock, agreed)
        agreed = {**lock.pins, **agreed}
    return found


def check_lock(source: Source, lock: Lock, agreed: Mapping[str, Pin]) -> list[Finding]:
    """What is wrong with one lock; `agreed` are the pins of the locks that come before it."""
    if not lock.text:
        return [Finding(Where(lock.file), f"missing: the lock of {source.file}")]
    found = [*_unmet(source, lock), *_disagreements(lock, agreed)]
    if lock.stamps.get("pins") != lock.digest:  # otherwise it is as `inv lock` wrote and checked it
        found += list(lock.flaws()) or [Finding(Where(lock.file, 1), "changed by hand")]
    if lock.stamps.get("inputs") != source.digest:
        found.append(Finding(Where(lock.file, 1), f"older than {source.file} or what it includes"))
    return found


def _unmet(source: Source, lock: Lock) -> Iterator[Finding]:
    for requirement, where in source.requirements():
        if requirement.marker and not requirement.marker.evaluate():
            continue
        pin = lock.pins.get(canonicalize_name(requirement.name))
        if pin is None:
            yield Finding(where, f"{requirement} is not in {lock.file}")
        elif not requirement.specifier.contains(pin.version, prereleases=True):
            yield Finding(where, f"{requirement} is not met by {pin.version} in {pin.where}")


def _disagreements(lock: Lock, agreed: Mapping[str, Pin]) -> Iterator[Finding]:
    for pin in lock.pins.values():
        other = agreed.get(pin.name)
        if other and other.version != pin.version:
            yield Finding(
                pin.where, f"{pin.name} is {pin.version}, but {other.version} in {other.where}"
            )
