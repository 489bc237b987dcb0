"""From the Compose file as it is written to the files of what is deployed.

A release is a project of its own: its jobs, its services, its smoke jobs. What outlives releases,
the stateful services and the edge, is another one. Two releases see nothing of one another: each
has its own networks, and those that lead to stateful services and to the edge are there per slot.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.deploy.docker import haproxy
from pipelines.deploy.docker.haproxy import Door
from pipelines.deploy.docker.project import PART, RELEASE, SITE, SLOT, Document
from pipelines.deploy.docker.running import EDGE
from pipelines.errors import ConfigError

STATEFUL = "stateful"  # a part of what outlives releases, beside the edge
FRONT = "summit-front"  # the network, one for each slot, between the edge and what it leads to
OUTSIDE = "summit-outside"  # from where the edge is reached
DOORS = "summit.doors"  # a label of the edge: its doors, as JSON
_READ_BY_EDGE = "summit.configuration"  # another: the digest of its configuration
# What only says how it is built, where it is seen and in which order it starts, which is up to us.
_LEFT_OUT = ("build", "container_name", "depends_on", "develop", "ports", "profiles")
EDGE_USER = 99  # of the official image

Deliver = Callable[[str, int | None], Path]  # the file of a secret, for a container's user


@dataclass(frozen=True)
class Rendering:
    """What both files are made of.

    `base` is the name of the project that outlives releases, `sources` the folder of the Compose
    file. `images` and `users` have what each service runs and as whom, `stateful` names those that
    outlive releases.
    """

    site: str
    base: str
    document: Document
    sources: Path
    images: Mapping[str, str]
    users: Mapping[str, int | None]
    stateful: frozenset[str]
    deliver: Deliver

    @property
    def shared(self) -> list[str]:
        """The networks by which stateful services are reached."""
        networks = (self._networks(name) for name in sorted(self.stateful))
        return sorted({network for them in networks for network in them})

    def release(
        self, release: str, slot: str, parts: Mapping[str, Iterable[str]], doors: Sequence[Door]
    ) -> Document:
        """The project of a release in a slot; `parts` are the names of its services by part."""
        services: dict[str, Any] = {}
        for part, names in parts.items():
            labels = {SITE: self.site, RELEASE: release, SLOT: slot, PART: part}
            services |= {name: self._service(name, labels) for name in names}
        for door in doors:
            service = services[door.service]
            if "networks" not in service:
                raise ConfigError(f"{door.service} has `network_mode`, so nothing leads to it")
            service["networks"][FRONT] = {"aliases": [haproxy.alias(door.service, slot)]}
        used = {it for service in services.values() for it in service.get("networks", {})} - {FRONT}
        networks = {name: self._network(name, slot) for name in sorted(used)}
        if doors:
            networks[FRONT] = _external(self.base, FRONT, slot)
        return self._project(services, networks)

    def deliver_anew(self, names: Iterable[str]) -> None:
        """Have the secrets of these services where they look for them at their next start."""
        for name in names:
            for grant in self.document["services"][name].get("secrets") or []:
                self.deliver(grant["source"], self.users[name])

    def outliving(self, image: str, folder: Path, doors: Sequence[Door], files: Path) -> Document:
        """The project of what outlives releases; `folder` is the edge's, of this image.

        What a stateful service mounts of the sources is copied to `files`, by its digest: the
        sources go with their release, and another release of the same content is no other mount.
        """
        services = {}
        for name in sorted(self.stateful):
            service = self._service(name, {SITE: self.site, PART: STATEFUL})
            if written := service.get("networks"):
                service["networks"] = {
                    f"{network}-{slot}": written[network]
                    for network in written
                    for slot in haproxy.SLOTS
                }
            for mount in service.get("volumes", []):
                if mount["type"] == "bind":
                    mount["source"] = self._outliving(mount["source"], files)
            services[name] = service
        if EDGE in services:
            raise ConfigError(f"a service called {EDGE!r} cannot be deployed: so is our own")
        services[EDGE] = _edge(self.site, image, folder, doors)
        networks = {
            f"{name}-{slot}": self._definition(name)
            for name in self.shared
            for slot in haproxy.SLOTS
        }
        networks |= {f"{FRONT}-{slot}": {"internal": True} for slot in haproxy.SLOTS}
        document = self._project(services, {**networks, OUTSIDE: {}})
        for config in document["configs"].values():
            if "file" in config:
                config["file"] = self._outliving(config["file"], files)
        used = {
            mount["source"]
            for service in services.values()
            for mount in service.get("volumes", [])
            if isinstance(mount, dict) and mount["type"] == "volume" and mount.get("source")
        }
        document["volumes"] = {
            name: _renamed(self.document["volumes"][name], f"{self.document['name']}_{name}")
            for name in sorted(used)
        }
        return document

    def _outliving(self, path: str, files: Path) -> str:
        is_source = Path(path).is_relative_to(self.sources)
        return str(_copied(Path(path), files)) if is_source else path

    def _networks(self, name: str) -> Mapping[str, Any]:
        service = self.document["services"][name]
        if service.get("network_mode"):
            return {}
        return service.get("networks") or {"default": None}

    def _service(self, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
        written = self.document["services"][name]
        replicas = written.get("deploy", {}).get("replicas", written.get("scale", 1))
        if replicas not in (None, 1):
            raise ConfigError(
                f"{name} wants {replicas} replicas, and the docker engine runs one of each",
                hint="one copy of each service runs here; take `replicas` out",
            )
        service = {key: copy.deepcopy(it) for key, it in written.items() if key not in _LEFT_OUT}
        service["image"] = self.images[name]
        service["pull_policy"] = "never"  # what is there has been compared with its digest
        service["labels"] = {**service.get("labels", {}), **labels}
        service.pop("networks", None)
        if networks := self._networks(name):
            service["networks"] = dict(networks)
        service["secrets"] = [
            {**grant, "source": self._secret(grant["source"], name)}
            for grant in service.get("secrets", [])
        ]
        return service

    def _secret(self, name: str, service: str) -> str:
        """The secret by the name that it has for the user of a service."""
        return f"{name}.{self.users[service]}"

    def _project(self, services: Mapping[str, Any], networks: Mapping[str, Any]) -> Document:
        granted = {
            (grant["source"].rpartition(".")[0], self.users[name])
            for name, service in services.items()
            for grant in service.get("secrets", [])
        }
        configs = {
            grant["source"] for service in services.values() for grant in service.get("configs", [])
        }
        return {
            **{key: it for key, it in self.document.items() if key.startswith("x-")},
            "services": dict(services),
            "networks": dict(networks),
            "configs": {
                name: _renamed(self.document["configs"][name], f"{self.document['name']}_{name}")
                for name in sorted(configs)
            },
            "secrets": {
                f"{name}.{user}": {"file": str(self.deliver(name, user))}
                for name, user in sorted(granted, key=str)
            },
        }

    def _network(self, name: str, slot: str) -> dict[str, Any]:
        if name in self.shared:
            return _external(self.base, name, slot)
        return self._definition(name)

    def _definition(self, name: str) -> dict[str, Any]:
        """A network as written, without its name and addresses, which there can be only once."""
        written = (self.document.get("networks") or {}).get(name) or {}
        if written.get("external"):
            return dict(written)
        return {key: it for key, it in written.items() if key not in ("name", "ipam")}


def _external(base: str, network: str, slot: str) -> dict[str, Any]:
    return {"external": True, "name": f"{base}_{network}-{slot}"}


def _renamed(written: Mapping[str, Any], usual: str) -> dict[str, Any]:
    """What is written, but for a name that Compose made up: our project has another."""
    return {key: it for key, it in written.items() if key != "name" or it != usual}


def _edge(site: str, image: str, folder: Path, doors: Sequence[Door]) -> dict[str, Any]:
    user = EDGE_USER if os.geteuid() == 0 else os.geteuid()
    configuration = hashlib.sha256(haproxy.configuration(doors).encode()).hexdigest()
    return {
        "image": image,
        "pull_policy": "never",
        "entrypoint": ["haproxy", "-db", "-f", f"{haproxy.FOLDER}/{haproxy.CONFIG}"],
        "command": [],
        "user": f"{user}:{user}",
        "restart": "unless-stopped",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "dns": ["127.0.0.1"],  # nobody outside is asked for the names of empty slots
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        "deploy": {"resources": {"limits": {"cpus": "2", "memory": "256M", "pids": 64}}},
        "networks": {OUTSIDE: None} | {f"{FRONT}-{slot}": None for slot in haproxy.SLOTS},
        "ports": [
            {
                "target": door.port,
                "published": str(door.port),
                "host_ip": door.host,
                "protocol": "tcp",
                "mode": "host",
            }
            for door in doors
        ],
        "volumes": [
            {
                "type": "bind",
                "source": f"{folder}/etc",
                "target": haproxy.FOLDER,
                "read_only": True,
            },
            {"type": "bind", "source": f"{folder}/run", "target": haproxy.RUNTIME},
        ],
        "labels": {
            SITE: site,
            PART: EDGE,
            DOORS: json.dumps({door.service: [door.host, door.port] for door in doors}),
            _READ_BY_EDGE: configuration,
        },
    }


def _copied(source: Path, files: Path) -> Path:
    """A copy of a file or folder under the name of its content."""
    digest = hashlib.sha256()
    for file in sorted([source, *source.rglob("*")]):
        digest.update(f"{file.relative_to(source)} {file.stat().st_mode:o}\n".encode())
        if file.is_file():
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    place = files / digest.hexdigest()[:16] / source.name
    if not place.exists():
        part = files / f".part-{digest.hexdigest()[:16]}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        if source.is_dir():
            shutil.copytree(source, part / source.name, symlinks=True)
        else:
            shutil.copy2(source, part / source.name)
        part.replace(place.parent)
    return place
