"""The commands as a person types them, from the first secret to a refusal."""

from __future__ import annotations

import secrets
import socket

import pytest

from pipelines.secrets.choice import of as provider_of
from tests.deploy.person import Person


def test_from_a_commit_to_production_and_back(person: Person) -> None:
    person.releases("one")
    person.types("deploy", "staging")
    person.types("smoke", "--env", "staging")
    person.types("promote", "production")
    assert person.hears("production") == "one"

    second = person.releases("two")
    said = person.types("promote", "production", "--release", second, code=3)
    assert f"inv deploy staging --release {second}" in said
    assert person.hears("production") == "one"

    person.types("deploy", "staging")
    assert "MISSING" not in person.types("policy", "staging")
    said = person.types("promote", "production", code=3)
    assert "WRONG-DIGEST" in said
    assert "inv smoke --env staging" in said

    person.types("smoke", "--env", "staging")
    person.types("promote", "production")
    assert person.hears("production") == "two"
    person.types("rollback", "production")
    assert person.hears("production") == "one"
    assert "runs what the ledger says" in person.types("verify-running", "production")


def test_a_bad_release_is_seen_to_be_taken_back(person: Person) -> None:
    first = person.releases("one")
    person.types("deploy", "staging")
    person.releases("bad", "fails")

    said = person.types("deploy", "staging", code=1)

    assert "requests failed" in said
    assert f"release {first} serves as before" in said
    assert person.hears("staging") == "one"
    assert "failed: " in person.types("status", "staging")


def test_what_was_changed_behind_the_ledger_is_found(person: Person) -> None:
    person.releases("one")
    person.types("deploy", "staging")
    (laid_out,) = (person.system.site.state / "releases").iterdir()
    (laid_out / "web.py").write_text("# patched in place\n")

    assert "which is not of" in person.types("verify-running", "staging", code=1)


def test_a_bake_without_traffic_cannot_tell_and_is_taken_up(person: Person) -> None:
    file = person.system.root / "environments" / "staging.yaml"
    watched = file.read_text()
    file.write_text(watched.replace(", paths: [web/]", ""))
    person.releases("one")

    said = person.types("deploy", "staging", code=4)
    assert "the bake cannot tell: 0 requests of the 20 it takes" in said
    assert "unfinished: deploy" in person.types("status", "staging")

    file.write_text(watched)
    person.types("deploy", "staging", "--resume")
    assert "unfinished" not in person.types("status", "staging")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("deploy", "stagin"), 2, "no environment called 'stagin'; did you mean 'staging'?"),
        (("promote", "mars"), 2, "no environment called 'mars'; known: production, staging"),
        (("rollback", "../staging"), 2, "no environment called '../staging'"),
        (("deploy", "staging", "--engine", "podman"), 2, "no engine called 'podman'; known: "),
        (("rollback", "staging", "--engine", "swam"), 2, "no engine called 'swam'; did you mean"),
        (("deploy", "staging"), 2, "there is no release yet; `inv release` makes one"),
        (("deploy", "staging", "--resume"), 2, "nothing was left unfinished in staging"),
        (("deploy", "staging", "--release", "abc"), 2, "no release 'abc'"),
        (("promote", "production"), 2, "staging has had no release yet; inv deploy staging"),
        (("promote", "staging"), 2, "staging follows no other environment"),
        (("rollback", "staging"), 2, "staging has no release before this one"),
        (("unlock", "staging"), 2, "no reason given"),
        (("smoke", "--env", "staging"), 1, "staging is not running"),
        (("verify-running", "staging"), 1, "staging has had no release"),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    person: Person, words: tuple[str, ...], code: int, said: str
) -> None:
    told = person.types(*words, code=code)

    assert said in told
    assert [it.startswith("error: ") for it in told.splitlines()].count(True) == 1


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "engine: podman",
            "environments/staging.yaml:8: engine: no engine called 'podman'; known: ",
        ),
        (
            "waivers: [{gate: lint, owner: me, reason: why, expires: 2020-01-31}]",
            "environments/staging.yaml:8: the waiver expired on 2020-01-31; take it out",
        ),
        (
            "waivers: [{gate: lint, owner: me, reason: why, expires: soon}]",
            "environments/staging.yaml:8: waivers[0].expires: not a day; write it as 2030-01-31",
        ),
    ],
)
def test_what_is_wrong_in_an_environment_is_told_with_its_line(
    person: Person, written: str, said: str
) -> None:
    person.releases("one")
    file = person.system.root / "environments" / "staging.yaml"
    right = file.read_text()
    without = right.replace("engine: process\n", "\n") if written.startswith("engine") else right
    file.write_text(f"{without}\n{written}\n")

    line = person.types("deploy", "staging", code=2)

    assert line.startswith(f"error: {said}")
    assert line.count("\n") == 1
    file.write_text(right)
    assert "nothing serves" in person.types("status", "staging")


