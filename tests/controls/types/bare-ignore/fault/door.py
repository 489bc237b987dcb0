"""A door that knows its guests."""

GUESTS = {"ada": 1}

FIRST: str = GUESTS["ada"]  # type: ignore
