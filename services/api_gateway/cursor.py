"""The id of a server-sent event: where its reader stands in every upstream's feed at once."""

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl, urlencode

LONGEST = 1000


def encode(positions: Mapping[str, str]) -> str:
    """Return one line for `Last-Event-ID`, e.g. `fusion=7-12&tasking=7-3`."""
    return urlencode(sorted(positions.items()))


def decode(text: str, sources: Collection[str]) -> dict[str, str]:
    """Return the position in each feed named in `text`; feeds not in `sources` are left out.

    Raises:
        ValueError: not something that `encode` wrote.
    """
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    pairs = parse_qsl(text, strict_parsing=True, keep_blank_values=True, max_num_fields=16)
    positions = dict(pairs)
    if len(positions) != len(pairs):
        raise ValueError("a feed is named twice")
    return {source: cursor for source, cursor in positions.items() if source in sources}
