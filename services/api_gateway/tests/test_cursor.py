"""The ids of server-sent events."""

import pytest

from services.api_gateway import cursor


def test_what_is_encoded_is_decoded() -> None:
    positions = {"tasking": "7-3", "fusion": "7-12 &="}

    assert cursor.decode(cursor.encode(positions), ["fusion", "tasking"]) == positions


def test_a_feed_that_is_not_asked_for_is_left_out() -> None:
    assert cursor.decode("fusion=7-1&tasking=7-2", ["tasking"]) == {"tasking": "7-2"}


@pytest.mark.parametrize("text", ["rubbish", "a=1&a=2", "fusion=" + "1" * 1000, "&".join("abc")])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the parser's
        cursor.decode(text, ["fusion"])
