"""Which services are jobs."""

from __future__ import annotations

import pytest

from pipelines.audit.model.compose.jobs import is_job
from tests.audit.repository import model


def told(name: str, lines: str, others: str = "") -> bool:
    text = f"services:\n  {name}:\n" + "".join(f"    {line}\n" for line in lines.splitlines())
    (project,) = model({"compose.yaml": text + others}).projects
    return is_job(project.services[name], project)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("migrate", "image: shop/api:1"),
        ("db-migrations", "image: shop/api:1\nrestart: on-failure"),
        ("keycloak-db-init", "image: postgres:16\nrestart: 'no'"),
        ("minio-create-buckets", "image: a"),
        ("setup", "image: a\nrestart: 'no'"),
        ("schema", "image: migrate/migrate:v4"),
        ("x", "image: minio/mc:RELEASE.1"),
        ("x", "image: a\nprofiles: [tools]"),
        ("x", "build: .\ncommand: alembic upgrade head"),
        ("x", "build: .\ncommand: [sh, -c, 'sleep 1 && python manage.py migrate']"),
        ("x", "build: .\nentrypoint: sh -c\ncommand: 'npm run db:migrate'"),
        ("x", "build: .\ncommand: python seed.py"),
        ("x", "image: a\ndeploy: {mode: replicated-job}"),
        ("x", "build: .\nrestart: 'no'\nhealthcheck: {disable: true}"),
    ],
)
def test_a_job(name: str, lines: str) -> None:
    assert told(name, lines)


def test_what_somebody_waits_for_to_complete_is_a_job() -> None:
    waiting = (
        "  web:\n    image: a\n    depends_on:\n"
        "      prepared: {condition: service_completed_successfully}\n"
    )

    assert told("prepared", "image: a", waiting)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("web", "build: ."),
        ("db", "image: postgres:16\nrestart: 'no'"),
        ("migrate", "image: a\nrestart: always"),
        ("x", "build: .\nrestart: 'no'\nports: ['80:80']"),
        ("x", "build: .\nrestart: 'no'\nhealthcheck: {test: true}"),
        ("x", "build: ."),
        ("worker", "build: .\ncommand: celery -A shop worker"),
        ("web", "build: .\ncommand: sh -c 'alembic upgrade head && uvicorn main:app'"),
        ("web", "build: .\ncommand: sh -c 'python manage.py migrate; gunicorn shop.wsgi'"),
        ("api", "build: .\ncommand: python main.py\nprofiles: [mtls]"),
        ("initial", "image: a"),
        ("latest", "image: a"),
    ],
)
def test_no_job(name: str, lines: str) -> None:
    assert not told(name, lines)
