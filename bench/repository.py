"""A repository of many components, the same one for every runner: `generate(folder, 1000)`."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FILES = 20
AGE = 3600  # seconds
IGNORED = ("built", ".summit/", ".turbo/", "node_modules", ".doit.db*", "__pycache__/")
INPUTS = ("package.json", "src/**")
# A component needs those this far before it. Primes that share no path: nothing is needed twice.
DISTANCES = (7, 31, 67)

NPM = {"name": "root", "workspaces": ["components/*"]}
TURBO = {"dependsOn": ["^build"], "inputs": INPUTS, "outputs": ["built"]}
DODO = """\
import json
from pathlib import Path


def task_build():
    for name, inputs, needs in json.loads(Path("graph.json").read_text()):
        yield {
            "name": name,
            "actions": [["cp", f"components/{name}/package.json", f"components/{name}/built"]],
            "file_dep": inputs + [f"components/{need}/built" for need in needs],
            "targets": [f"components/{name}/built"],
        }
"""


@dataclass(frozen=True)
class Component:
    """A folder of twenty files, and the names of the earlier components that it needs."""

    name: str
    needs: tuple[str, ...]

    @property
    def folder(self) -> str:
        return f"components/{self.name}"

    @property
    def files(self) -> list[str]:
        sources = (f"{self.folder}/src/{number:02}.txt" for number in range(FILES - 1))
        return [f"{self.folder}/package.json", *sources]

    @property
    def built(self) -> str:
        return f"{self.folder}/built"

    @property
    def command(self) -> tuple[str, ...]:
        """What builds it, the same words for every runner, from the repository's root."""
        return ("cp", f"{self.folder}/package.json", self.built)


def components(count: int) -> list[Component]:
    """Return `count` components; a thousand of them have 2,895 edges."""
    return [
        Component(_name(index), tuple(_name(index - far) for far in DISTANCES if far <= index))
        for index in range(count)
    ]


def edges(parts: Sequence[Component]) -> int:
    return sum(len(part.needs) for part in parts)


def generate(folder: Path, count: int) -> list[Component]:
    """Write the repository with what each runner reads, and commit it."""
    parts = components(count)
    for name, text in {**_configuration(parts), **dict(_sources(parts))}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        _age(file)
    _git(folder, "init", "--quiet")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message=Generated")
    return parts


def _name(index: int) -> str:
    return f"c{index:04}"


def _configuration(parts: Sequence[Component]) -> dict[str, str]:
    return {
        ".gitignore": "\n".join([*IGNORED, ""]),
        "pipelines.yaml": "".join(_pipelines(parts)),
        "package.json": json.dumps(NPM | {"packageManager": "npm@10.8.2"}),
        "package-lock.json": json.dumps(_npm_lock(parts)),
        "turbo.json": json.dumps({"tasks": {"build": TURBO}}),
        "Makefile": "".join(_makefile(parts)),
        "dodo.py": DODO,
        "graph.json": json.dumps([(part.name, part.files, part.needs) for part in parts]),
    }


def _sources(parts: Sequence[Component]) -> Iterator[tuple[str, str]]:
    for part in parts:
        manifest, *rest = part.files
        yield manifest, json.dumps(_package(part) | {"scripts": {"build": "cp package.json built"}})
        yield from ((file, f"{file}\n" * 40) for file in rest)


def _npm_lock(parts: Sequence[Component]) -> dict[str, object]:
    folders = {part.folder: _package(part) for part in parts}
    links = {f"node_modules/{part.name}": {"resolved": part.folder, "link": True} for part in parts}
    return {"name": "root", "lockfileVersion": 3, "packages": {"": NPM} | folders | links}


def _package(part: Component) -> dict[str, object]:
    needs = dict.fromkeys(part.needs, "*")
    return {"name": part.name, "version": "1.0.0", "dependencies": needs}


def _pipelines(parts: Sequence[Component]) -> Iterator[str]:
    yield "kinds:\n  part:\n    build:\n"
    yield '      run: [cp, "{folder}/package.json", "{folder}/built"]\n'
    yield "      cwd: root\n"
    yield f"      inputs: {json.dumps(INPUTS)}\n"
    yield "      outputs: [built]\n"
    yield "      needs: [^build]\n"
    yield "components:\n"
    for part in parts:
        needs = ", ".join(part.needs)
        yield f"  {part.name}: {{folder: {part.folder}, kind: part, needs: [{needs}]}}\n"


def _makefile(parts: Sequence[Component]) -> Iterator[str]:
    yield f".PHONY: build\nbuild: {' '.join(part.built for part in parts)}\n"
    for part in parts:
        upstream = [f"components/{need}/built" for need in part.needs]
        yield f"{part.built}: {' '.join([*part.files, *upstream])}\n\t{' '.join(part.command)}\n"


def _age(file: Path) -> None:
    # As in a checkout of yesterday: to a cache of stats, a file of this very moment is suspicious.
    then = time.time() - AGE
    os.utime(file, (then, then))


def _git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@summit.example")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True)
