"""Which Python distributions an image has installed, as far as its build says."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pipelines.audit.model.containers.dockerfile import Instruction
from pipelines.audit.model.containers.images import Image, Images, commands
from pipelines.audit.model.python import distributions, pip, starts
from pipelines.audit.model.python.pip import Install, Source
from pipelines.audit.model.python.requirements import Requirements, installed, locked, read_one
from pipelines.audit.model.python.starts import filled
from pipelines.audit.model.shell import Command
from pipelines.audit.tracked import Tracked, join

# Images that bring Python, or nothing of it, and no distribution that a service would import.
_BARE = re.compile(
    r"(.*/)?(python|pypy|debian|ubuntu|alpine|buildpack-deps|uv|fedora|rockylinux|almalinux|node"
    r"|amazonlinux|python-3\d+|ubi\d*(-minimal|-init)?|minideb|python3(-debian\d+)?|scratch)"
)
_WITH_PYTHON = frozenset({"pip", "setuptools", "wheel"})
_MOST_STAGES = 20  # that one image takes files from
_PLACES = re.compile(
    r"site-packages|dist-packages|venv|virtualenv|^/usr(/local)?/?$|^/usr/local/lib|^/opt|^/app"
    r"|^/code|\.local|^/install|wheel|^/home|/deps?$|^/?$"
)
_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile")
# Programs that may install anything: what they are given stands elsewhere.
_ANYTHING = ("make", "just", "task", "invoke", "inv", "nox", "tox", "bazel", "pants", "ansible")


@dataclass(frozen=True)
class Environment:
    """What is installed; `files` are the lists that say so, in their order.

    `is_open` when there may be more: an unknown base, a variable, a list that is not there.
    """

    names: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    is_open: bool = False
    is_locked: bool = False  # the lists name what others bring, too

    def plus(self, other: Environment) -> Environment:
        """Both together."""
        return Environment(
            self.names | other.names,
            tuple(dict.fromkeys((*self.files, *other.files))),
            self.is_open or other.is_open,
            self.is_locked or other.is_locked,
        )


_NOTHING = Environment()
_UNTOLD = Environment(is_open=True)


def is_bare(reference: str) -> bool:
    """Whether an image of that name is known to bring no distribution but Python's own."""
    name = reference.partition("@")[0]
    return _BARE.fullmatch(name[: _tag(name)]) is not None


def _tag(name: str) -> int:
    """Where the tag begins: a colon before a slash is of the registry's port."""
    colon = name.rfind(":")
    return colon if colon > name.rfind("/") else len(name)


