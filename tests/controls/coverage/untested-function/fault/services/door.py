"""A door and its sides."""


def side(name: str) -> int:
    return {"left": 1, "right": 2}[name]


def turn(name: str, times: int) -> int:
    if times < 0:
        name = {"left": "right", "right": "left"}[name]
        times = -times
    while times > 4:
        times -= 4
    return side(name) * times
