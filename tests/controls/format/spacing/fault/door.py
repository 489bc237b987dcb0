"""A door and its sides."""

SIDES = {'left':1, 'right':2}

def side(name: str) -> int:
    return SIDES[name]
