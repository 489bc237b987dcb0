"""Releases: what is deployed as one, by digest, and where it comes from."""

from pipelines.release.release import Release, find, newest

__all__ = ["Release", "find", "newest"]
