"""The ports of a service: short form, long form, ranges, and two that want the same one."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Iterable

from pipelines.compose.model import Port, Service
from pipelines.documents.document import Entry
from pipelines.errors import ConfigError

_PROTOCOLS = ("tcp", "udp", "sctp")
_FIELDS = ("host_ip", "published", "target", "protocol")
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - an address that is compared, not bound
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")


def read_ports(entry: Entry) -> tuple[Port, ...]:
    """`[ADDRESS:][HOST:]CONTAINER[/PROTOCOL]`, ranges and the long form. Raises `ConfigError`."""
    return tuple(
        port
        for item in entry.items
        for port in (_long(item) if isinstance(item.value, dict) else _short(item))
    )


def read_expose(entry: Entry) -> tuple[int, ...]:
    """`CONTAINER[/PROTOCOL]` or a range of it. Raises `ConfigError`."""
    return tuple(
        number for item in entry.items for number in _numbers(item, _protocol(item, item.text)[0])
    )


def _short(item: Entry) -> list[Port]:
    mapping, protocol = _protocol(item, item.text)
    # From the right, since an IPv6 address has colons of its own.
    *before, target = mapping.rsplit(":", 2) if mapping.count(":") > 1 else mapping.split(":")
    address, published = ["", *before][-2:] if len(before) > 1 else ["", *before, ""][:2]
    return _ports(item, address, published, target, protocol)


def _long(item: Entry) -> list[Port]:
    texts = {key: item.fields[key].text for key in _FIELDS if key in item.fields}
    protocol = _known_protocol(item, texts.get("protocol", "tcp"))
    return _ports(
        item, texts.get("host_ip", ""), texts.get("published", ""), texts["target"], protocol
    )


def _ports(item: Entry, address: str, published: str, target: str, protocol: str) -> list[Port]:
    targets = _numbers(item, target)
    hosts: list[int] = _numbers(item, published) if published not in ("", "0") else []
    if hosts and len(hosts) != len(targets):
        raise item.error(f"{len(hosts)} published ports for {len(targets)} of the service")
    ip = _address(item, address)
    pairs = itertools.zip_longest(targets, hosts)
    return [Port(number, host, ip, protocol, where=item.where) for number, host in pairs]


def _protocol(item: Entry, text: str) -> tuple[str, str]:
    mapping, slash, protocol = text.partition("/")
    return mapping, _known_protocol(item, protocol) if slash else "tcp"


def _known_protocol(item: Entry, protocol: str) -> str:
    if protocol.lower() not in _PROTOCOLS:
        raise item.error(f"no protocol {protocol!r}", hint=f"known: {', '.join(_PROTOCOLS)}")
    return protocol.lower()


def _numbers(item: Entry, text: str) -> list[int]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise item.error(f"{text!r} is not a port", hint="for example 8000:80 or 127.0.0.1:8000:80")
    first = int(found[1])
    last = int(found[2] or first)
    if not 1 <= first <= last <= 65535:
        raise item.error(f"{text!r} is not a port or a range of them from 1 to 65535")
    return list(range(first, last + 1))


def _address(item: Entry, text: str) -> str:
    bare = text.removeprefix("[").removesuffix("]")
    if not bare:
        return ""
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError as error:
        raise item.error(f"{bare!r} is not an IP address") from error


def refuse_conflicts(services: Iterable[Service]) -> None:
    """Refuse a port that two services, or one twice, publish at the same time.

    Services that no choice of one profile brings together may share one. Raises `ConfigError` at
    the second of the two.
    """
    taken: list[tuple[Service, Port]] = []
    for service in services:
        for port in service.ports:
            for other, held in taken:
                if _is_same(port, held) and _can_meet(service, other):
                    raise ConfigError(
                        f"services.{service.name}.ports: {port.published}/{port.protocol} is"
                        f" already published by {other.name!r}",
                        where=port.where,
                        hint=f"see {held.where}",
                    )
            if port.published is not None:
                taken.append((service, port))


def _is_same(port: Port, other: Port) -> bool:
    if (port.published, port.protocol) != (other.published, other.protocol):
        return False
    addresses = {port.host_ip, other.host_ip}
    return len(addresses) == 1 or not addresses.isdisjoint(_EVERYWHERE)


def _can_meet(service: Service, other: Service) -> bool:
    if not service.profiles or not other.profiles:
        return True
    return not service.profiles.isdisjoint(other.profiles)
