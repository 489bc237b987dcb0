"""The one door to a container engine: found as the `docker` command finds it, and young enough."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import requests
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.errors import DockerException
from docker.utils import kwargs_from_env, version_lt

from pipelines.errors import ConfigError, MachineError

MINIMUM_API = "1.44"  # of Engine 25, the first that heeds a health check's `start_interval`


class EngineDown(MachineError):
    """No container engine answers."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"no container engine answers at {address}: {why}",
            hint="start it, or `./inv engine.start`",
        )
        self.address = address


class EngineOld(MachineError):
    """The container engine lacks what the stack is described with."""

    def __init__(self, address: str, api: str) -> None:
        super().__init__(
            f"the container engine at {address} speaks API {api}, and {MINIMUM_API} is needed",
            hint="upgrade it to Engine 25 or newer",
        )


@contextmanager
def connect(*, timeout: float = 60.0) -> Iterator[docker.DockerClient]:
    """A client of the engine, which has answered; `timeout` in seconds is that of each request.

    Where the engine is, say DOCKER_HOST (with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), else the
    current context of the `docker` command, else its usual socket.
    Raises `EngineDown`, `EngineOld`, and `ConfigError` for a context that does not exist.
    """
    where = endpoint()
    address = str(where["base_url"])
    is_remote = address.startswith("ssh://")
    try:
        client = docker.DockerClient(
            version="auto", timeout=int(timeout), use_ssh_client=is_remote, **where
        )
    except (DockerException, requests.RequestException, OSError) as error:
        raise EngineDown(address, _why(error)) from error
    try:
        if version_lt(client.api.api_version, MINIMUM_API):
            raise EngineOld(address, client.api.api_version)
        yield client
    except requests.exceptions.ConnectionError as error:  # it ended under our hands
        raise EngineDown(address, _why(error)) from error
    finally:
        client.close()


def endpoint() -> dict[str, Any]:
    """Address and TLS settings, as arguments of the client. Raises `ConfigError`."""
    found: dict[str, Any] = dict(kwargs_from_env())
    if "base_url" in found:
        return found
    context = ContextAPI.kwargs_from_context()
    if not context:
        name = os.environ.get("DOCKER_CONTEXT") or "that is current"
        raise ConfigError(f"no docker context {name}", hint="see `docker context ls`")
    return {**found, **context}


def context_name() -> str:
    """The context that the engine is in, as the `docker` command names it, and its builder."""
    if os.environ.get("DOCKER_HOST"):
        return "default"
    return os.environ.get("DOCKER_CONTEXT") or str(get_current_context_name())


def _why(error: BaseException) -> str:
    """The reason of the operating system, which stands innermost, in its own words."""
    return _system_error(error) or (str(error).splitlines() or ["no reason given"])[0]


def _system_error(error: object) -> str | None:
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror).lower()
    if not isinstance(error, BaseException):
        return None
    inner = (*error.args, error.__cause__, error.__context__)
    return next((words for it in inner if (words := _system_error(it))), None)