@pytest.mark.parametrize(
    ("engine", "host", "said"),
    [
        (
            "process",
            "there",
            (
                "{file}: the process engine deploys to this machine, not to there;"
                " take `host` out, or choose `engine: swarm`"
            ),
        ),
        (
            "docker",
            "tcp://127.0.0.1:1",
            (
                "{file}: the docker engine deploys to this machine, not to tcp://127.0.0.1:1;"
                " run it there, or choose `engine: swarm`"
            ),
        ),
        (
            "swarm",
            "tcp://127.0.0.1:1",
            (
                "no container engine answers at tcp://127.0.0.1:1: connection refused;"
                " start it there, or name another `host`"
            ),
        ),
        (
            "swarm",
            "http://127.0.0.1:port",
            (
                "no container engine answers at http://127.0.0.1:port: Port could not be cast to"
                " integer value as 'port'; start it there, or name another `host`"
            ),
        ),
        (
            "swarm",
            "ssh://127.0.0.1:1",
            (
                "ssh does not lead to ssh://127.0.0.1:1:"
                " ssh: connect to host 127.0.0.1 port 1: Connection refused"
            ),
        ),
        ("swarm", "nowhere", "no docker context nowhere; see `docker context ls`"),
    ],
)
def test_a_host_that_cannot_be_reached_is_told_and_what_serves_goes_on(
    person: Person, engine: str, host: str, said: str
) -> None:
    first = person.releases("one")
    person.types("deploy", "staging")
    second = person.releases("two")
    file = person.system.root / "environments" / "staging.yaml"
    right = file.read_text()
    file.write_text(right.replace("engine: process", f"engine: {engine}\nhost: {host}"))

    line = person.types("deploy", "staging", code=1).splitlines()[-1]

    file.write_text(right)
    told = said.format(file=file)
    taken_back = f"release {second} was taken back: {told}; release {first} serves as before"
    assert line == f"error: {taken_back}"
    assert person.hears("staging") == "one"
    assert "unfinished" not in person.types("status", "staging")


def test_a_release_that_was_altered_is_not_deployed_until_it_is_made_anew(person: Person) -> None:
    made = person.releases("one")
    (folder,) = (
        it.parent
        for it in (person.system.root / ".summit/ledger/blobs").glob("*/*")
        if f"{it.parent.name}{it.name}".startswith(made)
    )
    (blob,) = folder.iterdir()
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes().replace(b'"lock":""', b'"lock":"00"'))

    for words in (("deploy", "staging"), ("deploy", "staging", "--release", made)):
        line = person.types(*words, code=4)

        assert line.startswith(f"error: release {made} is not what was recorded: the blob ")
        assert line.endswith(" is damaged; `inv release` at its commit makes it anew\n")
    assert "nothing serves" in person.types("status", "staging")

    person.types("release")
    person.types("deploy", "staging")
    assert person.hears("staging") == "one"


def test_a_registry_that_nothing_was_built_for_is_told(person: Person) -> None:
    person.system.commit("one")

    line = person.types("release", "--registry", "127.0.0.1:1", code=2)

    assert line == (
        "error: no image has been built that could be pushed to 127.0.0.1:1;"
        " `inv build`, or leave `--registry` out\n"
    )


def test_a_job_that_fails_leaves_nothing_of_its_release(person: Person) -> None:
    person.releases("one")
    person.types("deploy", "staging")
    system = person.system
    compose = system.root / "compose.yaml"
    compose.write_text(compose.read_text().replace("print('prepared')", "raise SystemExit(1)"))
    person.releases("two")

    assert "not healthy: prepare" in person.types("deploy", "staging", code=1)

    serving = system.engine.serving()
    assert list(system.engine.running()) == [serving]
    assert [it.name for it in (system.site.state / "releases").iterdir()] == [serving[:12]]


def test_what_is_not_committed_cannot_be_released(person: Person) -> None:
    person.system.commit("one")
    (person.system.root / "web.py").write_text("# not committed\n")

    assert "not committed: web.py" in person.types("release", code=2)


def test_a_secret_that_is_missing_stops_a_deploy_before_anything_starts(person: Person) -> None:
    person.releases("one")
    (person.system.site.state / "secrets.age").unlink()

    said = person.types("deploy", "staging", code=1)

    assert "age lacks token; `inv secrets.init ENV` makes what can be made" in said
    assert "nothing serves" in person.types("status", "staging")


def test_a_value_from_its_owner_waits_unless_it_is_to_be_used(person: Person) -> None:
    waits, used = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    words = ("secrets.put", "token", "--env", "staging")

    assert "`inv secrets.rotate token --env staging` makes it" in person.types(*words, fed=waits)
    assert used not in person.types(*words, "--use", fed=used)

    assert provider_of(person.system.root, "staging", {}).read("token") == used.encode()
    assert "made current" in person.types("secrets.audit", "staging")


def test_a_journal_that_cannot_be_used_stops_a_deploy_before_anything_starts(
    person: Person,
) -> None:
    person.releases("one")
    (person.system.site.state / "journal.jsonl").mkdir(parents=True)

    said = person.types("deploy", "staging", code=5)

    assert "cannot read the journal" in said
    (person.system.site.state / "journal.jsonl").rmdir()
    assert "nothing serves" in person.types("status", "staging")


def test_a_door_that_is_taken_stops_a_deploy(person: Person) -> None:
    person.releases("one")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", person.system.port))
        taken.listen()
        said = person.types("deploy", "staging", code=1)

    assert f"port {person.system.port}, the door of web, is taken" in said


def test_one_deploy_at_a_time_and_a_lock_that_can_be_taken_away(person: Person) -> None:
    person.releases("one")
    with person.system.lock.held():
        said = person.types("deploy", "staging", code=1)
        assert "staging is locked by" in said
        assert "locked by" in person.types("status", "staging")
        assert "taken from" in person.types("unlock", "staging", "--reason", "it hangs")
        person.types("deploy", "staging")

    assert "unlock:staging" in person.types("ledger.show", "--step", "unlock:staging")
