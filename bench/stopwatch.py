"""Runs a program and prints what it took: seconds of wall time, of CPU, MiB of its largest process.

A small process of its own, without any import that can be spared: the kernel counts the memory of
whoever starts a program as part of that program's peak.
"""

import os
import sys
import time

MIB = 2**10 if sys.platform == "linux" else 2**20  # `ru_maxrss` counts KiB there, else bytes


def main(argv: list[str]) -> int:
    # Both streams of the program become stderr: stdout carries the figures.
    streams = [(os.POSIX_SPAWN_DUP2, 2, 1)]
    began = time.perf_counter()
    program = os.posix_spawnp(argv[0], argv, os.environ, file_actions=streams)
    _, status, used = os.wait4(program, 0)
    wall = time.perf_counter() - began
    sys.stdout.write(f"{wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss / MIB}\n")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
