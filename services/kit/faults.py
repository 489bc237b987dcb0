"""What a failure of PostgreSQL means to whoever sent the request."""

from sqlalchemy.exc import DBAPIError, IntegrityError, TimeoutError as PoolTimeout

from services.kit.problems import Code, Problem

_BUSY = {
    "40001": "the change collided with another one",
    "40P01": "the change collided with another one",
    "55P03": "what is to be changed is locked by another request",
    "57014": "the database took too long",
}
# Connection exceptions, insufficient resources, operator intervention, system errors.
_AWAY = ("08", "53", "57P", "58")
# Data exceptions: a number out of range, a NUL in a text, NaN in JSON.
_BAD_DATA = "22"


def problem_of(error: BaseException) -> Problem | None:
    """Return the `Problem` that `error` amounts to; None for what is a bug of ours.

    A violated constraint is None too: only the service knows what it means.
    """
    match error:
        case IntegrityError():
            return None
        case DBAPIError():
            return _of_database(error)
        case PoolTimeout():
            return _unavailable("all connections to the database are in use")
        case TimeoutError():
            return _unavailable("the database does not answer")
        case OSError():
            return _unavailable("the database cannot be reached")
    return None


def _of_database(error: DBAPIError) -> Problem | None:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    cause = error.orig.__cause__ if error.orig else None
    if state in _BUSY:
        return _unavailable(_BUSY[state])
    if error.connection_invalidated or state.startswith(_AWAY):
        return _unavailable("the database cannot be reached")
    # The driver refuses some values by itself, with a ValueError, before they are sent.
    if state.startswith(_BAD_DATA) or isinstance(cause, ValueError):
        return Problem(Code.VALIDATION_FAILED, "a value cannot be stored: out of range or NUL")
    return problem_of(cause) if isinstance(cause, OSError) else None


def _unavailable(detail: str) -> Problem:
    return Problem(Code.UNAVAILABLE, detail)
