"""The stand-ins: made once, and like the official images where the stack relies on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from pipelines.containers import leftovers
from pipelines.images import bases, rootfs
from tests.integration.images.conftest import ROOT

PASSWORD = "pass-word"
UNPRIVILEGED = {
    "user": "999:999",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "tmpfs": {"/tmp": "", "/run/postgresql": "mode=1777"},
}
pytestmark = pytest.mark.takes("stand-ins")
Until = Callable[[Callable[[], object]], None]


@pytest.fixture(scope="session", autouse=True)
def made(engine: docker.DockerClient) -> None:
    """The stand-ins as this repository's recipes say; tests change none of them."""
    bases.make(ROOT)


@pytest.fixture
def start(engine: docker.DockerClient) -> Iterator[Callable[..., Container]]:
    """Start a container of a stand-in; it is removed, with its volumes, at the end."""
    started: list[Container] = []

    def run(image: str, **settings: object) -> Container:
        container = engine.containers.run(image, labels=leftovers.labels(), detach=True, **settings)
        started.append(container)
        return container

    yield run
    for container in started:
        container.remove(force=True, v=True)


def test_what_is_there_by_todays_recipe_is_not_made_again(
    capsys: pytest.CaptureFixture[str], engine: docker.DockerClient
) -> None:
    before = [engine.images.get(base.image).id for base in bases.BASES]

    bases.make(ROOT)

    assert capsys.readouterr().err == ""
    assert [engine.images.get(base.image).id for base in bases.BASES] == before


def test_no_stand_in_has_the_name_of_an_official_image(engine: docker.DockerClient) -> None:
    for image in [base.image for base in bases.BASES] + [rootfs.IMAGE]:
        tags = engine.images.get(image).tags
        assert all(tag.startswith("summit-base/") for tag in tags)


@pytest.mark.parametrize("settings", [{}, UNPRIVILEGED], ids=["root", "unprivileged"])
def test_postgres_keeps_the_official_contract(
    start: Callable[..., Container], until: Until, tmp_path: Path, settings: dict[str, object]
) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    environment = {
        "POSTGRES_USER": "somebody",
        "POSTGRES_DB": "something",
        "POSTGRES_PASSWORD_FILE": "/run/secrets/password",
    }
    volumes = [f"{secret}:/run/secrets/password:ro"]
    container = start(
        "summit-base/postgres:18", environment=environment, volumes=volumes, **settings
    )
    ready = ["pg_isready", "--host=127.0.0.1", "--username=somebody", "--dbname=something"]
    until(lambda: container.exec_run(ready).exit_code == 0)

    def ask(password: str) -> tuple[int, bytes]:
        url = f"postgresql://somebody:{password}@127.0.0.1/something"
        query = "select current_user || current_database() || current_setting('data_directory')"
        result = container.exec_run(["psql", "--no-align", "--tuples-only", url, "-c", query])
        return result.exit_code, result.output

    assert ask(PASSWORD) == (0, b"somebodysomething/var/lib/postgresql/18/docker\n")
    assert ask("another")[0] != 0
    status = container.exec_run(["cat", "/proc/1/status"]).output.decode()
    assert "Uid:\t999\t999\t999\t999" in status

    container.restart()
    until(lambda: container.exec_run(ready).exit_code == 0)
    assert ask(PASSWORD)[0] == 0


def test_postgres_without_a_password_says_what_to_set(start: Callable[..., Container]) -> None:
    container = start("summit-base/postgres:18")

    assert container.wait()["StatusCode"] == 1
    assert container.logs().decode() == (
        "error: POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are both empty; set one\n"
    )


@pytest.mark.parametrize(
    ("name", "programs"),
    [
        ("prometheus", ["prometheus", "promtool"]),
        ("alertmanager", ["alertmanager", "amtool"]),
        ("blackbox-exporter", ["blackbox_exporter"]),
        ("postgres-exporter", ["postgres_exporter"]),
    ],
)
def test_monitoring_programs_stand_where_the_official_images_have_them(
    engine: docker.DockerClient, start: Callable[..., Container], name: str, programs: list[str]
) -> None:
    image = engine.images.get(f"summit-base/{name}:trixie")

    assert image.attrs["Config"]["User"] == "65534:65534"
    assert image.attrs["Config"]["Entrypoint"] == [f"/bin/{programs[0]}"]
    for program in programs:
        ended = start(image, command=["--version"], entrypoint=f"/bin/{program}").wait()
        assert ended["StatusCode"] == 0


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_monitoring_starts_unprivileged_with_its_own_defaults(
    start: Callable[..., Container], until: Until, name: str
) -> None:
    settings = {"cap_drop": ["ALL"], "read_only": True}

    container = start(f"summit-base/{name}:trixie", **settings)

    until(lambda: b"Listening on" in container.logs() or b"ready to receive" in container.logs())
    container.reload()
    assert container.status == "running"
