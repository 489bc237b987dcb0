"""Compose projects: what is merged into a service, and where each part stands."""

from __future__ import annotations

import time

import pytest

from pipelines.audit.model.compose import Project, Service, each
from tests.audit.repository import Files, model


def project(files: Files) -> Project:
    (only,) = model(files).projects
    return only


def service(lines: str, **others: str) -> Service:
    """One service called `web`, of these lines below its name."""
    text = "services:\n  web:\n" + "".join(f"    {line}\n" for line in lines.splitlines())
    return project({"compose.yaml": text, **others}).services["web"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("8000", ("", "", "8000", False)),
        ("'8000:80'", ("", "8000", "80", False)),
        ("127.0.0.1:8000:80", ("127.0.0.1", "8000", "80", True)),
        ("'[::1]:8000:80/tcp'", ("::1", "8000", "80", True)),
        ("localhost:8000:80", ("localhost", "8000", "80", True)),
        ("127.0.0.1::80", ("127.0.0.1", "", "80", True)),
        ("0.0.0.0:8000:80", ("", "8000", "80", False)),
        ("9000-9001:8000-8001/udp", ("", "9000-9001", "8000-8001", False)),
        ("'${BIND:-127.0.0.1}:${PORT:-8000}:80'", ("127.0.0.1", "8000", "80", True)),
        ("'${PORT}:80'", ("", "", "80", False)),
        ("{target: 80, published: 8000, host_ip: 127.0.0.1}", ("127.0.0.1", "8000", "80", True)),
        ("{target: 80, published: 8000, mode: host}", ("", "8000", "80", False)),
    ],
)
def test_a_port_in_every_form(written: str, expected: tuple[str, str, str, bool]) -> None:
    (port,) = service(f"image: a\nports:\n  - {written}").ports

    assert (port.host, port.published, port.target, port.is_local) == expected
    assert (port.is_known, str(port.place)) == (True, "compose.yaml:5")


def test_of_an_interface_in_a_variable_nothing_is_known() -> None:
    (port,) = service("image: a\nports: ['${BIND}:8000:80']").ports

    assert (port.host, port.is_known) == ("", False)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("./src:/app", ("bind", "./src", "/app", "deploy/src", False)),
        ("../src:/app:ro,z", ("bind", "../src", "/app", "src", True)),
        ("../../src:/app", ("bind", "../../src", "/app", None, False)),
        ("'${SRC:-./src}:/app'", ("bind", "./src", "/app", "deploy/src", False)),
        ("'${PWD}/src:/app'", ("bind", "./src", "/app", "deploy/src", False)),
        ("'${DATA}:/data'", ("bind", "", "/data", None, False)),
        ("/var/run/docker.sock:/x", ("bind", "/var/run/docker.sock", "/x", None, False)),
        (r"C:\src:/app", ("bind", r"C:\src", "/app", "deploy/C:\\src", False)),
        ("data:/data", ("volume", "data", "/data", None, False)),
        ("/data", ("volume", "", "/data", None, False)),
        (
            "{type: bind, source: ./src, target: /app, read_only: true}",
            ("bind", "./src", "/app", "deploy/src", True),
        ),
        ("{type: tmpfs, target: /tmp}", ("tmpfs", "", "/tmp", None, False)),
    ],
)
def test_a_mount_in_every_form(written: str, expected: tuple[object, ...]) -> None:
    text = f"services:\n  web:\n    image: a\n    volumes:\n      - {written}\n"

    (mount,) = project({"deploy/compose.yaml": text}).services["web"].mounts

    assert (mount.kind, mount.source, mount.target, mount.path, mount.is_read_only) == expected
    assert str(mount.place) == "deploy/compose.yaml:5"


@pytest.mark.parametrize(
    ("written", "context", "dockerfile"),
    [
        ("build: .", "", "Dockerfile"),
        ("build: ./api", "api", "api/Dockerfile"),
        (
            "build: {context: api, dockerfile: ../docker/api.Dockerfile}",
            "api",
            "docker/api.Dockerfile",
        ),
        ("build: {dockerfile: Dockerfile.api}", "", "Dockerfile.api"),
        ("build: ../outside", None, None),
    ],
)
def test_a_build_is_relative_to_the_root(
    written: str, context: str | None, dockerfile: str | None
) -> None:
    build = service(written).build

    assert build is not None
    assert (build.context, build.dockerfile, build.is_unknown) == (context, dockerfile, False)


