"""What a person sees of a stack, whichever engine runs it: collected once for each."""

from __future__ import annotations

import signal
import subprocess
import urllib.request
from collections.abc import Callable

import pytest

from pipelines.stack import ports
from tests import unmeasured
from tests.stack.project import Project

Until = Callable[[Callable[[], object]], None]

TWO = """
    services:
      near: &one
        image: %(image)s
        init: true
        command: [python, -m, service]
        environment: {PORT: "%(near)s", SAYS: near%(more)s}
        ports: ["127.0.0.1:%(near)s:%(near)s"]
        restart: always
        healthcheck: &asked
          test:
            - CMD
            - python
            - -c
            - "from urllib import request; request.urlopen('http://127.0.0.1:%(near)s/')"
          interval: 500ms
          timeout: 2s
          retries: 1
          start_interval: 200ms
          start_period: 2s
        stop_grace_period: 1s
        x-summit: {probe: {http: /}}
      far:
        <<: *one
        environment: {PORT: "%(near)s", SAYS: far}
        ports: ["127.0.0.1:%(far)s:%(near)s"]
        depends_on: {near: {condition: service_healthy}}
"""
JOB = """
    services:
      job:
        image: %(image)s
        init: true
        command: [sh, -c, "echo no luck; exit 3"]
        restart: "no"
      after:
        image: %(image)s
        init: true
        command: [sleep, "1000"]
        depends_on: {job: {condition: service_completed_successfully}}
"""


def described(project: Project, *, near: int = 0, more: str = "") -> Project:
    values = {"near": near or ports.any_free(), "far": ports.any_free(), "image": project.image}
    project.write("compose.yaml", TWO % {**values, "more": more})
    return project


@pytest.fixture
def two(project: Project) -> Project:
    return described(project)


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
        return str(response.read().decode())


def test_up_returns_when_all_is_healthy_and_leaves_it_running(two: Project) -> None:
    outcome = two.inv("up")

    assert outcome.returncode == 0, outcome.stderr
    assert f"http://127.0.0.1:{two.port('near')}" in outcome.stdout
    assert read(two.port("near")) == "near"
    lines = [line.split()[:2] for line in outcome.stderr.splitlines()]
    assert lines.index(["near", "healthy"]) < lines.index(["far", "starting"])


def test_up_says_which_engine_it_has_chosen_and_why(two: Project) -> None:
    first = two.inv("up").stderr.splitlines()[0]

    assert first.startswith(f"engine: {two.engine}")
    assert first.endswith("(as SUMMIT_ENGINE says)")


def test_up_again_changes_nothing(two: Project) -> None:
    two.inv("up")
    before = (two.pid("near"), two.pid("far"))

    assert two.inv("up").returncode == 0
    assert (two.pid("near"), two.pid("far")) == before


def test_only_starts_a_service_and_what_it_needs(two: Project) -> None:
    assert two.inv("up", "--only", "near").returncode == 0

    assert [line.split()[0] for line in two.inv("ps").stdout.splitlines()[1:]] == ["near"]

    assert two.inv("up", "--only", "far").returncode == 0
    assert [line.split()[0] for line in two.inv("ps").stdout.splitlines()[1:]] == ["near", "far"]


def test_a_changed_service_is_restarted_by_up_and_its_neighbour_is_not(two: Project) -> None:
    two.inv("up")
    near, far = two.pid("near"), two.pid("far")
    compose = two.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("SAYS: far", "SAYS: changed"))

    assert two.inv("up").returncode == 0
    assert two.pid("near") == near
    assert two.pid("far") != far


def test_restart_starts_one_anew_and_leaves_the_others(two: Project) -> None:
    two.inv("up")
    near, far = two.pid("near"), two.pid("far")

    outcome = two.inv("restart", "--only", "far")
    assert outcome.returncode == 0, outcome.stderr
    assert two.pid("near") == near
    assert two.pid("far") != far


def test_ps_and_health_tell_of_every_service(two: Project) -> None:
    two.inv("up")

    table = two.inv("ps").stdout.splitlines()
    assert table[0].split() == ["service", "state", "pid", "restarts", "for"]
    assert [line.split()[:3] for line in table[1:]] == [
        ["near", "healthy", str(two.pid("near"))],
        ["far", "healthy", str(two.pid("far"))],
    ]
    health = two.inv("health")
    assert health.returncode == 0
    assert sorted(line.split()[:2] for line in health.stdout.splitlines()[1:]) == [
        ["far", "healthy"],
        ["near", "healthy"],
    ]


def test_logs_show_what_a_service_printed(two: Project) -> None:
    two.inv("up")

    assert two.inv("logs", "--only", "near").stdout == "near | listening\n"


