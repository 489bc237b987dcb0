"""Runs a step's command once, anywhere, and judges how it ended."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

from pipelines import console
from pipelines.errors import ConfigError
from pipelines.programs import process
from pipelines.step import Result, Status, Step

if TYPE_CHECKING:
    from pipelines.programs.mask import Masker

JUNIT = "{junit}"


def execute(
    step: Step,
    *,
    root: str,
    env: Mapping[str, str],
    log: BinaryIO,
    masker: Masker | None,
    report: str,
    live: bool = False,
) -> Result:
    """Run the command below `root` and judge its exit code, its time and its tests.

    `report` is where its test report goes, if it writes one; it is removed. Raises `SummitError`
    when there is nothing to judge: the program is missing, the log cannot be written.
    """
    argv = [word.replace(JUNIT, report) for word in step.argv]
    program = sys.executable if argv[0] == "python" else argv[0]
    try:
        completed = process.run(
            [program, *argv[1:]],
            cwd=f"{root}/{step.cwd}",
            env=env,
            timeout=step.timeout,
            log=log,
            masker=masker,
            live=live,
            echo=False,
        )
        result = Result(step, Status.PASSED, exit_code=completed.code)
        if not completed:
            result = failed(result, f"exit code {completed.code}")
        if any(JUNIT in word for word in step.argv):
            result = _counted(result, report)
        return result
    except process.ProgramTimedOut as error:
        return failed(Result(step, Status.FAILED), error.message)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(report)


def note(log: BinaryIO, text: str, *, live: bool) -> None:
    """Add to a step's log what it did not say itself, and show it where all of it is shown."""
    log.write(text.encode())
    if live:
        console.relay(text.encode())


def failed(result: Result, message: str) -> Result:
    """The same result as a failure; what was wrong first stays its message."""
    return result._replace(status=Status.FAILED, message=result.message or message)


def masker_of(step: Step) -> Masker | None:
    """What hides the step's secrets; None when none is set. Raises `ConfigError`."""
    values = {name: os.environ.get(name, "") for name in step.secrets}
    values = {name: value for name, value in values.items() if value.strip()}
    if not values:
        return None
    from pipelines.programs.mask import LEAST, Masker

    for name, value in values.items():
        if len(value.strip()) < LEAST:
            raise ConfigError(
                f"the secret {name} of {step.id} is too short to be masked",
                hint=f"give it at least {LEAST} characters",
            )
    return Masker(values.values())


def _counted(result: Result, report: str) -> Result:
    """The result with the counts of its tests; none that ran is a failure, whatever it said."""
    from pipelines.running import junit

    try:
        tests = junit.read(report)
    except junit.Unreadable as error:
        return failed(result, str(error)) if result else result
    result = result._replace(counts=tests.counts, failed_tests=tests.failed)
    if result and not tests.counts.run:
        return failed(result, f"no test was run, {tests.counts.skipped} skipped")
    if result and tests.failed:
        return failed(result, f"{len(tests.failed)} tests failed, yet it ended with exit code 0")
    return result
