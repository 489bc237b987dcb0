"""Which official images the repository names."""

from __future__ import annotations

from pathlib import Path

from pipelines.images import official
from pipelines.images.bases import BASES
from pipelines.images.dockerfile import repository

ROOT = Path(__file__).parents[2]


def test_whatever_has_a_stand_in_is_named_by_its_digest() -> None:
    repositories = {base.stands_for for base in BASES}

    named = official.named(ROOT, repositories)

    assert {repository(image) for image in named} == repositories
    assert all("@sha256:" in image for image in named)
