"""Real builds: what is in an image, whose it is, and that it is the same one again."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from pipelines.errors import MachineError
from pipelines.images import bases, dockerfile, kept, override
from pipelines.images.build import build
from pipelines.images.buildx import BuildFailed
from tests.gates.machine import mounted
from tests.integration.base import image_of
from tests.integration.images import layers
from tests.integration.images.conftest import ROOT, Checkout

MOST = 120_000_000  # bytes that a service may add to its base
COMPONENTS = ["fabric", "fusion", "intelligence", "tasking", "api-gateway", "console"]
# The smoke story needs what the gateway has.
IMPORT_ALL = """
import importlib, os, pkgutil, services
for module in pkgutil.walk_packages(services.__path__, "services."):
    if module.name != "services.smoke" or os.environ["SERVICE"] == "api_gateway":
        importlib.import_module(module.name)
"""
Until = Callable[[Callable[[], object]], None]
BASE = "org.opencontainers.image.base"
CANARY = "canary-of-a-build-secret-7f3a"


def run(image: str, *words: str) -> str:
    command = ["docker", "run", "--rm", "--read-only", "--cap-drop=ALL", "--network=none"]
    ended = subprocess.run([*command, image, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_every_image_of_ours_is_tried(checkout: Checkout) -> None:
    assert sorted(checkout.components) == sorted(COMPONENTS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("component", COMPONENTS)
def test_an_image_is_small_unprivileged_and_whole(
    checkout: Checkout, engine: docker.DockerClient, component: str
) -> None:
    made = build(checkout.root, component, checkout.paths(component))

    image = engine.images.get(made.digest)
    config = image.attrs["Config"]
    base = engine.images.get(image_of(engine, "python")).attrs["Size"]
    assert made.size - base <= MOST
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == [
        *("CMD", "python", "-m", "services.kit.probe", "/readyz", "2")
    ]
    assert image.labels["org.opencontainers.image.revision"] == made.revision
    assert image.labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert made.is_on_stand_in == (dockerfile.STAND_IN in image.labels)
    assert run(made.image, "id", "--user").strip() == "10001"
    run(made.image, "python", "-c", IMPORT_ALL)
    files = run(made.image, "find", "/app", "/venv", "-name", "pip", "-o", "-name", "tests")
    assert files == ""


@pytest.mark.timeout(600)
def test_an_image_starts_by_its_own_command(
    checkout: Checkout, engine: docker.DockerClient, until: Until
) -> None:
    made = build(checkout.root, "console", checkout.paths("console"))
    started = engine.containers.run(made.digest, detach=True, read_only=True, cap_drop=["ALL"])
    try:
        until(lambda: _health(started) != "starting")

        assert _health(started) == "healthy", started.logs().decode()
    finally:
        started.remove(force=True, v=True)


@pytest.mark.timeout(600)
def test_an_image_that_lacks_settings_names_each_in_one_line(checkout: Checkout) -> None:
    made = build(checkout.root, "fusion", checkout.paths("fusion"))

    ended = subprocess.run(
        ["docker", "run", "--rm", made.image], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert all(line.startswith("error: ") for line in ended.stderr.splitlines())
    assert "DATABASE_URL" in ended.stderr


def _health(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["Health"]["Status"])


@pytest.mark.timeout(600)
def test_two_builds_of_one_commit_are_one_image(
    checkout: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = build(checkout.root, "console", checkout.paths("console"))
    clone = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "clone", "--quiet", checkout.root, clone], check=True)

    second = build(clone, "console", checkout.paths("console"), is_fresh=True)

    assert second == first
    origins = [
        (root / ".summit/images/provenance/console.intoto.json").read_text()
        for root in (checkout.root, clone)
    ]
    assert origins[0] == origins[1]
    assert first.digest.removeprefix("sha256:") in origins[0]


@pytest.mark.timeout(600)
def test_a_builder_that_was_selected_for_other_builds_is_left_alone(
    checkout: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker")))
    create = ["docker", "buildx", "create", "--driver=docker-container", "--use"]
    subprocess.run(create, check=True, capture_output=True)

    made = build(checkout.root, "console", checkout.paths("console"))

    assert kept.missing(checkout.root) == []
    assert made.digest.startswith("sha256:")


@pytest.mark.timeout(600)
def test_a_commit_that_is_none_of_its_business_leaves_an_image_as_it_is(
    checkout: Checkout,
) -> None:
    before = build(checkout.root, "fusion", checkout.paths("fusion"))
    checkout.write("services/tasking/more.py", "MORE = 1\n")
    checkout.commit()
    assert build(checkout.root, "fusion", checkout.paths("fusion")).digest == before.digest

    checkout.write("services/fusion/more.py", "MORE = 1\n")
    checkout.commit()
    assert build(checkout.root, "fusion", checkout.paths("fusion")).digest != before.digest


@pytest.mark.timeout(600)
def test_a_build_secret_is_in_no_layer_and_a_search_would_have_found_it(
    checkout: Checkout,
    engine: docker.DockerClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    bundle.write_text(Path("/etc/ssl/certs/ca-certificates.crt").read_text() + f"# {CANARY}\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    made = build(checkout.root, "console", checkout.paths("console"), is_fresh=True)
    assert layers.where(engine, made.image, CANARY.encode()) == []

    dockerfile = "docker/service.Dockerfile"
    checkout.edit(dockerfile, "&& PIP_CONFIG_FILE", "&& cp /run/ca.pem /venv/ && PIP_CONFIG_FILE")
    twin = build(checkout.root, "console", checkout.paths("console"))
    [found] = layers.where(engine, twin.image, CANARY.encode())
    assert found.endswith(":venv/ca.pem")


def test_a_package_that_does_not_match_its_hash_is_one_line(checkout: Checkout) -> None:
    lock = checkout.root / "services/fusion/requirements.txt"
    pinned = re.search(
        r"^tenacity==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+", lock.read_text(), re.MULTILINE
    )
    assert pinned is not None
    broken = re.sub(r"sha256:\w+", f"sha256:{'0' * 64}", pinned[0])
    checkout.edit("services/fusion/requirements.txt", pinned[0], broken)

    with pytest.raises(BuildFailed) as caught:
        build(checkout.root, "fusion", checkout.paths("fusion"))

    assert str(caught.value) == (
        f"{checkout.image('fusion')} was not built: a package does not match its hash in the lock;"
        " `./inv lock` renews the lock, once you know why"
    )
    assert not (checkout.root / ".summit/images/fusion.json").exists()


def test_a_base_that_cannot_be_had_is_one_line(checkout: Checkout) -> None:
    dockerfile = checkout.root / "docker/service.Dockerfile"
    official = re.findall(r"^FROM (python:\S+)", dockerfile.read_text(), re.MULTILINE)[0]
    checkout.edit("docker/service.Dockerfile", official, "localhost:1/nobody/has-this:1")

    with pytest.raises(BuildFailed) as caught:
        build(checkout.root, "fusion", checkout.paths("fusion"))

    assert str(caught.value) == (
        f"{checkout.image('fusion')} was not built: the base image localhost:1/nobody/has-this:1"
        " cannot be had; `./inv images.bases` makes a stand-in"
    )


def test_a_pruned_image_is_made_again_and_is_the_same(
    checkout: Checkout, engine: docker.DockerClient
) -> None:
    made = build(checkout.root, "fusion", checkout.paths("fusion"))
    engine.images.remove(made.image, force=True)
    assert kept.missing(checkout.root) == [made]

    kept.ensure(checkout.root)

    assert kept.missing(checkout.root) == []


def test_another_image_in_the_place_of_a_pruned_one_is_said(
    checkout: Checkout, engine: docker.DockerClient
) -> None:
    made = build(checkout.root, "fusion", checkout.paths("fusion"))
    engine.images.remove(made.image, force=True)
    checkout.write("services/fusion/more.py", "MORE = 1\n")

    with pytest.raises(kept.NotTheSame, match=r"not as the evidence says, sha256:"):
        kept.ensure(checkout.root)


def test_compose_builds_the_same_files_by_itself(
    checkout: Checkout, engine: docker.DockerClient
) -> None:
    bases.refresh(engine, checkout.root)
    files = ["compose.yaml", *([override.FILE] if (checkout.root / override.FILE).exists() else [])]
    command = ["docker", "compose", *(f"--file={file}" for file in files), "build"]

    ended = subprocess.run(
        [*command, "fusion"], cwd=checkout.root, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
    theirs = engine.images.get(checkout.image("fusion"))
    made = build(checkout.root, "fusion", checkout.paths("fusion"))
    ours = engine.images.get(made.digest)
    assert theirs.attrs["RootFS"] == ours.attrs["RootFS"]
    base = f"{BASE}.name", f"{BASE}.digest", dockerfile.STAND_IN
    assert [theirs.labels.get(name) for name in base] == [ours.labels.get(name) for name in base]


def test_a_full_disk_is_one_line(
    checkout: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    state = checkout.root / ".summit"
    state.mkdir()
    with mounted(state, "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(state)) as full:
        words = [sys.executable, "-m", "pipelines.images", "fusion", *checkout.paths("fusion")]
        script = f"cd {checkout.root} && exec env PYTHONPATH={ROOT} " + " ".join(words)
        ended = subprocess.run(
            [*full.within, "sh", "-c", script], capture_output=True, text=True, check=False
        )

    assert ended.returncode == MachineError.exit_code
    assert ended.stderr.splitlines()[-1].startswith("error: cannot write ")
    assert ": No space left on device; free some space" in ended.stderr.splitlines()[-1]
