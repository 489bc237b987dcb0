"""What a container starts, and who starts it."""

from __future__ import annotations

import pytest

from tests.audit.repository import found, places

NODE = '{"scripts": {"dev": "next dev", "start": "node server.js", "serve": "npm run dev"}}'


def image(*lines: str, **files: str) -> dict[str, str]:
    return {"Dockerfile": "\n".join(("FROM node:20", "COPY . .", *lines, "")), **files}


@pytest.mark.parametrize(
    ("lines", "at"),
    [
        (['CMD ["uvicorn", "main:app", "--reload"]'], 3),
        (["CMD uvicorn main:app --reload"], 3),
        (['CMD ["sh", "-c", "migrate && uvicorn main:app --reload"]'], 3),
        (["CMD python manage.py runserver 0.0.0.0:8000"], 3),
        (["CMD flask run"], 3),
        (['CMD ["npm", "run", "dev"]'], 3),
        (['CMD ["npm", "run", "serve"]'], 3),
        (['ENTRYPOINT ["./run.sh"]'], 3),
        (['ENTRYPOINT ["./pass.sh"]', 'CMD ["npx", "nodemon", "a.js"]'], 4),
        (["FROM x AS prod", "CMD serve", "FROM y AS last", "CMD vite"], 6),
    ],
)
def test_an_image_that_starts_a_development_server(lines, at):
    scripts = {
        "package.json": NODE,
        "run.sh": "#!/bin/sh\nexec npm run dev\n",
        "pass.sh": '#!/bin/sh\nexec "$@"\n',
    }

    assert places("SEC004", {**image(*lines), **scripts}) == [f"Dockerfile:{at}"]


@pytest.mark.parametrize(
    "lines",
    [
        ['CMD ["uvicorn", "main:app"]'],
        ['CMD ["npm", "start"]'],
        ["CMD gunicorn app"],
        ["CMD vite preview"],
        ["RUN npm run dev", "CMD serve"],
        ["CMD npm run dev", "FROM x", "CMD serve"],
        ["CMD npm run dev", "CMD serve"],
    ],
)
def test_an_image_that_starts_a_server(lines):
    assert found("SEC004", image(*lines, **{"package.json": NODE})) == []


COMPOSE = """\
    services:
      web:
        build: {{context: ., target: {target}}}
        {more}
    """


def test_a_development_stage_is_none_when_it_is_no_target():
    files = image("FROM x AS prod", "CMD serve", "FROM x AS dev", "CMD npm run dev")

    assert found("SEC004", {**files, "compose.yaml": COMPOSE.format(target="prod", more="")}) == []
    assert found("SEC004", {**files, "compose.yaml": COMPOSE.format(target="dev", more="")}) == []


@pytest.mark.parametrize(
    ("command", "severity"),
    [
        ("command: uvicorn main:app", "low"),
        ("command: uvicorn main:app --reload --workers 1", "high"),
        ("restart: always", "high"),
    ],
)
def test_it_matters_less_when_every_service_replaces_the_command(command, severity):
    files = {
        **image("FROM x AS prod", "CMD uvicorn main:app --reload"),
        "compose.yaml": COMPOSE.format(target="prod", more=command),
    }
    (finding,) = found("SEC004", files)

    assert str(finding.severity) == severity


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["CMD serve --port 80"], "a shell starts `serve --port 80`"),
        (["ENTRYPOINT serve"], "a shell starts `serve`"),
        (['CMD ["sh", "-c", "migrate && serve"]'], "a shell starts `serve`"),
        (['CMD ["npm", "start"]'], "`npm start` is the first process"),
        (['ENTRYPOINT ["./run.sh"]'], "run.sh starts `serve` without `exec`"),
    ],
)
def test_a_signal_that_does_not_arrive(lines, reason):
    (finding,) = found("REL011", image(*lines, **{"run.sh": "#!/bin/sh\nserve\n"}))

    assert str(finding.place) == "Dockerfile:3"
    assert str(finding.severity) == "low"
    assert reason in finding.message


@pytest.mark.parametrize(
    "lines",
    [
        ['CMD ["serve"]'],
        ["CMD exec serve"],
        ['CMD ["sh", "-c", "migrate && exec serve"]'],
        ['ENTRYPOINT ["tini", "--"]', 'CMD ["npm", "start"]'],
        ['ENTRYPOINT ["/usr/bin/dumb-init", "--"]', "CMD serve"],
        ['CMD ["node", "server.js"]'],
        ['ENTRYPOINT ["./run.sh"]'],
    ],
)
def test_a_signal_that_arrives(lines):
    assert found("REL011", image(*lines, **{"run.sh": "#!/bin/sh\nexec serve\n"})) == []


