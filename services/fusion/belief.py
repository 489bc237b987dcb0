"""How sure we are that an incident is real: Bayes' rule in log-odds, one vote per source.

A report's `confidence` c is the probability its sensor would give to a fire if fire and no fire
had been equally likely beforehand, so c / (1 - c) is its likelihood ratio and log(c / (1 - c))
its weight of evidence. Weights of independent reports add to the prior's log-odds (I. J. Good,
"Probability and the Weighing of Evidence", 1950, ch. 6; occupancy grids are updated by the same
rule in Thrun, Burgard & Fox, "Probabilistic Robotics", 2005, sec. 4.2).

Two frames of one camera are not independent, so a source counts once, with its strongest report.
A report below even odds weighs nothing rather than counting against: every kind of observation is
a sighting, and nobody reports "looked, saw nothing". Hence no report lowers the belief, and their
order does not matter.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

# Near 37 a double rounds to 1; at 20, a chance of 2e-9 is left, more than anyone can claim to know.
LOG_ODDS_LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Belief:
    """`prior`: the probability before any report; from `confirm_at` on an incident is confirmed."""

    prior: float
    confirm_at: float

    def posterior(self, strongest: Iterable[float]) -> float:
        """The probability, in (0, 1), of a fire given each source's strongest confidence."""
        # fsum rounds once, so the result does not depend on the order of the sources.
        log_odds = math.fsum([logit(self.prior), *map(weight_of_evidence, strongest)])
        return 1.0 / (1.0 + math.exp(-min(log_odds, LOG_ODDS_LIMIT)))


def weight_of_evidence(confidence: float) -> float:
    """The log likelihood ratio of one report with `confidence` in (0, 1); never negative."""
    return max(0.0, logit(confidence))


def logit(probability: float) -> float:
    """Log-odds of a probability in (0, 1)."""
    return math.log(probability) - math.log1p(-probability)
