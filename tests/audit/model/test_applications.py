"""What images start that is Python, and what that imports."""

from __future__ import annotations

from tests.audit.repository import model

DOCKERFILE = """\
    FROM python:3.12-slim
    WORKDIR /app
    COPY . .
    CMD ["uvicorn", "main:app"]
"""


def test_an_application_knows_its_folders() -> None:
    it = model({"api/Dockerfile": DOCKERFILE, "api/main.py": "app = 1"})

    (application,) = it.applications

    assert (application.module, application.attribute) == ("api/main.py", "app")
    assert application.path == ("api",)
    assert application.folders == ("/app",)


def test_a_package_below_the_working_folder() -> None:
    dockerfile = """\
        FROM python:3.12-slim
        WORKDIR /code
        COPY ./app /code/app
        CMD ["fastapi", "run", "app/main.py"]
    """
    files = {"Dockerfile": dockerfile, "app/__init__.py": "", "app/main.py": "from app import x"}
    it = model({**files, "app/x.py": ""})

    (application,) = it.applications

    assert application.module == "app/main.py"
    assert application.path == ("",)
    assert sorted(it.modules(application)) == ["app/__init__.py", "app/main.py", "app/x.py"]


def test_a_module_of_the_repository_that_the_image_lacks() -> None:
    main = """\
        import sys
        from pathlib import Path
        sys.path.insert(0, str(Path(__file__).parent.parent))
        import shared_metrics
    """
    files = {"apps/api/Dockerfile": DOCKERFILE, "apps/api/main.py": main}
    it = model({**files, "apps/shared_metrics.py": ""})

    (application,) = it.applications
    ((imported, file),) = it.outside(application)

    assert (str(imported.place), file) == ("apps/api/main.py:4", "apps/shared_metrics.py")


def test_a_module_that_is_mounted_is_not_lacked() -> None:
    main = "import sys\nsys.path.insert(0, '/shared')\nimport shared_metrics\n"
    compose = "services:\n  api:\n    build: apps/api\n    volumes: ['./apps:/shared']\n"
    files = {"apps/api/Dockerfile": DOCKERFILE, "apps/api/main.py": main, "compose.yaml": compose}
    it = model({**files, "apps/shared_metrics.py": ""})

    (application,) = it.applications

    assert it.outside(application) == ()
    assert "apps/shared_metrics.py" in it.modules(application)


def test_a_program_hands_an_application_to_a_server() -> None:
    main = 'import uvicorn\ndef run():\n    uvicorn.run("pkg.web:app")\n'
    dockerfile = DOCKERFILE.replace('"uvicorn", "main:app"', '"python", "-m", "pkg"')
    files = {
        "Dockerfile": dockerfile,
        "pkg/__main__.py": main,
        "pkg/web.py": "",
        "pkg/__init__.py": "",
    }
    it = model(files)

    (application,) = it.applications

    assert application.module == "pkg/__main__.py"
    assert "pkg/web.py" in it.modules(application)


def test_an_override_starts_something_else() -> None:
    compose = """\
        services:
          a:
            build: .
          b:
            build: .
            command: python worker.py
    """
    files = {"Dockerfile": DOCKERFILE, "main.py": "", "worker.py": "", "compose.yaml": compose}

    assert [(it.service, it.module) for it in model(files).applications] == [
        ("a", "main.py"),
        ("b", "worker.py"),
    ]


def test_a_module_that_is_in_the_image_where_python_does_not_look() -> None:
    dockerfile = """\
        FROM python:3.12-slim
        WORKDIR /app
        COPY packages/agent ./agent
        COPY packages ./packages
        CMD ["python", "agent/agent.py"]
    """
    files = {
        "packages/agent/Dockerfile.agent": dockerfile,
        "packages/agent/agent.py": "from packages.agent.model import Model\n",
        "packages/agent/model.py": "",
        "compose.yaml": (
            "services:\n  a:\n    build:\n      context: .\n"
            "      dockerfile: packages/agent/Dockerfile.agent\n"
        ),
    }
    it = model(files)

    (application,) = it.applications
    ((imported, file),) = it.imports(application).astray

    assert (imported.module, file) == ("packages.agent.model", "packages/agent/model.py")
