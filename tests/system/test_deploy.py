"""The reference system as a release: deployed, its secrets replaced, and searched for leaks."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pipelines.secrets import delivery
from tests.system.checkout import Checkout


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    # Not below pytest's own folder: that one is closed to the user PostgreSQL runs as under root.
    with tempfile.TemporaryDirectory(prefix="summit-deploy-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("XDG_CONFIG_HOME", f"{folder}/config")
        root = Path(folder, "system")
        root.mkdir()
        made = Checkout(root)
        try:
            yield made
        finally:
            made.types("undeploy", "staging", "--volumes")


def test_the_system_is_deployed_renewed_and_leaks_nothing(checkout: Checkout) -> None:
    checkout.types("secrets.init", "staging")
    checkout.types("release")
    said = checkout.types("deploy", "staging")
    assert "the event stream showed both" in said
    answer = requests.get(f"http://127.0.0.1:{checkout.gateways['staging']}/readyz", timeout=5)
    assert answer.status_code == 200

    said = checkout.types("secrets.rotate", "fusion_db_password", "--env", "staging")
    assert "revoked, and was seen to be refused" in said
    checkout.types("smoke", "--env", "staging")
    checkout.types("secrets.check", "staging")

    canaries, values = checkout.canaries()
    assert len(values) > 10
    assert list(canaries.in_processes()) == []
    assert list(canaries.in_files(checkout.root, without=checkout.own)) == []
    delivered = delivery.folder(checkout.root, "staging")
    assert {file.name for file in delivered.iterdir()} == set(values)

    planted = checkout.root / ".summit/environments/staging/edge/access.log"
    with planted.open("ab") as log:
        log.write(values["token_signing_key"])
    (leak,) = {
        (it.secret, it.place) for it in canaries.in_files(checkout.root, without=checkout.own)
    }
    assert leak == ("token_signing_key", str(planted))
    assert re.search(
        r"made current +fusion_db_password", checkout.types("secrets.audit", "staging")
    )
