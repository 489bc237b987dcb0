"""What fabric keeps: clients, their families of refresh tokens, and nodes."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, Enum, Float, ForeignKey, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.database import metadata
from services.kit.tokens import Role


def _values(roles: type[Role]) -> list[str]:
    return [role.value for role in roles]


class Base(DeclarativeBase):
    metadata = metadata("fabric")
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        list[str]: ARRAY(Text),
        float: Float,
        UUID: Uuid,
        Role: Enum(Role, native_enum=False, length=16, values_callable=_values),
    }


class Client(Base):
    """Whoever may ask for a token: an operator, a node or a service."""

    __tablename__ = "clients"

    id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[Role]
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary)


class TokenFamily(Base):
    """One login and everything refreshed from it; only the newest refresh token is kept."""

    __tablename__ = "token_families"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey(Client.id, ondelete="CASCADE"))
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Node(Base):
    """A tower, drone, truck or satellite; its client has the same id."""

    __tablename__ = "nodes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    lat: Mapped[float]
    lon: Mapped[float]
    range_m: Mapped[float]
    capabilities: Mapped[list[str]]
    battery_pct: Mapped[float | None]
    registered_at: Mapped[datetime]
    # By our clock; liveness derives from it.
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    # By the node's own clock, which may be wrong: it only puts heartbeats in order.
    last_sent_at: Mapped[datetime | None]
