"""A small application that has one of everything, and a small service with migrations."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

import services
from services.kit import testing
from services.kit.asgi import Kit
from services.kit.database import Database
from services.kit.problems import Code, Problem
from services.kit.settings import DatabaseSettings, ServiceSettings

FIRST = """
import sqlalchemy as sa
from alembic import op
from services.kit.database import metadata
from services.kit.outbox import cursor_table, inbox_table, outbox_table

revision = "0001"
down_revision = None

def upgrade():
    op.create_table(
        "things",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("size", sa.Integer, nullable=True),
        sa.Column("data", sa.dialects.postgresql.JSONB, nullable=True),
        schema="toy",
    )
    for table in (outbox_table, cursor_table, inbox_table):
        table(metadata("toy")).create(op.get_bind())
"""
SECOND = """
import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"

def upgrade():
    op.add_column("things", sa.Column("note", sa.Text), schema="toy")
"""


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=20)
    size: int = Field(ge=0, le=10)
    weight: float = 0
    tags: list[str] = []
    extra: dict[str, Any] = {}


def routes() -> APIRouter:
    router = APIRouter()

    @router.get("/things/{thing}")
    async def read(thing: int) -> dict[str, int]:
        if thing == 404:
            raise Problem(Code.NOT_FOUND, f"no thing {thing}")
        return {"thing": thing}

    @router.put("/things/{thing}")
    async def replace(thing: int, body: Thing) -> Thing:
        return body

    @router.post("/things", status_code=201)
    async def create(body: Thing) -> Thing:
        return body

    @router.get("/search")
    async def search(text: Annotated[str, Query(max_length=10)]) -> str:
        return text

    @router.get("/boom")
    async def boom() -> None:
        raise RuntimeError("the password is hunter2")

    @router.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(503, "private words", headers={"Retry-After": "7"})

    @router.get("/busy")
    async def busy() -> None:
        raise Problem(Code.RATE_LIMITED, "slowly", retry_after=2.2)

    @router.get("/hang")
    async def hang() -> None:
        await asyncio.Event().wait()

    @router.get("/breaks-off")
    async def breaks_off() -> StreamingResponse:
        async def half() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("lost the other half")

        return StreamingResponse(half())

    @router.get("/slow-stream")
    async def slow_stream(pause: float = 0.2) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first "
            await asyncio.sleep(pause)
            yield b"last"

        return StreamingResponse(parts())

    return router


def make_app() -> FastAPI:
    app = FastAPI(title="toy", version="1.2.3")
    app.include_router(routes(), prefix="/v1")
    inner = FastAPI()

    @inner.get("/items/{item}")
    async def item(item: int) -> int:
        return item

    app.mount("/tenants/{tenant}", inner)
    return app


MakeKit = Callable[..., Kit]


@pytest.fixture
def make_kit() -> MakeKit:
    """Return a factory of the application in its kit; keywords are settings."""

    def make(app: FastAPI | None = None, *, checks: Any = None, **settings: Any) -> Kit:
        return Kit(
            app or make_app(), name="toy", settings=ServiceSettings(**settings), checks=checks
        )

    return make


@pytest.fixture
async def http(make_kit: MakeKit) -> AsyncIterator[httpx.AsyncClient]:
    async with testing.client(make_kit()) as client:
        yield client


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Path]:
    """Make a service called `toy` with two migrations; return its package."""
    package = tmp_path / "services" / "toy"
    versions = package / "migrations" / "versions"
    versions.mkdir(parents=True)
    (package / "__init__.py").touch()
    (versions / "0001_things.py").write_text(FIRST)
    (versions / "0002_note.py").write_text(SECOND)
    services.__path__.append(str(package.parent))
    yield package
    services.__path__.remove(str(package.parent))
    for name in [name for name in sys.modules if name.startswith("services.toy")]:
        del sys.modules[name]


class Line:
    """A way to PostgreSQL that can be cut, as a `kill -9` of the server cuts it."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        if self._server:
            self._server.close()
        for end in self._ends:
            end.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ends.clear()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._ends |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
        sink.close()


@pytest.fixture
async def line(postgres: Any) -> AsyncIterator[Line]:
    line = Line(postgres.host, postgres.port)
    await line.mend()
    yield line
    await line.cut()


@pytest.fixture
async def place(postgres: Any, toy: Path) -> dict[str, Any]:
    """Return the settings of a fresh database with all migrations of `toy`."""
    return await testing.migrated(postgres, "toy")


@pytest.fixture
async def database(place: dict[str, Any]) -> AsyncIterator[Database]:
    async with Database(DatabaseSettings(**place)) as database:
        yield database
