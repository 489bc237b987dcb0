"""Fusion: observations in, incidents out."""
