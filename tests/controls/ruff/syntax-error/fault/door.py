"""A door that counts who passes."""


def passed(times: int) -> str:
    return f"{times passed"
