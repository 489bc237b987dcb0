"""What HAProxy is told: a door for each public service, and a backend of it for each slot.

All of this is fixed while it runs. One line of a map says which slot has the traffic, and of which
release; every request of every door asks it, so that to set it is one move.
Source: HAProxy 3.0, configuration manual and management guide (runtime API).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

SLOTS = ("a", "b", "c")  # one serves, one is kept warm, one is on its way
NOWHERE = "none"  # the slot that answers 503 by itself
FOLDER, RUNTIME = "/etc/edge", "/run/edge"  # in the container
CONFIG, MAP, SOCKET = "haproxy.cfg", "current.map", "admin.sock"
KEY = "current"  # the only one of the map; its value is SLOT/RELEASE
TABLE = "releases"
TICK = 1e-4  # seconds in which the table counts time; 32 bits of them are five days

# `http-server-close`: no connection to a service is used twice, so that none can be closed by it
# just when it is used again; those of clients are kept. A release that nothing leads to any more
# has no connection left but for what it still answers.
_GLOBAL = f"""\
# Written by `inv deploy`; see docs/explanation/deploys.md.
global
    stats socket {{runtime}} level admin
    log stderr format raw local0 notice
    maxconn 4096

defaults
    mode http
    log global
    timeout connect 2s
    timeout client 75s
    timeout server 75s
    timeout http-keep-alive 75s
    timeout http-request 10s
    option http-server-close
    option redispatch
    option forwardfor
    retries 3

resolvers engine
    nameserver embedded {{nameserver}}
    resolve_retries 3
    timeout resolve 300ms
    timeout retry 300ms
    hold valid 300ms
    hold obsolete 300ms
    hold nx 300ms
    hold refused 300ms
    hold timeout 300ms
    hold other 300ms

backend {TABLE}
    stick-table type string len 64 size 64 store gpc(3)
"""
_FRONTEND = f"""
frontend {{service}}
    bind :{{port}}
    http-request set-var(txn.led) str({KEY}),map({FOLDER}/{MAP},{NOWHERE}/)
    http-request set-var(txn.since) date(0,us)
    http-request track-sc0 var(txn.led),field(2,/) table {TABLE}
    http-after-response sc-inc-gpc(0,0)
    http-after-response sc-inc-gpc(1,0) if {{{{ status ge 500 }}}}
    http-after-response set-var(txn.took) date(0,us),sub(txn.since),add(50),div(100)
    http-after-response sc-add-gpc(2,0) var(txn.took)
    use_backend {{service}}.%[var(txn.led),field(1,/)]

backend {{service}}.{NOWHERE}
    http-request return status 503 content-type text/plain string "nothing serves here\\n"
"""
_BACKEND = """
backend {service}.{slot}
    server-template one {most} {address} resolvers engine init-addr none{watched}
"""
_HERE = f"{RUNTIME}/{SOCKET} mode 600"
_WATCHED = " check inter 500ms fall 2 rise 1"


class Door(NamedTuple):
    """A public address of a service: `host` and `port` of this machine, `target` of the service."""

    service: str
    host: str
    port: int
    target: int


def alias(service: str, slot: str) -> str:
    """The name of a slot's service on the network that it shares with the edge."""
    return f"{service}.{slot}"


def configuration(
    doors: Sequence[Door],
    *,
    nameserver: str = "127.0.0.11:53",
    named: Callable[[str, str], str] = alias,
    runtime: str = _HERE,
    most: int = 1,
) -> str:
    """The whole file. The edge listens on the doors' own ports, at every address it has.

    `named` gives the name by which `nameserver`, the engine's own, knows a service in a slot; there
    are at `most` so many of it, and more than one are watched: any of them may be lost alone.
    `runtime` is where the edge is asked and told.
    """
    parts = [_GLOBAL.format(nameserver=nameserver, runtime=runtime)]
    for door in doors:
        parts.append(_FRONTEND.format(service=door.service, port=door.port))
        parts += (
            _BACKEND.format(
                service=door.service,
                slot=slot,
                address=f"{named(door.service, slot)}:{door.target}",
                most=most,
                watched=_WATCHED if most > 1 else "",
            )
            for slot in SLOTS
        )
    return "".join(parts)
