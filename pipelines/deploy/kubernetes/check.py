"""Are manifests what the API of Kubernetes takes? As far as can be told without a server."""

from __future__ import annotations

import shutil
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import yaml

from pipelines.deploy.kubernetes.render import INDEX
from pipelines.errors import ConfigError
from pipelines.programs import process

VERSION = "1.33"  # of the API: with `preStop.sleep` in it, and still supported
UNPROVEN = "no API server has run these manifests here"
_PATIENCE = 60.0  # seconds


def check(folder: Path) -> tuple[str, ...]:
    """Check a rendered folder, and say what that proves, a line each, what it does not last.

    Every manifest is held to the strict schemas of `VERSION`, and `kubectl kustomize` must build
    the whole where it is installed. Raises `ConfigError` for the first that does not hold.
    """
    count = sum(_check(file) for file in sorted(folder.glob("*.yaml")) if file.name != INDEX)
    schemas = f"{count} manifests hold the strict schemas of Kubernetes {VERSION}"
    return (schemas, _built(folder), UNPROVEN)


def _check(file: Path) -> int:
    manifests = list(yaml.safe_load_all(file.read_text()))
    for manifest in manifests:
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        try:
            kubernetes_validate.validate(manifest, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            at = ".".join(str(word) for word in error.path)
            raise ConfigError(f"{file}: {name}: {at}: {error.message}") from error
        except kubernetes_validate.SchemaNotFoundError as error:
            raise ConfigError(f"{file}: {name}: no such kind in Kubernetes {VERSION}") from error
    return len(manifests)


def _built(folder: Path) -> str:
    if not shutil.which("kubectl"):
        return "not built by `kubectl kustomize`: kubectl is not installed"
    done = process.run(
        ["kubectl", "kustomize", folder], capture=True, echo=False, timeout=_PATIENCE
    )
    if not done:
        said = done.output.strip().splitlines()[-1:] or ["no reason given"]
        raise ConfigError(f"kubectl kustomize refuses {folder}: {said[0]}")
    return "`kubectl kustomize` builds the whole"