@pytest.mark.parametrize(
    "written",
    [
        "build: https://example.org/a.git",
        "build: {context: '${SOURCE}'}",
        "build: {context: ., dockerfile: '${FILE:?which}'}",
    ],
)
def test_a_build_from_elsewhere_is_unknown(written: str) -> None:
    build = service(written).build

    assert build is not None
    assert (build.context, build.dockerfile, build.is_unknown) == (None, None, True)


def test_a_build_with_all_its_keys() -> None:
    build = service(
        "build:\n  context: .\n  dockerfile: a/Dockerfile\n  target: ${TARGET:-prod}\n"
        "  args:\n    - MODE=${MODE:-fast}\n  additional_contexts: [libs=../x, shared=./shared]"
    ).build

    assert build is not None
    assert (build.target, build.arguments) == ("prod", {"MODE": "fast"})
    assert build.contexts == {"libs": None, "shared": "shared"}
    assert (str(build.place), str(build.dockerfile_place)) == ("compose.yaml:3", "compose.yaml:5")
    assert str(build.target_place) == "compose.yaml:6"


@pytest.mark.parametrize(
    ("written", "words", "is_list"),
    [
        ("python -m api --port 80", ("python", "-m", "api", "--port", "80"), False),
        ("sh -c 'a && b'", ("sh", "-c", "a && b"), False),
        ('["python", "${M:-api.py}"]', ("python", "api.py"), True),
        ("[]", (), True),
        ("it's", ("it's",), False),
    ],
)
def test_a_command_is_split_without_a_shell(
    written: str, words: tuple[str, ...], is_list: bool
) -> None:
    command = service(f"image: a\ncommand: {written}").command

    assert command is not None
    assert (command.words, command.is_list, command.is_shell) == (words, is_list, False)


def test_a_command_keeps_what_only_a_shell_would_understand() -> None:
    command = service(
        'image: a\ncommand: serve $( [ "${R:-no}" = "yes" ] && echo --reload )'
    ).command

    assert command is not None
    assert command.text == 'serve $( [ "no" = "yes" ] && echo --reload )'
    assert command.words[:3] == ("serve", "$(", "[")


@pytest.mark.parametrize(
    ("written", "words", "is_shell"),
    [
        ("curl -f http://localhost || exit 1", ("curl -f http://localhost || exit 1",), True),
        ('["CMD-SHELL", "curl localhost"]', ("curl localhost",), True),
        ('["CMD", "redis-cli", "ping"]', ("redis-cli", "ping"), False),
    ],
)
def test_a_health_check_in_every_form(written: str, words: tuple[str, ...], is_shell: bool) -> None:
    health = service(f"image: a\nhealthcheck:\n  interval: 5s\n  test: {written}").health

    assert health is not None
    assert health.test is not None
    assert (health.test.words, health.test.is_shell) == (words, is_shell)
    assert (str(health.place), str(health.test.place)) == ("compose.yaml:4", "compose.yaml:6")


@pytest.mark.parametrize("written", ["{disable: true}", '{test: ["NONE"]}', "{test: NONE}"])
def test_a_health_check_that_is_off(written: str) -> None:
    health = service(f"image: a\nhealthcheck: {written}").health

    assert health is not None
    assert (health.is_off, health.test) == (True, None)


def test_dependencies_in_both_forms() -> None:
    short = service("image: a\ndepends_on:\n  - db").depends_on
    long = service("image: a\ndepends_on:\n  db:\n    condition: service_healthy").depends_on

    assert [(it.name, it.condition, str(it.place)) for it in short + long] == [
        ("db", "service_started", "compose.yaml:5"),
        ("db", "service_healthy", "compose.yaml:5"),
    ]


def test_variables_come_from_files_and_from_the_service_itself() -> None:
    found = service(
        "image: a\nenv_file: [web.env, gone.env]\nenvironment:\n"
        "  - A=${A:-own}\n  - PASSED\n  - EMPTY=",
        **{"web.env": "# first\n\nA=file\nB='two'\n", ".env": "PASSED=through\n"},
    ).environment

    assert {name: (it.raw, it.text, str(it.place)) for name, it in found.items()} == {
        "A": ("${A:-own}", "own", "compose.yaml:6"),
        "B": ("two", "two", "web.env:4"),
        "PASSED": (None, "through", "compose.yaml:7"),
        "EMPTY": ("", "", "compose.yaml:8"),
    }


