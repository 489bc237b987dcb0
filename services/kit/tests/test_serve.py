"""A service as a process: how it starts, refuses to start, and stops."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
SETTINGS = """
from services.kit.settings import Secret, ServiceSettings

class Settings(ServiceSettings):
    key: Secret = Secret("unused")
"""
APP = """
import asyncio
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse
from services.kit.asgi import Kit

@asynccontextmanager
async def loop():
    print("resource entered", flush=True)
    yield
    print("resource left", flush=True)

def create_app(settings):
    app = FastAPI(title="toy", version="1")

    @app.get("/slow")
    async def slow(request: Request):
        print("slow began", flush=True)
        await request.app.state.stopping.wait()
        await asyncio.sleep(0.05)
        return "done"

    @app.get("/stubborn")
    async def stubborn():
        print("stubborn began", flush=True)
        await asyncio.Event().wait()

    @app.get("/half")
    async def half():
        async def parts():
            yield b"half"
            raise RuntimeError("lost the other half")
        return StreamingResponse(parts())

    @app.post("/body")
    async def body(body: dict):
        return body

    return Kit(app, name="toy", settings=settings, resources=[loop])
"""
RUN = """
import sys, services
services.__path__.append({folder!r})
{before}
from services.kit.serve import main
sys.exit(main(["toy"]))
"""
# As the engine does: everything imported once, then a child that takes the role of the program.
FORKED = """
import os, runpy, signal
from services.toy import app
import services.kit.serve
child = os.fork()
if child:
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
sys.argv = ["serve", "toy"]
del sys.modules["services.kit.serve"]
runpy.run_module("services.kit.serve", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def served(toy):
    (toy / "settings.py").write_text(SETTINGS)
    (toy / "app.py").write_text(APP)
    return toy


def command(toy, before=""):
    return [sys.executable, "-c", RUN.format(folder=str(toy.parent), before=before)]


def environment(**others):
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "error",
        **others,
    }


def refused(toy, **others):
    outcome = subprocess.run(
        command(toy),
        env=environment(**others),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return outcome.returncode, outcome.stderr


class Service:
    """A running service: its process, what it printed, and a client of it."""

    def __init__(self, process, http):
        self.process = process
        self.http = http

    async def says(self, words):
        async with asyncio.timeout(20):
            while words not in (line := (await self.process.stdout.readline()).decode()):
                assert line, "the service ended"

    async def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self):
        async with asyncio.timeout(20):
            return await self.process.wait()


@asynccontextmanager
async def running(toy, port, before="", **others):
    process = await asyncio.create_subprocess_exec(
        *command(toy, before),
        env=environment(PORT=str(port), **others),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            await ready(http, process)
            yield Service(process, http)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready(http, process):
    async with asyncio.timeout(30):
        while process.returncode is None:
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.01)
    pytest.fail((await process.communicate())[1].decode())


async def test_a_service_serves_and_ends_well_on_a_signal(served, unused_tcp_port):
    async with running(served, unused_tcp_port) as service:
        await service.says("resource entered")
        answer = await service.http.get("/health")
        code = await service.stop()
        output, errors = await service.process.communicate()

    assert answer.json() == {"name": "toy", "version": "1", "status": "ok"}
    assert "server" not in answer.headers
    assert code == 0
    assert output.decode() == "resource left\n"
    assert errors.decode().count("\n") == 1
    assert '"message": "stopping on SIGTERM"' in errors.decode()


async def test_a_forked_child_runs_it_too(served, unused_tcp_port):
    async with running(served, unused_tcp_port, FORKED) as service:
        assert (await service.http.get("/health")).status_code == 200
        assert await service.stop() == 0


async def test_without_a_name_it_is_the_one_that_service_names(served, unused_tcp_port):
    unnamed = "import services.kit.serve; sys.exit(services.kit.serve.main([]))"
    async with running(served, unused_tcp_port, unnamed, SERVICE="toy") as service:
        assert (await service.http.get("/health")).json()["name"] == "toy"
        assert await service.stop() == 0


async def test_requests_at_hand_are_finished_first(served, unused_tcp_port):
    async with running(served, unused_tcp_port) as service:
        slow = asyncio.create_task(service.http.get("/slow", timeout=20))
        await service.says("slow began")
        code = await service.stop()

    assert (await slow).json() == "done"
    assert code == 0


