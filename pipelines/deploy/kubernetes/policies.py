"""Compose's networks as NetworkPolicies: closed to all, then opened for who shares a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.compose.model import Service
from pipelines.deploy.kubernetes.chart import NETWORK, Chart, Manifest

_EVERYBODY = "networks"  # what stands in the labels, where a policy is no single service's
_BOTH = ["Ingress", "Egress"]


def policies(
    chart: Chart, services: Mapping[str, Service], networks: Mapping[str, Any]
) -> list[Manifest]:
    """Who may talk to whom. `networks` are the Compose file's; `internal` ones lead nowhere."""
    used = sorted({network for name in services for network in chart.networks(name)})
    return [
        _policy(chart, "nothing", {}, policyTypes=_BOTH),
        _policy(chart, "names", {}, policyTypes=["Egress"], egress=[_names()]),
        *(_shared(chart, name) for name in used),
        *(_outwards(chart, it) for it in used if not (networks.get(it) or {}).get("internal")),
        *(_public(chart, it) for it in services.values() if it.ports),
    ]


def _policy(chart: Chart, name: str, pods: Mapping[str, str], **rules: Any) -> Manifest:
    selector = {"matchLabels": dict(pods)} if pods else {}
    spec = {"podSelector": selector, **rules}
    return chart.manifest("networking.k8s.io/v1", "NetworkPolicy", name, _EVERYBODY, spec=spec)


def _names() -> dict[str, Any]:
    """The cluster's own DNS."""
    of = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {"to": [of], "ports": ports}


def _shared(chart: Chart, network: str) -> Manifest:
    inside = {f"{NETWORK}/{network}": "true"}
    peers = [{"podSelector": {"matchLabels": inside}}]
    return _policy(
        chart,
        f"within-{_name(network)}",
        inside,
        policyTypes=_BOTH,
        ingress=[{"from": peers}],
        egress=[{"to": peers}],
    )


def _outwards(chart: Chart, network: str) -> Manifest:
    """From a network that is not internal everything may be reached."""
    inside = {f"{NETWORK}/{network}": "true"}
    name = f"out-of-{_name(network)}"
    return _policy(chart, name, inside, policyTypes=["Egress"], egress=[{}])


def _public(chart: Chart, service: Service) -> Manifest:
    ports = sorted({it.target for it in service.ports})
    return _policy(
        chart,
        f"to-{service.name}",
        chart.selector(service.name),
        policyTypes=["Ingress"],
        ingress=[{"ports": [{"protocol": "TCP", "port": port} for port in ports]}],
    )


def _name(network: str) -> str:
    return network.lower().replace("_", "-").replace(".", "-")
