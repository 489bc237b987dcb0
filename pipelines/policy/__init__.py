"""Policy: whether the evidence an environment asks for is there, and what that leaves open."""

from pipelines.policy.decision import Decision, Line, Verdict
from pipelines.policy.verifier import decide

__all__ = ["Decision", "Line", "Verdict", "decide"]
