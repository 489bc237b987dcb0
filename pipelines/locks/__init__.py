"""Hashed pins: each `requirements.in` has its lock, `requirements.txt`, beside it."""