def test_exec_runs_in_the_environment_of_a_service(two: Project) -> None:
    two.inv("up")

    said = two.inv("exec", "near", "--", "sh", "-c", 'echo "$SAYS  and more"')
    assert said.stdout == "near  and more\n"
    assert two.inv("exec", "near", "--", "sh", "-c", "exit 4").returncode == 4


def test_down_leaves_nothing(two: Project) -> None:
    two.inv("up")

    assert two.inv("down").returncode == 0
    assert two.left() == []
    assert two.inv("ps").stdout == ""


def test_attached_up_shows_logs_and_ctrl_c_stops_everything(two: Project) -> None:
    with subprocess.Popen(
        two.command("up", "--attach"),
        cwd=two.root,
        env=unmeasured.environment(two.environment),
        stdout=-1,
        text=True,
    ) as attached:
        assert attached.stdout is not None
        near = next(line for line in attached.stdout if line.startswith("near"))
        attached.send_signal(signal.SIGINT)
        assert attached.wait(60) == 130

    assert "http://127.0.0.1:" in near
    assert two.left() == []


def test_ctrl_c_during_up_takes_down_what_it_brought_up(project: Project, until: Until) -> None:
    described(project, more=", SICK: please")
    with subprocess.Popen(
        project.command("up"), cwd=project.root, env=unmeasured.environment(project.environment)
    ) as waiting:
        until(lambda: project.left() and project.status("near").answer)
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(60) == 130

    assert project.left() == []


def test_a_taken_port_is_said_and_another_is_used(project: Project, taken: int) -> None:
    outcome = described(project, near=taken).inv("up", "--only", "near")

    assert outcome.returncode == 0, outcome.stderr
    assert project.port("near") != taken
    assert f"port {taken} is taken: near listens on {project.port('near')}" in outcome.stderr
    assert read(project.port("near")) == "near"


def test_a_service_that_ends_at_once_is_shown_with_its_last_words(project: Project) -> None:
    described(project)
    compose = project.root / "compose.yaml"
    dying = "[sh, -c, 'echo my last words; exit 9']"
    compose.write_text(compose.read_text().replace("[python, -m, service]", dying))

    outcome = project.inv("up")

    assert outcome.returncode == 1
    assert "near: crash loop: exited with code 9" in outcome.stderr
    assert "  | my last words" in outcome.stderr
    assert outcome.stderr.splitlines()[-1].startswith("error: not healthy: near (and 1 that wait")


def test_a_service_that_never_gets_healthy_is_given_its_time(project: Project) -> None:
    outcome = described(project, more=", SICK: please").inv("up", "--wait-timeout", "5")

    assert outcome.returncode == 1
    assert "near: unhealthy\n  last answer: " in outcome.stderr
    assert "503" in outcome.stderr
    assert "  | listening" in outcome.stderr
    assert "error: not healthy after 5 s: near (and 1 that wait for it); " in outcome.stderr
    assert project.inv("health").returncode == 1


def test_a_job_that_fails_blocks_what_waits_for_it(project: Project) -> None:
    project.write("compose.yaml", JOB % {"image": project.image})

    outcome = project.inv("up")

    assert outcome.returncode == 1
    assert "job: failed: exited with code 3\n  | no luck" in outcome.stderr
    assert outcome.stderr.splitlines()[-1].startswith("error: not healthy: job (and 1 that wait")


def test_a_program_that_does_not_exist_is_named(project: Project) -> None:
    described(project)
    compose = project.root / "compose.yaml"
    text = compose.read_text().replace("[python, -m, service]", "[no-such-program]")
    compose.write_text(text.replace("restart: always", 'restart: "no"'))

    outcome = project.inv("up")

    assert outcome.returncode == 1
    assert "near: failed: " in outcome.stderr
    assert "no-such-program" in outcome.stderr


def test_a_service_that_falls_ill_is_unhealthy_until_it_is_well(two: Project, until: Until) -> None:
    two.inv("up", "--only", "near")
    two.inv("exec", "near", "--", "touch", "sick")

    until(lambda: two.status("near").state.value == "unhealthy")
    assert two.inv("health").returncode == 1

    two.inv("exec", "near", "--", "rm", "sick")
    until(lambda: two.status("near").state.value == "healthy")
    assert two.inv("health").returncode == 0


@pytest.mark.parametrize("command", [["restart"], ["health"], ["exec", "near", "--", "true"]])
def test_without_a_running_stack_a_command_says_what_to_do(
    two: Project, command: list[str]
) -> None:
    outcome = two.inv(*command)

    assert outcome.returncode == 1
    assert outcome.stderr == "error: the stack is not running; start it with `inv up`\n"
