"""Keys: made once, readable by their owner, and only for what a keyring allows."""

from __future__ import annotations

import os
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from pipelines.errors import ConfigError, MachineError, PolicyError
from pipelines.ledger import Keys
from pipelines.ledger.keyfile import keyid_of, public_der, public_pem
from pipelines.ledger.record import Record, Rejected, read
from tests.pipelines.ledger.sample import NOON, Sample


@pytest.fixture
def ci(sample: Sample, tmp_path: Path) -> Sample:
    """Another machine: the same repository, another key and another ledger."""
    other = Sample(tmp_path / "ci")
    other.folder.mkdir()
    return other


def trust(where: Path, key: str, more: str = 'steps: ["*"]') -> None:
    """Write a keyring with one entry."""
    (where / "keyring.yaml").write_text(f"- name: ci\n  key: {key}\n  {more}\n")


def spki(keys: Keys) -> str:
    return public_der(keys.point)


def test_the_key_is_one_that_other_programs_read(sample: Sample) -> None:
    keys = sample.keys
    signature = keys.sign(b"data")

    private = load_pem_private_key(Path(keys.path).read_bytes(), password=None)
    public = load_pem_public_key(public_pem(keys.point).encode())
    assert isinstance(private, Ed25519PrivateKey)
    assert isinstance(public, Ed25519PublicKey)
    assert private.public_key() == public
    public.verify(signature, b"data")
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert keys.keyid == sha256(der).hexdigest()
    assert spki(keys) == b64encode(der).decode()


def test_a_key_that_another_program_made_is_used(sample: Sample) -> None:
    made = Ed25519PrivateKey.generate()
    path = Path(sample.keys.path)
    path.parent.mkdir()
    path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)

    assert sample.keys.point == made.public_key().public_bytes_raw()


def test_only_its_owner_can_read_it(sample: Sample) -> None:
    sample.keys.sign(b"")

    path = Path(sample.keys.path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_key_that_others_can_read_is_refused(sample: Sample) -> None:
    sample.keys.sign(b"")
    Path(sample.keys.path).chmod(0o640)

    with pytest.raises(ConfigError) as raised:
        sample.keys.sign(b"")
    assert str(raised.value) == (
        f"{sample.keys.path}: others can read this signing key; chmod 600 {sample.keys.path}"
    )


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN X-----\nAAAA\n-----END X-----"])
def test_a_file_that_is_no_key_is_refused(sample: Sample, content: bytes) -> None:
    path = Path(sample.keys.path)
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"not an ed25519 key in PKCS #8; move it away"):
        sample.keys.sign(b"")


def test_where_no_key_can_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(MachineError, match=r"cannot make the signing key .*; set XDG_CONFIG_HOME"):
        Keys(tmp_path, folder=tmp_path / "file" / "keys").sign(b"")


