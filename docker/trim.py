"""Makes a folder fit for an image: `python trim.py FOLDER`, within the build.

What a running service never reads goes: tests, type stubs, headers, sources of extensions, symbols
for debuggers. What stays is compiled, in a form that depends on the content alone, and all of it
gets one time: the same content is then the same layer, whenever it is built.
"""

import compileall
import os
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

TIME = 315532800  # 1980-01-01, the first that a zip archive can hold
FOLDERS = {"tests", "test", "testing", "_testbase", "_examples", "f2py", "include", "__pycache__"}
SUFFIXES = {".a", ".c", ".cpp", ".h", ".hpp", ".proto", ".pxd", ".pxi", ".pyi", ".pyx"}
FILES = ("_simd.*.so", "_*_tests.*.so", "conftest.py", "pytest_plugin.py", "test*_utils.py")
FILES += ("testclient.py", "provision.py", "mypy.py")
# They compile extensions; what is compiled with them needs `_cffi_backend` only.
COMPILERS = (("site-packages", "cffi"), ("site-packages", "pycparser"))


def trim(folder: Path) -> None:
    """Remove what is never read, compile the rest, and give all of it one time."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if path.name in FOLDERS or (path.parent.name, path.name) in COMPILERS:
                shutil.rmtree(path)
        elif path.suffix in SUFFIXES or any(map(path.match, FILES)):
            path.unlink()
    if libraries := [path for path in folder.rglob("*.so*") if path.is_file()]:
        subprocess.run(["strip", "--strip-unneeded", *libraries], check=True)
    mode = PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(folder, quiet=1, workers=0, invalidation_mode=mode):
        sys.exit(f"{folder} holds Python that cannot be compiled")
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (TIME, TIME), follow_symlinks=False)


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
