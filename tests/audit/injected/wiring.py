"""Variables that do not arrive, and migrations that nobody runs."""

from __future__ import annotations

from collections.abc import Iterator

from tests.audit.injected.injection import Injection, add, append, change, injected, inside

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"
COMPOSE = {BIKES: "compose.yaml", CLINIC: "docker-compose.yml", PARCELS: "compose.yaml"}


def _unwired() -> Iterator[Injection]:
    for system, service, written, extra in (
        (BIKES, "gateway", "      RIDES_URL: http://rides:8001\n", 'RIDES_TIMEOUT: "5"'),
        (BIKES, "rides", "      REDIS_URL: redis://redis:6379/0\n", 'CACHE_SECONDS: "60"'),
        (PARCELS, "api", "      MONGO_HOST: mongo\n", "MONGO_DATABASE: parcels"),
        (PARCELS, "api", "      MONGO_HOST: mongo\n", 'SESSION_HOURS: "8"'),
        (CLINIC, "site", "      DB_HOST: db\n", 'DB_POOL: "10"'),
        (CLINIC, "site", "      DB_HOST: db\n", 'VISITS_PER_PAGE: "50"'),
    ):
        edit = inside(COMPOSE[system], service, written, f"{written}      {extra}\n")
        yield injected("REL016", system, f"{service} is told {extra}", edit, at=f"      {extra}")
    for system, service, written, other in (
        (BIKES, "gateway", "RIDES_URL: http://rides:8001", "RIDES_URL: http://ride:8001"),
        (BIKES, "gateway", "RIDES_URL: http://rides:8001", "RIDES_URL: http://rides:8000"),
        (BIKES, "rides", "redis://redis:6379/0", "redis://redis:6378/0"),
        (BIKES, "rides", "redis://redis:6379/0", "redis://cache:6379/0"),
        (BIKES, "rides", "rides@postgres:5432", "rides@postgres:5433"),
        (PARCELS, "api", "MONGO_HOST: mongo", "MONGO_HOST: mongodb"),
        (PARCELS, "api", "MONGO_HOST: mongo", "MONGO_HOST: localhost"),
        (PARCELS, "api", "MONGO_USER: parcels", "MONGO_USER: root"),
        (CLINIC, "site", "DB_HOST: db", "DB_HOST: mariadb"),
        (CLINIC, "site", "DB_HOST: db", "DB_HOST: localhost"),
        (CLINIC, "site", "@broker:5672", "@rabbitmq:5672"),
        (CLINIC, "site", "@broker:5672", "@broker:5673"),
        (CLINIC, "site", "amqp://clinic:", "amqp://guest:"),
    ):
        edit = inside(COMPOSE[system], service, written, other)
        yield injected("REL016", system, f"{service} has {other}", edit)
    yield injected(
        "REL016",
        BIKES,
        "Prometheus asks at another port",
        change("monitoring/prometheus.yml", '"rides:8001"', '"rides:9100"'),
    )
    yield injected(
        "REL016",
        PARCELS,
        "nginx hands over to another port",
        change("web/nginx.conf", "http://labels:8090", "http://labels:8000"),
    )


def _never_migrated() -> Iterator[Injection]:
    migrate = inside("compose.yaml", "services", _JOB, "")
    waits = inside(
        "compose.yaml",
        "rides",
        "      migrate:\n        condition: service_completed_successfully\n",
        "",
    )
    yield injected(
        "REL006",
        BIKES,
        "the job is gone",
        migrate,
        waits,
        at=("services/rides/alembic.ini", "[alembic]"),
    )
    for name in ("SKIP_MIGRATIONS", "DISABLE_MIGRATIONS", "SKIP_DB_MIGRATIONS"):
        edit = change(
            "docker-compose.yml",
            "      DB_HOST: db\n",
            f'      DB_HOST: db\n      {name}: "true"\n',
        )
        script = change(
            "scripts/start.sh",
            "python manage.py migrate --noinput\n",
            f'if [ "${{{name}:-}}" != "true" ]; then\n  python manage.py migrate --noinput\nfi\n',
        )
        yield injected(
            "REL006", CLINIC, f"{name} is set", edit, given=(script,), at=f"      {name}"
        )
    for name, value in (
        ("RUN_MIGRATIONS", "false"),
        ("MIGRATE_ON_START", "0"),
        ("SKIP_MIGRATIONS", "1"),
    ):
        test = "!=" if name.startswith("SKIP") else "="
        other = "1" if value in "01" else "true"
        edit = change(
            "scripts/start.sh",
            "python manage.py migrate --noinput\n",
            f'if [ "${{{name}:-{value}}}" {test} "{other}" ]; then\n'
            "  python manage.py migrate --noinput\nfi\n",
        )
        yield injected("REL006", CLINIC, f"{name} is {value} by default", edit)
    for way in ("|| true", "|| echo 'later'"):
        edit = change("scripts/start.sh", "migrate --noinput", f"migrate --noinput {way}")
        yield injected("REL006", CLINIC, f"the script goes on {way}", edit)
        edit = inside(
            "compose.yaml",
            "migrate",
            '["alembic", "upgrade", "head"]',
            f'["sh", "-c", "alembic upgrade head {way}"]',
        )
        yield injected("REL006", BIKES, f"the job goes on {way}", edit)
    yield injected(
        "REL006",
        CLINIC,
        "the script does not migrate",
        change("scripts/start.sh", "python manage.py migrate --noinput\n", ""),
        at=("clinic/visits/migrations/0001_initial.py", "from django.db"),
    )
    yield injected(
        "REL006",
        BIKES,
        "only by hand",
        migrate,
        waits,
        append("Makefile", "\nmigrate:\n\tcd services/rides && alembic upgrade head\n"),
        at=("services/rides/alembic.ini", "[alembic]"),
    )
    yield injected(
        "REL006",
        PARCELS,
        "migrations of Prisma that nobody runs",
        add(
            "api/prisma/migrations/20241101_first/migration.sql",
            "CREATE TABLE parcels (number TEXT);\n",
        ),
    )
    yield injected(
        "REL006",
        PARCELS,
        "migrations of Knex that nobody runs",
        add("api/knexfile.js", 'export default { client: "pg" };\n'),
    )


_JOB = """\
  migrate:
    build:
      context: services/rides
    command: ["alembic", "upgrade", "head"]
    restart: "no"
    mem_limit: 256m
    environment:
      DATABASE_URL: postgresql+asyncpg://rides@postgres:5432/rides
      PGPASSFILE: /run/secrets/pgpass
    depends_on:
      postgres:
        condition: service_healthy
    secrets: [pgpass]

"""

INJECTIONS = (*_unwired(), *_never_migrated())
