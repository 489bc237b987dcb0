"""What images and Compose start: development servers, lost signals, words that need a shell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.audit.injected.injection import (
    Edit,
    Injection,
    change,
    injected,
    inside,
)

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"
COMPOSE = {BIKES: "compose.yaml", CLINIC: "docker-compose.yml", PARCELS: "compose.yaml"}
UVICORN = '["uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", "{port}"]'
START = '["./scripts/start.sh"]'
WORKER = '["celery", "--app", "clinic.celery", "worker", "--concurrency", "2"]'
NODE = '["node", "src/server.js"]'


class Started(NamedTuple):
    """An image: the file that says what it starts, and how it says so."""

    system: str
    service: str
    file: str
    written: str
    compose: str  # a text of the service in Compose, before which a command fits

    def starts(self, command: str) -> Edit:
        return change(self.file, f"\nCMD {self.written}", f"\nCMD {command}")

    def told(self, command: str, *, key: str = "command") -> Edit:
        """The same said by Compose."""
        new = f"    {key}: {command}\n{self.compose}"
        return inside(COMPOSE[self.system], self.service, self.compose, new)


GATEWAY = Started(
    BIKES,
    "gateway",
    "services/gateway/Dockerfile",
    UVICORN.format(port=8000),
    "    mem_limit: 256m\n",
)
RIDES = Started(
    BIKES, "rides", "services/rides/Dockerfile", UVICORN.format(port=8001), "    mem_limit: 256m\n"
)
SITE = Started(CLINIC, "site", "Dockerfile", START, "    mem_limit: 384m\n")
API = Started(PARCELS, "api", "api/Dockerfile", NODE, "    restart: on-failure\n")


_DEVELOPED = (
    (GATEWAY, "uvicorn app.main:app --host 0.0.0.0 --port 8000 --reload"),
    (RIDES, "uvicorn app.main:app --reload --host 0.0.0.0 --port 8001"),
    (GATEWAY, "fastapi dev app/main.py --host 0.0.0.0 --port 8000"),
    (RIDES, "python -m uvicorn app.main:app --port 8001 --reload"),
    (SITE, "python manage.py runserver 0.0.0.0:8000"),
    (SITE, "gunicorn clinic.wsgi:application --bind 0.0.0.0:8000 --reload"),
    (SITE, "python -Wd manage.py runserver 0.0.0.0:8000 --noreload"),
    (API, "npm run dev"),
    (API, "node --watch src/server.js"),
    (API, "npx nodemon src/server.js"),
)


def _port(image: Started) -> str:
    return image.written.split('"')[-2]


def _words(text: str) -> str:
    return "[" + ", ".join(f'"{word}"' for word in text.split()) + "]"


def _short(text: str) -> str:
    words = text.split()
    return " ".join(
        [*words[:3], *[it for it in words[3:] if it.startswith("--") and "=" not in it]]
    )


def _development_images() -> Iterator[Injection]:
    for image, command in _DEVELOPED:
        name = f"{image.service} starts {_short(command)}"
        yield injected("SEC004", image.system, name, image.starts(_whole(image, command)))
    yield injected(
        "SEC004",
        CLINIC,
        "the script reloads",
        change("scripts/start.sh", "--workers 2", "--workers 2 --reload"),
        at=("Dockerfile", f"CMD {START}"),
    )
    yield injected(
        "SEC004",
        PARCELS,
        "the script start is that of developers",
        change("api/package.json", '"start": "node src', '"start": "node --watch src'),
        change("api/Dockerfile", f"CMD {NODE}", 'CMD ["tini", "--", "npm", "start"]'),
        at=("api/Dockerfile", 'CMD ["tini"'),
    )


def _whole(image: Started, command: str) -> str:
    """The command without a second fault: the site's still migrates, npm's gets its signals."""
    if image is SITE:
        return f'["sh", "-c", "python manage.py migrate --noinput && exec {command}"]'
    return _words(f"tini -- {command}" if command.startswith("npm") else command)


def _development_in_compose() -> Iterator[Injection]:
    for image, command in _DEVELOPED:
        name = f"{image.service} is started with {_short(command)}"
        yield injected("SEC005", image.system, name, image.told(_whole(image, command)))
    yield injected(
        "SEC005",
        PARCELS,
        "the target is for developers",
        change("compose.yaml", "target: production", "target: development"),
        change("api/Dockerfile", 'CMD ["npm", "run", "dev"]', 'CMD ["node", "--watch", "src"]'),
        change("api/Dockerfile", "COPY . .\n", "COPY . .\nUSER node\n" + _PROBE),
        at="target: development",
    )
    yield injected(
        "SEC005",
        BIKES,
        "gateway is entered by a reloading server",
        GATEWAY.told(
            '["uvicorn", "app.main:app", "--host", "0.0.0.0", "--reload"]', key="entrypoint"
        ),
    )


_PROBE = 'HEALTHCHECK --interval=10s --timeout=3s CMD ["node", "src/probe.js"]\n'


def _lost_signals() -> Iterator[Injection]:
    """A shell form, npm, a script without `exec`; where Compose and the image give no init."""
    no_init = change("compose.yaml", "  init: true\n", "")
    for image in (GATEWAY, RIDES):
        command = f"uvicorn app.main:app --host 0.0.0.0 --port {_port(image)}"
        for name, written in _forms(command):
            edit = image.starts(written)
            yield injected("REL011", BIKES, f"{image.service} {name}", edit, given=(no_init,))
    ways = (*_forms("node src/server.js"), ("as npm start", '["npm", "start"]'))
    for name, written in ways:
        yield injected("REL011", PARCELS, f"api {name}", API.starts(written))
    restarts = change("compose.yaml", "    restart: on-failure\n", "    restart: always\n")
    for name, written in ways[1:]:
        api = API._replace(compose="    restart: always\n")
        edit = api.told(written)
        yield injected("REL011", PARCELS, f"Compose starts api {name}", edit, given=(restarts,))
    no_tini = change("Dockerfile", 'ENTRYPOINT ["tini", "--"]\n', "")
    yield injected(
        "REL011",
        CLINIC,
        "the script does not exec",
        change("scripts/start.sh", "exec gunicorn", "gunicorn"),
        at=("Dockerfile", f"CMD {START}"),
        given=(no_tini,),
    )
    for name, written in _forms("celery --app clinic.celery worker --concurrency 2")[1:]:
        edit = change("docker-compose.yml", WORKER, written)
        yield injected("REL011", CLINIC, f"worker {name}", edit, given=(no_tini,))


def _forms(command: str) -> tuple[tuple[str, str], ...]:
    return (
        ("in the shell's form", command),
        ("in sh -c", f'["sh", "-c", "{command}"]'),
        ("in bash -c", f'["bash", "-c", "{command}"]'),
    )


_SYNTAX = {
    "a substitution": '$$( [ "$$RELOAD" = 1 ] && echo --reload )',
    "and": "&& echo started",
    "or": "|| exit 1",
    "a redirect": "> /tmp/log",
    "both outputs": ">> /tmp/log 2>&1",
    "a pipe": "| tee /tmp/log",
}


def _needing_a_shell() -> Iterator[Injection]:
    """Each image's command with each kind of shell syntax, in Compose and in the Dockerfile."""
    commands = (
        (GATEWAY, "uvicorn app.main:app --host 0.0.0.0 --port 8000"),
        (RIDES, "uvicorn app.main:app --host 0.0.0.0 --port 8001"),
        (API, "node src/server.js"),
    )
    for image, command in commands:
        for kind, syntax in _SYNTAX.items():
            name = f"{image.service} with {kind}"
            yield injected("REL012", image.system, name, image.told(f"{command} {syntax}"))
    for kind, syntax in _SYNTAX.items():
        yield injected(
            "REL012",
            CLINIC,
            f"worker with {kind}",
            change(
                "docker-compose.yml",
                WORKER,
                f"celery --app clinic.celery worker {syntax}",
            ),
        )
    for image, command in commands:
        words = _words(command)[:-1]
        edit = image.starts(f'{words}, "&&", "echo", "started"]')
        yield injected("REL012", image.system, f"the image of {image.service} with and", edit)
    for image, variable in ((GATEWAY, "$PORT"), (RIDES, "${PORT:-8001}")):
        edit = image.starts(image.written.replace(_port(image), variable))
        yield injected("REL012", BIKES, f"the image of {image.service} with {variable}", edit)


INJECTIONS = (
    *_development_images(),
    *_development_in_compose(),
    *_lost_signals(),
    *_needing_a_shell(),
)
