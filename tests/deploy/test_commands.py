"""The commands as a person types them, from the first secret to a refusal."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator

import pytest

from pipelines.secrets.choice import of as provider_of
from tests.deploy.person import Person
from tests.deploy.system import System


@pytest.fixture
def person(system: System) -> Iterator[Person]:
    made = Person(system)
    for name in ("staging", "production"):
        made.types("secrets.init", name)
    yield made
    for name in ("staging", "production"):
        made.types("undeploy", name, "--volumes")


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
    assert said in person.types(*words, code=code)


@pytest.mark.parametrize(
    ("described", "code", "said"),
    [
        ("engine: process\nhost: ssh://deploy@manager.example", 1, "deploys to this machine"),
        ("engine: docker\nhost: ssh://deploy@manager.example", 1, "deploys to this machine"),
        ("engine: swarm\nhost: nowhere", 1, "no docker context nowhere"),
        ("engine: swarm\nhost: tcp://127.0.0.1:1", 1, "tcp://127.0.0.1:1"),
        ("engine: swarm\nhost: ssh://deploy@127.0.0.1:1", 1, "ssh does not lead to ssh://"),
    ],
)
def test_a_host_that_is_not_to_be_had_stops_a_deploy(
    person: Person, described: str, code: int, said: str
) -> None:
    person.releases("one")
    file = person.system.root / "environments/staging.yaml"
    before = file.read_text()
    file.write_text(f"{described}\nsecrets: {{provider: age}}\n")

    heard = person.types("deploy", "staging", code=code)

    [line] = [it for it in heard.splitlines() if it.startswith("error: ")]
    assert said in line
    file.write_text(before)
    assert "nothing serves" in person.types("status", "staging")


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
