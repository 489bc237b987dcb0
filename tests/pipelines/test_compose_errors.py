"""What is wrong in a Compose file is told in one line, with the place and the way to mend it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from pipelines import compose
from pipelines.errors import ConfigError

# Below `services: api:` with an image, from line 4 on.
IN_SERVICE = {
    "ports_: [80]": "4: services.api.ports_: unknown key; did you mean 'ports'?",
    "zzz: 1": "4: services.api.zzz: unknown key; known: annotations, ",
    "environment: 7": "4: services.api.environment: expected a mapping or a list, not a number",
    "command: {a: b}": "4: services.api.command: expected a text or a list or nothing, not a m",
    "init: 3": "4: services.api.init: expected true or false, not a number",
    "image: x": "4: services.api: the key 'image' stands twice; first on line 3",
    "ports:\n- 80\n- [1]": "6: services.api.ports[1]: expected a text or a number or a mapping, n",
    "ports: [http]": "4: services.api.ports[0]: 'http' is not a port; for example 8000:80",
    "ports: ['1:2:3:4']": "4: services.api.ports[0]: '1:2' is not an IP address",
    "ports: ['70000:80']": "4: services.api.ports[0]: '70000' is not a port or a range of them",
    "ports: ['80/icmp']": "4: services.api.ports[0]: no protocol 'icmp'; known: tcp, udp, sctp",
    "ports: ['1-3:80']": "4: services.api.ports[0]: 3 published ports for 1 of the service",
    "ports: ['x:1:80']": "4: services.api.ports[0]: 'x' is not an IP address",
    "ports: [{published: 80}]": "4: services.api.ports[0]: 'target' is missing",
    "ports: ['80:80', '80:81']": "4: services.api.ports: 80/tcp is already published by 'api'; see",
    "expose: [a]": "4: services.api.expose[0]: 'a' is not a port",
    "depends_on: [app]": "4: services.api.depends_on: no service called 'app'; did you mean 'api'?",
    "depends_on:\n  api: {}": "5: services.api.depends_on.api: 'condition' is missing",
    "depends_on:\n  api: {condition: healthy}": (
        "5: services.api.depends_on.api.condition: no condition 'healthy'; did you mean 'service_h"
    ),
    "depends_on: [api]": "4: services depend on each other in a cycle: api -> api",
    "secrets: [key]": "4: services.api.secrets: no secret called 'key'; there is none",
    "secrets: [{target: x}]": "4: services.api.secrets[0]: 'source' is missing",
    "volumes: ['dat:/x']": "4: services.api.volumes: no volume called 'dat'; did you mean 'data'?",
    "volumes: ['data:x']": "4: services.api.volumes[0]: the path in the container, 'x', must be ab",
    "volumes: ['data:/x:rx']": "4: services.api.volumes[0]: 'rx' is not an access mode; known:",
    "volumes: ['a:b:c:d']": "4: services.api.volumes[0]: 'a:b:c:d' is not [SOURCE:]TARGET[:MODE]",
    "volumes: [{type: npipe, target: /x}]": "4: services.api.volumes[0].type: no mounts of type 'n",
    "volumes: [{type: bind, target: /x}]": "4: services.api.volumes[0]: 'source' is missing",
    "networks: [back]": "4: services.api.networks: no network called 'back'; known: default",
    "configs: [motd]": "4: services.api.configs: no config called 'motd'; there is none",
    "restart: sometimes": "4: services.api.restart: no restart policy 'sometimes'; known: always,",
    "restart: false": "4: services.api.restart: expected a text, not true or false",
    "restart: 'always:3'": "4: services.api.restart: 'always:3' is not a restart policy; only on-f",
    "restart: on-failure:x": "4: services.api.restart: 'on-failure:x' is not a restart policy",
    "stop_signal: SIGTREM": "4: services.api.stop_signal: no signal 'SIGTREM'; did you mean ",
    "stop_grace_period: 5": "4: services.api.stop_grace_period: expected a text, not a number",
    "stop_grace_period: 5 s": "4: services.api.stop_grace_period: '5 s' is not a duration; for ex",
    "command: 'echo \"a'": "4: services.api.command: cannot be split into words: no closing quot",
    "healthcheck: {test: [a]}": "4: services.api.healthcheck.test: expected [CMD, program, ...],",
    "healthcheck: {test: [CMD]}": "4: services.api.healthcheck.test: expected [CMD, program, ...]",
    "healthcheck: {test: a, retries: 0}": "4: services.api.healthcheck.retries: '0' is not a whole",
    "healthcheck: {retry: 1}": "4: services.api.healthcheck.retry: unknown key; did you mean 'ret",
    "env_file: absent.env": "4: services.api.env_file: there is no file ",
    "deploy: {resources: {limits: {memry: 1g}}}": (
        "4: services.api.deploy.resources.limits.memry: unknown key; did you mean 'memory'?"
    ),
    "extends: {service: x}": "4: services.api.extends: not supported; share keys with an anchor",
    "hostname: ${HOST}": "4: the variable HOST is not set; set it, or write ${HOST:-}",
    "hostname: ${HOST": "4: bad interpolation in '${HOST': a brace is not closed",
    "labels: !reset {}": "4: services.api.labels: the tag !reset is not supported",
    "labels: &l [*l]": "4: services.api.labels[0]: the alias contains itself",
    "labels: {<<: 3}": "4: services.api.labels: only mappings can be merged by <<",
    "? [a]\n: b": "4: services.api: a key must be a text",
    "labels: [a": "5: not valid YAML: ",
    "labels: *gone": "4: not valid YAML: ",
}


@pytest.mark.parametrize(("line", "message"), IN_SERVICE.items(), ids=IN_SERVICE)
def test_what_is_wrong_in_a_service(tmp_path: Path, line: str, message: str) -> None:
    body = textwrap.indent(line, "    ")
    told = refused(
        tmp_path, f"services:\n  api:\n    image: api:1\n{body}\nvolumes:\n  data: {{}}\n"
    )

    assert told.startswith(f"compose.yaml:{message}")


IN_FILE = {
    "": ": the file is empty",
    "name: x": ":1: 'services' is missing",
    "- a": ":1: expected a mapping, not a list",
    "service: {}": ":1: service: unknown key; did you mean 'services'?",
    "services: {'a b': {image: x}}": ":1: services.a b: a name has only letters, digits, dots",
    "services: {a: }": ":1: services.a: expected a mapping, not nothing",
    "services: {a: {}}": ":1: services.a: neither 'image' nor 'build' says what to run",
    "include: [b.yaml]\nservices: {}": ":1: include: not supported; write one file",
    "name: My App\nservices: {}": ":1: name: 'My App' is not a project name; lower case",
    "services: {}\nsecrets:\n  a: {}": ":3: secrets.a: expected one of file, environment, exter",
    "services: {}\nsecrets:\n  a: {file: x, environment: Y}": ":3: secrets.a: expected one of",
    "services: {}\nx-summit: 3": ":2: x-summit: expected a mapping, not a number",
    "services: {}\n---\nservices: {}": ":2: not valid YAML: ",
    "services: {}\n\tname: x": ":2: not valid YAML: ",
    "services: \0": ": not valid YAML: unacceptable character",
}


@pytest.mark.parametrize(("text", "message"), IN_FILE.items(), ids=map(repr, IN_FILE))
def test_what_is_wrong_in_a_file(tmp_path: Path, text: str, message: str) -> None:
    assert refused(tmp_path, text).startswith(f"compose.yaml{message}")


def test_a_cycle_is_printed_with_the_line_that_begins_it(tmp_path: Path) -> None:
    told = refused(
        tmp_path,
        """\
        services:
          a:
            image: x
            depends_on: [b]
          b:
            image: x
            depends_on:
              c: {condition: service_healthy}
          c:
            image: x
            depends_on:
              - a
        """,
    )

    place, _, cycle = told.partition(": services depend on each other in a cycle: ")
    first, second, third, last = cycle.split(" -> ")
    assert first == last
    assert f"{first}{second}{third}" in "abcab"
    assert place == f"compose.yaml:{ {'a': 4, 'b': 8, 'c': 12}[first] }"


def test_two_services_cannot_publish_one_port(tmp_path: Path) -> None:
    told = refused(
        tmp_path,
        """\
        services:
          a: {image: x, ports: ["127.0.0.1:80:80"]}
          b:
            image: x
            ports:
              - target: 8080
                published: "80"
        """,
    )

    place = tmp_path / "compose.yaml"
    assert told == (
        f"compose.yaml:6: services.b.ports: 80/tcp is already published by 'a'; see {place}:2"
    )


def test_aliases_cannot_unfold_into_billions(tmp_path: Path) -> None:
    lines = ["x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"x-{i}: &a{i} [{', '.join(10 * [f'*a{i - 1}'])}]" for i in range(1, 12)]

    assert "its aliases unfold into far too much" in refused(tmp_path, "\n".join(lines))


def test_an_env_file_is_told_by_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "api.env").write_text("# first\n\nGOOD=1\n\nnot a pair\n")

    told = refused(tmp_path, "services: {api: {image: x, env_file: api.env}}")

    assert told == "api.env:5: expected NAME=VALUE"


def test_a_variable_missing_in_dotenv_is_told_by_its_own_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=${GONE}\n")

    assert refused(tmp_path, "services: {}").startswith(".env:2: the variable GONE is not set")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^cannot read .*gone\.yaml: No such file or directory$"):
        compose.load(tmp_path / "gone.yaml", environ={})


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_bytes(b"name: \xff\xfe")

    with pytest.raises(ConfigError, match=r"compose\.yaml: not a text in UTF-8$"):
        compose.load(tmp_path / "compose.yaml", environ={})


def refused(folder: Path, text: str) -> str:
    """The one line that this file is refused with, paths shortened to its folder."""
    (folder / "compose.yaml").write_text(textwrap.dedent(text))
    with pytest.raises(ConfigError) as raised:
        compose.load(folder / "compose.yaml", environ={})
    assert "\n" not in str(raised.value)
    return str(raised.value).removeprefix(f"{folder}/")
