"""What a person types to bring the reference system from staging to production."""

from __future__ import annotations

import requests

from tests.system.checkout import Checkout


def from_staging_to_production(checkout: Checkout, registry: str, host: str = "127.0.0.1") -> None:
    """Both serve the same release in the end, and staging had a password replaced meanwhile."""
    checkout.types("secrets.init", "staging")
    checkout.types("release", "--registry", registry)
    checkout.types("deploy", "staging")
    said = checkout.types("secrets.rotate", "fusion_db_password", "--env", "staging")
    assert "revoked, and was seen to be refused" in said

    refused = checkout.types("promote", "production", code=3)
    assert "inv smoke --env staging" in refused
    assert "the event stream showed both" in checkout.types("smoke", "--env", "staging")
    checkout.types("promote", "production")

    for environment, gateway in checkout.gateways.items():
        assert requests.get(f"http://{host}:{gateway}/readyz", timeout=5).status_code == 200
        checkout.types("verify-running", environment)
