"""An engine whose disk is full: one line that says whose disk it is, wherever it shows."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from pipelines.containers import connect
from pipelines.images import rootfs
from pipelines.images.build import build
from pipelines.images.buildx import EngineFull
from tests.integration.images.host import Host

pytestmark = pytest.mark.takes("root")
SIZE = 24 * 2**20  # bytes of the engine's disk
SAID = "it:1 was not built: no space is left on the engine's disk; `docker system prune` makes room"


@pytest.fixture
def small(host: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host whose engine has a small disk, and a file that is larger."""
    data = host.folder / "data"
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(data)]
    subprocess.run(mount, check=True)
    started = host.start()
    assert started.returncode == 0, started.stderr
    monkeypatch.setenv("DOCKER_HOST", f"unix://{host.socket}")
    (host.folder / "large").write_bytes(bytes(SIZE + 1))
    return host


def test_a_build_that_does_not_fit(small: Host) -> None:
    context = small.folder / "context"
    context.mkdir()
    (small.folder / "large").rename(context / "large")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY large /\n")
    (small.folder / "compose.yaml").write_text("services: {it: {image: it:1, build: ./context}}")

    with pytest.raises(EngineFull) as caught:
        build(small.folder, "it", ["."])

    assert (str(caught.value), caught.value.exit_code) == (SAID, 5)


def test_a_root_file_system_that_does_not_fit(small: Host, tmp_path: Path) -> None:
    archive = tmp_path / "root.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(small.folder / "large", "large")

    with connect() as client, pytest.raises(EngineFull) as caught:
        rootfs.load(client, archive, "it:1", labels={})

    assert (str(caught.value), caught.value.exit_code) == (SAID, 5)
