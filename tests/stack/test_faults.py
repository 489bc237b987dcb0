"""What a person is told when a stack goes wrong, and what the next command makes of it."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pipelines.stack import ports
from pipelines.stack.process import recovery
from tests.stack.project import Project

Until = Callable[[Callable[[], object]], None]

ONE = """
    services:
      one:
        image: its-own
        command: %(command)s
        environment: {PORT: "%(port)s", %(more)s}
        expose: ["%(port)s"]
        restart: %(restart)s
        healthcheck: {test: [CMD, "true"], interval: 200ms, retries: 1, timeout: 1s}
        x-summit: {probe: {http: /}}
    x-summit: {preload: [http.server]}
"""
FORKED = "[python, -m, service]"
SPAWNED = "[python, service.py]"


def one(
    project: Project, command: str = FORKED, more: str = "", restart: str = "always"
) -> Project:
    values = {"command": command, "port": ports.any_free(), "more": more, "restart": restart}
    project.write("compose.yaml", ONE % values)
    return project


@pytest.mark.parametrize("command", [FORKED, SPAWNED])
def test_a_service_that_dies_at_import_is_shown_with_its_last_words(
    project: Project, command: str
) -> None:
    project.write("service.py", "import nothing_of_that_name\n")

    outcome = one(project, command).inv("up")

    assert outcome.returncode == 1
    assert "one: crash loop: exited with code 1" in outcome.stderr
    assert "ModuleNotFoundError: No module named 'nothing_of_that_name'" in outcome.stderr
    assert outcome.stderr.splitlines()[-1].startswith("error: not healthy: one; ")


def test_a_broken_preloaded_module_harms_only_the_service_that_needs_it(project: Project) -> None:
    one(project)
    compose = project.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("[http.server]", "[http.server, broken]"))
    project.write("broken.py", "raise RuntimeError('at import')\n")

    assert project.inv("up").returncode == 0
    assert "RuntimeError: at import" in project.inv("logs", "--only", "interpreter").stdout


def test_a_service_that_gets_healthy_and_crashes_in_a_loop_is_not_called_healthy(
    project: Project, until: Until
) -> None:
    one(project, more='LIVES: "0.5"').inv("up")

    until(lambda: project.status("one").state.value == "crash loop")
    outcome = project.inv("up")
    assert outcome.returncode == 1
    assert "exited with code 7" in outcome.stderr


def test_a_program_that_does_not_exist_is_named(project: Project) -> None:
    outcome = one(project, "[no-such-program]", restart='"no"').inv("up")

    assert outcome.returncode == 1
    assert "cannot start no-such-program: No such file or directory" in outcome.stderr


def test_a_crash_is_mended_and_told(project: Project, until: Until) -> None:
    one(project).inv("up")
    before = project.pid("one")

    os.kill(before, signal.SIGKILL)

    until(lambda: is_ready_again(project, before))
    assert project.status("one").restarts == 1
    assert "[engine] killed by SIGKILL" in project.inv("logs", "--only", "one").stdout


def is_ready_again(project: Project, before: int) -> bool:
    status = project.status("one")
    return status.is_ready and status.pid != before


@pytest.mark.parametrize("command", [FORKED, SPAWNED])
def test_after_a_kill_of_the_supervisor_the_next_command_says_so_and_up_mends_it(
    project: Project, command: str, until: Until
) -> None:
    one(project, command).inv("up")
    orphan = project.pid("one")
    killed = project.supervisor()

    killed.kill()
    until(lambda: not recovery.is_supervised(project.place))

    told = project.inv("ps")
    assert told.returncode == 1
    assert "error: the supervisor is gone (killed, or the machine went down)" in told.stderr
    assert project.inv("health").returncode == 1

    outcome = project.inv("up")
    assert outcome.returncode == 0, outcome.stderr
    assert "the last supervisor was killed; stopped" in outcome.stderr
    assert project.pid("one") != orphan
    assert not psutil.pid_exists(orphan)


def test_down_stops_what_a_killed_supervisor_left(project: Project, until: Until) -> None:
    one(project).inv("up")
    project.supervisor().kill()
    until(lambda: not recovery.is_supervised(project.place))

    assert project.inv("down").returncode == 0
    assert project.processes() == []


def test_a_killed_interpreter_takes_its_services_along_and_all_come_back(
    project: Project, until: Until
) -> None:
    one(project).inv("up")
    before = project.pid("one")

    psutil.Process(before).parent().kill()  # type: ignore[union-attr]

    until(lambda: is_ready_again(project, before))
    assert not psutil.pid_exists(before)


def test_a_state_file_of_before_a_reboot_is_not_believed(project: Project) -> None:
    project.place.prepare()
    status = {"name": "one", "state": "healthy", "pid": os.getpid()}
    project.place.snapshot.write_text(f"[{str(status).replace(chr(39), chr(34))}]")

    assert one(project).inv("ps").returncode == 1
    assert project.inv("up").returncode == 0
    assert project.pid("one") != os.getpid()


def test_asking_whether_it_runs_does_not_keep_it_from_starting(project: Project) -> None:
    one(project)
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            recovery.is_supervised(project.place)

    asking = threading.Thread(target=ask)
    asking.start()
    outcome = project.inv("up")
    is_over.set()
    asking.join()

    assert outcome.returncode == 0, outcome.stderr


def test_two_ups_at_once_make_one_stack(project: Project) -> None:
    one(project)
    both = [
        subprocess.Popen(project.command("up"), cwd=project.root, env=project.environment)
        for _ in range(2)
    ]

    assert [process.wait(60) for process in both] == [0, 0]
    assert project.supervisor().is_running()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["restart"], "error: the stack is not running; start it with `inv up`"),
        (["health"], "error: the stack is not running; start it with `inv up`"),
        (["smoke"], "error: the stack is not running; start it with `inv up`"),
        (["exec", "one", "--", "true"], "error: the stack is not running; start it with `inv up`"),
        (["logs", "--only", "one"], "error: no log of 'one'; known: none"),
        (["exec", "one"], "error: no command given; inv exec SERVICE -- COMMAND ARGUMENT..."),
    ],
)
def test_without_a_running_stack_a_command_says_what_to_do(
    project: Project, command: list[str], told: str
) -> None:
    one(project)
    compose = project.root / "compose.yaml"
    job = "\n  tell:\n    image: its-own\n    command: ['true']\n    profiles: [smoke]\n"
    compose.write_text(compose.read_text().replace("\nx-summit", f"{job}\nx-summit"))

    outcome = project.inv(*command)

    assert outcome.returncode in (1, 2)
    assert outcome.stderr.strip() == told
    assert "Traceback" not in outcome.stderr


def test_outside_of_any_project_there_is_nothing_to_bring_up(tmp_path: Path) -> None:
    outcome = Project(tmp_path).inv("up")

    assert outcome.returncode == 2
    assert outcome.stderr == f"error: no compose.yaml in {tmp_path} or above it\n"


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "{probe: ",
            "{prob: ",
            "compose.yaml:3: one.x-summit.prob: unknown key; did you mean probe?",
        ),
        (
            "{preload: ",
            "{load: ",
            "compose.yaml: x-summit.load: unknown key; did you mean preload?",
        ),
    ],
)
def test_an_unknown_word_of_ours_is_refused(
    project: Project, right: str, wrong: str, told: str
) -> None:
    one(project)
    compose = project.root / "compose.yaml"
    compose.write_text(compose.read_text().replace(right, wrong))

    outcome = project.inv("up")

    assert outcome.returncode == 2
    assert outcome.stderr == f"error: {project.root}/{told}\n"


def test_an_unmovable_service_on_a_taken_port_is_refused(project: Project, taken: int) -> None:
    project.write(
        "compose.yaml",
        f"""
        services:
          fixed:
            image: its-own
            command: [python, -m, http.server, "{taken}"]
            expose: ["{taken}"]
        """,
    )

    outcome = project.inv("up")

    assert outcome.returncode == 2
    assert f"compose.yaml:3: fixed: port {taken} is taken" in outcome.stderr
    assert project.processes() == []


def test_in_a_read_only_checkout_up_says_what_it_cannot_write(project: Project) -> None:
    one(project)
    if os.geteuid() == 0:  # whom no mode bits stop
        mount = 'mount --bind "$PWD" "$PWD" && mount -o remount,bind,ro "$PWD" && cd "$PWD"'
        outcome = project.inv(
            "up", within=("unshare", "--mount", "sh", "-c", f'{mount} && "$@"', "-")
        )
    else:
        project.root.chmod(0o555)
        outcome = project.inv("up")
        project.root.chmod(0o755)

    assert outcome.returncode == 5
    _, told = outcome.stderr.splitlines()  # the first says which engine
    assert told.startswith(f"error: cannot write to {project.place.state}: ")


if os.geteuid() == 0:  # only root can make a small disk

    def test_without_space_up_says_how_much_it_needs(project: Project) -> None:
        one(project)
        mount = "mkdir .summit && mount -t tmpfs -o size=1m none .summit"
        outcome = project.inv(
            "up", within=("unshare", "--mount", "sh", "-c", f'{mount} && "$@"', "-")
        )

        assert outcome.returncode == 5
        assert re.fullmatch(
            r"error: no space: [01] MB are free at .*, 200 MB are needed; free some .*\n",
            outcome.stderr.partition("\n")[2],  # the first line says which engine
        )
        assert project.processes() == []


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_killed_at_a_random_instant_the_next_up_mends_it(
    project: Project, seed: int, until: Until
) -> None:
    chance = random.Random(seed)
    one(project)
    with subprocess.Popen(project.command("up"), cwd=project.root, env=project.environment) as up:
        until(project.processes)
        waited = chance.random() * 0.5
        with contextlib.suppress(subprocess.TimeoutExpired):
            up.wait(waited)
        for process in chance.sample(project.processes(), k=1):
            process.kill()
        if chance.random() < 0.5 and recovery.is_supervised(project.place):
            project.supervisor().kill()
        up.wait(60)

    assert project.inv("up").returncode == 0
    assert project.status("one").state.value == "healthy"
