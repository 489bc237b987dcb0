"""The model of a repository: each part parsed once, when a rule first asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TypeVar

from pipelines.audit.findings import Finding, Unread
from pipelines.audit.model import compose, kubernetes, monitoring, suppressions
from pipelines.audit.model.ci import gitlab, makefiles, packages, workflows
from pipelines.audit.model.ci.packages import Package
from pipelines.audit.model.ci.reach import Reach
from pipelines.audit.model.containers import builds, dockerfile, images, started
from pipelines.audit.model.containers.images import Image
from pipelines.audit.model.javascript import JavaScript
from pipelines.audit.model.python import (
    Application,
    Import,
    Python,
    applications,
    environments,
    requirements,
    web,
)
from pipelines.audit.model.python.applications import Imports, Run
from pipelines.audit.model.python.environments import Environment
from pipelines.audit.model.secrets import Secrets, Written
from pipelines.audit.model.words import Words
from pipelines.audit.place import Place
from pipelines.audit.tracked import LARGEST, Tracked

Part = TypeVar("Part")


class Model:
    """Everything rules look at. What could not be read is in `unread`, each with its reason."""

    def __init__(self, tracked: Tracked) -> None:
        self.tracked = tracked
        self.asked: frozenset[str] = frozenset()  # the rules, by id
        self.findings: tuple[Finding, ...] = ()  # of the rules, for those that judge them
        self._unread: set[Unread] = set()

    def _kept(self, found: tuple[Part, tuple[Unread, ...]]) -> Part:
        part, unread = found
        self._unread.update(unread)
        return part

    @property
    def unread(self) -> tuple[Unread, ...]:
        large = (
            Unread(Place(path), f"larger than {LARGEST:,} bytes") for path in self.tracked.too_large
        )
        return tuple(sorted({*self._unread, *self.python.unread, *large}))

    @cached_property
    def projects(self) -> tuple[compose.Project, ...]:
        return self._kept(compose.read(self.tracked))

    @cached_property
    def dockerfiles(self) -> dict[str, dockerfile.Dockerfile]:
        return self._kept(dockerfile.read(self.tracked))

    @cached_property
    def builds(self) -> tuple[builds.Declared, ...]:
        """Every build that Compose, CI or a Makefile asks for, or that a Dockerfile stands for."""
        return builds.declared(
            self.tracked, self.projects, self.workflows, self.makefiles, self.dockerfiles
        )

    @cached_property
    def _images(self) -> images.Images:
        return images.Images(self.tracked, self.dockerfiles)

    def image(self, service: compose.Service) -> images.Image:
        """The image that a service runs in, with what Compose says in place of the image's own."""
        return self._images.of_service(service, self.images)

    def built(self, build: compose.Build) -> images.Image | None:
        """The image that a build makes; None when it has no Dockerfile, or not that stage."""
        return self._images.of_build(build)

    def lacks_build(self, service: compose.Service) -> bool:
        """Whether a service's build names what is not there: nothing else can be told of it."""
        build = service.build
        return build is not None and not build.is_unknown and self.built(build) is None

    def dockerfile(self, build: compose.Build) -> dockerfile.Dockerfile | None:
        """The Dockerfile of a build, read with its arguments."""
        return self._images.dockerfile_of(build)

    def started(self, image: images.Image) -> tuple[started.Started, ...]:
        """The commands that starting an image runs, package scripts and shell scripts followed."""
        return started.started(image, self.tracked, self.packages)

    @cached_property
    def images(self) -> tuple[images.Image, ...]:
        """Every image that is built here, as it is when nothing in Compose changes it."""
        return self._images.all(self.builds)

    @cached_property
    def other_workflows(self) -> tuple[workflows.Workflow, ...]:
        """Those in a folder, which no platform runs here: a template's."""
        return workflows.elsewhere(self.tracked)

    @cached_property
    def workflows(self) -> tuple[workflows.Workflow, ...]:
        return (
            *self._kept(workflows.read(self.tracked)),
            *self._kept(gitlab.read(self.tracked)),
        )

    @cached_property
    def makefiles(self) -> dict[str, makefiles.Makefile]:
        return self._kept(makefiles.read(self.tracked))

    @cached_property
    def packages(self) -> dict[str, Package]:
        return self._kept(packages.read(self.tracked))

    @cached_property
    def reach(self) -> Reach:
        """What the workflows run, through make, packages' scripts, shell scripts and actions."""
        return Reach(self)

    @cached_property
    def requirements(self) -> dict[str, requirements.Requirements]:
        return self._kept(requirements.read(self.tracked))

    @cached_property
    def python(self) -> Python:
        return Python(self.tracked)

    @cached_property
    def _applications(self) -> applications.Applications:
        return applications.Applications(self.python, self.requirements, self.environment)

    @cached_property
    def _environments(self) -> environments.Environments:
        return environments.Environments(self.tracked, self.requirements, self._images)

    def environment(self, image: Image) -> Environment:
        """Which Python distributions an image has."""
        return self._environments.of(image)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Every service with its image, then every image that is built for no service."""
        return (
            *((it, self.image(it)) for it in _services(self.projects)),
            *((None, image) for image in self.images if not image.services),
        )

    @cached_property
    def applications(self) -> tuple[Application, ...]:
        """What images start that is Python."""
        return self._applications.all(self.runs)

    @cached_property
    def unmounted(self) -> tuple[Application, ...]:
        """The same of images that services run, but by themselves: without Compose's mounts."""
        return self._applications.all((None, image) for image in self.images if image.is_covered)

    def imports(self, application: Application) -> Imports:
        """What starting an application is sure to import, and does not find."""
        return self._applications.imports(application)

    def modules(self, application: Application) -> tuple[str, ...]:
        """Every module that an application may import, sooner or later, the entry first."""
        return self._applications.modules(application)

    @cached_property
    def web(self) -> tuple[web.WebService, ...]:
        """The applications that answer HTTP, and by which routes."""
        return tuple(web.services(self.python, self.applications, self.modules))

    def outside(self, application: Application) -> tuple[tuple[Import, str], ...]:
        """The imports at start of modules that the repository has, at that file, the image not."""
        return self._applications.imports(application).outside

    @cached_property
    def javascript(self) -> JavaScript:
        return JavaScript(self.tracked, self.words)

    @cached_property
    def words(self) -> Words:
        return Words(self.tracked)

    @cached_property
    def prometheus(self) -> tuple[monitoring.Prometheus, ...]:
        return self._kept(monitoring.read(self.tracked))

    @cached_property
    def kubernetes(self) -> kubernetes.Kubernetes:
        return self._kept(kubernetes.read(self.tracked))

    @cached_property
    def secrets(self) -> tuple[Written, ...]:
        """Every credential that is written down, but those with which the code does not start."""
        return Secrets(
            self.tracked, self.python, self.javascript, self.words, self.dockerfiles
        ).standing

    @cached_property
    def suppressions(self) -> tuple[suppressions.Mark, ...]:
        return suppressions.read(self.tracked)


def _services(projects: Iterable[compose.Project]) -> Iterator[compose.Service]:
    """Those of base projects, then what overrides make of them."""
    for project in projects:
        yield from project.services.values()
        yield from _services(project.overrides)
