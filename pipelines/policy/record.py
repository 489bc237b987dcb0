"""Every decision is itself evidence: a verification summary that names what it was made from.

Source: https://slsa.dev/spec/v1.0/verification_summary
"""

from __future__ import annotations

import msgspec

from pipelines.ledger import Ledger
from pipelines.ledger.attest import Claim, attest
from pipelines.ledger.record import SUMMARY, Record
from pipelines.ledger.statement import timestamp
from pipelines.policy.decision import Decision, Line

STEP = "policy"
_VERIFIER = "urn:summit:inv-policy"
_VERSION = "1.0"  # of the specification


def record(ledger: Ledger, decision: Decision) -> Record:
    """Add the decision to the ledger. Raises `MachineError`."""
    environment, release = decision.environment, decision.release
    document = {
        "environment": environment.name,
        "policy": environment.digest,
        "release": release.id,
        "lines": [_line(it) for it in decision.lines],
    }
    refused = [f"{it.asked}: {it.verdict.value}" for it in decision.lines if not it.verdict.is_good]
    return attest(
        ledger,
        Claim(
            step=STEP,
            component=environment.name,
            subjects=release.subjects,
            document=msgspec.json.encode(document, order="sorted"),
            passed=bool(decision),
            message="; ".join(refused),
            kind=SUMMARY,
            predicate={
                "verifier": {"id": _VERIFIER},
                "timeVerified": timestamp(decision.at.timestamp()),
                "resourceUri": f"urn:summit:environment:{environment.name}",
                "policy": {
                    "uri": f"environments/{environment.name}.yaml",
                    "digest": {"sha256": environment.digest},
                },
                "inputAttestations": [
                    {"uri": f"urn:summit:record:{it.sequence}", "digest": {"sha256": it.id}}
                    for it in decision.records
                ],
                "verificationResult": "PASSED" if decision else "FAILED",
                "verifiedLevels": [],
                "slsaVersion": _VERSION,
            },
            details={"lines": document["lines"], "unproven": list(decision.unproven)},
        ),
    )


def _line(line: Line) -> dict[str, str]:
    return {"asked": line.asked, "verdict": line.verdict.value, "said": line.said}
