"""Negative controls: whether a gate can fail, shown by faults that were planted for it."""
