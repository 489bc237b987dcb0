"""Images: what is known of the image that a service runs in, built here or somebody else's."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pipelines.audit.model import compose, shell
from pipelines.audit.model.containers import bases
from pipelines.audit.model.containers.builds import Declared
from pipelines.audit.model.containers.contexts import Context
from pipelines.audit.model.containers.dockerfile import Dockerfile, Instruction, Stage, fill, parse
from pipelines.audit.model.containers.installed import Installed
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_BINS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
# Below these lie the programs that no system's package manager installs.
_OWN = ("/usr/local", "/opt", "/app", "/home", "/root", "/venv", "/.venv")
_NOWHERE = Place("")
_MOST_STAGES = 20  # that one image may take files from, one out of the other
_SHELL = ("/bin/sh", "-c")


@dataclass(frozen=True)
class Entry:
    """What the container starts, ENTRYPOINT and CMD put together as the engine would.

    `is_shell` when `sh -c` runs it: `words` are then those of the text. `entrypoint` is how many of
    the words are the ENTRYPOINT's.
    """

    words: tuple[str, ...]
    text: str
    place: Place
    is_shell: bool = False
    entrypoint: int = 0

    def script(self) -> shell.Script:
        """The commands it runs, what only wraps them taken off."""
        if self.is_shell:
            return shell.parse(self.text, self.place)
        return of_words(self.words, self.place)


def of_words(words: tuple[str, ...], place: Place) -> shell.Script:
    """Words that no shell reads, as the script of one command; `sh -c TEXT` is read as its text."""
    quoted = " ".join(_quoted(word) for word in words)
    return shell.parse(quoted, place)


def _quoted(word: str) -> str:
    inner = word.replace("'", "'\\''").replace("\n", " ")
    is_plain = word and all(it.isalnum() or it in "-_./:=,@%+" for it in word)
    return word if is_plain else f"'{inner}'"


@dataclass(frozen=True)
class Image:
    """One image, as a service or a pipeline uses it.

    `programs` are the names that can be run in it; None when the base is not known. `sources` maps
    folders or files of the repository to where they are copied (`{"apps/api": "/app"}`).
    """

    reference: str  # "python:3.11-slim": the base, or the image itself
    dockerfile: Dockerfile | None = None
    stage: Stage | None = None
    context: str | None = None
    programs: frozenset[str] | None = None
    packages: frozenset[str] = frozenset()  # of the system's package manager
    sources: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""
    entry: Entry | None = None
    health: Entry | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    place: Place = _NOWHERE  # FROM of the last stage, or `image:`
    is_open: bool = False  # it may have more programs than are known
    has_health: bool = False  # the base brings a HEALTHCHECK of its own
    user_place: Place | None = None  # where the repository says the user
    services: tuple[compose.Service, ...] = ()  # that run it, of all projects
    tags: tuple[str, ...] = ()  # what a pipeline or Compose calls it
    target: str = ""
    mounted: Mapping[str, str] = field(default_factory=dict)  # as `sources`, by a bind mount

    def has(self, program: str) -> bool | None:
        """Whether a program can be run in it; None when that cannot be told."""
        if self.programs is None:
            return None
        if program in self.programs:
            return True
        return None if self.is_open else False

    @property
    def is_covered(self) -> bool:
        """Whether a service mounts files of the repository into it."""
        return any(mount.path is not None for it in self.services for mount in it.mounts)

    @property
    def is_built(self) -> bool:
        return self.stage is not None

    def origin(self, path: str, tracked: Tracked) -> str | None:
        """The tracked file or folder that lies at a path of the image; "" is the root.

        What is mounted there hides what was copied.
        """
        return self._found(path, self.mounted, tracked) or self._found(path, self.sources, tracked)

    def _found(self, path: str, sources: Mapping[str, str], tracked: Tracked) -> str | None:
        whole = posixpath.normpath(posixpath.join(self.workdir, path))
        best: tuple[int, str] | None = None
        for source, target in sources.items():
            rest = _below(whole, target)
            if rest is None:
                continue
            found = posixpath.normpath(posixpath.join(source, rest)) if rest else source
            found = "" if found == "." else found
            if found in tracked or found in tracked.folders:
                best = max(best or (0, found), (len(target), found))
        return best[1] if best else None


def _below(path: str, folder: str) -> str | None:
    """The path as seen from a folder it is in; None when it is not."""
    if path == folder:
        return ""
    start = folder if folder.endswith("/") else f"{folder}/"
    return path[len(start) :] if path.startswith(start) else None


@dataclass
class Images:
    """Makes images; what is built alike is read once."""

    tracked: Tracked
    dockerfiles: Mapping[str, Dockerfile]
    _made: dict[tuple[object, ...], Image] = field(default_factory=dict)
    _parsed: dict[tuple[object, ...], Dockerfile] = field(default_factory=dict)

    def of_service(self, service: compose.Service, built: tuple[Image, ...] = ()) -> Image:
        """The image that a service runs in, with what Compose says in place of the image's own.

        `built` are the images that are made here: one may be what a registry's name stands for.
        """
        made = self.of_build(service.build) if service.build else None
        image = made or somebody_elses(service.image, service.image_place or service.place)
        if image.programs is None and service.build is None:
            image = named(built, service.image) or image
        return _changed(image, service)

    def of_build(self, build: compose.Build) -> Image | None:
        """What a build makes; None when it has no Dockerfile, or not that stage."""
        if build.context is None:
            return None
        found = self.dockerfile_of(build)
        stage = found.target(build.target) if found else None
        if found is None or stage is None:
            return None
        return self.built(found, stage, build.context, build.target)

    def all(self, builds: Iterable[Declared]) -> tuple[Image, ...]:
        """Every image that is built here, once, with the services that run it and its tags."""
        found: dict[tuple[str, int, str | None, str], Image] = {}
        for it in builds:
            image = self.of_build(it.build)
            if image is None or image.dockerfile is None or image.stage is None:
                continue
            file = image.dockerfile.file
            if not is_deployed(file):
                continue
            key = (file, image.stage.index, image.context, image.reference)
            before = found.get(key, image)
            services = before.services + ((it.service,) if it.service else ())
            found[key] = replace(before, services=services, tags=(*before.tags, *it.tags))
        return tuple(found.values())

    def dockerfile_of(self, build: compose.Build) -> Dockerfile | None:
        """The Dockerfile of a build, read with its arguments."""
        if build.dockerfile_text is not None:
            return parse(build.dockerfile_text, build.place.file, build.arguments)
        path = build.dockerfile
        if path is None or path not in self.tracked:
            return None
        key = (path, tuple(sorted(build.arguments.items())))
        if key not in self._parsed:
            if not build.arguments and path in self.dockerfiles:
                self._parsed[key] = self.dockerfiles[path]
            else:
                self._parsed[key] = parse(self.tracked.text(path) or "", path, build.arguments)
        return self._parsed[key]

    def built(self, dockerfile: Dockerfile, stage: Stage, context: str, target: str = "") -> Image:
        """The image of one stage, with that folder as its context."""
        key = (dockerfile.file, stage.index, stage.base, context, tuple(stage.arguments.items()))
        if key not in self._made:
            maker = _Maker(dockerfile, Context(self.tracked, context, dockerfile.file))
            self._made[key] = replace(maker.image(stage), target=target)
        return self._made[key]


def somebody_elses(reference: str, place: Place) -> Image:
    """An image that is not built here."""
    base = bases.base(reference)
    if base is None:
        return Image(reference, place=place, user="?")
    return Image(
        reference,
        programs=base.programs | base.own,
        user=base.user,
        place=place,
        is_open=base.is_open,
        has_health=base.has_health,
    )


def named(images: tuple[Image, ...], reference: str) -> Image | None:
    """The image built here that a manifest means: by its tag, or by the folder it is built from."""
    if not reference:
        return None
    name = bases.split(reference).name
    short = name.rpartition("/")[2]
    exact = [it for it in images if any(bases.split(tag).name == name for tag in it.tags)]
    found = exact or [it for it in images if short in _names(it)]
    return found[0] if len({(it.place, it.reference) for it in found}) == 1 else None


def _names(image: Image) -> set[str]:
    names = {bases.split(tag).name.rpartition("/")[2] for tag in image.tags}
    folder = posixpath.dirname(image.dockerfile.file) if image.dockerfile else ""
    return names | ({posixpath.basename(folder)} if folder else set())


def _changed(image: Image, service: compose.Service) -> Image:
    """The image as a service runs it."""
    node = service.node
    workdir = node["working_dir"].text
    user = service.user
    return replace(
        image,
        workdir=posixpath.join(image.workdir, workdir) if workdir else image.workdir,
        user=user or image.user,
        user_place=node["user"].key_place if user else image.user_place,
        entry=_entry_of(image, service),
        health=_health_of(image, service),
        services=(service,),
        mounted={mount.path: mount.target for mount in service.mounts if mount.path is not None},
    )


def _entry_of(image: Image, service: compose.Service) -> Entry | None:
    """Compose's words in place of the image's: an `entrypoint` also takes away its CMD."""
    old = image.entry
    if service.entrypoint is None and service.command is None:
        return old
    first: tuple[str, ...] = ()
    if service.entrypoint is not None:
        first = service.entrypoint.words
    elif old is not None:
        first = () if old.is_shell else old.words[: old.entrypoint]
    rest = service.command.words if service.command is not None else ()
    said = service.command or service.entrypoint
    assert said is not None  # noqa: S101  # one of them is given
    return Entry((*first, *rest), said.text, said.place, entrypoint=len(first))


def _health_of(image: Image, service: compose.Service) -> Entry | None:
    health = service.health
    if health is None:
        return image.health
    if health.is_off:
        return None
    if health.test is None:
        return image.health
    test = health.test
    return Entry(test.words, test.text, test.place, is_shell=test.is_shell)


@dataclass
class _Maker:
    """Follows one Dockerfile's instructions."""

    dockerfile: Dockerfile
    context: Context
    _stages: dict[int, tuple[Installed, dict[str, str], str]] = field(default_factory=dict)

    def image(self, stage: Stage) -> Image:
        installed, sources, workdir = self._read(stage, 0)
        base = bases.base(stage.root.base)
        user, user_place = self._user(stage, base)
        is_known = base is not None
        environment = {key: value for it in stage.all("ENV") for key, value in it.pairs.items()}
        return Image(
            stage.root.base,
            self.dockerfile,
            stage,
            self.context.folder,
            installed.programs if is_known else None,
            frozenset(installed.packages),
            sources,
            workdir,
            user,
            _entry(stage),
            _health(stage),
            {key: fill(value, stage.arguments) or value for key, value in environment.items()},
            stage.place,
            installed.is_open,
            bool(base and base.has_health),
            user_place,
        )

    def _user(self, stage: Stage, base: bases.Base | None) -> tuple[str, Place | None]:
        said = stage.last("USER")
        if said is None:
            return (base.user if base else "?"), None
        return (fill(said.line, stage.arguments) or "?").partition(":")[0].strip("\"'"), said.place

    def _read(self, stage: Stage, deep: int) -> tuple[Installed, dict[str, str], str]:
        """What is in a stage at its end: programs, files of the repository, working folder."""
        if stage.index in self._stages:
            return self._stages[stage.index]
        if stage.parent is not None and deep < _MOST_STAGES:
            before, old_sources, workdir = self._read(stage.parent, deep + 1)
            installed = _copy(before)
            sources = dict(old_sources)
        else:
            base = bases.base(stage.base)
            installed, sources, workdir = _started(base), {}, "/"
        for instruction in stage.instructions:
            if instruction.name == "WORKDIR":
                path = fill(instruction.line.strip("\"'"), stage.arguments) or instruction.line
                workdir = posixpath.normpath(posixpath.join(workdir, path))
            elif instruction.name == "RUN":
                script = _script(instruction)
                opened = self._opener(sources, workdir, instruction)
                installed.run(script, opened, stage.arguments)
            elif instruction.name in ("COPY", "ADD"):
                self._copied(stage, instruction, installed, sources, workdir, deep)
        self._stages[stage.index] = (installed, sources, workdir)
        return self._stages[stage.index]

    def _opener(
        self, sources: dict[str, str], workdir: str, instruction: Instruction
    ) -> Callable[[str], shell.Script | None]:
        """Gives scripts of the repository by where they lie in the image, or are mounted."""
        mounted = {
            path: posixpath.join(workdir, mount.get("target", "."))
            for mount in instruction.mounts
            if mount.get("type", "bind") == "bind" and "from" not in mount
            and (path := self.context.path(mount.get("source", "."))) is not None
        }  # fmt: skip
        image = Image("", sources={**sources, **mounted}, workdir=workdir)
        tracked = self.context.tracked

        def opened(path: str) -> shell.Script | None:
            file = image.origin(path, tracked)
            text = tracked.text(file) if file in tracked and file else None
            return shell.parse(text, Place(file or "")) if text is not None else None

        return opened

    def _copied(
        self,
        stage: Stage,
        instruction: Instruction,
        installed: Installed,
        sources: dict[str, str],
        workdir: str,
        deep: int,
    ) -> None:
        words = [fill(word, stage.arguments) or word for word in instruction.arguments]
        if len(words) < 2:
            return
        *given, target = words
        is_folder = target.endswith("/") or target in (".", "..") or len(given) > 1
        target = posixpath.normpath(posixpath.join(workdir, target))
        origin = instruction.flags.get("from", "")
        for source in given:
            if origin:
                self._from_stage(
                    (fill(origin, stage.arguments) or origin), source, (target, is_folder),
                    installed, sources, deep,
                )  # fmt: skip
            elif "://" in source or source.startswith("git@"):
                installed.own.add(_named(source, target, is_folder=is_folder))
                installed.is_open = installed.is_open or _is_archive(source)
            elif not source.startswith("<<"):
                self._from_context(
                    instruction.name, source, (target, is_folder), installed, sources
                )

    def _from_context(
        self,
        name: str,
        source: str,
        target: tuple[str, bool],
        installed: Installed,
        sources: dict[str, str],
    ) -> None:
        path = self.context.path(source)
        where, is_folder = target
        if path is None:
            return
        if path in self.context.tracked:
            sources[path] = posixpath.join(where, path.rpartition("/")[2]) if is_folder else where
            installed.is_open = installed.is_open or (name == "ADD" and _is_archive(source))
        elif path in self.context.tracked.folders:
            sources[path] = where
        else:
            for file in self.context.files(source):
                sources[file] = posixpath.join(where, file.rpartition("/")[2])
        if where in _BINS or posixpath.dirname(where) in _BINS:
            names = {it.rpartition("/")[2] for it in self.context.files(source)}
            installed.own |= names | {posixpath.basename(where)}

    def _from_stage(
        self,
        origin: str,
        source: str,
        target: tuple[str, bool],
        installed: Installed,
        sources: dict[str, str],
        deep: int,
    ) -> None:
        """A COPY --from: of a stage of this file, or of somebody else's image."""
        where, is_folder = target
        stage = self.dockerfile.target(origin)
        path = posixpath.normpath(posixpath.join("/", source))
        if stage is not None and deep < _MOST_STAGES:
            other, files, _ = self._read(stage, deep + 1)
        else:
            other, files = _started(bases.base(origin)), {}
        for file, at in list(files.items()):
            if (rest := _below(at, path)) is not None:
                base = (
                    posixpath.basename(path) if is_folder and file in self.context.tracked else ""
                )
                sources[file] = posixpath.normpath(posixpath.join(where, rest or base))
            elif rest := _below(path, at):
                inner = posixpath.normpath(posixpath.join(file, rest))
                if inner in self.context.tracked.folders or inner in self.context.tracked:
                    sources[inner] = where
        parents = (posixpath.dirname(path), posixpath.dirname(where), where)
        if any(parent in _BINS or parent.endswith("/bin") for parent in parents):
            installed.own.add(_named(path, where, is_folder=is_folder))
        if path.startswith(_OWN) or path in (*_BINS, "/", "/usr"):
            installed.own |= other.own
        if path in ("/", "/usr", "/bin", "/usr/bin", "/sbin", "/usr/sbin"):
            installed.system |= other.system
            installed.is_open = installed.is_open or other.is_open


