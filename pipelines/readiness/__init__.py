"""Readiness: the documents that say how ready the system is, each line from the ledger."""
