"""The plan orders, selects and judges steps as going through all of them again and again would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from pipelines.errors import ConfigError
from pipelines.planning import plan
from pipelines.planning.fingerprint import Fingerprint
from pipelines.planning.plan import Evidence, Verdict, evidence_of
from pipelines.step import Counts, Result, Status, Step

Steps = dict[str, Step]


def step(id_: str, *needs: str) -> Step:
    name, _, component = id_.partition(":")
    return Step(name, component, (name,), needs=needs)


def by_id(*steps: Step) -> Steps:
    found = {it.id: it for it in steps}
    return {id_: found[id_] for id_ in plan.order(steps)}


def fingerprint(step: Step, upstream: Mapping[str, str], content: str = "") -> Fingerprint:
    return Fingerprint(
        step=step.name,
        component=step.component,
        argv=step.argv,
        cwd="",
        files={"file": content},
        locks={},
        env={},
        secrets={},
        tools={},
        upstream=upstream,
        services={},
        outputs=(),
    )


@st.composite
def graphs(draw: st.DrawFn) -> Steps:
    """Steps that need only earlier ones, in any order."""
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 8))):
        earlier = [it.id for it in steps]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        name = draw(st.sampled_from(["lint", "test", "build"]))
        steps.append(step(f"{name}:{number}", *needs))
    return by_id(*draw(st.permutations(steps)))


def needed(steps: Steps, id_: str) -> set[str]:
    """The step and all that it needs, the slow way."""
    return {id_}.union(*(needed(steps, need) for need in steps[id_].needs))


@given(steps=graphs())
def test_each_step_stands_after_what_it_needs(steps: Steps) -> None:
    ordered = plan.order(steps.values())

    assert sorted(ordered) == sorted(steps)
    for id_ in ordered:
        assert all(ordered.index(need) < ordered.index(id_) for need in steps[id_].needs)


def test_a_circle_is_named_in_the_order_of_needing() -> None:
    steps = [step("a:x", "b:x"), step("b:x", "c:x"), step("c:x", "a:x"), step("d:x", "a:x")]

    with pytest.raises(ConfigError, match=r"^steps need one another in a circle: ") as caught:
        plan.order(steps)

    circle = str(caught.value).partition(": ")[2].split(" -> ")
    assert circle[0] == circle[-1]
    assert sorted(circle[1:]) == ["a:x", "b:x", "c:x"]
    needs = {it.id: it.needs for it in steps}
    assert all(after in needs[before] for before, after in pairwise(circle))


@given(steps=graphs(), data=st.data())
def test_a_gate_selects_its_steps_and_all_they_need(steps: Steps, data: st.DataObject) -> None:
    gates = {"fast": ("lint", "test"), "lint": ("lint",), "all": ("lint", "test", "build")}
    wanted = data.draw(st.lists(st.sampled_from(sorted(gates)), min_size=1, unique=True))
    allowed = data.draw(st.sets(st.sampled_from(sorted(steps))))
    names = [set(gates[gate]) for gate in wanted]
    if not all(any(it.name in some for it in steps.values()) for some in names):
        with pytest.raises(ConfigError, match="no component has a step for"):
            plan.select(steps, gates, wanted)
        return

    chosen = plan.select(steps, gates, wanted, only=lambda it: it.id in allowed)

    asked = {id_ for id_ in allowed if steps[id_].name in set().union(*names)}
    expected = set().union(*(needed(steps, id_) for id_ in asked))
    assert chosen == tuple(id_ for id_ in steps if id_ in expected)


def test_a_gate_without_steps_names_those_that_have() -> None:
    message = "^no component has a step for 'types'; known: lint, types$"
    with pytest.raises(ConfigError, match=message):
        plan.select(by_id(step("lint:x")), {"types": ("types",), "lint": ("lint",)}, ["types"])


@given(steps=graphs(), data=st.data())
def test_dependents_are_all_that_need_it_however_indirectly(
    steps: Steps, data: st.DataObject
) -> None:
    changed = data.draw(st.sets(st.sampled_from(sorted(steps))))

    expected = {id_ for id_ in steps if changed & needed(steps, id_)}
    assert plan.dependents(steps, changed) == expected


EVIDENCE = Evidence("record", 1.0, "log", None, {}, True)


def evaluated(
    steps: Steps,
    contents: Mapping[str, str],
    passed: set[str],
    before: Mapping[str, Verdict],
    touched: Callable[[str], bool],
) -> tuple[dict[str, Verdict], set[str]]:
    """The verdicts, and the ids of the steps whose fingerprints were made for them."""
    made = set()

    def fingerprinter(step: Step, upstream: Mapping[str, str]) -> Fingerprint:
        made.add(step.id)
        return fingerprint(step, upstream, contents[step.id])

    found = plan.evaluate(
        steps,
        before=before,
        touched=touched,
        fingerprint=fingerprinter,
        find=lambda _step, digest: EVIDENCE if digest in passed else None,
    )
    return found, made


@given(steps=graphs(), data=st.data())
def test_judging_what_was_touched_is_judging_all(steps: Steps, data: st.DataObject) -> None:
    texts = st.fixed_dictionaries({id_: st.sampled_from("xy") for id_ in steps})
    contents, later = data.draw(texts), data.draw(texts)
    first, _ = evaluated(steps, contents, set(), {}, lambda _id: True)
    digests = sorted({it.digest for it in first.values()})
    passed = data.draw(st.sets(st.sampled_from(digests)))
    first, _ = evaluated(steps, contents, passed, {}, lambda _id: True)
    known = data.draw(st.sets(st.sampled_from(sorted(steps))))
    before = {id_: it for id_, it in first.items() if id_ in known}

    again, made = evaluated(steps, later, passed, before, lambda id_: contents[id_] != later[id_])

    expected, _ = evaluated(steps, later, passed, {}, lambda _id: True)
    assert again == expected
    changed = {id_ for id_ in steps if contents[id_] != later[id_] or id_ not in known}
    assert made <= plan.dependents(steps, changed)


def test_evidence_that_appeared_meanwhile_is_found() -> None:
    steps = by_id(step("lint:x"))
    stale, _ = evaluated(steps, {"lint:x": ""}, set(), {}, lambda _id: True)
    digest = stale["lint:x"].digest

    found, made = evaluated(steps, {"lint:x": ""}, {digest}, stale, lambda _id: False)

    assert found["lint:x"].holds
    assert not made


def test_what_just_passed_is_evidence() -> None:
    counts = Counts(2, 2, 0, 1)
    result = Result(
        step("test:x"),
        Status.PASSED,
        seconds=2.0,
        log="a" * 64,
        counts=counts,
        record="b" * 64,
        is_controlled=False,
        outputs={"out": "100644 c"},
    )

    evidence = evidence_of(result)

    assert evidence == Evidence("b" * 64, 2.0, "a" * 64, counts, {"out": "100644 c"}, False)
