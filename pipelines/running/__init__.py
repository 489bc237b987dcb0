"""Runs steps, and makes evidence of what came of them."""