def _started(base: bases.Base | None) -> Installed:
    if base is None:
        return Installed(is_open=True)
    return Installed(set(base.programs), set(base.own), is_open=base.is_open)


def _copy(before: Installed) -> Installed:
    return replace(
        before,
        system=set(before.system),
        own=set(before.own),
        packages=set(before.packages),
    )


def _named(source: str, target: str, *, is_folder: bool) -> str:
    """The name that a copied file has."""
    return posixpath.basename(source if is_folder or target in _BINS else target)


def _is_archive(source: str) -> bool:
    return source.partition("?")[0].endswith((".tar", ".gz", ".tgz", ".xz", ".bz2", ".zst"))


def _script(instruction: Instruction) -> shell.Script:
    if instruction.is_json:
        return of_words(instruction.words, instruction.place)
    return shell.parse(instruction.text, instruction.text_place)


def commands(image: Image) -> Iterator[tuple[Instruction, shell.Command]]:
    """Every command of the RUN instructions along an image's chain, the first one first."""
    if image.stage is not None:
        for instruction in image.stage.all("RUN"):
            for command in _script(instruction).commands:
                yield instruction, command


def ran(image: Image) -> Iterator[tuple[Instruction, shell.Command]]:
    """Every command of every stage that the image needs, those it only copies from too."""
    for stage in needed(image):
        for instruction in stage.instructions:
            if instruction.name == "RUN":
                for command in _script(instruction).commands:
                    yield instruction, command


