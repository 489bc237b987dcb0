"""What is declared of each secret, and where that and its use do not agree.

The declaration is the Compose file's: `secrets`, with `x-summit`, and who is granted which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipelines.compose.model import Project, Secret, Service
from pipelines.environments import duration
from pipelines.errors import ConfigError, Where

FOLDER = PurePosixPath("/run/secrets")  # where a service finds what it is granted
LEAST_ENTROPY = 128  # bits, unless the declaration says otherwise
RELOADS = ("restart", "live")


@dataclass(frozen=True)
class Declaration:
    """One secret: `entropy` in bits, `rotate` in seconds (0: a value may stay for ever)."""

    name: str
    where: Where | None
    generate: str = ""
    entropy: int = LEAST_ENTROPY
    rotate: float = 0.0
    reload: str = RELOADS[0]


@dataclass(frozen=True)
class Disagreement:
    """A place where the declaration and its use are not the same."""

    where: Where | None
    said: str
    mend: str

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.said}; {self.mend}"


def declared(project: Project) -> dict[str, Declaration]:
    """The declaration of every secret of the project. Raises `ConfigError` for a wrong word."""
    return {name: _declaration(secret) for name, secret in project.secrets.items()}


def disagreements(project: Project) -> Iterator[Disagreement]:
    """Secrets that nobody is granted, and files of secrets that a service was not granted."""
    granted = {grant.source for it in project.services.values() for grant in it.secrets}
    for name, secret in project.secrets.items():
        if name not in granted:
            said = f"the secret {name!r} is declared, and no service is granted it"
            yield Disagreement(secret.where, said, "take it out, or grant it")
    for service in project.services.values():
        yield from _used(service)


def _used(service: Service) -> Iterator[Disagreement]:
    targets = {str(FOLDER / grant.target) for grant in service.secrets}
    for variable, value in service.environment.items():
        is_file = value.startswith(f"{FOLDER}/")
        if is_file and value not in targets:
            said = f"{service.name}: {variable} reads {value}, which it is not granted"
            yield Disagreement(service.where, said, "declare the secret and grant it")


def _declaration(secret: Secret) -> Declaration:
    words: Mapping[str, object] = secret.extension
    reload = str(words.get("reload", RELOADS[0]))
    if reload not in RELOADS:
        raise ConfigError(
            f"secrets.{secret.name}.x-summit.reload: {reload!r} is unknown",
            where=secret.where,
            hint=f"known: {', '.join(RELOADS)}",
        )
    try:
        entropy = int(str(words.get("entropy", LEAST_ENTROPY)))
        rotate = duration.seconds(str(words["rotate"])) if "rotate" in words else 0.0
    except ValueError as error:
        raise ConfigError(
            f"secrets.{secret.name}.x-summit: {error}", where=secret.where, hint=duration.MEND
        ) from None
    generate = str(words.get("generate", ""))
    return Declaration(secret.name, secret.where, generate, entropy, rotate, reload)
