"""Credentials that are written down, and defaults that work."""

from __future__ import annotations

from collections.abc import Iterator

from tests.audit.injected.injection import (
    Injection,
    add,
    append,
    change,
    injected,
    inside,
)

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"

# Where Compose asks for a secret, and what stands there: (system, file, service, name, written).
_ASKED = (
    (BIKES, "compose.yaml", "rides", "JWT_SECRET", "${JWT_SECRET:?set JWT_SECRET}"),
    (CLINIC, "docker-compose.yml", "db", "MARIADB_PASSWORD", "${DB_PASSWORD:?set DB_PASSWORD}"),
    (
        CLINIC,
        "docker-compose.yml",
        "broker",
        "RABBITMQ_DEFAULT_PASS",
        "${BROKER_PASSWORD:?set BROKER_PASSWORD}",
    ),
    (
        CLINIC,
        "docker-compose.yml",
        "site",
        "DJANGO_SECRET_KEY",
        "${DJANGO_SECRET_KEY:?set DJANGO_SECRET_KEY}",
    ),
    (CLINIC, "docker-compose.yml", "site", "DB_PASSWORD", "${DB_PASSWORD:?set DB_PASSWORD}"),
)
_VALUES = ("hunter2", "changeme", "Kestrel-41-orange")

# Secrets that are read from files, written into Compose instead.
_FILES = (
    (
        BIKES,
        "compose.yaml",
        "postgres",
        "POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password",
        "POSTGRES_PASSWORD",
    ),
    (
        PARCELS,
        "compose.yaml",
        "mongo",
        "MONGO_INITDB_ROOT_PASSWORD_FILE: /run/secrets/mongo_password",
        "MONGO_INITDB_ROOT_PASSWORD",
    ),
)


# Where the code does not ask for it, it would be set in vain.
_NO_PASSWORD_FILE = inside(
    "compose.yaml", "api", "      MONGO_PASSWORD_FILE: /run/secrets/mongo_password\n", ""
)


def _hardcoded() -> Iterator[Injection]:
    for system, file, service, name, written in _ASKED:
        for value in _VALUES:
            edit = inside(file, service, f"{name}: {written}", f"{name}: {value}")
            yield injected("SEC001", system, f"{name} is {value}", edit)
    for system, file, service, written, name in _FILES:
        for value in _VALUES:
            edit = inside(file, service, written, f"{name}: {value}")
            yield injected("SEC001", system, f"{name} is {value}", edit)
    yield injected(
        "SEC001",
        BIKES,
        "a URL with a password",
        inside("compose.yaml", "rides", "//rides@postgres", "//rides:hunter2@postgres"),
    )
    yield injected(
        "SEC001",
        CLINIC,
        "the broker's URL with a password",
        change(
            "docker-compose.yml",
            "amqp://clinic:${BROKER_PASSWORD:?set BROKER_PASSWORD}@",
            "amqp://clinic:rabbit-7-hole@",
        ),
    )
    yield injected(
        "SEC001",
        CLINIC,
        "Django's key in the settings",
        change(
            "clinic/settings.py",
            'SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]',
            'SECRET_KEY = "q8#vz$k1m_2w9x!c7e4r5t6y3u0i-p@o"',
        ),
    )
    yield injected(
        "SEC001",
        CLINIC,
        "the database's password in the settings",
        change("clinic/settings.py", 'os.environ["DB_PASSWORD"]', '"hunter2"'),
        inside(
            "docker-compose.yml", "site", "      DB_PASSWORD: ${DB_PASSWORD:?set DB_PASSWORD}\n", ""
        ),
    )
    yield injected(
        "SEC001",
        BIKES,
        "the key of tokens in the settings",
        change(
            "services/rides/app/settings.py",
            'JWT_SECRET = os.environ["JWT_SECRET"]',
            'JWT_SECRET = "nA7Tq2xW9kZp4Lr8Vd3B"',
        ),
    )
    yield injected(
        "SEC001",
        PARCELS,
        "the database's password in the server",
        change(
            "api/src/server.js",
            'const password = readFileSync(process.env.MONGO_PASSWORD_FILE, "utf8").trim();',
            'const password = "q7Rt2vXz9LmK4pWd";',
        ),
        _NO_PASSWORD_FILE,
    )
    yield injected(
        "SEC001",
        PARCELS,
        "the database's URL in the server",
        change(
            "api/src/server.js",
            "`mongodb://${process.env.MONGO_HOST}:27017`",
            '"mongodb://parcels:q7Rt2vXz9LmK@mongo:27017"',
        ),
        inside("compose.yaml", "api", "      MONGO_HOST: mongo\n", ""),
    )
    for system in (BIKES, CLINIC, PARCELS):
        yield injected(
            "SEC001",
            system,
            "a committed .env",
            add(".env", "# of the staging machine\nSMTP_PASSWORD=Kestrel-41-orange\n"),
            at="SMTP",
        )
    yield injected(
        "SEC001",
        CLINIC,
        "a Secret of Kubernetes",
        append(
            "deploy/site.yaml",
            "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: clinic\nstringData:\n"
            "  DB_PASSWORD: Kestrel-41-orange\n",
        ),
        at="  DB_PASSWORD",
    )
    yield injected(
        "SEC001",
        CLINIC,
        "a variable of the deployment",
        change(
            "deploy/site.yaml",
            "          envFrom:\n",
            "          env:\n            - name: DB_PASSWORD\n"
            "              value: Kestrel-41-orange\n          envFrom:\n",
        ),
        at="              value: Kestrel",
    )