def needed(image: Image) -> list[Stage]:
    """The stages that a build of the image runs, in the order of the file."""
    if image.dockerfile is None or image.stage is None:
        return []
    waiting, found = [image.stage], dict[int, Stage]()
    while waiting:
        stage = waiting.pop()
        if stage.index in found:
            continue
        found[stage.index] = stage
        waiting += [stage.parent] if stage.parent is not None else []
        for instruction in stage.instructions:
            names = [
                instruction.flags.get("from", ""),
                *(it.get("from", "") for it in instruction.mounts),
            ]
            waiting += [it for name in names if name and (it := image.dockerfile.target(name))]
    return [found[index] for index in sorted(found)]


def files_of(tracked: Tracked, image: Image, stage: Stage) -> Image:
    """The files of one stage of an image's Dockerfile, as an image of its own."""
    if image.dockerfile is None:
        return image
    return _Maker(
        image.dockerfile, Context(tracked, image.context or "", image.dockerfile.file)
    ).image(stage)


def _entry(stage: Stage) -> Entry | None:
    """ENTRYPOINT and CMD; an ENTRYPOINT takes away the CMD of the stages below it."""
    first = stage.last("ENTRYPOINT")
    rest = _command(stage, first)
    if first is not None and not first.is_json and first.line:
        return Entry(tuple(first.arguments), first.text, first.text_place, is_shell=True)
    start = first.words if first is not None else ()
    if rest is None:
        return Entry(start, " ".join(start), first.place, entrypoint=len(start)) if first else None
    if rest.is_json:
        words = (*start, *rest.words)
        return Entry(words, " ".join(words), rest.place, entrypoint=len(start))
    if start:
        words = (*start, *_SHELL, rest.text)
        return Entry(words, rest.text, rest.place, entrypoint=len(start))
    return Entry(tuple(rest.arguments), rest.text, rest.text_place, is_shell=True)


def _command(stage: Stage, entrypoint: Instruction | None) -> Instruction | None:
    for one in stage.chain:
        for instruction in reversed(one.instructions):
            if instruction.name == "CMD":
                return instruction
        if entrypoint is not None and entrypoint in one.instructions:
            return None
    return None


def _health(stage: Stage) -> Entry | None:
    """The HEALTHCHECK, without its CMD; None for none, and for NONE."""
    said = stage.last("HEALTHCHECK")
    if said is None or said.text[:3].upper() != "CMD":
        return None
    text = said.text[3:]
    rest = text.lstrip(" \t\\\n")
    place = said.text_place.below(text[: len(text) - len(rest)].count("\n"))
    inner = Instruction("CMD", rest, said.place, text_place=place)
    if rest.startswith("["):
        found = parse(f"FROM x\nCMD {rest}", "").stages[0].instructions
        inner = replace(found[0], place=said.place) if found else inner
    if inner.is_json:
        return Entry(inner.words, " ".join(inner.words), said.place)
    return Entry(tuple(inner.arguments), rest, place, is_shell=True)
