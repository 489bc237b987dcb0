"""A package index on disk, so that locks and environments are made for real without a network."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines import config


@dataclass(frozen=True)
class Index:
    """A folder of wheels, laid out as a simple index."""

    folder: Path

    def add(
        self,
        name: str,
        version: str,
        *,
        needs: tuple[str, ...] = (),
        files: Mapping[str, str] | None = None,
        tag: str = "py3-none-any",
    ) -> str:
        """Put a wheel into the index and return its SHA-256."""
        home = self.folder / name
        home.mkdir(parents=True, exist_ok=True)
        wheel = home / f"{name}-{version}-{tag}.whl"
        _write_wheel(wheel, name, version, needs, files or {f"{name}.py": ""}, tag)
        links = (f'<a href="{file.name}">{file.name}</a>' for file in sorted(home.glob("*.whl")))
        (home / "index.html").write_text("<!DOCTYPE html>" + "".join(links))
        return hashlib.sha256(wheel.read_bytes()).hexdigest()

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which pip knows this index and nothing else of this machine."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        url = self.folder.as_uri()
        return {**plain, "PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index")


@pytest.fixture
def configured(tmp_path: Path) -> Callable[[Mapping[str, str]], config.Config]:
    """Writes these files (path: text) into a folder and loads its configuration."""

    def load(files: Mapping[str, str]) -> config.Config:
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return config.load(tmp_path, sorted(files))

    return load


def _write_wheel(
    wheel: Path, name: str, version: str, needs: tuple[str, ...], files: Mapping[str, str], tag: str
) -> None:
    about = f"{name}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {need}\n" for need in needs)
    members = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(
        f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in members.items()
    )
    members[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in members.items():
            archive.writestr(zipfile.ZipInfo(path), text)


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
