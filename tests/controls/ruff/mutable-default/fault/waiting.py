"""What waits at the door."""


def queued(name: str, waiting: list[str] = []) -> list[str]:
    return [*waiting, name]