@pytest.mark.parametrize(
    ("service", "line"),
    [
        ("command: npm start", 4),
        ("command: sh -c 'migrate && serve'", 4),
        ("command: serve", None),
        ("command: npm start\n        init: true", None),
        ("command: sh -c 'migrate && exec serve'", None),
        ("command: sh -c 'migrate'\n        restart: 'no'", None),
    ],
)
def test_signals_to_what_compose_starts(service, line):
    compose = f"""\
    services:
      web:
        image: node:20
        {service}
    """

    assert places("REL011", {"compose.yaml": compose}) == ([f"compose.yaml:{line}"] if line else [])


@pytest.mark.parametrize(
    "said",
    [
        'command: uvicorn main:app $( [ "$${RELOAD:-0}" = 1 ] && echo --reload )',
        "command: migrate && serve",
        "command: serve || true",
        "command: serve > /var/log/serve",
        "command: serve 2>&1",
        "command: serve | tee log",
        "command: serve ; date",
        "command: [serve, '&&', date]",
        "command: ['migrate && serve']",
        "entrypoint: migrate && serve",
        "entrypoint: sh -c\n        command: migrate && serve",
        "command: bash -c migrate && serve",
        "healthcheck: {test: [CMD, curl, -f, x, '||', exit, '1']}",
        "healthcheck: {test: [CMD, 'curl -f x || exit 1']}",
    ],
)
def test_the_language_of_a_shell_where_there_is_none(said):
    compose = f"""\
    services:
      web:
        image: x
        {said}
    """
    line = 5 if "\n" in said else 4

    assert places("REL012", {"compose.yaml": compose}) == [f"compose.yaml:{line}"]


@pytest.mark.parametrize(
    "said",
    [
        "command: sh -c 'migrate && serve'",
        "command: [sh, -c, 'migrate && serve > log']",
        'command: /bin/bash -lc "migrate || true"',
        "command: env A=1 sh -c 'a | b'",
        "entrypoint: [sh, -c]\n        command: ['a && b']",
        "entrypoint: [sh, -c, 'a && b']",
        "command: serve --title 'a > b'",
        "command: ['redis-server', '--save', '60 1', '--appendonly', 'yes']",
        "command: serve --pattern '^(a|b)$$'",
        "healthcheck: {test: [CMD-SHELL, 'curl -f x || exit 1']}",
        "healthcheck: {test: 'curl -f x || exit 1'}",
    ],
)
def test_a_shell_that_is_said(said):
    compose = f"""\
    services:
      web:
        image: x
        {said}
    """

    assert found("REL012", {"compose.yaml": compose}) == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ('CMD ["migrate", "&&", "serve"]', True),
        ('ENTRYPOINT ["serve", ">", "/log"]', True),
        ('CMD ["serve", "--port", "$PORT"]', True),
        ('CMD ["serve", "--bind=0.0.0.0:${PORT:-80}"]', True),
        ('HEALTHCHECK CMD ["curl", "x", "||", "exit", "1"]', True),
        ("CMD migrate && serve --port $PORT", False),
        ('CMD ["sh", "-c", "migrate && serve --port $PORT"]', False),
        ('CMD ["nginx", "-g", "daemon off;"]', False),
        ('CMD ["awk", "{print $1}"]', False),
    ],
)
def test_arrays_of_a_dockerfile(line, is_found):
    assert places("REL012", {"Dockerfile": f"FROM x\n{line}\n"}) == ["Dockerfile:2"] * is_found


def test_an_entry_point_that_evaluates_its_words():
    files = {
        "Dockerfile": 'FROM x\nCOPY run.sh /\nENTRYPOINT ["/run.sh"]\n',
        "run.sh": '#!/bin/sh\neval "$@"\n',
        "compose.yaml": "services: {web: {build: ., command: a && b}}\n",
    }

    assert found("REL012", files) == []


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ("args: [serve, '&&', date]", ["a.yaml:9"]),
        ("args: ['--ip=$(POD_IP)', $(NAME)]", []),
        ("args: ['a && b']\n              command: [sh, -c]", []),
    ],
)
def test_kubernetes(arguments, lines):
    manifest = f"""\
    apiVersion: v1
    kind: Pod
    metadata:
      name: a
    spec:
      containers:
            - name: a
              image: x
              {arguments}
    """

    assert places("REL012", {"a.yaml": manifest}) == lines


def test_a_stack_like_those_that_people_launch():
    compose = """\
        services:
          tracker:
            build: ./tracker
            command: uvicorn main:app $( [ "${RELOAD:-false}" = "true" ] && echo "--reload" )
          console:
            build: ./console
            command: npm run dev
        """
    files = {
        "compose.yaml": compose,
        "tracker/Dockerfile": """\
            FROM python:3.11-slim
            WORKDIR /app
            COPY . .
            CMD ["uvicorn", "main:app", "--reload"]
            """,
        "tracker/main.py": "",
        "console/Dockerfile": """\
            FROM node:20-alpine
            WORKDIR /app
            COPY . .
            CMD ["node", "server.js"]
            """,
        "console/package.json": NODE,
    }

    assert places("REL012", files) == ["compose.yaml:4"]
    assert places("SEC004", files) == ["tracker/Dockerfile:4"]
    assert places("REL011", files) == ["compose.yaml:7"]
