import math
import random

import pytest
from hypothesis import assume, given, strategies as st

from services.fusion.belief import Belief, weight_of_evidence

confidences = st.floats(0, 1, exclude_min=True, exclude_max=True)
sources = st.lists(confidences, max_size=30)
beliefs = st.builds(Belief, prior=st.floats(0.001, 0.999), confirm_at=st.just(0.75))


def test_one_report_is_bayes_rule():
    prior, confidence = 0.2, 0.9

    posterior = Belief(prior, confirm_at=0.75).posterior([confidence])

    by_hand = prior * confidence / (prior * confidence + (1 - prior) * (1 - confidence))
    assert posterior == pytest.approx(by_hand)


def test_no_report_leaves_the_prior():
    assert Belief(0.2, confirm_at=0.75).posterior([]) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("strongest", "confirmed"),
    [
        ([0.7, 0.7, 0.7], True),
        ([0.8, 0.75, 0.7], True),
        ([0.75, 0.75], False),
        ([0.9], False),
        ([0.95], True),
    ],
)
def test_what_confirms_with_the_default_settings(strongest, confirmed):
    belief = Belief(prior=0.2, confirm_at=0.75)

    assert (belief.posterior(strongest) >= belief.confirm_at) is confirmed


@given(beliefs, sources)
def test_the_posterior_is_a_probability_and_never_certain(belief, strongest):
    assert 0.0 < belief.posterior(strongest) < 1.0


@given(beliefs, sources, st.randoms(use_true_random=False))
def test_the_order_of_the_sources_does_not_matter(
    belief: Belief, strongest: list[float], chance: random.Random
):
    shuffled = chance.sample(strongest, len(strongest))

    assert belief.posterior(shuffled) == belief.posterior(strongest)


@given(beliefs, sources, confidences)
def test_another_source_never_lowers_the_belief(belief, strongest, confidence):
    assert belief.posterior([*strongest, confidence]) >= belief.posterior(strongest)


@given(beliefs, sources, st.floats(0.51, 0.99))
def test_another_agreeing_source_raises_the_belief(belief, strongest, confidence):
    before = belief.posterior(strongest)
    assume(before < 0.999)

    assert belief.posterior([*strongest, confidence]) > before


@given(st.floats(0, 0.5, exclude_min=True))
def test_a_report_below_even_odds_weighs_nothing(confidence):
    assert weight_of_evidence(confidence) == 0.0


def test_the_weight_of_evidence_is_the_log_of_the_odds():
    assert weight_of_evidence(0.8) == pytest.approx(math.log(4))
