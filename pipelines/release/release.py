"""A release: the sources, their lock, the images and the configuration, each by its digest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from pipelines.errors import CannotTell, ConfigError
from pipelines.ledger.blobs import BlobLost

if TYPE_CHECKING:
    from pipelines.ledger import Ledger
    from pipelines.ledger.record import Record

STEP, COMPONENT = "release", "system"  # under which the ledger has it
SHORT = 12  # digits of an id that are shown, and that name its folders


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What is deployed as one. Nothing in it depends on where or when it was made.

    `commit` and `tree` are Git's, hexadecimal. `lock` is the SHA-256 of the requirements.txt that
    the environment of local processes is made from, empty without one. `configuration` is that of
    the Compose project as rendered without any variable. `images` maps each name of an image to
    `REPOSITORY@sha256:...` as its registry has it; empty where none were built. `steps` maps the
    ids of the steps of all gates to their fingerprints, `gates` each gate to its steps' ids.
    """

    commit: str
    tree: str
    lock: str
    configuration: str
    images: dict[str, str]
    steps: dict[str, str]
    gates: dict[str, tuple[str, ...]]

    @property
    def document(self) -> bytes:
        """The release as canonical JSON: the same release, the same bytes."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def id(self) -> str:
        """SHA-256 of the document, hexadecimal: what evidence about the release names."""
        return hashlib.sha256(self.document).hexdigest()

    @property
    def short(self) -> str:
        """The beginning of the id, which is enough to give back."""
        return self.id[:SHORT]

    @property
    def subjects(self) -> dict[str, str]:
        """What a statement about the release is about, as `Claim.subjects` has it."""
        images = {name: reference.rpartition("@")[2] for name, reference in self.images.items()}
        return {"release": f"sha256:{self.id}", "source": f"gitTree:{self.tree}", **images}


def read(document: bytes) -> Release:
    """The release in a document. Raises `ConfigError` for what is none."""
    try:
        return msgspec.json.decode(document, type=Release)
    except msgspec.DecodeError as error:
        raise ConfigError(f"not a release: {error}") from error


def newest(ledger: Ledger) -> Release:
    """The release that was made last. Raises `ConfigError` when there is none."""
    record = ledger.latest(f"{STEP}:{COMPONENT}")
    if record is None:
        raise ConfigError("there is no release yet", hint="`inv release` makes one")
    return _of(record, ledger)


def find(ledger: Ledger, prefix: str) -> Release:
    """The only release whose id begins so. Raises `ConfigError` for none or more than one."""
    records = {it.fingerprint: it for it in ledger.history(f"{STEP}:{COMPONENT}")}
    found = [record for id_, record in records.items() if prefix and id_.startswith(prefix)]
    if len(found) != 1:
        said = f"{len(found)} releases begin with" if found else "no release"
        raise ConfigError(f"{said} {prefix!r}", hint="`inv release.list` shows what there is")
    return _of(found[0], ledger)


def rows(ledger: Ledger) -> str:
    """A line for each release, oldest first: its id, its commit, and when it was made."""
    from pipelines.console import table

    records = ledger.history(f"{STEP}:{COMPONENT}")
    made = {it.fingerprint: (_of(it, ledger), it.ended) for it in records}
    found = [(it.short, it.commit[:SHORT], str(len(it.images)), at) for it, at in made.values()]
    return table(("release", "commit", "images", "made"), found)


def _of(record: Record, ledger: Ledger) -> Release:
    """The release as it was recorded. Raises `CannotTell` for one that was altered since."""
    try:
        return read(ledger.blobs.read(record.fingerprint))
    except BlobLost as error:
        raise CannotTell(
            f"release {record.fingerprint[:SHORT]} is not what was recorded: {error.message}",
            hint="`inv release` at its commit makes it anew",
        ) from error
