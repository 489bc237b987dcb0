"""A checkout of our own whose images have names of their own, and a host of our own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import yaml

from pipelines.containers import leftovers
from tests.integration.images.host import Host, sweep

ROOT = Path(__file__).parents[3]
SOURCES = (".dockerignore", "docker", "services")
COMMIT = ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--message=all")


class Checkout:
    """A copy of what images are made of, under Git, in which every image has another name."""

    def __init__(self, root: Path, prefix: str) -> None:
        self.root = root
        self.prefix = prefix
        for name in SOURCES:
            source = ROOT / name
            if source.is_file():
                shutil.copy(source, root)
            else:
                ignored = shutil.ignore_patterns("__pycache__", "tests")
                shutil.copytree(source, root / name, ignore=ignored, copy_function=shutil.copy)
        services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
        self.components = [n for n, it in services.items() if it.get("image") == f"summit-{n}"]
        described = {
            name: {"image": self.image(name), "build": services[name]["build"]}
            for name in self.components
        }
        self.write("compose.yaml", yaml.safe_dump({"services": described}))
        # The last stage is the image: also what lost its name to a later build is known by it, and
        # a container, which inherits it.
        dockerfile = root / "docker/service.Dockerfile"
        label = f"LABEL {leftovers.OWNER}={leftovers.owner()}\n"
        dockerfile.write_text(dockerfile.read_text() + label)

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git(*COMMIT)

    def image(self, component: str) -> str:
        return f"{self.prefix}-{component}"

    def paths(self, component: str) -> list[str]:
        return [*SOURCES[:2], "services/kit", f"services/{component.replace('-', '_')}"]


@pytest.fixture
def checkout(engine: docker.DockerClient, tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path, leftovers.name())
    made.commit()
    yield made
    for component in made.components:
        if engine.images.list(made.image(component)):
            engine.images.remove(made.image(component), force=True)
    # Not by `prune`, of which an engine does one at a time.
    label = f"{leftovers.OWNER}={leftovers.owner()}"
    for lost in engine.api.images(filters={"dangling": True, "label": label}):
        engine.images.remove(lost["Id"], force=True)


@pytest.fixture
def host() -> Iterator[Host]:
    """A host without an engine; what a run that was killed has left of its own is removed first."""
    sweep()
    made = Host.of(leftovers.owner())
    yield made
    made.remove()
