"""A door that counts who passes."""


def passed(times):
    return f"{times} passed"
