"""Releases: what is deployed as one, by digest."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from pipelines import console, entry
from pipelines.errors import ConfigError
from pipelines.ledger import Ledger
from pipelines.release import release as releases
from pipelines.release.make import make as make_release
from pipelines.root import find_root
from tasks._task import task


@task(
    default=True,
    help={
        "registry": "HOST:PORT to push the images to that `inv build` has built"
        " (default: the one that `inv registry.start` started, if any)"
    },
)
def make(c: Context, registry: str = "") -> None:
    """Make a release of the commit that is checked out, and record where it comes from.

    Example: inv release --registry 127.0.0.1:5000
    """
    root = find_root(Path.cwd())
    images, documents = _pushed(root, registry)
    workspace = entry.workspace(str(root))
    release, record = make_release(workspace, images=images, documents=documents)
    console.result(f"release {release.short} of commit {release.commit[:12]}")
    for name, reference in sorted(release.images.items()):
        console.result(f"  {name}: {reference}")
    console.progress(f"record {record.sequence}; `inv deploy staging` brings it there")


@task(name="list")
def list_(c: Context) -> None:
    """Show every release, the newest last.

    Example: inv release.list
    """
    console.result(releases.rows(Ledger.at(find_root(Path.cwd()))))


def _pushed(root: Path, address: str) -> tuple[dict[str, str], dict[str, bytes]]:
    """The images by digest and what is written of them; nothing where no registry is named."""
    from pipelines.containers import registry
    from pipelines.images import kept
    from pipelines.release import images

    chosen = address or registry.address(root)
    if not chosen:
        return {}, {}
    built = list(kept.built(root))
    if address and not built:
        raise ConfigError(
            f"no image has been built that could be pushed to {address}",
            hint="`inv build`, or leave `--registry` out",
        )
    return images.push(chosen, built), images.documents(root, built)