@pytest.mark.parametrize(
    ("variable", "folder"),
    [("/elsewhere", "/elsewhere/summit"), ("relative", "/home/me/.config/summit"), ("", None)],
)
def test_keys_are_kept_where_configuration_is(
    monkeypatch: pytest.MonkeyPatch, variable: str, folder: str | None
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CONFIG_HOME", variable)

    assert Keys("/repository").folder == (folder or "/home/me/.config/summit")


def test_records_of_a_former_local_key_still_hold(sample: Sample) -> None:
    old = sample.add()
    Path(sample.keys.path).unlink()
    sample.add()

    assert sample.verify()
    assert sample.ledger.history("test:kit")[0] == old
    assert len(sample.keys.keyring.grants) == 2


def test_to_look_at_records_makes_no_key(ci: Sample, sample: Sample) -> None:
    sample.write(ci.add().line)

    assert sample.ledger.latest("test:kit") is None
    assert not Path(sample.keys.path).exists()


def accept(sample: Sample, record: Record) -> str:
    """Whether a record from elsewhere is taken for evidence here; else why not."""
    try:
        read(record.line, sample.keys)
    except Rejected as reason:
        return str(reason)
    return ""


@pytest.mark.parametrize("place", ["", "keys"])
def test_a_key_in_a_keyring_is_believed(ci: Sample, sample: Sample, place: str) -> None:
    (sample.folder / "keys").mkdir()
    trust(sample.folder / place, spki(ci.keys))

    assert accept(sample, ci.add()) == ""


def test_a_key_may_be_written_as_pem(ci: Sample, sample: Sample) -> None:
    pem = public_pem(ci.keys.point).replace("\n", "\n    ")
    trust(sample.folder, f"|\n    {pem}".rstrip())

    assert accept(sample, ci.add()) == ""


def test_a_key_in_no_keyring_is_not_believed(ci: Sample, sample: Sample) -> None:
    made = ci.add()

    assert accept(sample, made) == (
        f"no keyring knows the key {made.keyid[:12]}; "
        "enter it in keyring.yaml to trust what it signed"
    )


def test_a_key_may_attest_its_own_steps_only(ci: Sample, sample: Sample) -> None:
    trust(sample.folder, spki(ci.keys), 'steps: ["test:*", "lint:kit"]')

    assert accept(sample, ci.add("test:fabric")) == ""
    assert accept(sample, ci.add("lint:kit")) == ""
    assert accept(sample, ci.add("lint:fabric")) == (
        f"{sample.folder}/keyring.yaml:1: the key ci may attest test:*, lint:kit, not lint:fabric"
    )


def test_a_key_may_attest_until_its_time_is_over(ci: Sample, sample: Sample) -> None:
    trust(sample.folder, spki(ci.keys), 'steps: ["*"]\n  until: 2030-01-01T13:00:00+01:00')

    assert accept(sample, ci.add(ended=NOON)) == ""
    late = ci.add(ended=NOON + timedelta(milliseconds=1))
    assert accept(sample, late) == (
        f"{sample.folder}/keyring.yaml:1: the key ci could attest test:kit until "
        "2030-01-01T13:00:00+01:00, not at 2030-01-01T12:00:00.001Z"
    )


def test_what_one_entry_forbids_another_may_allow(ci: Sample, sample: Sample) -> None:
    key = spki(ci.keys)
    (sample.folder / "keyring.yaml").write_text(
        f"- key: {key}\n  steps: ['test:*']\n  until: 2000-01-01T00:00:00Z\n"
        f"- key: {key}\n  steps: ['test:kit']\n"
    )

    assert accept(sample, ci.add()) == ""


def test_a_ledger_from_elsewhere_holds_once_its_key_is_trusted(ci: Sample, sample: Sample) -> None:
    sample.write(ci.add().line, ci.add().line)
    before = sample.ledger
    before.latest("test:kit")
    before.save()
    trust(sample.folder, spki(ci.keys))

    assert [it.keyid for it in sample.ledger.records()] == [ci.keys.keyid] * 2
    mine = sample.add()
    assert mine.sequence == 2
    assert sample.ledger.latest("test:kit") == mine


def test_a_signature_under_a_trusted_id_must_be_by_that_key(ci: Sample, sample: Sample) -> None:
    trust(sample.folder, spki(ci.keys))
    mine = sample.add()
    forged = mine.line.replace(mine.keyid.encode(), ci.keys.keyid.encode())

    with pytest.raises(Rejected, match="its signature does not hold"):
        read(forged, sample.keys)


EC = generate_private_key(SECP256R1()).public_key()
EC_PEM = EC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
GOOD = public_der(bytes(32))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("keys: []", "1: expected a list, not a mapping"),
        (f"- {{key: {GOOD}}}", "1: [0]: 'steps' is missing"),
        (f"- {{key: {GOOD}, step: ['*'], steps: []}}", "1: [0].step: unknown key"),
        ("-\n  key: AAAA\n  steps: []", "2: [0].key: not a public key; `inv ledger.key` prints"),
        ("- key: '?'\n  steps: []", "1: [0].key: not a public key"),
        (f"- key: {b64encode(EC_PEM).decode()}\n  steps: []", "1: [0].key: not an ed25519 key"),
        (f"- key: {GOOD}\n  steps: test", "2: [0].steps: expected a list, not a text"),
        (
            f"- key: {GOOD}\n  steps: []\n  until: soon",
            "3: [0].until: not a time; write it as 2030",
        ),
        (f"- key: {GOOD}\n  steps: []\n  until: 2030-01-01T00:00:00", "3: [0].until: not a time"),
        ("- [", "2: not valid YAML"),
    ],
)
def test_a_wrong_keyring_is_named_with_its_line(
    ci: Sample, sample: Sample, text: str, error: str
) -> None:
    (sample.folder / "keyring.yaml").write_text(text)

    with pytest.raises(ConfigError) as raised:
        read(ci.add().line, sample.keys)
    assert str(raised.value).startswith(f"{sample.folder}/keyring.yaml:{error}")


def test_own_records_are_verified_without_reading_a_keyring(sample: Sample) -> None:
    made = sample.add()
    (sample.folder / "keyring.yaml").write_text("nonsense: [")

    assert sample.ledger.latest("test:kit") == made


def test_a_keyid_is_that_of_the_key(sample: Sample) -> None:
    with pytest.raises(PolicyError, match="its signature does not hold"):
        sample.keys.check(keyid_of(sample.keys.point), bytes(64), b"", step="a:b", at="")


def test_the_file_is_made_whatever_the_umask(sample: Sample) -> None:
    before = os.umask(0)
    try:
        sample.keys.sign(b"")
    finally:
        os.umask(before)

    assert Path(sample.keys.path).stat().st_mode & 0o777 == 0o600
