"""The clients that must exist before anybody can log in: the first operator and the services."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.dialects.postgresql import insert

from services.fabric.grants import digest
from services.fabric.models import Client
from services.kit.database import Database
from services.kit.settings import weaknesses
from services.kit.tokens import Role


def read_secrets(directory: Path, clients: Mapping[str, Role]) -> dict[str, str]:
    """Return each client's secret from `directory/<client>_client_secret`.

    Raises `ValueError` naming every file that is missing or holds a weak secret.
    """
    found: dict[str, str] = {}
    faults: list[str] = []
    for client in clients:
        path = directory / f"{client}_client_secret"
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            faults.append(f"BOOTSTRAP_CLIENTS: cannot read {path}: {error.strerror}")
            continue
        faults += [f"{path}: {why}" for why in weaknesses(secret)]
        found[client] = secret
    if faults:
        raise ValueError("; ".join(faults))
    return found


async def ensure_clients(
    database: Database, clients: Mapping[str, Role], secrets: Mapping[str, str]
) -> None:
    """Create or update `clients`; every replica does so at its start, several perhaps at once."""
    if not clients:
        return
    rows = [
        # Sorted, so that two replicas lock the rows in the same order.
        {"id": client, "role": clients[client], "secret_sha256": digest(secrets[client])}
        for client in sorted(clients)
    ]
    statement = insert(Client).values(rows)
    async with database.session() as session:
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[Client.id],
                set_={
                    "role": statement.excluded.role,
                    "secret_sha256": statement.excluded.secret_sha256,
                },
            )
        )
