"""SEC006: debugging that is on in what the image runs."""

from __future__ import annotations

import pytest

from tests.audit.repository import Files, found, places

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
MAIN = 'if __name__ == "__main__":\n    '


def service(main: str, command: str = "python main.py", **more: str) -> Files:
    return {
        "Dockerfile": f"FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD {command}\n",
        "main.py": main,
        **{f"{name}.py": text for name, text in more.items()},
    }


@pytest.mark.parametrize(
    ("main", "line"),
    [
        (FLASK + MAIN + "app.run(debug=True)\n", 4),
        (FLASK + MAIN + "app.run(\n        host='0.0.0.0',\n        debug=True,\n    )\n", 6),
        (FLASK + "app.run(debug=True)\n", 3),
        (FLASK + "app.debug = True\n", 3),
        (FLASK + 'app.config["DEBUG"] = True\n', 3),
        (FLASK + MAIN + 'app.run(debug=os.getenv("DEBUG", "true") == "true")\n', 4),
        (FLASK + MAIN + 'app.run(debug=os.getenv("DEBUG", "1") in ("1", "true"))\n', 4),
        (FLASK + 'D = os.environ.get("DEBUG", "yes")\n' + MAIN + "app.run(debug=D)\n", 5),
        ("from fastapi import FastAPI\napp = FastAPI(debug=True)\n", 2),
        ("import uvicorn\n" + MAIN + 'uvicorn.run("main:app", reload=True)\n', 3),
        ("import uvicorn\ndef main():\n    uvicorn.run('main:app', reload=True)\n", 3),
    ],
)
def test_debugging_that_is_on(main: str, line: int) -> None:
    assert places("SEC006", service(main)) == [f"main.py:{line}"]


@pytest.mark.parametrize(
    "main",
    [
        FLASK + MAIN + "app.run()\n",
        FLASK + MAIN + "app.run(debug=False)\n",
        FLASK + MAIN + 'app.run(debug=os.getenv("DEBUG") == "true")\n',
        FLASK + MAIN + 'app.run(debug=os.getenv("DEBUG", "false") == "true")\n',
        FLASK + MAIN + 'app.run(debug=bool(os.getenv("DEBUG", "")))\n',
        FLASK + MAIN + "app.run(debug=settings.debug)\n",
        "logger.debug('x', debug=True)\n",
        "class DevSettings(BaseSettings):\n    debug: bool = True\n",
    ],
)
def test_debugging_that_is_off_or_something_else(main: str) -> None:
    assert found("SEC006", service(main)) == []


def test_behind_main_when_the_image_runs_another_entry() -> None:
    main = FLASK + MAIN + "app.run(debug=True)\n"

    assert found("SEC006", service(main, "gunicorn main:app")) == []
    assert found("SEC006", service("import other\n", "python main.py", other=main)) == []
    assert places("SEC006", service(main, "python -m main")) == ["main.py:4"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("DEBUG = True\n", ["shop/settings.py:1"]),
        ("DEBUG = env.bool('DEBUG', True)\n", ["shop/settings.py:1"]),
        ("DEBUG = config('DEBUG', default=True, cast=bool)\n", ["shop/settings.py:1"]),
        ("DEBUG = False\n", []),
        ("DEBUG = os.environ.get('DEBUG', '0') == '1'\n", []),
    ],
)
def test_the_settings_of_django(settings: str, expected: list[str]) -> None:
    wsgi = (
        "import os\nfrom django.core.wsgi import get_wsgi_application\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
        "application = get_wsgi_application()\n"
    )
    files = {
        **service("", "gunicorn shop.wsgi"),
        "shop/wsgi.py": wsgi,
        "shop/settings.py": settings,
        "shop/development.py": "DEBUG = True\n",
        "shop/__init__.py": "",
    }

    assert places("SEC006", files) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("false", []), ("0", []), ("true", ["settings.py:3"])]
)
def test_compose_turns_it_off(value: str, expected: list[str]) -> None:
    settings = "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n"
    compose = f"services:\n  a:\n    build: .\n    environment:\n      APP_DEBUG: '{value}'\n"
    files = service("import settings\n", settings=settings + "    debug: bool = True\n")

    assert places("SEC006", {**files, "compose.yaml": compose}) == expected


def test_a_system_of_two_services() -> None:
    compose = """\
        services:
          vote:
            build: vote
          worker:
            build: worker
            command: gunicorn app:app
    """
    app = FLASK + MAIN + "app.run(host='0.0.0.0', port=80, debug=True)\n"
    dockerfile = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD ['python', 'app.py']\n".replace(
        "'", '"'
    )
    files = {
        "compose.yaml": compose,
        "vote/Dockerfile": dockerfile,
        "vote/app.py": app,
        "worker/Dockerfile": dockerfile,
        "worker/app.py": app,
    }

    (it,) = found("SEC006", files)

    assert (str(it.place), it.service) == ("vote/app.py:4", "vote")
