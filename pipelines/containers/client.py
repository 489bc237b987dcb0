"""The one door to a container engine: found as the `docker` command finds it, and young enough."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import docker
import requests
import urllib3
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.errors import APIError, DockerException, TLSParameterError
from docker.utils import kwargs_from_env, version_lt

from pipelines.containers import tunnel
from pipelines.errors import ConfigError, MachineError

MINIMUM_API = "1.44"  # of Engine 25, the first that heeds a health check's `start_interval`
PATIENCE = 60.0  # seconds for an answer
_SILENT = (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)


class EngineDown(MachineError):
    """No container engine answers."""

    def __init__(self, address: str, why: str, *, is_named: bool = False) -> None:
        """`is_named` where somebody has written down that it is there, and nowhere else."""
        super().__init__(
            f"no container engine answers at {address}: {why}",
            hint="start it there, or name another `host`"
            if is_named
            else "start it, or `./inv engine.start`",
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
def connect(*, timeout: float = PATIENCE, host: str = "") -> Iterator[docker.DockerClient]:
    """A client of the engine, which has answered; `timeout` in seconds is that of each request.

    Where the engine is, says `host`, else DOCKER_HOST (with DOCKER_TLS_VERIFY and
    DOCKER_CERT_PATH), else the current context of the `docker` command, else its usual socket.
    Raises `EngineDown`, also when it ends or falls silent later, `EngineOld`, `NoTunnel` where SSH
    does not lead there, and `ConfigError` for a context that does not exist. What the engine
    refuses is an `APIError`, for the caller.
    """
    where = endpoint(host)
    address = str(where["base_url"])
    with ExitStack() as stack:
        if address.startswith("ssh://"):
            where = {"base_url": stack.enter_context(tunnel.opened(address, timeout=timeout))}
        yield stack.enter_context(_connected(address, where, timeout, is_named=bool(host)))


@contextmanager
def _connected(
    address: str, where: dict[str, Any], timeout: float, *, is_named: bool
) -> Iterator[docker.DockerClient]:
    try:
        client = docker.DockerClient(version="auto", timeout=int(timeout), **where)
    except (DockerException, requests.RequestException, OSError, ValueError) as error:
        raise EngineDown(address, _why(error, timeout), is_named=is_named) from error
    try:
        if version_lt(client.api.api_version, MINIMUM_API):
            raise EngineOld(address, client.api.api_version)
        yield client
    except APIError:  # an answer, though the library derives it from the errors of no answer
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise EngineDown(address, _why(error, timeout), is_named=is_named) from error
    finally:
        client.close()


def ended() -> EngineDown:
    """The error for a client whose engine has ended without a word, as a stream's end tells."""
    return EngineDown(str(endpoint()["base_url"]), "it has ended")


def endpoint(host: str = "") -> dict[str, Any]:
    """Address and TLS settings, as arguments of the client. Raises `ConfigError`.

    `host` is an address, such as `ssh://USER@HOST`, or the name of a context.
    """
    try:
        found: dict[str, Any] = dict(kwargs_from_env())
    except TLSParameterError as error:
        raise ConfigError(
            "DOCKER_CERT_PATH leads to no certificate and key",
            hint="give it the folder with cert.pem and key.pem, or unset DOCKER_TLS_VERIFY too",
        ) from error
    if "://" in host:
        return {**found, "base_url": host}
    if "base_url" in found and not host:
        return found
    context = ContextAPI.kwargs_from_context(host or None)
    if not context:
        name = host or os.environ.get("DOCKER_CONTEXT") or "that is current"
        raise ConfigError(f"no docker context {name}", hint="see `docker context ls`")
    return {**found, **context}


def words(host: str = "") -> tuple[str, ...]:
    """The `docker` command for the engine at `host`, as `connect` finds it."""
    if not host:
        return ("docker",)
    return ("docker", "--host" if "://" in host else "--context", host)


def context_name() -> str:
    """The context that the engine is in, as the `docker` command names it, and its builder."""
    if os.environ.get("DOCKER_HOST"):
        return "default"
    return os.environ.get("DOCKER_CONTEXT") or str(get_current_context_name())


def is_here(address: str) -> bool:
    """Whether the engine at this address is on this machine, as far as an address tells.

    A tunnel's end is here, wherever it leads to.
    """
    parts = urlsplit(address)
    if parts.scheme == "ssh":
        return False
    try:
        return not parts.hostname or _is_own(parts.hostname)
    except OSError:  # no such name: whoever connects is told so
        return True


def _is_own(host: str) -> bool:
    """Whether it is a name or an address of this machine: nobody else's can be bound."""
    family, kind, _, _, where = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as tried:
        try:
            tried.bind(where)
        except OSError:
            return False
    return True


def _why(error: BaseException, timeout: float) -> str:
    """The reason of the operating system, which stands innermost, in its own words."""
    causes = list(_causes(error))
    if any(isinstance(it, _SILENT) for it in causes):
        return f"it said nothing for {timeout:g} s"
    said = (str(it.strerror).lower() for it in causes if isinstance(it, OSError) and it.strerror)
    return next(said, (str(error).splitlines() or ["no reason given"])[0])


def _causes(error: object) -> Iterator[BaseException]:
    if isinstance(error, BaseException):
        yield error
        for inner in (*error.args, error.__cause__ or error.__context__):
            yield from _causes(inner)
