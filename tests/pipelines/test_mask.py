"""No secret is seen, however it is quoted and wherever the stream is cut."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, strategies as st

from pipelines.errors import ConfigError
from pipelines.programs.mask import Masker

SECRET = 'p/s?w+r d:"ü%\\~'
KEY = "-----BEGIN KEY-----\nMIIEabcdefgh\n  c2VjcmV0\n}\n-----END KEY-----\n"


def mask(text: bytes, *values: str) -> bytes:
    masker = Masker(values)
    return masker.feed(text) + masker.finish()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        "p%2fs%3fw%2br%20d%3a%22%c3%bc%25%5c~",
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
    ],
)
def test_a_secret_is_masked_however_it_is_quoted(form: str) -> None:
    assert mask(f"before={form} after".encode(), SECRET) == b"before=*** after"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("after", ["", "!", "!!", "!!!"])
@pytest.mark.parametrize("secret", ["??>>~~", "??>>~~a", "??>>~~ab"])
def test_a_secret_is_masked_inside_a_longer_base64_text(
    encode: type[bytes], before: str, after: str, secret: str
) -> None:
    encoded = encode(f"{before}{secret}{after}".encode())
    group = len(before) // 3 * 4

    masked = mask(encoded, secret)

    assert b"***" in masked
    # At most one character on each side mixes bits of the secret with those of its neighbour.
    shown = masked.replace(b"***", b"").rstrip(b"=")
    assert len(shown) <= group + 3 + (len(after) * 4 + 2) // 3 + 1


def test_the_end_of_a_base64_text_is_masked_with_its_padding() -> None:
    assert mask(base64.b64encode(b"user:hunter22") + b"\n", "hunter22") == b"dXNlcjp***\n"


def test_a_value_of_several_lines_is_masked_line_by_line() -> None:
    output = "> -----BEGIN KEY-----\r\n> MIIEabcdefgh\r\n> c2VjcmV0\r\n> }\r\n"

    assert mask(output.encode(), KEY) == b"> ***\r\n> ***\r\n> ***\r\n> }\r\n"


def test_a_value_of_several_lines_is_masked_as_json_quotes_it() -> None:
    assert mask(json.dumps({"key": KEY}).encode(), KEY) == b'{"key": "***"}'


def test_the_longest_of_several_secrets_wins() -> None:
    assert mask(b"password1234 password", "password", "password1234") == b"*** ***"


def test_what_could_become_a_longer_secret_waits_for_it() -> None:
    masker = Masker(["password", "password1234"])

    shown = [masker.feed(chunk) for chunk in (b"a password", b"12", b"3 b", b" passw")]

    assert (*shown, masker.finish()) == (b"a ", b"", b"***123 b", b" ", b"passw")


def test_what_cannot_be_a_secret_is_shown_at_once() -> None:
    assert Masker(["hunter22"]).feed(b"12% done") == b"12% done"


def test_two_streams_of_one_masker_do_not_mix() -> None:
    masker = Masker(["hunter22"])
    other = masker.fresh()

    shown = [masker.feed(b"hunt"), other.feed(b"er22"), masker.feed(b"er22"), other.finish()]

    assert shown == [b"", b"er22", b"***", b""]


def test_a_text_is_masked_apart_from_the_stream() -> None:
    masker = Masker(["hunter22"])
    masker.feed(b"hunt")

    assert masker.text("--token=hunter22\udcff") == "--token=***\udcff"
    assert masker.finish() == b"hunt"


@pytest.mark.parametrize("value", ["a", "abc", " abc\n"])
def test_a_value_too_short_to_be_masked_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"a secret value of . characters cannot be masked"):
        Masker([value])


@pytest.mark.parametrize("value", ["", " \n"])
def test_an_empty_value_hides_nothing(value: str) -> None:
    assert mask(b"a \n b", value) == b"a \n b"


SECRETS = st.lists(st.text("ab/+\n", min_size=4, max_size=9).filter(lambda v: len(v.strip()) > 3))
PIECES = st.lists(st.text("ab/+\n=%", max_size=6).map(str.encode))


@given(SECRETS, PIECES, st.data())
def test_no_cut_of_a_text_changes_what_is_masked(
    secrets: list[str], pieces: list[bytes], data: st.DataObject
) -> None:
    # Among chance text, whole secrets and encoded ones, so that most texts hold some.
    known = [value.encode() for value in secrets]
    known += [base64.b64encode(b"x" + value) for value in known]
    if known:
        pieces = data.draw(st.permutations(pieces + data.draw(st.lists(st.sampled_from(known)))))
    text = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    masker = Masker(secrets)

    chunks = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    streamed = b"".join(map(masker.feed, chunks)) + masker.finish()

    assert streamed == Masker(secrets).text(text.decode()).encode()
    assert not any(value.encode() in streamed for value in secrets)
