"""A door that knows its guests."""

GUESTS = {"ada": 1}


def seat(name: str) -> int:
    return GUESTS.get(name)
