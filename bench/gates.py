"""What it costs to run the gates, beside other runners: `python -m bench.gates`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import peers
from bench.measure import Bar, report
from bench.peers import Runner
from bench.spent import Spent, median_of

ROUNDS = 9
FEW, MANY = 100, 1000
MS = 1000
Medians = dict[str, Spent]


def measure() -> list[Bar]:
    with tempfile.TemporaryDirectory(prefix="summit-bench-") as folder:
        few = _runners(Path(folder, "few"), FEW)
        many = _runners(Path(folder, "many"), MANY)
        xargs = peers.xargs(Path(folder, "xargs"), FEW)
        return [
            *_nothing_changed(few, many),
            *_one_file_changed(many["ours"]),
            *_cold(few["ours"], few["turborepo"], xargs),
        ]


def _runners(folder: Path, count: int) -> dict[str, Runner]:
    """Each in a repository of its own: what one builds would be news to another."""
    kinds = (peers.ours, peers.turborepo, peers.make, peers.doit)
    runners = {kind.__name__: kind(folder / kind.__name__, count) for kind in kinds}
    return {**runners, "without_node": peers.without_node(runners["turborepo"])}


def _in_turn(runs: Mapping[str, Callable[[], Spent]]) -> Medians:
    """Measure A B C ... A B C ... and return the medians, so that noise strikes all alike."""
    rounds = [{name: run() for name, run in runs.items()} for _ in range(ROUNDS)]
    return {name: median_of([figures[name] for figures in rounds]) for name in runs}


def _nothing_changed(few: Mapping[str, Runner], many: Mapping[str, Runner]) -> list[Bar]:
    runners = {f"{name} {len(it.parts)}": it for them in (few, many) for name, it in them.items()}
    for runner in runners.values():
        runner.run()
    m = _in_turn({name: runner.run for name, runner in runners.items()})
    a, b = m["ours 100"], m["ours 1000"]
    turbo = m["turborepo 1000"]

    def wall(words: str, ours: Spent, peer: str, at_most: float | None = None) -> Bar:
        return Bar(f"{words} (ms)", ours.wall * MS, m[peer].wall * MS, at_most=at_most)

    return [
        wall("nothing changed, 100: ours / Turborepo", a, "turborepo 100", 0.25),
        wall("contrast: ours / Turborepo without Node", a, "without_node 100"),
        wall("contrast: ours / make -rR", a, "make 100"),
        wall("contrast: ours / doit", a, "doit 100"),
        wall("nothing changed, 1000: ours / Turborepo", b, "turborepo 1000", 0.2),
        wall("contrast: ours / Turborepo without Node", b, "without_node 1000"),
        wall("nothing changed, 1000: ours / make -rR", b, "make 1000", 3),
        wall("contrast: ours / doit", b, "doit 1000"),
        Bar("nothing changed, CPU: 1000 / 100 (ms)", b.cpu * MS, a.cpu * MS, at_most=6),
        Bar("nothing changed, 1000: peak / Turborepo (MiB)", b.peak, turbo.peak, at_most=0.3),
    ]


def _one_file_changed(ours: Runner) -> list[Bar]:
    last = ours.parts[-1]  # nobody needs it
    file = ours.folder / last.files[-1]
    contents = iter(range(ROUNDS))

    def changed() -> Spent:
        file.write_text(f"changed {next(contents)}\n")
        figures = ours.run()
        assert (ours.folder / last.built).stat().st_mtime_ns >= file.stat().st_mtime_ns
        return figures

    m = _in_turn(
        {
            "changed": changed,
            "after": ours.run,
            "nothing": ours.run,
            "bare": Runner(ours.folder, [last], last.command).run,
        }
    )
    more = m["changed"].cpu - m["nothing"].cpu - m["bare"].cpu
    after = m["after"].cpu - m["nothing"].cpu
    return [
        Bar("one file changed, 1000: CPU more (ms)", more * MS, 1.0, at_most=25),
        Bar("contrast: CPU more in the run after that (ms)", after * MS, 1.0),
    ]


def _cold(ours: Runner, turborepo: Runner, xargs: Runner) -> list[Bar]:
    m = _in_turn({"ours": ours.run_cold, "turborepo": turborepo.run_cold, "xargs": xargs.run_cold})
    commands = m["xargs"].wall

    def more(name: str) -> float:
        """Milliseconds for each step more than the commands take."""
        return (m[name].wall - commands) / FEW * MS

    return [
        Bar("contrast: cold, 100: ours / xargs -P2 (ms)", m["ours"].wall * MS, commands * MS),
        Bar("contrast: more for each step / Turborepo (ms)", more("ours"), more("turborepo")),
        Bar("cold, 100: more for each step (ms)", more("ours"), 1.0, at_most=8),
    ]


if __name__ == "__main__":
    sys.exit(report(measure()))
