"""The words of `docker buildx build`, and what its failures mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.containers.client import context_name
from pipelines.errors import MachineError, SummitError
from pipelines.programs.process import Completed

# What a failed build says, and what that comes to. The first that is found counts.
_REASONS = {
    r"(THESE PACKAGES DO NOT MATCH THE HASHES)": "a package does not match its hash in the lock",
    r"Hashes are required in --require-hashes mode": "the lock names a package without a hash",
    r"SSLCertVerificationError": "the certificate of the package index is not trusted",
    r"Could not find a version that satisfies the requirement (\S+)": "no package for {0}",
    r"failed to solve: (\S+): failed to (?:resolve source metadata|do request)": (
        "the base image {0} cannot be had"
    ),
}
_HINTS = {
    r"failed to (?:resolve source metadata|do request)": "`./inv images.bases` makes a stand-in",
    r"SSLCertVerificationError": "let SSL_CERT_FILE name a CA bundle that it is in",
    r"MATCH THE HASHES": "`./inv lock` renews the lock, once you know why",
}


class BuildFailed(SummitError):
    """An image could not be built; `output` is all that the build said."""

    def __init__(self, tag: str, output: str) -> None:
        super().__init__(f"{tag} was not built: {_reason(output)}", hint=_hint(output))
        self.output = output


class EngineFull(MachineError):
    """An image could not be built, as the engine keeps images where no space is left."""

    def __init__(self, tag: str, output: str) -> None:
        super().__init__(
            f"{tag} was not built: no space is left on the engine's disk",
            hint="`docker system prune` makes room",
        )
        self.output = output


@dataclass(frozen=True)
class Build:
    """One build. `contexts` are named ones; `secrets` are files that one step may read.

    Its builder is that of the engine that we speak to, whichever was selected for other builds:
    only there are the stand-ins, and the image is where it is looked for.
    """

    dockerfile: Path
    context: Path
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    target: str = ""
    is_fresh: bool = False  # nothing is taken from an earlier build
    builder: str = field(default_factory=context_name)

    def image(self, tag: str) -> list[str]:
        """The words that leave the image in the engine, as `tag`."""
        return self._words("--load", f"--tag={tag}")

    def files(self, folder: Path) -> list[str]:
        """The words that write the files of the target to a folder."""
        return self._words(f"--output=type=local,dest={folder}")

    def _words(self, *result: str) -> list[str]:
        return [
            *("docker", "buildx", "build", f"--builder={self.builder}", "--progress=plain"),
            # They hold the time of the build, and what we know of one stands beside the image.
            *("--provenance=false", "--sbom=false"),
            *(*result, f"--file={self.dockerfile}"),
            *(f"--build-arg={name}={value}" for name, value in self.arguments.items()),
            *(f"--label={name}={value}" for name, value in self.labels.items()),
            *(f"--build-context={name}={value}" for name, value in self.contexts.items()),
            *(f"--secret=id={name},src={file}" for name, file in self.secrets.items()),
            *([f"--target={self.target}"] if self.target else []),
            *(["--no-cache"] if self.is_fresh else []),
            str(self.context),
        ]


def require(completed: Completed, tag: str) -> None:
    """Raise `BuildFailed` or `EngineFull` for a build that did not succeed."""
    if not completed:
        raise failed(tag, completed.output)


def failed(tag: str, output: str) -> BuildFailed | EngineFull:
    """What it comes to that an image was not made, by what the engine said."""
    if "no space left on device" in output:
        return EngineFull(tag, output)
    return BuildFailed(tag, output)


def _reason(output: str) -> str:
    for pattern, reason in _REASONS.items():
        if found := re.search(pattern, output):
            return reason.format(*found.groups())
    lines = output.strip().splitlines()
    return lines[-1].removeprefix("ERROR: ") if lines else "the build said nothing"


def _hint(output: str) -> str:
    return next((hint for pattern, hint in _HINTS.items() if re.search(pattern, output)), "")
