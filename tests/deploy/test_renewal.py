"""A new value reaches the services that read it, each in the way that is declared."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines import compose
from pipelines.deploy import renewal

COMPOSE = """
services:
  web: {image: web, secrets: [token], restart: always, healthcheck: {test: [CMD, "true"]}}
  other: {image: web, secrets: [spare], restart: always, healthcheck: {test: [CMD, "true"]}}
secrets:
  token: {file: ./token, x-summit: {reload: RELOAD}}
  spare: {file: ./spare}
"""


@pytest.mark.parametrize(
    ("reload", "renewed"), [("restart", ["serving web", "warm web"]), ("live", [])]
)
def test_only_who_reads_it_at_its_start_is_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reload: str, renewed: list[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE.replace("RELOAD", reload))
    project = compose.load(file, environ={})
    done: list[str] = []
    place: Any = SimpleNamespace(
        site=SimpleNamespace(project=lambda _: project, described=lambda _: project),
        environment=SimpleNamespace(profiles=()),
        engine=SimpleNamespace(
            migrate=lambda release: done.append(f"{release.short} migrated"),
            renew=lambda release, service: done.append(f"{release.short} {service}"),
        ),
    )
    fence: Any = SimpleNamespace(passed=nullcontext)
    monkeypatch.setattr(renewal, "deliver", lambda *_: done.append("delivered"))

    releases: Any = [SimpleNamespace(short=it) for it in ("serving", "warm")]
    renewal.Renewal(place, releases, fence, lambda _: None).switch("token")

    assert done == ["delivered", "serving migrated", *renewed]
