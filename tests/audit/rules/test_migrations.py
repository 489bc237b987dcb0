import pytest

from tests.audit.repository import found, places

RULE = "REL006"
ALEMBIC = {
    "api/alembic.ini": "[alembic]\nscript_location = migrations\n",
    "api/migrations/env.py": "",
    "api/migrations/versions/0001_init.py": "def upgrade(): ...\n",
    "api/main.py": "app = 1\n",
    "api/Dockerfile": 'FROM python:3.11\nCOPY . /app\nCMD ["uvicorn", "main:app"]\n',
}
IMPORT = "from alembic import command\n"
UPGRADE = 'command.upgrade(c, "head")'
COMPOSE = """\
    services:
      api:
        build: api
        environment:
          {setting}
    """


def compose(setting):
    return {"compose.yaml": COMPOSE.format(setting=setting)}


@pytest.mark.parametrize(
    "setting",
    [
        "SKIP_MIGRATIONS: 'true'",
        "API_SKIP_MIGRATIONS: ${API_SKIP_MIGRATIONS:-true}",
        "DISABLE_MIGRATIONS: 1",
        "RUN_MIGRATIONS: 'false'",
        "AUTO_MIGRATE: ${AUTO_MIGRATE:-0}",
        "MIGRATE_ON_START: 'no'",
    ],
)
def test_migrations_that_compose_switches_off(setting):
    runs = {"api/start.sh": "set -e\nalembic upgrade head\nexec uvicorn main:app\n"}

    assert places(RULE, ALEMBIC | runs | compose(setting)) == ["compose.yaml:5"]


@pytest.mark.parametrize(
    "setting",
    [
        "SKIP_MIGRATIONS: 'false'",
        "SKIP_MIGRATIONS: ${SKIP_MIGRATIONS:-false}",
        "RUN_MIGRATIONS: 'true'",
        "RUN_MIGRATIONS: ${RUN_MIGRATIONS:-true}",
        "SKIP_MIGRATIONS:",
        "MIGRATIONS_PATH: 'false'",
    ],
)
def test_migrations_that_run_by_default(setting):
    runs = {"api/start.sh": "set -e\nalembic upgrade head\nexec uvicorn main:app\n"}

    assert places(RULE, ALEMBIC | runs | compose(setting)) == []


def test_a_job_runs_what_the_service_skips():
    files = ALEMBIC | {
        "compose.yaml": """\
            services:
              migrate:
                build: api
                command: alembic upgrade head
              api:
                build: api
                environment: {SKIP_MIGRATIONS: "true"}
                depends_on: {migrate: {condition: service_completed_successfully}}
            """
    }

    assert places(RULE, files) == []


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("api/main.py", 'import os\nRUN = os.getenv("RUN_MIGRATIONS", "false")\n', 2),
        ("api/main.py", 'import os\nSKIP = os.environ.get("SKIP_MIGRATIONS", "true")\n', 2),
        ("api/entry.sh", 'if [ "${RUN_MIGRATIONS:-false}" = "true" ]; then :; fi\n', 1),
    ],
)
def test_migrations_that_code_leaves_out_by_default(path, text, line):
    runs = {"api/start.sh": "set -e\nalembic upgrade head\nexec uvicorn main:app\n"}
    files = ALEMBIC | runs | {path: text}

    assert places(RULE, files) == [f"{path}:{line}"]
    assert (
        places(RULE, files | compose("RUN_MIGRATIONS: 'true'\n          SKIP_MIGRATIONS: 0")) == []
    )


RUNNERS = [
    {"api/start.sh": "set -e\nalembic upgrade head\n"},
    {"api/start.sh": "set -e\ncd /app && python -m alembic -c a.ini upgrade head\n"},
    {"compose.yaml": "services: {a: {build: api, command: sh -c 'alembic upgrade head && b'}}\n"},
    {"api/Dockerfile": "FROM python\nCMD alembic upgrade head && uvicorn main:app\n"},
    {"api/main.py": 'from alembic import command\ndef run():\n    command.upgrade(c, "head")\n'},
    {"compose.yaml": 'services: {a: {build: api, command: ["python", "migrate.py", "upgrade"]}}\n'},
    {"api/db.py": "import flask_migrate\ndef run():\n    flask_migrate.upgrade(folder)\n"},
    {"k8s/job.yaml": 'kind: Job\ncommand: ["alembic", "upgrade", "head"]\n'},
    {".github/workflows/deploy.yml": "jobs: {a: {steps: [{run: alembic upgrade head}]}}\n"},
    {
        "Makefile": "migrate:\n\tcd api && alembic upgrade head\n",
        ".github/workflows/deploy.yml": "jobs: {a: {steps: [{run: make migrate}]}}\n",
    },
]


@pytest.mark.parametrize("runner", RUNNERS)
def test_something_runs_them(runner):
    assert places(RULE, ALEMBIC | runner) == []


def test_a_command_from_elsewhere_names_whose_migrations_it_runs():
    root = {path.removeprefix("api/"): text for path, text in ALEMBIC.items() if "alembic" in path}
    root |= {"migrations/versions/0001_init.py": "def upgrade(): ...\n"}
    command = "alembic -c api/alembic.ini upgrade head && uvicorn main:app"
    runs = {"compose.yaml": f"services: {{a: {{build: api, command: sh -c '{command}'}}}}\n"}

    assert "api/alembic.ini:1" not in places(RULE, ALEMBIC | root | runs)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("hook-pre-app = exec:./manage.py migrate", []), ("", ["shop/migrations/0001_initial.py:1"])],
)
def test_the_settings_of_a_server_run_them(line, expected):
    files = {
        "manage.py": "",
        "shop/migrations/0001_initial.py": "",
        "docker/uwsgi.ini": f"[uwsgi]\n{line}\n",
        "Dockerfile": "FROM python\nCOPY . .\nCMD uwsgi docker/uwsgi.ini\n",
    }

    assert places(RULE, files) == expected


