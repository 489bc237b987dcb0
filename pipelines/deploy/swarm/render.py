"""From the Compose file, as `docker compose config` gives it, to files for `docker stack deploy`.

A stack takes fewer words than Compose. What it has another word for is translated, what is up to us
is left out, and anything else is refused: nothing is dropped in silence.
Source: https://docs.docker.com/reference/compose-file/legacy-versions/ and docker/cli's own schema.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.utils import parse_bytes

from pipelines.deploy.docker import haproxy
from pipelines.deploy.docker.project import PART, Document
from pipelines.deploy.docker.render import FRONT
from pipelines.deploy.swarm.grants import Grants
from pipelines.errors import ConfigError

MOST = 16  # replicas of a service that the edge leads to; it has room for so many addresses
_KEPT = (
    *("cap_add", "cap_drop", "command", "dns", "dns_opt", "dns_search", "entrypoint"),
    *("environment", "extra_hosts", "group_add", "healthcheck", "hostname", "init", "labels"),
    *("logging", "read_only", "stdin_open", "stop_grace_period", "stop_signal", "sysctls"),
    *("tty", "ulimits", "user", "working_dir"),
)
_TRANSLATED = (
    *("configs", "cpus", "deploy", "image", "mem_limit", "networks", "pids_limit", "scale"),
    *("secrets", "shm_size", "tmpfs", "volumes"),
)
_LEFT_OUT = (  # how it is built, where it is seen, in which order it starts, and when again
    *("attach", "build", "container_name", "depends_on", "develop", "expose", "ports"),
    *("profiles", "pull_policy", "restart", "security_opt"),
)
_HARDENED = "no-new-privileges"  # the only `security_opt` that may be left out, and is said to be
_MOUNT = ("type", "source", "target", "read_only", "tmpfs")
_LIMITS = {"cpus": "cpus", "memory": "mem_limit", "pids": "pids_limit"}
_UPDATE = {
    "parallelism": 1,
    "order": "start-first",
    "failure_action": "rollback",
    "monitor": "5s",
    "max_failure_ratio": 0,
}
_GO_BACK = {"parallelism": 0, "order": "start-first", "failure_action": "pause", "monitor": "1s"}
_ANEW = {"condition": "any", "delay": "1s"}


@dataclass(frozen=True)
class Rendering:
    """The services of a release, and those that outlive releases, as stacks say them.

    `base` begins the names of what outlives releases, `stack` those of the release in its `slot`.
    `images` and `users` have what each service runs and as whom, `shared` are the networks by
    which stateful services are reached, `doors` the services that the edge leads to. `labels` are
    those of every service. What they may read is collected in `grants`.
    """

    document: Document
    base: str
    stack: str
    slot: str
    sources: Path
    images: Mapping[str, str]
    users: Mapping[str, int | None]
    shared: frozenset[str]
    doors: frozenset[str]
    labels: Mapping[str, str]
    grants: Grants

    def serving(self, names: Iterable[str], part: str) -> Document:
        """What stays: new before old, and back by itself when the new ones fail."""
        return self._stack({name: self._staying(name, part) for name in names})

    def jobs(self, names: Iterable[str], part: str) -> Document:
        """What runs once: nothing starts it again, however it ends."""
        return self._stack({name: self._once(name, part) for name in names})

    def stateful(self, names: Iterable[str], part: str, node: str) -> Document:
        """What keeps data, on the node that has them; there are never two of it."""
        return self._stack({name: self._keeping(name, part, node) for name in names})

    def outliving(self) -> dict[str, dict[str, Any]]:
        """The networks by which stateful services are reached, each once for each slot."""
        return {
            shared(self.base, network, slot): self._options(network)
            for network in sorted(self.shared)
            for slot in haproxy.SLOTS
            if not self._network(network).get("external")
        }

    def alone(self) -> dict[str, dict[str, Any]]:
        """The networks of the release alone."""
        used = {network for name in self.users for network in networks_of(self.document, name)}
        return {
            own(self.stack, network): self._options(network)
            for network in sorted(used - self.shared)
            if not self._network(network).get("external")
        }

    def _staying(self, name: str, part: str) -> dict[str, Any]:
        networks = self._networks(name, self.slot)
        if name in self.doors:
            alias = haproxy.alias(name, self.slot)
            networks[shared(self.base, FRONT, self.slot)] = {"aliases": [alias]}
        service = self._service(name, part, networks)
        deploy = service["deploy"]
        if name in self.doors and int(deploy.get("replicas") or 1) > MOST:
            raise ConfigError(
                f"{name} wants {deploy['replicas']} replicas, and the edge leads to {MOST} at most"
            )
        service["deploy"] = {
            **deploy,
            "update_config": {**_UPDATE, **(deploy.get("update_config") or {})},
            "rollback_config": {**_GO_BACK, **(deploy.get("rollback_config") or {})},
            "restart_policy": {**_ANEW, **(deploy.get("restart_policy") or {})},
        }
        return service

    def _once(self, name: str, part: str) -> dict[str, Any]:
        service = self._service(name, part, self._networks(name, self.slot))
        service["deploy"] |= {"replicas": 1, "restart_policy": {"condition": "none"}}
        return service

    def _keeping(self, name: str, part: str, node: str) -> dict[str, Any]:
        slots = (self._networks(name, slot) for slot in haproxy.SLOTS)
        service = self._service(name, part, {key: it for them in slots for key, it in them.items()})
        placement = service["deploy"].setdefault("placement", {})
        if not placement.get("constraints"):
            placement["constraints"] = [f"node.id == {node}"]
        service["deploy"] |= {
            "update_config": {**_UPDATE, "order": "stop-first", "failure_action": "pause"},
            "rollback_config": {**_GO_BACK, "order": "stop-first"},
            "restart_policy": _ANEW,
        }
        return service

    def _service(self, name: str, part: str, networks: Mapping[str, Any]) -> dict[str, Any]:
        written = self.document["services"][name]
        service = {key: it for key in _KEPT if (it := written.get(key)) is not None}
        return service | {
            "image": self.images[name],
            "networks": dict(networks),
            "volumes": list(_mounts(name, written)),
            "secrets": [
                self.grants.secret(it, self.users.get(name)) for it in written.get("secrets") or []
            ],
            "configs": list(self._files(written)),
            "deploy": self._deploy(written, part),
        }

    def _deploy(self, written: Mapping[str, Any], part: str) -> dict[str, Any]:
        deploy = dict(written.get("deploy") or {})
        resources = deploy.get("resources") or {}
        limits = {limit: written[key] for limit, key in _LIMITS.items() if key in written}
        limits |= resources.get("limits") or {}
        reserved = dict(resources.get("reservations") or {})
        for amounts in (limits, reserved):
            if "cpus" in amounts:
                amounts["cpus"] = str(amounts["cpus"])  # a text, for a stack
        deploy["resources"] = {"limits": limits, "reservations": reserved}
        deploy["endpoint_mode"] = "dnsrr"  # no virtual address: it needs IPVS, which may be missing
        deploy["labels"] = {**(deploy.get("labels") or {}), **self.labels, PART: part}
        if "scale" in written:
            deploy.setdefault("replicas", written["scale"])
        return deploy

    def _networks(self, name: str, slot: str) -> dict[str, dict[str, Any]]:
        """The networks of a service: those to stateful services are there once for each slot."""
        found = {}
        for network, it in networks_of(self.document, name).items():
            about = self._network(network)
            if about.get("external"):
                there = str(about.get("name", network))
            elif network in self.shared:
                there = shared(self.base, network, slot)
            else:
                there = own(self.stack, network)
            found[there] = {"aliases": it["aliases"]} if (it or {}).get("aliases") else {}
        return found

    def _network(self, network: str) -> Mapping[str, Any]:
        return (self.document.get("networks") or {}).get(network) or {}

    def _options(self, network: str) -> dict[str, Any]:
        """How it is made, in the words of the API."""
        about = self._network(network)
        return {
            "internal": bool(about.get("internal")),
            "options": dict(about.get("driver_opts") or {}),
        }

    def _files(self, written: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """What it reads of the repository: every file is a config, on whichever node it runs."""
        for grant in written.get("configs") or []:
            config = self.document["configs"][grant["source"]]
            content = (
                Path(config["file"]).read_bytes()
                if "file" in config
                else str(config.get("content", "")).encode()
            )
            yield self.grants.file(content, grant.get("target") or f"/{grant['source']}")
        for mount in written.get("volumes") or []:
            if mount["type"] == "bind":
                yield from self.grants.folder(Path(mount["source"]), mount["target"])

    def _stack(self, services: Mapping[str, Any]) -> Document:
        """The file; what it refers to is made before it, and outlives it."""
        networks = {name for it in services.values() for name in it["networks"]}
        granted = {
            kind: {grant["source"] for it in services.values() for grant in it[kind]}
            for kind in ("configs", "secrets")
        }
        volumes = {
            mount["source"]
            for it in services.values()
            for mount in it["volumes"]
            if mount["type"] == "volume" and mount.get("source")
        }
        return {
            "services": dict(services),
            "networks": _external(networks),
            "configs": _external(granted["configs"]),
            "secrets": _external(granted["secrets"]),
            "volumes": {name: {"labels": dict(self.labels)} for name in sorted(volumes)},
        }


def require(document: Document, names: Collection[str], sources: Path) -> None:
    """Raise `ConfigError` for the first thing that a stack has no word for."""
    for name in names:
        written = document["services"][name]
        known = {*_KEPT, *_TRANSLATED, *_LEFT_OUT}
        unknown = sorted(key for key, it in written.items() if it is not None and key not in known)
        options = [str(it) for it in written.get("security_opt") or []]
        unknown += [it for it in options if not it.startswith(_HARDENED)]
        if unknown:
            raise ConfigError(
                f"services.{name}: a stack has no word for {unknown[0]}",
                hint="leave it out, or choose `engine: docker`",
            )
        for mount in written.get("volumes") or []:
            _require_anywhere(name, mount, sources)
        for network, about in networks_of(document, name).items():
            if lost := sorted(key for key, it in (about or {}).items() if it and key != "aliases"):
                raise ConfigError(f"services.{name}.networks.{network}: a stack has no {lost[0]}")


def networks_of(document: Document, name: str) -> Mapping[str, Any]:
    """The networks of a service, by their names in the Compose file."""
    return document["services"][name].get("networks") or {"default": None}


def shared(base: str, network: str, slot: str) -> str:
    """A network between a slot and what outlives releases."""
    return f"{base}_{network}-{slot}"


def own(stack: str, network: str) -> str:
    """A network of one release alone."""
    return f"{stack}_{network}"


def _require_anywhere(name: str, mount: Mapping[str, Any], sources: Path) -> None:
    """Raise `ConfigError` for what is mounted of one machine, or in a way that is not kept."""
    if mount["type"] in ("volume", "tmpfs"):
        if lost := sorted(key for key, it in mount.items() if it and key not in _MOUNT):
            raise ConfigError(f"services.{name}.volumes: a mount of a stack has no {lost[0]}")
        return
    if mount["type"] != "bind":
        raise ConfigError(f"services.{name}.volumes: a stack has no {mount['type']} mounts")
    if not mount.get("read_only") or not Path(mount["source"]).is_relative_to(sources):
        raise ConfigError(
            f"services.{name}.volumes: {mount['target']} is a folder of one machine",
            hint="mount a file of the repository `:ro`, or use a named volume",
        )


def _mounts(name: str, written: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for mount in written.get("volumes") or []:
        if mount["type"] != "bind":  # which is a config here
            yield {key: mount[key] for key in _MOUNT if mount.get(key)}
    places = written.get("tmpfs") or []
    for place in [places] if isinstance(places, str) else places:
        target, _, options = place.partition(":")
        yield _memory(target, dict(it.partition("=")[::2] for it in options.split(",")))
    if "shm_size" in written:
        size = str(written["shm_size"])
        yield _memory("/dev/shm", {"size": size})  # noqa: S108 - the container's


def _memory(target: str, options: Mapping[str, str]) -> dict[str, Any]:
    about: dict[str, int] = {}
    if size := options.get("size"):
        about["size"] = int(parse_bytes(size))
    if mode := options.get("mode"):
        about["mode"] = int(mode, 8)
    return {"type": "tmpfs", "target": target, **({"tmpfs": about} if about else {})}


def _external(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"external": True, "name": name} for name in sorted(names)}
