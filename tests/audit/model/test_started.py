"""What a container really runs, followed through scripts."""

from __future__ import annotations

import pytest

from pipelines.audit.model.containers.development import why_development
from pipelines.audit.model.shell import parse
from pipelines.audit.place import Place
from tests.audit.repository import Files, model

PACKAGE = '{"scripts": {"start": "npm run serve", "serve": "node server.js", "dev": "next dev"}}'


def runs(command: str, files: Files) -> list[str]:
    dockerfile = f"FROM node:20\nWORKDIR /app\nCOPY . .\n{command}\n"
    it = model({"Dockerfile": dockerfile, **files})
    return [" ".join(command.words) for command, _ in it.started(it.images[0])]


@pytest.mark.parametrize(
    ("command", "files", "last"),
    [
        ("CMD npm start", {"package.json": PACKAGE}, "node server.js"),
        ('CMD ["yarn", "dev"]', {"package.json": PACKAGE}, "next dev"),
        ("CMD npm --prefix web run dev", {"web/package.json": PACKAGE}, "next dev"),
        ("CMD cd web && npm run dev", {"web/package.json": PACKAGE}, "next dev"),
        ('CMD ["./run.sh"]', {"run.sh": "#!/bin/sh\nexec node a.js\n"}, "node a.js"),
        ("CMD sh run.sh", {"run.sh": "npm run dev\n", "package.json": PACKAGE}, "next dev"),
        (
            'ENTRYPOINT ["./run.sh"]\nCMD ["node", "b.js"]',
            {"run.sh": '#!/bin/sh\nmigrate\nexec "$@"\n'},
            "node b.js",
        ),
        ("CMD npm run nothing", {"package.json": PACKAGE}, "npm run nothing"),
        ("CMD npm run a", {"package.json": '{"scripts": {"a": "npm run a"}}'}, "npm run a"),
    ],
)
def test_the_last_command(command, files, last):
    assert runs(command, files)[-1] == last


def test_a_script_that_was_copied_to_a_bin_folder_is_found_by_its_name():
    it = model(
        {
            "Dockerfile": "FROM debian\nCOPY start.sh /usr/local/bin/start\nCMD start\n",
            "start.sh": "#!/bin/sh\nexec serve\n",
        }
    )
    (image,) = it.images
    commands = it.started(image)

    assert [(" ".join(it.words), [str(at) for at in via]) for it, via in commands] == [
        ("start", []),
        ("serve", ["start.sh:1"]),
    ]


def test_what_compose_mounts_is_followed_before_what_was_copied():
    it = model(
        {
            "compose.yaml": """\
                services:
                  web:
                    build: old
                    volumes: ["./new:/app"]
                    command: npm start
                """,
            "old/Dockerfile": "FROM node\nWORKDIR /app\nCOPY . .\n",
            "old/package.json": '{"scripts": {"start": "node old.js"}}',
            "new/package.json": '{"scripts": {"start": "node new.js"}}',
        }
    )
    image = it.image(it.projects[0].services["web"])

    assert [" ".join(command.words) for command, _ in it.started(image)][-1] == "node new.js"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("uvicorn main:app --reload", "`--reload`"),
        ("gunicorn --reload app", "`--reload`"),
        ("poetry run uvicorn main:app --reload", "`--reload`"),
        ("fastapi dev main.py", "`fastapi dev`"),
        ("python manage.py runserver 0.0.0.0:8000", "`runserver`"),
        ("./manage.py runserver", "`runserver`"),
        ("flask --app a run", "`flask run`"),
        ("python -m flask run", "`flask run`"),
        ("npm run dev", "`npm run dev`"),
        ("yarn dev", "`yarn dev`"),
        ("pnpm start:dev", "`pnpm start:dev`"),
        ("npx vite --host", "`vite`"),
        ("next dev", "`next dev`"),
        ("npx nodemon a.js", "`nodemon`"),
        ("ng serve", "`ng serve`"),
        ("php artisan serve", "`php artisan serve`"),
        ("node --watch a.js", "`node --watch`"),
        ("uvicorn main:app", ""),
        ("fastapi run main.py", ""),
        ("python manage.py migrate", ""),
        ("npm run start:prod", ""),
        ("npm start", ""),
        ("vite build", ""),
        ("vite preview", ""),
        ("next start", ""),
        ("node server.js", ""),
        ("react-scripts build", ""),
        ("npm run devices", ""),
    ],
)
def test_what_makes_a_command_one_for_development(command, why):
    assert why_development(parse(command, Place("a")).commands[0]) == why
