"""A service that is developed serves its new source by itself."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

SERVICES = Path(__file__).parents[2]
SETTINGS = "from services.kit.settings import ServiceSettings as Settings\n"
APP = """
from fastapi import FastAPI
from services.kit.asgi import Kit

def create_app(settings):
    return Kit(FastAPI(title="toy", version="{version}"), name="toy", settings=settings)
"""


async def version(http):
    try:
        return (await http.get("/health")).json()["version"]
    except httpx.TransportError:
        return None


async def until_it_serves(http, wanted):
    while True:
        if await version(http) == wanted:
            return
        await asyncio.sleep(0.02)


async def saved(app, text, http, wanted):
    """Save the source, again where that came before the watcher's first look at it."""
    for _ in range(10):
        app.write_text(text)
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                return await until_it_serves(http, wanted)
    raise AssertionError(f"never served {wanted}")


async def test_changed_source_is_served_and_a_fault_is_survived(tmp_path, unused_tcp_port):
    package = tmp_path / "services"
    (package / "toy").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "kit").symlink_to(SERVICES / "kit")
    (package / "toy" / "settings.py").write_text(SETTINGS)
    app = package / "toy" / "app.py"
    app.write_text(APP.format(version="1"))

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.kit.serve", "toy"),
        cwd=tmp_path,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": str(tmp_path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PORT": str(unused_tcp_port),
            "RELOAD": "true",
        },
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as http:
            async with asyncio.timeout(30):
                await until_it_serves(http, "1")
            await saved(app, "this is no Python", http, None)
            await saved(app, APP.format(version="2"), http, "2")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
        assert children
        _, left = await asyncio.to_thread(psutil.wait_procs, children, timeout=20)
        assert left == []
    finally:
        if process.returncode is None:
            for left in psutil.Process(process.pid).children(recursive=True):
                left.kill()
            process.kill()
            await process.wait()
