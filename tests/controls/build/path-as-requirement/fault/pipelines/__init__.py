"""A package small enough to be built in no time."""
