"""A task: Invoke's own, with the border around its body."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from invoke.collection import Collection
from invoke.context import Context
from invoke.program import Program

from pipelines.errors import PolicyError
from tasks._task import task


def exit_code(body: Callable[[], object]) -> object:
    """What `inv boom` ends with when the task does `body`."""

    @task()
    def boom(c: Context) -> None:
        body()

    with pytest.raises(SystemExit) as ended:
        Program(namespace=Collection(boom)).run(["inv", "boom"])
    return ended.value.code


def test_the_code_of_an_expected_error_is_the_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse() -> None:
        raise PolicyError("not with these controls")

    assert exit_code(refuse) == 3
    assert capsys.readouterr() == ("", "error: not with these controls\n")


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_code(lambda: 1 / 0)


def test_what_follows_a_failed_task_is_not_run() -> None:
    ran = []

    @task()
    def first(c: Context) -> None:
        raise PolicyError("no")

    @task()
    def second(c: Context) -> None:
        ran.append("second")

    with pytest.raises(SystemExit):
        Program(namespace=Collection(first, second)).run(["inv", "first", "second"])

    assert ran == []


def test_a_task_is_called_as_its_arguments_say() -> None:
    seen = []

    @task(iterable=["only"], help={"only": "a gate"})
    def look(c: Context, only: list[str] | None = None, jobs: int = 0) -> None:
        seen.append((only, jobs))

    Program(namespace=Collection(look)).run(
        ["inv", "look", "--only", "lint", "--only", "test", "--jobs", "3"], exit=False
    )

    assert seen == [(["lint", "test"], 3)]
