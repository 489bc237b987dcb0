"""What a stack says of a Compose file, and what is refused because a stack could not say it."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from pipelines.deploy.docker import haproxy
from pipelines.deploy.swarm.grants import Grants, key
from pipelines.deploy.swarm.render import MOST, Rendering, require
from pipelines.errors import ConfigError

Written = dict[str, Any]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "token").write_text("known to nobody")
    return folder


def rendering(
    secrets: Path, services: dict[str, Written], *, slot: str = "a", user: int | None = 10001
) -> Rendering:
    return Rendering(
        document={"name": "small", "services": services, "networks": {"data": {"internal": True}}},
        base="small-base",
        stack="small-1",
        slot=slot,
        sources=secrets.parent,
        images=dict.fromkeys(services, "web@sha256:1"),
        users=dict.fromkeys(services, user),
        shared=frozenset({"data"}),
        doors=frozenset({"web"}),
        labels={"summit.release": "1"},
        grants=Grants("small-base", secrets, key(secrets.parent)),
    )


def serving(secrets: Path, /, **written: Any) -> Written:
    made = rendering(secrets, {"web": written})
    service = made.serving(["web"], "serving")["services"]["web"]
    assert isinstance(service, dict)
    return service


def test_the_new_comes_before_the_old_and_goes_back_by_itself(secrets: Path) -> None:
    deploy = serving(secrets, deploy={"replicas": 2, "update_config": {"delay": "2s"}})["deploy"]

    assert deploy["replicas"] == 2
    assert deploy["update_config"]["order"] == "start-first"
    assert deploy["update_config"]["failure_action"] == "rollback"
    assert deploy["update_config"]["delay"] == "2s"
    assert deploy["endpoint_mode"] == "dnsrr"
    assert deploy["labels"] == {"summit.release": "1", "summit.part": "serving"}


def test_a_job_runs_once(secrets: Path) -> None:
    made = rendering(secrets, {"migrate": {"deploy": {"replicas": 3}, "restart": "always"}})

    deploy = made.jobs(["migrate"], "job")["services"]["migrate"]["deploy"]

    assert deploy["replicas"] == 1
    assert deploy["restart_policy"] == {"condition": "none"}


def test_what_keeps_data_stays_on_its_node_and_is_never_there_twice(secrets: Path) -> None:
    made = rendering(secrets, {"store": {"networks": {"data": None}}}, slot="")

    store = made.stateful(["store"], "stateful", "node-1")["services"]["store"]

    assert store["deploy"]["placement"] == {"constraints": ["node.id == node-1"]}
    assert store["deploy"]["update_config"]["order"] == "stop-first"
    assert store["networks"].keys() == {f"small-base_data-{slot}" for slot in haproxy.SLOTS}


def test_the_edge_reaches_only_what_it_leads_to(secrets: Path) -> None:
    services: dict[str, Written] = {"web": {}, "beside": {"networks": {"data": None}}}

    found = rendering(secrets, services).serving(services, "serving")["services"]

    alias = {"aliases": [haproxy.alias("web", "a")]}
    assert found["web"]["networks"] == {"small-1_default": {}, "small-base_summit-front-a": alias}
    assert found["beside"]["networks"] == {"small-base_data-a": {}}


def test_limits_of_compose_are_those_of_the_stack(secrets: Path) -> None:
    service = serving(secrets, cpus=0.5, mem_limit="64m", pids_limit=20, shm_size="1m")

    limits = {"cpus": "0.5", "memory": "64m", "pids": 20}
    assert service["deploy"]["resources"]["limits"] == limits
    assert service["volumes"] == [
        {"type": "tmpfs", "target": "/dev/shm", "tmpfs": {"size": 2**20}}  # noqa: S108
    ]


def test_a_secret_is_named_by_its_value_and_nobody_reads_it_of_the_name(secrets: Path) -> None:
    grant = {"secrets": [{"source": "token", "target": "/run/secrets/token"}]}
    [first] = serving(secrets, **grant)["secrets"]
    [same] = serving(secrets, **grant)["secrets"]
    (secrets / "token").write_text("another")
    [changed] = serving(secrets, **grant)["secrets"]
    (secrets.parent / "names.key").unlink()
    [elsewhere] = serving(secrets, **grant)["secrets"]

    assert first == same
    assert len({first["source"], changed["source"], elsewhere["source"]}) == 3
    owner = {"target": "token", "uid": "10001", "gid": "10001", "mode": 0o400}
    assert first == {"source": first["source"], **owner}


def test_the_key_of_the_names_is_for_its_owner_alone_and_stays(tmp_path: Path) -> None:
    made = key(tmp_path / "swarm")

    assert key(tmp_path / "swarm") == made
    assert len(made) == 32
    assert stat.S_IMODE((tmp_path / "swarm/names.key").stat().st_mode) == 0o600


def test_a_key_that_was_begun_and_not_written_is_made(tmp_path: Path) -> None:
    (tmp_path / "names.key").touch()

    assert len(key(tmp_path)) == 32


def test_a_missing_secret_is_said_with_its_mend(secrets: Path) -> None:
    with pytest.raises(ConfigError, match="the secret other is missing") as found:
        serving(secrets, secrets=[{"source": "other"}])

    assert "secrets.init" in found.value.hint


def test_a_mounted_folder_goes_along_file_by_file(secrets: Path) -> None:
    folder = secrets.parent / "etc"
    (folder / "more").mkdir(parents=True)
    (folder / "a.conf").write_text("a")
    (folder / "more/b.conf").write_text("b")
    mount = {"type": "bind", "source": str(folder), "target": "/etc/it", "read_only": True}

    service = serving(secrets, volumes=[mount])

    assert service["volumes"] == []
    assert [it["target"] for it in service["configs"]] == ["/etc/it/a.conf", "/etc/it/more/b.conf"]


def test_more_than_a_swarm_keeps_under_one_name_is_refused(secrets: Path) -> None:
    (secrets / "token").write_bytes(b"x" * 500_001)

    with pytest.raises(ConfigError, match=r"token has 500001 bytes"):
        serving(secrets, secrets=[{"source": "token"}])


def test_more_replicas_than_the_edge_has_room_for_are_refused(secrets: Path) -> None:
    with pytest.raises(ConfigError, match=rf"web wants {MOST + 1} replicas"):
        serving(secrets, deploy={"replicas": MOST + 1})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param({"network_mode": "host"}, "no word for network_mode", id="word"),
        pytest.param({"security_opt": ["seccomp:none"]}, "no word for seccomp:none", id="option"),
        pytest.param(
            {"volumes": [{"type": "bind", "source": "/etc", "target": "/x", "read_only": True}]},
            "/x is a folder of one machine",
            id="folder-of-the-machine",
        ),
        pytest.param(
            {"volumes": [{"type": "bind", "source": "{sources}/data", "target": "/data"}]},
            "/data is a folder of one machine",
            id="folder-that-is-written-to",
        ),
        pytest.param(
            {"volumes": [{"type": "npipe", "source": "x", "target": "/x"}]},
            "no npipe mounts",
            id="kind-of-mount",
        ),
        pytest.param(
            {"volumes": [{"type": "volume", "source": "x", "volume": {"subpath": "y"}}]},
            "a mount of a stack has no volume",
            id="option-of-a-mount",
        ),
        pytest.param(
            {"networks": {"data": {"ipv4_address": "10.0.0.2"}}},
            "a stack has no ipv4_address",
            id="option-of-a-network",
        ),
    ],
)
def test_what_a_stack_cannot_say_is_refused(tmp_path: Path, written: Written, said: str) -> None:
    for mount in written.get("volumes", []):
        mount["source"] = mount["source"].replace("{sources}", str(tmp_path))
    with pytest.raises(ConfigError, match=f"services.web.*{said}"):
        require({"services": {"web": written}}, ["web"], tmp_path)


def test_what_is_up_to_us_is_left_out(tmp_path: Path) -> None:
    written = {"build": ".", "restart": "always", "security_opt": ["no-new-privileges:true"]}

    require({"services": {"web": written}}, ["web"], tmp_path)