def test_nothing_runs_them():
    finding = found(RULE, ALEMBIC)[0]

    assert str(finding.place) == "api/alembic.ini:1"
    assert str(finding.severity) == "medium"
    assert finding.message == "nothing runs the Alembic migrations"


@pytest.mark.parametrize(
    "mention",
    [
        {"README.md": "Run `alembic upgrade head`.\n"},
        {"api/start.sh": '# alembic upgrade head\necho "run alembic upgrade head"\n'},
        {"tests/test_db.py": 'command.upgrade(cfg, "head")\n'},
        {"api/start.sh": "alembic revision --autogenerate\n"},
    ],
)
def test_what_only_speaks_of_them_runs_nothing(mention):
    assert places(RULE, ALEMBIC | mention) == ["api/alembic.ini:1"]


def test_by_hand_matters_less():
    files = ALEMBIC | {"Makefile": "migrate:\n\tcd api && alembic upgrade head\n"}

    finding = found(RULE, files)[0]

    assert str(finding.severity) == "low"
    assert [str(it.place) for it in finding.also] == ["Makefile:2"]


def test_one_of_two_services_is_left_out():
    other = {path.replace("api/", "jobs/"): text for path, text in ALEMBIC.items()}
    files = ALEMBIC | other | {"api/start.sh": "set -e\nalembic upgrade head\n"}

    assert places(RULE, files) == ["jobs/alembic.ini:1"]


@pytest.mark.parametrize(
    ("files", "runner", "place"),
    [
        (
            {"web/manage.py": "", "web/shop/migrations/0001_initial.py": ""},
            {"web/start.sh": "set -e\npython manage.py migrate --noinput\n"},
            "web/shop/migrations/0001_initial.py:1",
        ),
        (
            {"web/prisma/migrations/1_a/migration.sql": "", "web/package.json": "{}"},
            {"web/package.json": '{"scripts": {\n"start": "prisma migrate deploy && node a.js"}}'},
            "web/prisma/migrations/1_a/migration.sql:1",
        ),
        (
            {"web/knexfile.js": "", "web/migrations/1_a.js": ""},
            {"web/db.js": "await db.migrate.latest();\n"},
            "web/knexfile.js:1",
        ),
    ],
)
def test_other_tools(files, runner, place):
    files = {"web/Dockerfile": "FROM node\n"} | files

    assert places(RULE, files) == [place]
    assert places(RULE, files | runner) == []


def test_nothing_is_deployed_from_here():
    files = {path: text for path, text in ALEMBIC.items() if "Dockerfile" not in path}

    assert places(RULE, files) == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("api/start.sh", "set -e\nalembic upgrade head || true\nrun\n", ["api/start.sh:2"]),
        ("api/start.sh", "set -e\nalembic upgrade head\nrun\n", []),
        ("api/start.sh", "alembic upgrade head || exit 1\nrun\n", []),
        (
            "api/main.py",
            f"{IMPORT}try:\n    run_migrations()\nexcept Exception:\n    pass\n{UPGRADE}\n",
            ["api/main.py:4"],
        ),
        (
            "api/main.py",
            f'{IMPORT}try:\n    {UPGRADE}\nexcept Exception:\n    log("no")\n    raise\n',
            [],
        ),
        (
            "api/main.py",
            f"{IMPORT}try:\n    {UPGRADE}\nexcept Exception:\n    sys.exit(1)\n",
            [],
        ),
        (
            "api/main.py",
            f"{IMPORT}try:\n    {UPGRADE}\nexcept AlreadyThere:\n    pass\n",
            [],
        ),
        (
            "compose.yaml",
            'services:\n  api:\n    image: a\n    command: sh -c "alembic upgrade head || :; b"\n',
            ["compose.yaml:4"],
        ),
    ],
)
def test_a_failure_that_nobody_sees(path, text, expected):
    findings = found(RULE, ALEMBIC | {path: text})

    assert [str(it.place) for it in findings] == expected
    assert {str(it.severity) for it in findings} <= {"medium"}


def test_a_system_as_people_have_it():
    files = {
        "infra/docker-compose.yml": """\
            services:
              postgres:
                image: postgres:16
              fabric:
                build: ../apps/fabric
                environment:
                  - POSTGRES_URL=postgresql://postgres/app
                  - FABRIC_SKIP_MIGRATIONS=true
            """,
        "apps/fabric/Dockerfile": 'FROM python:3.11\nCOPY . .\nCMD ["uvicorn", "main:app"]\n',
        "apps/fabric/alembic.ini": "[alembic]\nscript_location = alembic\n",
        "apps/fabric/alembic/versions/0001_init.py": "def upgrade(): ...\n",
        "apps/fabric/main.py": """\
            import os
            from alembic import command as alembic_command

            def start():
                if os.getenv("FABRIC_SKIP_MIGRATIONS", "false").lower() != "true":
                    alembic_command.upgrade(config, "head")
            """,
        "LAUNCH.md": "- [x] migrations run at the start\n",
    }

    assert places(RULE, files) == ["infra/docker-compose.yml:8"]
