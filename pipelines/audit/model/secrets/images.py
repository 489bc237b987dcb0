"""Credentials in Dockerfiles: they stay in the image, for everybody who can pull it."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.model.containers.dockerfile import Dockerfile, Instruction
from pipelines.audit.model.secrets.credentials import is_random
from pipelines.audit.model.secrets.facts import Where, Written, interpolated, written
from pipelines.audit.model.secrets.texts import command
from pipelines.audit.place import Place


def read(dockerfile: Dockerfile) -> Iterator[Written]:
    """What its ENV, ARG and commands say.

    A stage that is left behind only needs something to build with, unless it looks real.
    """
    final = dockerfile.target()
    kept = {stage.index for stage in final.chain} if final else set()
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            for found in _instruction(instruction):
                if stage.index in kept or is_random(found.value):
                    yield found


def _instruction(instruction: Instruction) -> Iterator[Written]:
    if instruction.name in ("ENV", "ARG"):
        for name, value in instruction.pairs.items():
            place = _place(instruction, name)
            if instruction.name == "ARG":
                yield from written(name, value, place, Where.DEPLOYMENT, is_default=True)
            else:
                yield from interpolated(name, value, place, Where.DEPLOYMENT)
    elif instruction.name in ("CMD", "ENTRYPOINT"):
        yield from command(instruction.text, instruction.place, Where.DEPLOYMENT)


def _place(instruction: Instruction, name: str) -> Place:
    """The line on which a variable is given its value."""
    for number, line in enumerate(instruction.text.split("\n")):
        if f"{name}=" in line or f"{name} " in line:
            return instruction.text_place.below(number)
    return instruction.place
