"""A door and its sides."""

### Sides
SIDES = ("left", "right")