async def test_it_is_not_ready_before_it_refuses_connections(served, unused_tcp_port):
    others = {"READINESS_GRACE_SECONDS": "30"}
    async with running(served, unused_tcp_port, **others) as service:
        service.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while (await service.http.get("/readyz")).status_code == 200:
                pass
        async with httpx.AsyncClient(base_url=service.http.base_url) as newcomer:
            refused, served_still = await newcomer.get("/readyz"), await newcomer.get("/livez")
        # A second signal does not wait for the grace to end.
        code = await service.stop()

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert served_still.status_code == 200
    assert code == 0


async def test_draining_has_an_end(served, unused_tcp_port):
    async with running(served, unused_tcp_port, DRAIN_SECONDS="0.1") as service:
        stubborn = asyncio.create_task(service.http.get("/stubborn", timeout=20))
        await service.says("stubborn began")
        code = await service.stop()
        await asyncio.gather(stubborn, return_exceptions=True)

    assert code == 0


async def test_an_answer_that_breaks_off_is_seen_as_such(served, unused_tcp_port):
    async with running(served, unused_tcp_port) as service:
        with pytest.raises(httpx.RemoteProtocolError):
            await service.http.get("/half")
        await service.stop()
        errors = (await service.process.communicate())[1].decode()

    assert errors.count("RuntimeError: lost the other half") == 1


async def test_a_body_beyond_the_limit_gets_its_answer_although_it_is_not_read(
    served, unused_tcp_port
):
    async with running(served, unused_tcp_port, MAX_BODY_BYTES="1000") as service:
        answer = await service.http.post("/body", content=b" " * 8_000_000)
        again = await service.http.post("/body", json={"a": 1})

    assert answer.status_code == 413
    assert again.json() == {"a": 1}


def test_a_port_that_is_taken_is_one_line(served):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        outcome = refused(served, PORT=str(port))

    line = f"error: toy cannot listen on 127.0.0.1:{port}: Address already in use; set PORT\n"
    assert outcome == (1, line)


def test_production_with_a_placeholder_refuses_to_start_and_names_every_fault(served):
    code, errors = refused(
        served, ENVIRONMENT="production", KEY="changeme", CORS_ORIGINS="*", DEBUG="1"
    )

    assert code == 2
    assert errors.splitlines() == [
        "error: KEY: shorter than 32 characters; make a random one",
        "error: KEY: looks like a placeholder; make a random one",
        "error: CORS_ORIGINS: `*` would let every page call this service; list the origins",
        "error: DEBUG: must be off in production",
    ]


def test_a_resource_that_does_not_start_is_one_line(served, unused_tcp_port):
    source = (served / "app.py").read_text()
    source = source.replace('print("resource entered", flush=True)', 'raise OSError("no disk")')
    (served / "app.py").write_text(source)
    code, errors = refused(served, PORT=str(unused_tcp_port))

    assert code != 0
    assert len(errors.splitlines()) == 1
    assert "toy did not start: OSError('no disk')" in errors


@pytest.mark.parametrize("words", [["nowhere"], ["../toy"], [""], [], ["toy", "toy"]])
def test_a_service_that_does_not_exist_is_one_line(words):
    outcome = subprocess.run(
        [sys.executable, "-m", "services.kit.serve", *words],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert outcome.returncode == 2
    assert len(outcome.stderr.splitlines()) == 1


def test_importing_every_module_has_no_effect():
    # What is imported before a fork must hold no thread, socket, event loop or setting.
    script = """
import pkgutil, threading, sys, os
import services.kit
for module in pkgutil.walk_packages(services.kit.__path__, "services.kit."):
    if ".tests" not in module.name and ".migration_environment" not in module.name:
        __import__(module.name)
assert threading.active_count() == 1, threading.enumerate()
assert not [fd for fd in os.listdir("/proc/self/fd") if int(fd) > 3], os.listdir("/proc/self/fd")
assert "opentelemetry.sdk" not in sys.modules
"""
    outcome = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert outcome.stderr == ""


def test_a_serving_process_imports_no_migration(served):
    script = f"""
import sys, services
services.__path__.append({str(served.parent)!r})
from services.kit.database import Database
from services.kit.settings import DatabaseSettings
import services.kit.serve
Database(DatabaseSettings(database_url="postgresql://toy@127.0.0.1/summit", database_password="x"))
print([name for name in sys.modules if "migrations" in name or name.startswith("alembic")])
"""
    outcome = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (outcome.stdout, outcome.stderr) == ("[]\n", "")
