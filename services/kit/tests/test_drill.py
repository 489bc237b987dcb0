"""Faults on demand: as the file says, counted like real ones, and never in production."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from services.kit.asgi import Kit
from services.kit.settings import ServiceSettings, SettingsError
from services.kit.testing import lifespan


def service(file: Path) -> Kit:
    app = FastAPI(title="sample", version="1")

    @app.get("/it")
    async def it() -> str:
        return "fine"

    return Kit(app, name="sample", settings=ServiceSettings(faults_file=file))


async def test_the_file_decides_which_requests_fail(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    kit = service(file)
    async with lifespan(kit):
        transport = httpx.ASGITransport(kit, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
            assert (await client.get("/it")).status_code == 200
            file.write_text('{"error_ratio": 1}')
            assert (await client.get("/it")).status_code == 500
            assert (await client.get("/livez")).status_code == 200
            file.write_text("{}")
            assert (await client.get("/it")).status_code == 200
            numbers = (await client.get("/metrics")).text

    assert 'status="500"} 1.0' in numbers


def test_production_refuses_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="FAULTS_FILE: must not be set in production"):
        ServiceSettings(environment="production", faults_file=tmp_path / "faults.json")


async def test_a_service_tells_of_its_event_loop(tmp_path: Path) -> None:
    kit = service(tmp_path / "none.json")
    async with lifespan(kit):
        transport = httpx.ASGITransport(kit)
        async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
            numbers = (await client.get("/metrics")).text

    assert "\nevent_loop_lag_seconds " in numbers