@dataclass
class Environments:
    """Reads environments, each image's once."""

    tracked: Tracked
    requirements: Mapping[str, Requirements]
    images: Images
    _made: dict[tuple[object, ...], Environment] = field(default_factory=dict)

    def of(self, image: Image) -> Environment:
        """What is installed when the image runs, its own command's installs among it."""
        stage = image.stage
        key = (image.reference, image.dockerfile and image.dockerfile.file, stage and stage.index,
               image.context, stage and tuple(stage.arguments.items()))  # fmt: skip
        if key not in self._made:
            self._made[key] = self._built(image)
        return self._made[key].plus(self._started(image))

    def _started(self, image: Image) -> Environment:
        """What the image's own command installs before it starts, scripts included."""
        found = _NOTHING
        if image.entry is None:
            return found

        def opened(path: str) -> tuple[str, str] | None:
            file = self._file(path, image, {})
            text = self.tracked.text(file) if file else None
            return (file, text) if file and text else None

        for command in starts.commands(image.entry.script(), opened):
            found = found.plus(self._installs(command, image, {}))
        return found

    def _built(self, image: Image) -> Environment:
        base = image.stage.root.base if image.stage is not None else image.reference
        found = Environment(_WITH_PYTHON, is_open=not is_bare(base))
        for made in self._stages(image):
            found = found.plus(self._of_stage(made))
        return found

    def _stages(self, image: Image) -> Iterator[Image]:
        """The image itself, and the stages that it takes files from, directly or through others."""
        if image.dockerfile is None or image.stage is None or image.context is None:
            return
        waiting = [image.stage]
        seen: set[int] = set()
        while waiting and len(seen) < _MOST_STAGES:
            stage = waiting.pop(0)
            if stage.index in seen:
                continue
            seen.add(stage.index)
            yield self.images.built(image.dockerfile, stage, image.context)
            for instruction in stage.all("COPY", "RUN"):
                for origin in _origins(instruction):
                    other = image.dockerfile.target(origin) if origin else None
                    if other is not None:
                        waiting.append(other)

    def _of_stage(self, image: Image) -> Environment:
        found = _NOTHING
        if image.stage is None or image.dockerfile is None:
            return found
        for instruction in image.stage.all("COPY"):
            origin = instruction.flags.get("from", "")
            if not origin or is_bare(origin) or image.dockerfile.target(origin) is not None:
                continue
            if any(_PLACES.search(source) for source in instruction.arguments[:-1]):
                found = _UNTOLD
        for instruction, command in commands(image):
            words = tuple(filled(word, image.stage.arguments) for word in command.words)
            mounted = _mounted(instruction, image)
            found = found.plus(self._by(replace(command, words=words), image, mounted))
        return found

    def _by(self, command: Command, image: Image, mounted: Mapping[str, str]) -> Environment:
        """What a command of the build installs; a script of the repository may install anything."""
        is_script = command.words[:1] and command.words[0].endswith((".sh", ".bash"))
        if command.program in _ANYTHING or is_script:
            return _UNTOLD
        return self._installs(command, image, mounted)

    def _installs(self, command: Command, image: Image, mounted: Mapping[str, str]) -> Environment:
        found = _NOTHING
        for install in pip.read(command):
            found = found.plus(self._of(install, image, mounted))
        return found

    def _of(self, install: Install, image: Image, mounted: Mapping[str, str]) -> Environment:
        if install.is_unknown:
            return _UNTOLD
        if install.requirement is not None:
            one = install.requirement
            names = distributions.brought(one.name, frozenset(one.extras))
            return Environment(names, is_open=bool(one.url))
        folder = posixpath.join(install.command.folder, install.path)
        if install.source is Source.FILE:
            file = self._file(folder, image, mounted)
            return self._listed(file, frozenset()) if file else _UNTOLD
        for name in _PROJECT_FILES:
            file = self._file(posixpath.join(folder, name), image, mounted)
            if file is not None and file in self.requirements:
                return self._listed(file, frozenset(install.extras), source=install.source)
        return _UNTOLD

    def _listed(
        self, file: str, extras: frozenset[str], source: Source = Source.FILE, depth: int = 0
    ) -> Environment:
        """What a list of the repository brings."""
        one = self.requirements.get(file) or read_one(self.tracked, file)
        if one is None:
            return _UNTOLD
        wanted = frozenset(one.extras) if "*" in extras else extras
        names = installed(one, wanted) | ({one.name} if one.name else set())
        is_open = one.is_unknown or any(item.url for item in one.items)
        found = Environment(names, (file,), is_open, one.is_compiled)
        if source is Source.LOCK and one.lock:
            found = found.plus(Environment(locked(self.tracked, one.lock), is_locked=True))
        for folder in one.projects if depth < _MOST_STAGES else ():
            inner = [join(folder, name) for name in _PROJECT_FILES]
            known = next((it for it in inner if it in self.requirements), None)
            found = found.plus(
                self._listed(known, frozenset(), depth=depth + 1) if known else _UNTOLD
            )
        return found

    def _file(self, path: str, image: Image, mounted: Mapping[str, str]) -> str | None:
        """The file of the repository that a command names by its path in the image.

        Where the folder cannot be followed, the one in the context that ends alike.
        """
        whole = posixpath.normpath(posixpath.join("/", image.workdir, path))
        origin = mounted.get(whole) or image.origin(whole, self.tracked)
        if origin in self.tracked:
            return origin
        parts = whole.strip("/").split("/")
        for start in range(len(parts)):
            ending = "/".join(parts[start:])
            for source, target in image.sources.items():
                found = join(source, ending)
                if target.endswith(f"/{ending}") and source in self.tracked:
                    return source
                if found in self.tracked:
                    return found
            inside = join(image.context or "", ending)
            if inside in self.tracked:
                return inside
        return None


def _origins(instruction: Instruction) -> Iterator[str]:
    yield instruction.flags.get("from", "")
    for mount in instruction.mounts:
        yield mount.get("from", "")


def _mounted(instruction: Instruction, image: Image) -> dict[str, str]:
    """The files that `RUN --mount=type=bind` shows, by where they are seen."""
    found = {}
    for mount in instruction.mounts:
        if mount.get("type", "bind") != "bind" or "from" in mount:
            continue
        source = join(image.context or "", mount.get("source", mount.get("src", ".")).lstrip("/"))
        target = mount.get("target", mount.get("dst", mount.get("destination", "")))
        if source is not None:
            found[posixpath.normpath(posixpath.join("/", image.workdir, target))] = source
    return found
