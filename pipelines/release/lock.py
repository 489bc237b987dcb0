"""What the environment of local processes is made of, as a CycloneDX document.

Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
from pathlib import Path

import pip_requirements_parser as pip  # type: ignore[import-untyped]
from packaging.utils import canonicalize_name


def materials(lock: Path, *, digest: str) -> bytes:
    """The document on a requirements.txt of this SHA-256: every package with its hashes."""
    found = []
    for it in pip.RequirementsFile.from_file(str(lock)).requirements:
        name = canonicalize_name(it.name)
        version = it.get_pinned_version
        purl = f"pkg:pypi/{name}@{version}"
        hashes = [
            {"alg": "SHA-256", "content": text.removeprefix("sha256:")}
            for text in sorted(it.hash_options)
            for text in [text.removeprefix("--hash=")]
        ]
        found.append(
            {
                "type": "library",
                "name": name,
                "version": version,
                "purl": purl,
                "bom-ref": purl,
                # One per archive that may be installed, any of which is the package.
                "properties": [{"name": "summit:sha256", "value": it["content"]} for it in hashes],
            }
        )
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": lock.name, "version": digest}},
        "components": sorted(found, key=lambda it: str(it["purl"])),
    }
    return json.dumps(document, indent=2, sort_keys=True).encode()
