"""What a program really reads is seen, whoever it started to read it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import trace
from pipelines.programs import process
from pipelines.trace import syscalls
from pipelines.trace.reads import Access, Event, files_read

Trace = Callable[..., trace.Traced]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "data.txt").write_text("data")
    (folder / "other.txt").write_text("other")
    (folder / "sub" / "deep.txt").write_text("deep")
    return folder


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Trace:
    """Runs a command under the tracer that this machine has."""

    def run(*argv: str, env: dict[str, str] | None = None, code: int = 0) -> trace.Traced:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        with trace.traced(root, argv, {**os.environ, **(env or {})}, scratch) as traced:
            done = process.run(traced.argv, env=traced.env, cwd=root, capture=True, timeout=60)
        assert (done.code, done.output) == (code, "")
        return traced

    return run


@pytest.fixture(params=["as it is", "without strace"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whether or not this machine has strace."""
    if request.param == "without strace":
        programs = tmp_path / "bin"
        programs.mkdir()
        for name in ("cat", "sh"):
            (programs / name).symlink_to(shutil.which(name) or name)
        monkeypatch.setenv("PATH", str(programs))


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    ("script", "read"),
    [
        ("open('data.txt').read()", {"data.txt"}),
        ("import os; os.close(os.open(b'data.txt', os.O_RDWR))", {"data.txt"}),
        ("import os; os.chdir('sub'); open('deep.txt')", {"sub/deep.txt"}),
        ("import os; os.chdir('sub'); open('../data.txt')", {"data.txt"}),
        ("open('out.txt', 'w').write('')", set()),
        ("open('data.txt', 'a').write('')", set()),
        ("open('out.txt', 'w').write(''); open('out.txt')", set()),
        ("open('data.txt'); open('data.txt', 'w').write('')", {"data.txt"}),
        ("open('data.txt'); import os; os.unlink('data.txt')", set()),
        ("import os; os.stat('data.txt'); os.listdir('.')", set()),
        ("import pathlib; pathlib.Path('nope').exists() or open('/dev/null')", set()),
    ],
)
def test_what_python_opens_for_reading_was_read(run: Trace, script: str, read: set[str]) -> None:
    traced = run(*python(f"import warnings; warnings.simplefilter('ignore'); {script}"))

    assert (traced.read, traced.notice) == (read, "")


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("flags", [[], ["-P"]])
def test_what_a_python_started_by_python_reads_was_read(run: Trace, flags: list[str]) -> None:
    words = [sys.executable, *flags, "-c", "open('data.txt').close()"]

    traced = run(*python(f"import subprocess; subprocess.run({words!r}, cwd='.', check=True)"))

    assert (traced.read, traced.notice) == ({"data.txt"}, "")


@pytest.mark.usefixtures("either")
def test_bytecode_stands_for_its_source(run: Trace, root: Path) -> None:
    root.joinpath("module.py").write_text("")
    process.run([*python("import module")], cwd=root, env={"PYTHONPATH": "."}, echo=False)
    assert list(root.glob("__pycache__/module.*.pyc"))

    assert run(*python("import module")).read == {"module.py"}


@pytest.mark.usefixtures("either")
def test_a_symbolic_link_on_the_way_was_read_too(run: Trace, root: Path) -> None:
    root.joinpath("link").symlink_to("sub")

    assert run(*python("open('link/deep.txt').close()")).read == {"link", "sub/deep.txt"}


@pytest.mark.usefixtures("either")
def test_a_start_up_module_that_was_there_still_runs(run: Trace, root: Path) -> None:
    folder = root / "startup"
    folder.mkdir()
    folder.joinpath("sitecustomize.py").write_text("import sys; sys.customized = True")

    traced = run(*python("import sys; sys.customized"), env={"PYTHONPATH": str(folder)})

    assert "startup/sitecustomize.py" in traced.read


@pytest.mark.usefixtures("either")
def test_the_exit_code_is_the_programs_own(run: Trace) -> None:
    run(*python("open('data.txt').close(); raise SystemExit(3)"), code=3)


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    ("command", "unseen"),
    [
        (["sh", "-c", "cat data.txt >/dev/null"], "sh"),
        (["sh", "-c", "cd sub; while read x; do :; done <../data.txt"], "sh"),
        (python("import os; os.execvp('cat', ['cat', '-s', 'data.txt', '/dev/null'][:3])"), "cat"),
        (python("import os; os.system('cat data.txt >/dev/null')"), "sh"),
        (
            python(
                "import subprocess as s, sys;"
                "s.run([sys.executable, '-I', '-c', 'open(\"data.txt\").close()'], check=True)"
            ),
            Path(sys.executable).name,
        ),
    ],
)
def test_what_other_programs_read_is_seen_or_they_are_named(
    run: Trace, root: Path, command: list[str], unseen: str
) -> None:
    root.joinpath("data.txt").write_text("")

    traced = run(*command)

    if syscalls.find_strace():
        assert (traced.read, traced.notice) == ({"data.txt"}, "")
    else:
        assert traced.notice.startswith(f"not seen what {unseen} read: install strace")


@pytest.mark.usefixtures("either")
def test_a_missing_program_is_missed_as_without_a_tracer(run: Trace) -> None:
    with pytest.raises(process.ProgramMissing):
        run("no-such-program-anywhere")


def test_strange_names_and_relative_programs_are_read_from_the_trace(tmp_path: Path) -> None:
    def hexadecimal(text: str) -> str:
        return "".join(f"\\x{byte:02x}" for byte in text.encode())

    name, top = hexadecimal('a "<b>" = 3\n'), hexadecimal("/top")
    tmp_path.joinpath("strace.7").write_text(
        f'1.5 execve("{hexadecimal("./tool")}", ["{name}"...], 0x7ffc /* 2 vars */) = 0\n'
        f'2.0 openat(AT_FDCWD<{top}>, "{name}", O_RDONLY|O_CLOEXEC) = 3<{top}\\x2f{name}>\n'
        f'2.5 openat(AT_FDCWD<{top}>, "{name}", O_RDONLY) = -1 ENOENT (No such file or directory)\n'
        f'3.0 openat(4<{top}>, "{name}", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 5<{top}\\x2f{name}>\n'
        f'3.5 openat2(4<{top}>, "{name}", {{flags=O_RDONLY, resolve=0}}, 24) = 5\n'
        f'4.0 openat(AT_FDCWD<{top}>, "{name}", O_RDONLY <unfinished ...>\n'
    )

    path = '/top/a "<b>" = 3\n'
    assert syscalls.events(tmp_path) == [
        Event(1.5, Access.READ, "/top/tool"),
        Event(2.0, Access.READ, path, path),
        Event(3.0, Access.REPLACED, path, path),
        Event(3.5, Access.READ, path),
    ]


def test_files_outside_of_the_root_are_left_out(root: Path) -> None:
    beside = root.with_name("root2")
    beside.write_text("")

    assert files_read(root, [Event(1, Access.READ, str(beside))]) == frozenset()
