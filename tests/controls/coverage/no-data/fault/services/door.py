"""A door and its sides."""


def side(name: str) -> int:
    return {"left": 1, "right": 2}[name]
