"""Releases as local processes: sources by their Git tree, each release under its own supervisor."""
