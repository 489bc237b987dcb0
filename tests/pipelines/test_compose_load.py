"""What a good Compose file means."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from pipelines import compose
from pipelines.compose.model import (
    Condition,
    Dependency,
    Healthcheck,
    Mount,
    Port,
    Project,
    Restart,
    RestartPolicy,
    Secret,
    SecretGrant,
    Service,
)


def load(folder: Path, text: str, **environ: str) -> Project:
    (folder / "compose.yaml").write_text(textwrap.dedent(text))
    return compose.load(folder / "compose.yaml", environ=environ)


@pytest.fixture
def api(tmp_path: Path) -> Any:
    """The service that some lines make, beside a second one called `db`."""

    def make(lines: str, **environ: str) -> Service:
        body = textwrap.indent(textwrap.dedent(lines), "    ")
        text = (
            f"services:\n  api:\n    image: api:1\n{body}\n  db: {{image: db}}\n"
            "volumes: {data: }\nsecrets: {key: {file: ./key}}\n"
        )
        return load(tmp_path, text, **environ).services["api"]

    return make


def test_a_service_of_an_image_alone_has_the_specified_defaults(tmp_path: Path) -> None:
    service = load(tmp_path, "services:\n  a:\n    image: x:1").services["a"]

    assert service == Service(name="a", where=service.where, image="x:1")
    assert service.restart == Restart(RestartPolicy.NO)
    assert (service.stop_grace_period, service.stop_signal) == (10.0, "SIGTERM")
    assert str(service.where) == f"{tmp_path / 'compose.yaml'}:2"


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("command: python -m 'a b' $$HOME", "command", ("python", "-m", "a b", "$HOME")),
        ("command: [python, -c, 'a b']", "command", ("python", "-c", "a b")),
        ("command:", "command", ()),
        ("entrypoint: /bin/run --fast", "entrypoint", ("/bin/run", "--fast")),
        ("restart: no", "restart", Restart(RestartPolicy.NO)),
        ("restart: 'no'", "restart", Restart(RestartPolicy.NO)),
        ("restart: always", "restart", Restart(RestartPolicy.ALWAYS)),
        ("restart: on-failure", "restart", Restart(RestartPolicy.ON_FAILURE)),
        ("restart: on-failure:3", "restart", Restart(RestartPolicy.ON_FAILURE, 3)),
        ("restart: unless-stopped", "restart", Restart(RestartPolicy.UNLESS_STOPPED)),
        ("stop_grace_period: 1m30s", "stop_grace_period", 90.0),
        ("stop_grace_period: 1h0.5s", "stop_grace_period", 3600.5),
        ("stop_grace_period: '0'", "stop_grace_period", 0.0),
        ("stop_signal: SIGINT", "stop_signal", "SIGINT"),
        ("stop_signal: usr1", "stop_signal", "SIGUSR1"),
        ("stop_signal: '2'", "stop_signal", "SIGINT"),
        ("profiles: [smoke, debug]", "profiles", frozenset({"smoke", "debug"})),
        ("working_dir: /app", "working_dir", "/app"),
        ("build: ./api", "build", {"context": "./api"}),
        ("build: {context: ., args: {A: 1}}", "build", {"context": ".", "args": {"A": 1}}),
        ("expose: [80, '81/tcp', 90-92]", "expose", (80, 81, 90, 91, 92)),
        ("x-summit: {probe: {http: /readyz}}", "extension", {"probe": {"http": "/readyz"}}),
        ("x-other: 1", "extension", {}),
    ],
)
def test_a_field_of_a_service(api: Any, line: str, name: str, value: object) -> None:
    assert getattr(api(line), name) == value


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ("[80]", [Port(80)]),
        ("['80']", [Port(80)]),
        ("[8000:80]", [Port(80, 8000)]),
        ("[22:22]", [Port(22, 22)]),  # a number of minutes to YAML 1.1
        ("['127.0.0.1:8000:80']", [Port(80, 8000, "127.0.0.1")]),
        ("['127.0.0.1::80']", [Port(80, None, "127.0.0.1")]),
        ("['[::1]:8000:80']", [Port(80, 8000, "::1")]),
        ("['::1:8000:80']", [Port(80, 8000, "::1")]),
        ("['53:53/udp']", [Port(53, 53, protocol="udp")]),
        ("['0:80']", [Port(80)]),
        ("['90-91:80-81']", [Port(80, 90), Port(81, 91)]),
        ("[80-81]", [Port(80), Port(81)]),
        ("['${PORT:-8000}:80']", [Port(80, 8000)]),
        ("[{target: 80}]", [Port(80)]),
        ("[{target: '80', published: 8000, host_ip: '::1'}]", [Port(80, 8000, "::1")]),
        ("[{target: 80, published: '8000', protocol: UDP}]", [Port(80, 8000, protocol="udp")]),
        ("['80:80/tcp', '80:80/udp']", [Port(80, 80), Port(80, 80, protocol="udp")]),
        (
            "['127.0.0.1:80:80', '[::1]:80:80']",
            [Port(80, 80, "127.0.0.1"), Port(80, 80, "::1")],
        ),
    ],
)
def test_ports(api: Any, ports: str, expected: list[Port]) -> None:
    assert list(api(f"ports: {ports}").ports) == expected


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{test: curl localhost}", Healthcheck(("CMD-SHELL", "curl localhost"))),
        ("{test: [CMD, curl, -f]}", Healthcheck(("CMD", "curl", "-f"))),
        ("{test: [CMD-SHELL, a | b]}", Healthcheck(("CMD-SHELL", "a | b"))),
        ("{test: [NONE]}", None),
        ("{disable: true}", None),
        ("{test: x, disable: true}", None),
        ("{interval: 1s}", None),
        (
            "{test: x, interval: 2s, timeout: 500ms, retries: 2, start_period: 1m}",
            Healthcheck(("CMD-SHELL", "x"), 2.0, 0.5, 2, 60.0),
        ),
        ("{test: x, start_interval: 1.5s}", Healthcheck(("CMD-SHELL", "x"), start_interval=1.5)),
        ("{test: x, retries: '${N:-7}'}", Healthcheck(("CMD-SHELL", "x"), retries=7)),
    ],
)
def test_healthchecks(api: Any, check: str, expected: Healthcheck | None) -> None:
    assert api(f"healthcheck: {check}").healthcheck == expected


@pytest.mark.parametrize(
    ("depends_on", "expected"),
    [
        ("[db]", [Dependency("db")]),
        ("{db: {condition: service_healthy}}", [Dependency("db", Condition.HEALTHY)]),
        (
            "{db: {condition: service_completed_successfully, required: false, restart: true}}",
            [Dependency("db", Condition.COMPLETED, required=False, restart=True)],
        ),
        ("{gone: {condition: service_started, required: false}}", []),
    ],
)
def test_dependencies(api: Any, depends_on: str, expected: list[Dependency]) -> None:
    assert list(api(f"depends_on: {depends_on}").depends_on) == expected


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ("data:/var/lib", Mount("volume", "data", "/var/lib")),
        ("data:/var/lib:ro", Mount("volume", "data", "/var/lib", read_only=True)),
        ("data:/var/lib:rw,z", Mount("volume", "data", "/var/lib")),
        ("/var/lib", Mount("volume", None, "/var/lib")),
        ("/etc/hosts:/hosts:ro", Mount("bind", "/etc/hosts", "/hosts", read_only=True)),
        ("./a/../b:/b", Mount("bind", "{folder}/b", "/b")),
        ("~/c:/c", Mount("bind", "/home/me/c", "/c")),
        ("{type: tmpfs, target: /t}", Mount("tmpfs", None, "/t")),
        ("{type: volume, source: data, target: /d}", Mount("volume", "data", "/d")),
        (
            "{type: bind, source: ./x, target: /x, read_only: true}",
            Mount("bind", "{folder}/x", "/x", read_only=True),
        ),
    ],
)
def test_volumes(tmp_path: Path, api: Any, volume: str, expected: Mount) -> None:
    (mount,) = api(f"volumes:\n- {volume}", HOME="/home/me").volumes

    source = expected.source and expected.source.replace("{folder}", str(tmp_path))
    assert (mount.kind, mount.source, mount.target, mount.read_only) == (
        expected.kind,
        source,
        expected.target,
        expected.read_only,
    )


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        ("key", SecretGrant("key", "key")),
        ("{source: key}", SecretGrant("key", "key")),
        ("{source: key, target: other, mode: 0400}", SecretGrant("key", "other")),
    ],
)
def test_secret_grants(api: Any, grant: str, expected: SecretGrant) -> None:
    assert api(f"secrets: [{grant}]").secrets == (expected,)


def test_secrets_and_volumes_of_the_project(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        """\
        services: {}
        secrets:
          a: {file: ./.secrets/a, x-summit: {generate: password}}
          b: {environment: B}
          c: {external: true}
        volumes:
          data:
          other: {driver: local}
        x-summit: {preload: [one, two]}
        """,
    )

    assert dict(project.secrets) == {
        "a": Secret("a", file=tmp_path / ".secrets/a", extension={"generate": "password"}),
        "b": Secret("b", environment="B"),
        "c": Secret("c"),
    }
    assert project.volumes == {"data": {}, "other": {"driver": "local"}}
    assert project.extension == {"preload": ["one", "two"]}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("{A: text, B: 1, C: 1.5, D: true, E: '', F: 2.0}", "A=text B=1 C=1.5 D=true E= F=2"),
        ("[A=b=c, B=]", "A=b=c B="),
        ("{A: no, B: 0x1F, C: 2001-01-01}", "A=no B=31 C=2001-01-01"),
        ("{SET: , UNSET: }", "SET=here"),
        ("[SET, UNSET]", "SET=here"),
        ("{A: '${SET}/$${SET}'}", "A=here/${SET}"),
    ],
)
def test_an_environment(api: Any, environment: str, expected: str) -> None:
    found = api(f"environment: {environment}", SET="here").environment

    assert " ".join(f"{name}={value}" for name, value in found.items()) == expected


def test_env_files_come_in_order_and_the_environment_wins(tmp_path: Path, api: Any) -> None:
    (tmp_path / "one.env").write_text(
        "# a comment\nA=1\nexport B='$literal'\nC=\"${A} and ${HOST}\"\nHOST\nD=1\nE=1 # why\n"
    )
    (tmp_path / "two.env").write_text("D=2\nF=2\n")

    service = api(
        """\
        env_file:
          - one.env
          - {path: two.env, required: true}
          - {path: absent.env, required: false}
        environment: {F: "3"}
        """,
        HOST="me",
    )

    assert service.environment == {
        "A": "1",
        "B": "$literal",
        "C": "1 and me",
        "HOST": "me",
        "D": "2",
        "E": "1",
        "F": "3",
    }


def test_a_raw_env_file_is_taken_as_it_is(tmp_path: Path, api: Any) -> None:
    (tmp_path / "raw.env").write_text("A=${B}$\n")

    assert api("env_file: [{path: raw.env, format: raw}]").environment == {"A": "${B}$"}


def test_the_environment_wins_over_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=1\nNAME=file\n")

    project = load(tmp_path, 'services: {a: {image: "${NAME}:${TAG}"}}', NAME="shell")

    assert project.services["a"].image == "shell:1"


def test_a_merged_key_gives_way_to_its_own_and_the_first_source_wins(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        """\
        x-one: &one {A: one, B: one, C: one}
        x-two: &two {A: two, B: two, C: two, D: two}
        services:
          a:
            image: x
            environment:
              <<: [*one, *two]
              A: own
        """,
    )

    assert project.services["a"].environment == {"A": "own", "B": "one", "C": "one", "D": "two"}


def test_variables_are_not_looked_for_in_keys(api: Any) -> None:
    assert api("environment: {$GONE: 1}").environment == {"$GONE": "1"}


@pytest.mark.parametrize(
    ("text", "environ", "name"),
    [
        ("name: wild-fire", {}, "wild-fire"),
        ("name: wild-fire", {"COMPOSE_PROJECT_NAME": "other"}, "other"),
        ("", {}, "my1project"),
    ],
)
def test_the_name_of_a_project(
    tmp_path: Path, text: str, environ: dict[str, str], name: str
) -> None:
    folder = tmp_path / "_My 1 Project!"
    folder.mkdir()

    assert load(folder, f"{text}\nservices: {{}}", **environ).name == name


def test_fields_for_containers_only_are_accepted(api: Any) -> None:
    api(
        """\
        cap_drop: [ALL]
        read_only: true
        tmpfs: /tmp
        user: "1000:1000"
        init: true
        mem_limit: 512m
        cpus: 0.5
        security_opt: [no-new-privileges:true]
        ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 100}
        logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}
        networks: {default: {aliases: [front]}}
        labels: [a=b, c]
        sysctls: {net.core.somaxconn: 1024}
        extra_hosts: ["host:127.0.0.1"]
        deploy:
          replicas: 2
          update_config: {parallelism: 1, order: start-first, failure_action: rollback}
          resources:
            limits: {cpus: "0.5", memory: 256M, pids: 100}
            reservations: {devices: [{capabilities: [gpu], count: 1}]}
          placement: {constraints: [node.role==worker], preferences: [{spread: zone}]}
        develop: {watch: [{path: ./src, action: sync, target: /src}]}
        x-anything: [goes]
        """
    )


def test_services_of_different_profiles_may_publish_one_port(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        """\
        services:
          a: {image: x, profiles: [one], ports: ["80:80"]}
          b: {image: x, profiles: [two], ports: ["80:80"]}
        """,
    )

    assert len(project.services) == 2


def test_the_projects_own_file_is_good() -> None:
    root = Path(__file__).parents[2]

    project = compose.load(root / "compose.yaml", environ={})

    assert {"postgres", "fabric", "api-gateway"} <= project.selected().keys()
