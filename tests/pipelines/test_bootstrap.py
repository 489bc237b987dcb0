"""`./inv` on a bare machine: real Pythons, real environments, and an index on disk."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.pipelines.conftest import Index

ROOT = Path(__file__).parents[2]
# Stands for Invoke: tells where it runs and with which arguments.
INVOKE = """
import os
import sys


class program:
    def run():
        print(os.getcwd(), *sys.argv[1:])
        print({version!r})
"""
# What `./inv` runs of the framework before it hands over.
LAUNCHER = ("__init__.py", "launch.py", "root.py", "checkout/__init__.py", "checkout/snapshot.py")


class Checkout:
    """A tiny checkout with the real `inv`, whose only package stands for Invoke."""

    def __init__(self, root: Path, index: Index) -> None:
        self.root = root
        self.index = index
        (root / "pipelines" / "checkout").mkdir(parents=True)
        shutil.copy(ROOT / "inv", root / "inv")
        for file in ("bootstrap.py", *LAUNCHER):
            shutil.copy(ROOT / "pipelines" / file, root / "pipelines" / file)

    @property
    def environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if name != "SUMMIT_PYTHON"}
        path = f"{Path(sys.executable).resolve().parent}{os.pathsep}{os.environ['PATH']}"
        return {**plain, **self.index.environment, "PATH": path}

    def lock(self, version: str, *needs: str) -> Path:
        """Publish a version, lock it, and return its wheel."""
        files = {"invoke/__init__.py": "", "invoke/main.py": INVOKE.format(version=version)}
        digest = self.index.add("invoke", version, needs=needs, files=files)
        text = f"invoke=={version} --hash=sha256:{digest}\n"
        (self.root / "requirements.txt").write_text(text)
        return self.index.folder / "invoke" / f"invoke-{version}-py3-none-any.whl"

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / "inv", *arguments],
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def inv(
        self,
        *arguments: str,
        program: Sequence[str | Path] = (),
        cwd: Path | None = None,
        **more: str,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*(program or [self.root / "inv"]), *arguments],
            cwd=cwd or self.root,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def checkout(tmp_path: Path, index: Index) -> Checkout:
    return Checkout((tmp_path / "a checkout").resolve(), index)


@pytest.fixture
def made(checkout: Checkout) -> Checkout:
    checkout.lock("1.0")
    assert checkout.inv().returncode == 0
    return checkout


def test_the_environment_is_made_once_and_again_when_the_lock_changes(checkout: Checkout) -> None:
    checkout.lock("1.0")
    first, again = checkout.inv("up", "--only", "a b"), checkout.inv()
    checkout.lock("2.0")
    changed = checkout.inv()

    assert first.stdout == f"{checkout.root} up --only a b\n1.0\n"
    assert first.stderr.startswith("making .venv with Python 3.")
    assert (again.stdout, again.stderr) == (f"{checkout.root}\n1.0\n", "")
    assert changed.stdout.endswith("2.0\n")


def test_the_environment_before_is_kept_and_older_ones_go(made: Checkout) -> None:
    first = (made.root / ".venv").resolve()
    made.lock("2.0")
    made.inv()
    second = (made.root / ".venv").resolve()
    assert first.exists()

    made.lock("3.0")
    made.inv()

    assert second.exists()
    assert not first.exists()


def test_it_works_from_anywhere_by_its_own_path(made: Checkout, tmp_path: Path) -> None:
    below = made.root / "services" / "fusion"
    below.mkdir(parents=True)
    (tmp_path / "link").symlink_to(made.root)
    (below / "alias").symlink_to(Path("..", "..", "inv"))

    inside = made.inv(program=["../../inv"], cwd=below)
    linked = made.inv(program=["./alias"], cwd=below)
    outside = made.inv(program=[tmp_path / "link" / "inv"], cwd=tmp_path)
    by_name = made.inv(program=["sh", "inv"])

    assert inside.stdout == linked.stdout == f"{below}\n1.0\n"
    assert outside.stdout == by_name.stdout == f"{made.root}\n1.0\n"


def test_a_moved_checkout_goes_on_working(made: Checkout, tmp_path: Path) -> None:
    made.root = made.root.rename(tmp_path / "moved")

    moved = made.inv()

    assert (moved.stdout, moved.stderr) == (f"{made.root}\n1.0\n", "")


def test_a_folder_below_takes_the_place_of_no_library(made: Checkout) -> None:
    below = made.root / "below"
    below.mkdir()
    (below / "invoke.py").write_text("raise SystemExit('the wrong one')")

    assert made.inv(program=["../inv"], cwd=below).stdout == f"{below}\n1.0\n"


def test_an_environment_whose_python_is_gone_is_made_anew(made: Checkout) -> None:
    for python in (made.root / ".venv" / "bin").glob("python*"):
        python.unlink()

    assert made.inv().stdout == f"{made.root}\n1.0\n"


def test_a_killed_install_breaks_nothing(made: Checkout) -> None:
    before = (made.root / ".venv").resolve()
    wheel = made.lock("2.0")
    content = wheel.read_bytes()
    wheel.unlink()
    os.mkfifo(wheel)  # pip waits here, so that it is killed in the middle for sure
    killed = made.start()
    with wheel.open("wb"):
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate(timeout=30)

    assert (made.root / ".venv").resolve() == before
    assert len(list((made.root / ".venvs").glob("cpython-*/"))) == 2

    wheel.unlink()
    wheel.write_bytes(content)
    assert made.inv().stdout == f"{made.root}\n2.0\n"


def test_a_second_one_waits_for_the_first(checkout: Checkout) -> None:
    checkout.lock("1.0")
    store = checkout.root / ".venvs"
    store.mkdir()
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the test is the first
        second = checkout.start()
        assert second.stderr
        assert second.stderr.readline() == "waiting for another `./inv` to finish the environment\n"
    out, _ = second.communicate(timeout=120)

    assert out.endswith("1.0\n")


def test_without_the_index_the_old_environment_stays(made: Checkout) -> None:
    before = (made.root / ".venv").resolve()
    made.lock("2.0").unlink()

    offline = made.inv(PIP_INDEX_URL="http://127.0.0.1:9", PIP_RETRIES="1")

    assert offline.returncode == 5
    assert offline.stderr.splitlines()[-1] == (
        "error: pip could not make .venv; the package index cannot be reached; "
        "try again once online"
    )
    assert (made.root / ".venv").resolve() == before


def test_a_file_with_another_hash_is_not_installed(made: Checkout) -> None:
    lock = made.root / "requirements.txt"
    lock.write_text(lock.read_text().partition("sha256:")[0] + "sha256:" + "0" * 64)

    outcome = made.inv()

    assert outcome.returncode == 5
    assert "pip could not make .venv" in outcome.stderr


def test_a_newer_version_in_the_index_changes_nothing(checkout: Checkout) -> None:
    checkout.lock("1.0", "library[extra]>=1.0")
    digest = checkout.index.add("library", "1.0")
    checkout.index.add("library", "2.0")
    with (checkout.root / "requirements.txt").open("a") as lock:
        lock.write(f"library==1.0 --hash=sha256:{digest}\n")

    outcome = checkout.inv()

    assert outcome.stdout == f"{checkout.root}\n1.0\n", outcome.stderr


def test_a_lock_that_leaves_something_out_is_named(checkout: Checkout) -> None:
    checkout.lock("1.0", "library>=1.0")
    checkout.index.add("library", "1.0")

    outcome = checkout.inv()

    assert outcome.returncode == 5
    assert outcome.stderr.splitlines()[-2:] == [
        "  invoke 1.0 requires library, which is not installed.",
        "error: pip could not make .venv; requirements.txt is not complete: see above",
    ]
    assert not (checkout.root / ".venv").exists()


@pytest.mark.parametrize("named", ["", "/no/such/python"])
def test_no_python_is_one_clear_line(checkout: Checkout, tmp_path: Path, named: str) -> None:
    checkout.lock("1.0")
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "python3").write_text(
        "#!/bin/sh\necho 'shim: python3: command not found' >&2\nexit 127"
    )
    (shims / "python3").chmod(0o755)

    outcome = checkout.inv(PATH=str(shims), SUMMIT_PYTHON=named)

    assert outcome.returncode == 5
    assert len(outcome.stderr.splitlines()) == 1
    assert outcome.stderr.startswith(
        f"error: SUMMIT_PYTHON={named}" if named else "error: no Python"
    )


@pytest.mark.parametrize(("name", "said"), [(".venvs", "cannot make"), (".venv", "move it away")])
def test_what_stands_in_the_way_is_named(checkout: Checkout, name: str, said: str) -> None:
    checkout.lock("1.0")
    if name == ".venv":
        (checkout.root / name).mkdir()
    else:
        (checkout.root / name).write_text("")

    outcome = checkout.inv()

    assert outcome.returncode == 5
    assert said in outcome.stderr.splitlines()[-1]
    assert "Traceback" not in outcome.stderr


def test_a_python_named_by_hand_is_used(made: Checkout) -> None:
    named = made.inv(SUMMIT_PYTHON=str(Path(sys.executable).resolve()))

    assert (named.stdout, named.stderr) == (f"{made.root}\n1.0\n", "")
