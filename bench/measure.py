"""Measuring two things side by side in one run, and saying whether a bar is met."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
CONNECTIONS = 64
WRK_MISSING = 5
STARTS_WITHIN_S = 20.0


@dataclass(frozen=True)
class Bar:
    """A measurement `a` against another one `b`, and what their ratio must be."""

    what: str
    a: float
    b: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ratio(self) -> float:
        return self.a / self.b

    @property
    def demand(self) -> str:
        words = [
            f"{sign} {bound:g}x"
            for sign, bound in (("<=", self.at_most), (">=", self.at_least))
            if bound is not None
        ]
        return " and ".join(words)

    @property
    def is_contrast(self) -> bool:
        """Whether nothing is demanded, and the measurement only puts others into proportion."""
        return self.at_most is None and self.at_least is None

    def __bool__(self) -> bool:
        is_low_enough = self.at_most is None or self.ratio <= self.at_most
        is_high_enough = self.at_least is None or self.ratio >= self.at_least
        return is_low_enough and is_high_enough


def report(bars: Sequence[Bar]) -> int:
    """Print a table of the bars; return the exit code, 1 when one of them is not met."""
    lines = [f"{'':<48} {'A':>10} {'B':>10} {'A/B':>8}  bar"]
    for bar in bars:
        verdict = "" if bar.is_contrast else "PASS" if bar else "FAIL"
        lines.append(
            f"{bar.what:<48} {bar.a:>10,.2f} {bar.b:>10,.2f} {bar.ratio:>7.2f}x  "
            f"{bar.demand:<9} {verdict}"
        )
    sys.stdout.write("\n".join([*lines, ""]))
    return 0 if all(bars) else 1


def side_by_side(
    a: Callable[[], float], b: Callable[[], float], *, rounds: int = 5
) -> tuple[float, float]:
    """Measure A B A B ... and return both medians, so that a noisy minute strikes both alike."""
    pairs = [(a(), b()) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def requests_per_second(
    url: str, *, headers: Mapping[str, str] | None = None, seconds: int = 3
) -> float:
    """Return how many requests `wrk` gets answered by 2xx, over 64 connections.

    Raises:
        SystemExit: there is no `wrk`, or some answer was another.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.stderr.write("error: no `wrk`; install it, e.g. `apt-get install wrk`\n")
        sys.exit(WRK_MISSING)
    command = [
        wrk,
        "--threads=1",
        "--timeout=30s",
        f"--connections={CONNECTIONS}",
        f"--duration={seconds}s",
    ]
    for name, value in (headers or {}).items():
        command.append(f"--header={name}: {value}")
    printed = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    if found is None or "Non-2xx" in printed or "Socket errors" in printed:
        sys.exit(f"error: {url} was not answered as it should be:\n{printed}")
    return float(found[1])


@contextmanager
def served(factory: str, *, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve what `module:function` returns as the services are served; gives its address."""
    port = free_port()
    options = f"--port={port} --loop=uvloop --http=httptools --ws=none --no-access-log"
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "--factory", factory),
            *options.split(),
            *("--no-proxy-headers", "--no-server-header", "--log-level=critical"),
        ],
        cwd=ROOT,
        env=environment,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(url, server)
        yield url
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{url}/up", timeout=1):
                return
        except OSError as error:
            if hasattr(error, "code"):  # any answer will do
                return
            if server.poll() is not None:
                sys.exit(f"error: what was to be measured ended with {server.returncode}")
            time.sleep(0.02)
    sys.exit(f"error: {url} was not up within {STARTS_WITHIN_S:g} s")
