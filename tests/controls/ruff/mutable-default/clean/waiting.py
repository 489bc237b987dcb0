"""What waits at the door."""


def queued(name: str, waiting: tuple[str, ...] = ()) -> list[str]:
    return [*waiting, name]
