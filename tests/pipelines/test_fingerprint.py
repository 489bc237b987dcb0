"""A fingerprint changes with each thing that could change a result, and with nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pipelines.planning.fingerprint import FORMAT, Fingerprint, gate_digest
from pipelines.step import Step

BLOB = "ce013625030ba8dba906f756967f9e9ca394464a"
PLAIN = Fingerprint(
    step="test",
    component="kit",
    argv=("python", "-m", "pytest"),
    cwd="services/kit",
    files={"services/kit/ü.py": f"100644 {BLOB}"},
    locks={"requirements.txt": f"100644 {BLOB}"},
    env={"CI": None},
    secrets={"TOKEN": True},
    tools={"pytest": "pytest 9.2.0"},
    upstream={"lint:kit": "0" * 64},
    services={"postgres": "1" * 64},
    outputs=("/.coverage.kit",),
)
OTHERS: dict[str, list[Any]] = {
    "step": ["lint"],
    "component": ["fabric"],
    "argv": [("python", "-m pytest"), ("python", "-m", "pytest", "")],
    "cwd": [""],
    "files": [
        {},
        {"services/kit/ü.py": f"100755 {BLOB}"},
        {"services/kit/u\u0308.py": f"100644 {BLOB}"},
        {**PLAIN.files, "new": f"100644 {BLOB}"},
    ],
    "locks": [{}, {"requirements.txt": "100644 other"}],
    "env": [{}, {"CI": ""}, {"CI": "null"}],
    "secrets": [{}, {"TOKEN": False}],
    "tools": [{}, {"pytest": "pytest 9.2.1"}],
    "upstream": [{}, {"lint:kit": "2" * 64}],
    "services": [{}, {"postgres": "2" * 64}],
    "outputs": [(), ("/.coverage", ".kit")],
    "format": [FORMAT + 1],
}


def test_every_field_has_a_row_here() -> None:
    assert set(OTHERS) == set(Fingerprint._fields)


@pytest.mark.parametrize(
    ("field", "other"), [(field, other) for field, others in OTHERS.items() for other in others]
)
def test_another_value_is_another_fingerprint(field: str, other: Any) -> None:
    assert PLAIN._replace(**{field: other}).digest() != PLAIN.digest()


def test_the_document_is_canonical_json() -> None:
    document = PLAIN.document()

    assert hashlib.sha256(document).hexdigest() == PLAIN.digest()
    assert json.loads(document) == json.loads(json.dumps(PLAIN._asdict()))
    assert document.startswith(b'{"argv":["python","-m","pytest"],"component":"kit","cwd":')
    assert "ü".encode() in document


@given(files=st.dictionaries(st.text(st.characters(codec="utf-8")), st.just(BLOB)), data=st.data())
def test_the_order_in_which_things_are_found_does_not_matter(
    files: dict[str, str], data: st.DataObject
) -> None:
    other = dict(data.draw(st.permutations(sorted(files.items()))))

    assert PLAIN._replace(files=files).digest() == PLAIN._replace(files=other).digest()


def test_a_name_that_is_no_unicode_is_kept_as_it_is() -> None:
    odd = PLAIN._replace(files={"\udcff": BLOB}).document()

    assert b'"\xff"' in odd


STEP = Step("lint", "kit", ("ruff", "services/kit"), template=("ruff", "{folder}"))


def test_a_control_vouches_for_a_gate_in_every_component() -> None:
    other = Step("lint", "fabric", ("ruff", "services/fabric"), template=("ruff", "{folder}"))

    assert gate_digest(STEP, {"ruff": "1"}) == gate_digest(other, {"ruff": "1"})
    assert gate_digest(STEP._replace(cwd="services/kit"), {}) == gate_digest(
        other._replace(cwd="services/fabric"), {}
    )


@pytest.mark.parametrize(
    ("step", "tools"),
    [
        (STEP._replace(name="fmt"), {"ruff": "1"}),
        (STEP._replace(template=("ruff", "--quiet", "{folder}")), {"ruff": "1"}),
        (STEP._replace(cwd="services/kit"), {"ruff": "1"}),
        (STEP, {"ruff": "2"}),
        (STEP, {}),
    ],
)
def test_a_control_vouches_for_no_other_gate(step: Step, tools: dict[str, str]) -> None:
    assert gate_digest(step, tools) != gate_digest(STEP, {"ruff": "1"})
