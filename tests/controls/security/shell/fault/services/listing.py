"""Lists a folder that somebody names."""

import subprocess
import sys


def listed(folder: str) -> bytes:
    return subprocess.check_output(f"{sys.executable} -m zipfile -l {folder}", shell=True)
