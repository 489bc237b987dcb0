"""Turns whatever FastAPI raises into a `Problem`, without repeating what the client sent."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.kit.bodies import MOST_FAULTS, escape
from services.kit.problems import Code, Problem, from_status
from services.kit.templates import Templates

# Only these are told apart by whoever wrote the request; the rest is in a JSON body.
_PLACES = {"query", "path", "header", "cookie"}


def install(app: FastAPI, templates: Templates) -> None:
    """Have `app` answer every failure with problem+json."""

    async def of_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        problem = from_status(error)
        if problem.code is Code.METHOD_NOT_ALLOWED:
            # The framework names the methods of the first route of several.
            allowed = templates.methods(templates.of(request.scope))
            problem.headers = {**(problem.headers or {}), "Allow": ", ".join(allowed)}
        return problem.response()

    app.add_exception_handler(HTTPException, of_http_exception)
    app.add_exception_handler(RequestValidationError, _of_validation_error)
    app.add_exception_handler(Exception, _of_bug)


async def _of_validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_of(error).response()


async def _of_bug(_request: Request, _error: Exception) -> Response:
    # Logged by the kit, to which the exception is raised on.
    return Problem.of_bug().response()


def problem_of(error: RequestValidationError) -> Problem:
    """Return the problem that a refused request amounts to."""
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem(Code.MALFORMED_BODY, "the body is not valid JSON")
    if isinstance(error.body, bytes) and any(tuple(fault["loc"]) == ("body",) for fault in faults):
        return Problem(
            Code.UNSUPPORTED_MEDIA_TYPE, "send JSON with `Content-Type: application/json`"
        )
    shown = [_describe(fault) for fault in islice(faults, MOST_FAULTS)]
    count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
    return Problem(Code.VALIDATION_FAILED, f"{count} in the request", errors=shown)


def _describe(fault: dict[str, Any]) -> dict[str, str]:
    """Say where and why: a JSON pointer into the body (RFC 6901), or the name of a parameter."""
    place, *path = fault["loc"] or ("body",)
    message = str(fault["msg"])
    if place in _PLACES:
        return {"in": str(place), "parameter": ".".join(map(str, path)), "message": message}
    return {"in": "body", "pointer": _pointer(path), "message": message}


def _pointer(path: Iterable[object]) -> str:
    return "".join(f"/{escape(str(segment))}" for segment in path)
