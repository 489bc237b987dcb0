"""The tasks of a package small enough to be built in no time."""
