"""A door and its sides."""

SIDES = {"left": 1, "right": 2
