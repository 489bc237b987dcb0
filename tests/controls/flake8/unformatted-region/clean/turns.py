"""How a door turns."""

# fmt: off
LEFT = (
    (0, -1),
    (1, 0),
)
# fmt: on
