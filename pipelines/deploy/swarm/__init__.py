"""Releases as stacks of a swarm, beside one another, led to by an edge on its manager."""
