"""Policy: whether the evidence an environment asks for is there, and what that leaves open."""

from pipelines.policy.decision import Decision, Line, Verdict
from pipelines.policy.verifier import decide, release_of

__all__ = ["Decision", "Line", "Verdict", "decide", "release_of"]
