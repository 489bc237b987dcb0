"""What the options of every gate are for."""

from __future__ import annotations

OPTIONS = {
    "affected": "only what changed since HEAD left the default branch, or --affected=REF",
    "jobs": "how many steps at a time (default: one per core)",
    "keep_going": "after a failure, run all that does not need what failed",
    "plan": "say what would run and why; run nothing",
    "strict_inputs": "run everything, traced, and fail a step that reads what it does not declare",
}
