"""What fabric is told by its environment."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from services.kit.settings import DatabaseSettings, Secret, ServiceSettings
from services.kit.tokens import Role


def _parse_clients(text: object) -> object:
    """Turn `admin:admin,fusion:service` into client ids and their roles."""
    if not isinstance(text, str):
        return text
    pairs = (pair.partition(":") for pair in text.split(",") if pair.strip())
    return {client.strip(): role.strip() for client, _, role in pairs}


class Settings(DatabaseSettings, ServiceSettings):
    token_signing_key: Secret
    # Still verifies, so that tokens it signed live on while the current one signs.
    token_signing_key_previous: Secret | None = None
    client_secrets_dir: Path = Path("/run/secrets")
    bootstrap_clients: Annotated[dict[str, Role], NoDecode, BeforeValidator(_parse_clients)] = (
        Field(default_factory=dict)
    )
    access_token_lifetime: timedelta = timedelta(minutes=10)
    # From login to the next login, however often it was refreshed in between.
    refresh_token_lifetime: timedelta = timedelta(hours=12)
    node_stale_after: timedelta = timedelta(seconds=30)
    node_offline_after: timedelta = timedelta(seconds=90)
