"""A release is rendered for Kubernetes as its Compose file says it, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.deploy import kubernetes
from pipelines.errors import ConfigError
from tests.kubernetes.system import Manifests, Render, parsed

PODS = {"Deployment", "StatefulSet", "Job"}


def pods(manifests: Manifests) -> Iterator[dict[str, Any]]:
    for (kind, _), manifest in manifests.items():
        if kind in PODS:
            yield manifest["spec"]["template"]["spec"]


def edit(folder: Path, before: str, after: str) -> None:
    file = folder / "compose.yaml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def test_the_own_system_holds_the_schemas_and_says_that_no_server_has_run_it(
    own: dict[str, str], tmp_path: Path
) -> None:
    kubernetes.write(own, tmp_path / "made")

    said = kubernetes.check(tmp_path / "made")

    assert "strict schemas" in said[0]
    assert "kubectl kustomize" in said[1]
    assert said[-1] == "no API server has run these manifests here"


def test_a_key_that_kubernetes_does_not_know_is_refused(
    own: dict[str, str], tmp_path: Path
) -> None:
    typo = own["fabric.yaml"].replace("readOnlyRootFilesystem", "readonlyRootFilesystem")
    kubernetes.write({**own, "fabric.yaml": typo}, tmp_path)

    with pytest.raises(ConfigError, match=r"Deployment fabric: .*readonlyRootFilesystem"):
        kubernetes.check(tmp_path)


def test_without_kubectl_it_is_said_that_nothing_was_built(
    own: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubernetes.write(own, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert kubernetes.check(tmp_path)[1].startswith("not built")


def test_every_pod_may_do_as_little_as_can_be(own: dict[str, str]) -> None:
    every = list(pods(parsed(own)))

    assert len(every) > 10
    for pod in every:
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "@sha256:" in container["image"]


def test_what_serves_is_replaced_one_by_one_and_kept_when_a_node_goes(render: Render) -> None:
    made = render()
    spec = made["Deployment", "web"]["spec"]

    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert spec["replicas"] == 3
    assert made["PodDisruptionBudget", "web"]["spec"]["minAvailable"] == 2
    assert made["PodDisruptionBudget", "data"]["spec"]["minAvailable"] == 1


def test_what_keeps_data_is_a_stateful_set_with_a_claim(render: Render) -> None:
    spec = render()["StatefulSet", "data"]["spec"]

    assert [it["metadata"]["name"] for it in spec["volumeClaimTemplates"]] == ["kept"]
    assert spec["template"]["spec"]["securityContext"]["runAsUser"] == 999


def test_the_health_check_asks_whether_it_started_is_ready_and_lives(render: Render) -> None:
    (container,) = render()["Deployment", "web"]["spec"]["template"]["spec"]["containers"]

    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 8000}
    assert container["readinessProbe"]["failureThreshold"] == 5
    assert container["livenessProbe"]["tcpSocket"] == {"port": 8000}
    started = container["startupProbe"]
    assert started["failureThreshold"] * started["periodSeconds"] >= 10 + 5 * 2


def test_kubernetes_leaves_alone_what_looks_like_its_variables(render: Render) -> None:
    (container,) = render()["Deployment", "web"]["spec"]["template"]["spec"]["containers"]

    assert container["args"] == ["serve", "$$(PORT)"]


def test_only_who_shares_a_network_is_let_in(render: Render) -> None:
    made = render()
    data = made["StatefulSet", "data"]["spec"]["template"]["metadata"]["labels"]
    policies = {name for kind, name in made if kind == "NetworkPolicy"}

    assert made["NetworkPolicy", "nothing"]["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    assert {it for it in data if it.startswith("summit.network/")} == {"summit.network/inside"}
    assert policies == {
        *("nothing", "names", "within-edge", "within-inside", "out-of-edge", "to-web")
    }


def test_no_value_of_a_secret_is_in_it_and_another_value_has_another_name(
    render: Render, small: Path
) -> None:
    def referred(made: Manifests) -> str:
        (secrets,) = (
            it["projected"]
            for it in made["Deployment", "web"]["spec"]["template"]["spec"]["volumes"]
            if "projected" in it
        )
        return str(secrets["sources"][0]["secret"]["name"])

    before = render()
    (small / "token").write_text("known to nobody else")
    after = render()

    assert "known to nobody" not in str(before)
    assert not any(kind == "Secret" for kind, _ in before)
    assert referred(before).startswith("token-")
    assert referred(before) != referred(after)


def test_files_become_a_configmap_that_never_changes_but_has_another_name(
    render: Render, small: Path
) -> None:
    def maps(made: Manifests) -> dict[str, Any]:
        return {name: made[kind, name] for kind, name in made if kind == "ConfigMap"}

    before = maps(render())
    (small / "web" / "web.conf").write_text("a: 2\n")
    after = maps(render())

    (only,) = before.values()
    assert only["immutable"] is True
    assert only["data"] == {"web.conf": "a: 1\n", "more__other.conf": "b: 2\n"}
    assert before.keys().isdisjoint(after)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("image: small-web", "image: unbuilt", "image unbuilt of web has no digest"),
        ("/etc/web:ro", "/etc/web", "is written to"),
        ('user: "999:999"', 'user: "0"', "cannot be shown not to be root"),
        ('user: "999:999"', "user: data", "cannot be shown not to be root"),
        ('cpus: "0.5", ', "", "cpus and memory are both needed"),
        ("  web:", "  web_server:", "not a name for Kubernetes"),
    ],
)
def test_what_has_no_counterpart_is_refused_with_its_line(
    render: Render, small: Path, before: str, after: str, message: str
) -> None:
    edit(small, before, after)

    with pytest.raises(ConfigError, match=message) as refused:
        render()

    assert refused.value.where is not None
    assert refused.value.where.line


def test_the_same_release_is_rendered_the_same(render: Render) -> None:
    assert render() == render()
