"""The provenance of an image, read by the standard's own library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from pipelines.images import provenance
from pipelines.images.revision import Revision

COMMIT = "c0ffee" * 6 + "c0ff"


def written(folder: Path, revision: Revision) -> provenance_pb2.Provenance:
    file = folder / "fusion.intoto.json"
    provenance.write(
        file,
        image="summit-fusion",
        digest="sha256:" + "ab" * 32,
        dockerfile="docker/service.Dockerfile",
        arguments={"SERVICE": "fusion"},
        revision=revision,
        base=("python:3.13", "sha256:" + "cd" * 32),
        builder={"docker": "26.1.5"},
    )
    message = json_format.Parse(file.read_text(), StatementMessage())
    Statement.copy_from_pb(message).validate()
    [subject] = message.subject
    assert (subject.name, dict(subject.digest)) == ("summit-fusion", {"sha256": "ab" * 32})
    assert message.predicate_type == "https://slsa.dev/provenance/v1"
    predicate = json.loads(file.read_text())["predicate"]
    found: provenance_pb2.Provenance = json_format.ParseDict(predicate, provenance_pb2.Provenance())
    return found


def test_it_names_the_commit_the_base_and_the_arguments(tmp_path: Path) -> None:
    found = written(tmp_path, Revision(COMMIT, 1, is_dirty=False)).build_definition

    source, base = found.resolved_dependencies
    assert dict(source.digest) == {"gitCommit": COMMIT}
    assert not source.annotations
    assert (base.uri, dict(base.digest)) == ("docker-image://python:3.13", {"sha256": "cd" * 32})
    assert json_format.MessageToDict(found.external_parameters) == {
        "dockerfile": "docker/service.Dockerfile",
        "arguments": {"SERVICE": "fusion"},
    }


@pytest.mark.parametrize(
    ("revision", "dirty"),
    [(Revision(COMMIT, 1, is_dirty=True), [True]), (Revision("", 0, is_dirty=False), [])],
)
def test_what_is_not_committed_is_said(
    tmp_path: Path, revision: Revision, dirty: list[bool]
) -> None:
    found = written(tmp_path, revision).build_definition

    sources = [it for it in found.resolved_dependencies if it.name == "source"]
    assert [bool(it.annotations["dirty"]) for it in sources] == dirty
