"""Rules and routes, by the programs that will read them; and a runbook for each alert."""

from __future__ import annotations

import subprocess
from typing import Any

import docker
import pytest
import yaml

from pipelines.containers import leftovers
from pipelines.images.bases import BASES
from tests.integration.base import ROOT, image_of

OBSERVABILITY = ROOT / "observability"
OFFICIAL = {base.name: base.stands_for for base in BASES}


def ask(engine: docker.DockerClient, base: str, *words: str) -> str:
    """What a program of this image says; raises `CalledProcessError` when it fails."""
    command = [
        *("docker", "run", "--rm", f"--entrypoint={words[0]}"),
        *(f"--label={name}={value}" for name, value in leftovers.labels().items()),
        *(f"--volume={OBSERVABILITY}:/observability:ro", image_of(engine, OFFICIAL[base])),
    ]
    ended = subprocess.run([*command, *words[1:]], check=True, capture_output=True, text=True)
    return ended.stdout + ended.stderr


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((OBSERVABILITY / "prometheus/rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def test_the_rules_hold_what_their_tests_say(engine: docker.DockerClient) -> None:
    tests = "/observability/prometheus/rules.test.yml"

    assert "SUCCESS" in ask(engine, "prometheus", "promtool", "test", "rules", tests)


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    tests = yaml.safe_load((OBSERVABILITY / "prometheus/rules.test.yml").read_text())["tests"]
    fired = {
        case["alertname"] for it in tests for case in it["alert_rule_test"] if "exp_alerts" in case
    }

    assert fired == {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_every_alert_has_a_severity_and_a_runbook_of_its_name(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert alert["annotations"]["summary"]
    page = ROOT / alert["annotations"]["runbook"]
    assert page.read_text().splitlines()[0] == f"# {alert['alert']}"


@pytest.mark.parametrize(
    ("configuration", "severity", "receivers"),
    [
        ("development", "critical", "webhook"),
        ("production", "critical", "webhook,pagerduty"),
        ("production", "warning", "webhook,email"),
    ],
)
def test_an_alert_reaches_whom_it_is_for(
    engine: docker.DockerClient, configuration: str, severity: str, receivers: str
) -> None:
    file = f"--config.file=/observability/alertmanager/{configuration}.yml"
    told = ask(
        engine,
        "alertmanager",
        *("amtool", "config", "routes", "test", file),
        f"severity={severity}",
    )

    assert receivers in told.split()