def _defaults() -> Iterator[Injection]:
    for system, file, service, name, written in _ASKED:
        variable = written.partition(":")[0].removeprefix("${")
        for value in _VALUES:
            edit = inside(file, service, f"{name}: {written}", f"{name}: ${{{variable}:-{value}}}")
            yield injected("SEC002", system, f"{name} is {value} by default", edit)
    for system, file, service, written, name in _FILES:
        for value in (*_VALUES, service):
            edit = inside(file, service, written, f"{name}: ${{{name}:-{value}}}")
            yield injected("SEC002", system, f"{name} is {value} by default", edit)
    for way in (
        'os.getenv("JWT_SECRET", "change-me")',
        'os.environ.get("JWT_SECRET", "dev-secret")',
        'os.environ.get("JWT_SECRET") or "secret"',
    ):
        edit = change("services/rides/app/settings.py", 'os.environ["JWT_SECRET"]', way)
        yield injected("SEC002", BIKES, f"the settings read {way}", edit)
    for way in (
        'os.getenv("DJANGO_SECRET_KEY", "insecure")',
        'os.environ.get("DJANGO_SECRET_KEY", "django-insecure-q8vzk1m2w9xc7e4r5t6y3u0ip")',
    ):
        edit = change("clinic/settings.py", 'os.environ["DJANGO_SECRET_KEY"]', way)
        yield injected("SEC002", CLINIC, f"the settings read {way}", edit)
    for way in (
        'process.env.MONGO_PASSWORD || "parcels"',
        'process.env.MONGO_PASSWORD ?? "secret"',
    ):
        edit = change(
            "api/src/server.js",
            'readFileSync(process.env.MONGO_PASSWORD_FILE, "utf8").trim()',
            way,
        )
        yield injected("SEC002", PARCELS, f"the server reads {way}", edit, _NO_PASSWORD_FILE)
    yield injected(
        "SEC002",
        BIKES,
        "within a URL",
        inside(
            "compose.yaml", "rides", "//rides@postgres", "//rides:${DB_PASSWORD:-rides}@postgres"
        ),
    )
    yield injected(
        "SEC002",
        CLINIC,
        "within the broker's URL",
        change(
            "docker-compose.yml",
            "amqp://clinic:${BROKER_PASSWORD:?set BROKER_PASSWORD}@",
            "amqp://clinic:${BROKER_PASSWORD:-clinic}@",
        ),
    )
    yield injected(
        "SEC002",
        BIKES,
        "a whole URL",
        change(
            "services/rides/app/settings.py",
            'os.environ["DATABASE_URL"]',
            'os.getenv("DATABASE_URL", "postgresql+asyncpg://rides:rides@localhost/rides")',
        ),
    )


INJECTIONS = (*_hardcoded(), *_defaults())