def test_the_env_file_beside_the_project_gives_its_variables() -> None:
    assert service("image: a:${TAG}", **{".env": "TAG=1.2\n"}).image == "a:1.2"
    assert service("image: a:${TAG}", **{"other/.env": "TAG=1.2\n"}).image == "a:"


OVERRIDDEN = {
    "compose.yaml": """\
        services:
          web:
            image: shop/web:1
            command: serve
            environment:
              - A=1
              - B=2
            ports: ["80:80"]
            volumes: [".:/app", "data:/data"]
            env_file: one.env
            dns: [1.1.1.1]
            depends_on: [db]
            deploy:
              resources:
                limits: {memory: 1g}
          db:
            image: postgres:16
        volumes:
          data:
        """,
    "compose.override.yaml": """\
        services:
          web:
            command: serve --reload
            environment:
              B: "3"
            ports: ["443:443"]
            volumes: ["./src:/app"]
            env_file: [two.env]
            dns: 9.9.9.9
            depends_on:
              cache: {condition: service_healthy}
            deploy:
              resources:
                limits: {cpus: "1"}
          cache:
            image: redis:7
        """,
}


def test_an_override_is_merged_by_composes_rules() -> None:
    base = project(OVERRIDDEN)
    (override,) = base.overrides

    web = override.services["web"]

    assert (override.file, override.base) == ("compose.override.yaml", "compose.yaml")
    assert (override.own, override.is_development) == ({"web", "cache"}, True)
    assert base.services["web"].command != web.command
    assert web.command is not None
    assert (web.command.text, str(web.command.place)) == (
        "serve --reload",
        "compose.override.yaml:3",
    )
    assert (web.image, str(web.place)) == ("shop/web:1", "compose.yaml:2")
    assert {name: it.text for name, it in web.environment.items()} == {"A": "1", "B": "3"}
    assert [it.target for it in web.ports] == ["80", "443"]
    assert [(it.source, it.target) for it in web.mounts] == [("./src", "/app"), ("data", "/data")]
    assert [it.name for it in web.depends_on] == ["db", "cache"]
    assert web.node["env_file"].texts == ["one.env", "two.env"]
    assert web.node["dns"].texts == ["1.1.1.1", "9.9.9.9"]
    limits = web.node.get("deploy", "resources", "limits")
    assert {key: node.text for key, node in limits.fields.items()} == {"memory": "1g", "cpus": "1"}


def test_reset_and_override_replace() -> None:
    files = {
        "docker-compose.yml": """\
            services:
              web:
                image: a
                ports: ["80:80"]
                restart: always
                environment: {A: "1"}
            """,
        "docker-compose.prod.yml": """\
            services:
              web:
                ports: !override ["127.0.0.1:80:80"]
                restart: !reset null
                environment: !reset {}
            """,
    }

    (override,) = project(files).overrides
    web = override.services["web"]

    assert ([it.host for it in web.ports], web.restart, web.environment) == (["127.0.0.1"], "", {})
    assert not override.is_development


def test_a_file_that_needs_services_of_another_changes_it() -> None:
    files = {
        "docker/compose.yml": "services:\n  db:\n    image: postgres\n",
        "docker/compose.jobs.yml": "services:\n  job:\n    image: a\n    depends_on: [db]\n",
        "docker/compose.other.yml": "services:\n  other:\n    image: a\n",
    }

    found = model(files).projects

    assert [(it.file, [over.file for over in it.overrides]) for it in found] == [
        ("docker/compose.other.yml", []),
        ("docker/compose.yml", ["docker/compose.jobs.yml"]),
    ]
    assert [(one.file, it.name) for one, it in each(found)] == [
        ("docker/compose.other.yml", "other"),
        ("docker/compose.yml", "db"),
        ("docker/compose.jobs.yml", "job"),
    ]


def test_extends_takes_from_the_same_and_from_other_files() -> None:
    files = {
        "compose.yaml": """\
            services:
              api:
                extends: {file: common/services.yaml, service: python}
                ports: ["80:80"]
              worker:
                extends: api
                command: work
            """,
        "common/services.yaml": """\
            services:
              python:
                build: ./image
                restart: always
                environment: [A=1]
            """,
    }

    worker = project(files).services["worker"]

    assert worker.build is not None
    assert worker.build.dockerfile == "common/image/Dockerfile"
    assert str(worker.build.place) == "common/services.yaml:3"
    assert (worker.restart, str(worker.place)) == ("always", "compose.yaml:5")
    assert str(worker.environment["A"].place) == "common/services.yaml:5"
    assert [it.target for it in worker.ports] == ["80"]


