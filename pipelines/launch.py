"""What `./inv` and `summit` start: nothing is imported that the answer does not need.

A run in which nothing changed is answered from `snapshot`; gates without options run without
Invoke, whose import takes longer than most plans; everything else is Invoke's.
"""

from __future__ import annotations

import gc
import os
import sys

if __name__ == "__main__":  # started by its path, without site: the folder above is the root
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from pipelines.checkout import snapshot
from pipelines.root import nearest_root

TYPE_CHECKING = False  # as in `snapshot`: `typing` takes longer than all that follows
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

_GARBAGE = 100_000  # objects between two searches for it: much is read at once, and none of it is

GATES = frozenset(("lint", "types", "test", "audit", "build", "integration", "check"))
AUDIT = "audit"  # whose task also does something where there is no such gate
# Where there are tasks, theirs also ask the engine whether it still has the images.
WITH_IMAGES = frozenset(("build", "integration"))


def main(words: Sequence[str], hand_over: Callable[[], None]) -> None:
    """Answer the words and end, or let Invoke do so."""
    root = nearest_root(os.getcwd()) if words and GATES.issuperset(words) else None
    if (
        root is None
        or (WITH_IMAGES.intersection(words) and _has_tasks(root))
        or (AUDIT in words and not os.path.exists(f"{root}/pipelines.yaml"))
    ):
        hand_over()
        return
    gc.set_threshold(_GARBAGE)
    look = snapshot.look(root)
    said = look.answer(words) if look else None
    if said is not None:
        sys.stderr.write(f"{said}\n")
        _end(0)
    _see_libraries()
    from pipelines import entry

    _end(entry.check(root, words, look, hand_over))


def _has_tasks(root: str) -> bool:
    return os.path.exists(os.path.join(root, "tasks.py")) or os.path.isdir(
        os.path.join(root, "tasks")
    )


def inv() -> None:
    """`./inv`: as Invoke's own program, which looks for `tasks.py` from here upwards."""
    main(sys.argv[1:], _invoke)


def summit() -> None:
    """`summit`: the same for repositories without a `tasks.py`."""
    main(sys.argv[1:], tasks)


def tasks() -> None:
    """`python -m tasks`: Invoke's answer, whatever is asked for.

    An audit leaves nothing behind that has to be put away when it ends.
    """
    from importlib import import_module

    gc.set_threshold(_GARBAGE)
    _ask_for_help_first()
    # By name: what a person types stands above this package.
    run = import_module("tasks._program").program.run
    if sys.argv[1:2] != [AUDIT]:
        run()
        return
    try:
        run()
    except SystemExit as ended:
        if isinstance(ended.code, str):  # a message, which Python prints
            raise
        _end(ended.code or 0)
    _end(0)


def _ask_for_help_first() -> None:
    """`inv deploy --help` as `inv --help deploy`: else a task takes the word for its argument."""
    match sys.argv[1:]:
        case [task, "-h" | "--help"] if not task.startswith("-"):
            sys.argv[1:] = ["--help", task]


def _end(code: int) -> NoReturn:
    """Leave everything that was read to the kernel; Python would first take it apart."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _invoke() -> None:
    if _is_bare():
        import site

        site.main()
    _ask_for_help_first()
    from invoke.main import program

    program.run()


def _see_libraries() -> None:
    """Make libraries importable; `site` would do that too, and look at much else."""
    if _is_bare():
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        home = os.path.dirname(os.path.dirname(sys.executable))
        sys.path.append(os.path.join(home, "lib", version, "site-packages"))


def _is_bare() -> bool:
    return bool(sys.flags.no_site) and "site" not in sys.modules


if __name__ == "__main__":
    inv()