def test_an_extended_template_is_no_project_of_its_own() -> None:
    files = {
        "compose.yaml": "services:\n  a:\n    extends: {file: compose.base.yaml, service: b}\n",
        "compose.base.yaml": "services:\n  b:\n    image: x\n",
    }

    assert [it.file for it in model(files).projects] == ["compose.yaml"]


@pytest.mark.parametrize(
    "included", ["[db/compose.yaml]", "[{path: [db/compose.yaml]}]", "[./db/../db/compose.yaml]"]
)
def test_include_brings_in_another_project(included: str) -> None:
    files = {
        "compose.yaml": f"include: {included}\nservices:\n  web:\n    build: .\n",
        "db/compose.yaml": "services:\n  db:\n    build: ./pg\nvolumes:\n  data:\n",
    }

    found = project(files)

    assert list(found.services) == ["db", "web"]
    build = found.services["db"].build
    assert build is not None
    assert build.context == "db/pg"
    assert list(found.volumes) == ["data"]


def test_anchors_and_merge_keys_keep_their_places() -> None:
    files = {
        "compose.yaml": """\
            x-common: &common
              restart: always
              environment: &env
                A: "1"
            services:
              web:
                <<: *common
                image: a
                environment:
                  <<: *env
                  B: "2"
            """
    }

    web = project(files).services["web"]

    assert web.restart == "always"
    assert {name: str(it.place) for name, it in web.environment.items()} == {
        "A": "compose.yaml:4",
        "B": "compose.yaml:11",
    }


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("docker-compose.yml", True),
        ("deploy/docker-compose.prod.yaml", True),
        ("docker-stack.yml", True),
        ("stack.yml", True),
        ("services.yml", False),
        ("tests/compose.yaml", False),
        ("docs/compose.yaml", False),
        ("{{cookiecutter.name}}/compose.yaml", False),
    ],
)
def test_a_compose_file_is_told_by_its_name(path: str, is_one: bool) -> None:
    found = model({path: "services:\n  a:\n    image: b\n"}).projects

    assert bool(found) == is_one


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  a:\n    extends: a\n    image: x\n",
        "services:\n  a:\n    extends: b\n    image: x\n  b:\n    extends: a\n",
        "include: [compose.yaml]\nservices:\n  a:\n    image: x\n",
        "services:\n  a:\n    image: x\n    extends: {file: /etc/passwd, service: a}\n",
        "services:\n  a:\n    image: x\n    extends: {file: ../../x.yaml, service: a}\n",
    ],
)
def test_circles_and_ways_out_are_not_followed(text: str) -> None:
    assert project({"compose.yaml": text}).services["a"].image == "x"


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  a: [\n",
        "services: 5\n",
        "services:\n  a:\n  b: text\n  c: [1]\n",
        "services:\n  a: {image: [x], build: [], ports: {a: b}, volumes: x, command: {a: b}}\n",
        "services:\n  a: {depends_on: 5, environment: 7, env_file: {a: b}, healthcheck: [x]}\n",
        "services:\n  a: {healthcheck: {test: []}, deploy: 5, extends: {service: [x]}}\n",
        "services:\n  a: {healthcheck: {test: [CMD-SHELL]}, build: {args: [a, b=c], context: 5}}\n",
        "- services\n",
    ],
)
def test_nonsense_is_no_error(text: str) -> None:
    found = model({"compose.yaml": text, "compose.override.yaml": text})

    assert found.projects is not None
    assert found.unread is not None


def test_broken_yaml_is_said_with_its_line() -> None:
    found = model({"compose.yaml": "services:\n  a: {\n"})

    assert found.projects == ()
    assert [str(it.place) for it in found.unread] == ["compose.yaml:3"]


@pytest.mark.parametrize("width", [3, 100])
def test_values_that_unfold_into_billions_take_no_time(width: int) -> None:
    layers = "".join(
        f"x-{n}: &a{n}\n" + "".join(f"  k{key}: *a{n - 1}\n" for key in range(width))
        for n in range(1, 40)
    )
    text = f"x-0: &a0 {{z: z}}\n{layers}services:\n  a:\n    image: x\n    deploy: *a39\n"
    start = time.process_time()

    found = project({"compose.yaml": text, "compose.override.yaml": text})

    assert found.overrides
    assert time.process_time() - start < 2
