"""Environments: a release deployed, promoted, rolled back, and how each of them stands."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from pipelines import console
from pipelines.deploy import admission, report, verbs
from pipelines.deploy.verbs import Place
from pipelines.environments import load
from pipelines.errors import ConfigError, SummitError
from pipelines.ledger import Ledger
from pipelines.release import find, newest
from pipelines.root import find_root
from tasks._task import task

ENGINE = {"engine": "process, docker or swarm (default: as the environment says)"}
WAIT = {"wait": "seconds to wait for another deploy to end (default: not at all)"}
RELEASE = {"release": "the beginning of a release's id (default: the newest)"}


@task(
    default=True,
    positional=["environment"],
    help={
        "environment": "which one; `environments/NAME.yaml` describes it",
        "resume": "go on with what a deploy left unfinished",
        **RELEASE,
        **ENGINE,
        **WAIT,
    },
)
def deploy(
    c: Context,
    environment: str,
    release: str = "",
    engine: str = "",
    wait: float = 0.0,
    resume: bool = False,
) -> None:
    """Have a release serve in an environment, if its policy lets it, or all as it was before.

    Example: inv deploy staging
    """
    place = place_of(environment, engine)
    if resume:
        verbs.resume(place, say=console.progress, wait=wait)
    else:
        chosen = find(place.ledger, release) if release else newest(place.ledger)
        admission.require(place.ledger, place.environment, chosen, say=console.result)
        verbs.deploy(place, chosen, say=console.progress, wait=wait)
    console.result(report.standing(place))


@task(
    positional=["environment"],
    help={
        "environment": "which one",
        **RELEASE,
        "format": "kubernetes, the only one so far",
        "out": "the folder to write to",
    },
)
def render(
    c: Context,
    environment: str,
    release: str = "",
    format: str = "kubernetes",  # noqa: A002 - what a person types
    out: str = "",
) -> None:
    """Render a release's manifests for Kubernetes, by digest; no API server has run them.

    Example: inv deploy.render staging --format kubernetes --out build/kubernetes
    """
    from pipelines.deploy import kubernetes, source

    if format != "kubernetes":
        raise ConfigError(f"no format {format!r}", hint="known: kubernetes")
    if not out:
        raise ConfigError("no folder given", hint="--out FOLDER")
    place = place_of(environment, "")
    chosen = find(place.ledger, release) if release else newest(place.ledger)
    source.lay_out(place.site.root, chosen, place.site.source(chosen.id))
    folder = Path(out)
    made = kubernetes.render(place.site.project(chosen), chosen, place.environment)
    kubernetes.write(made, folder)
    for line in kubernetes.check(folder):
        console.result(line)


@task(
    positional=["environment"],
    help={
        "environment": "where to; its policy says with `same_digests_as` where from",
        "release": "the beginning of a release's id (default: the one that was proven there)",
        **ENGINE,
        **WAIT,
    },
)
def promote(
    c: Context, environment: str, release: str = "", engine: str = "", wait: float = 0.0
) -> None:
    """Deploy the very digests that another environment has proven; nothing is built anew.

    Example: inv promote production
    """
    place = place_of(environment, engine)
    ledger = place.ledger
    chosen = find(ledger, release) if release else admission.proven(ledger, place.environment)
    admission.require(ledger, place.environment, chosen, say=console.result)
    verbs.deploy(place, chosen, say=console.progress, wait=wait)
    console.result(report.standing(place))


@task(
    positional=["environment"],
    help={
        "environment": "which one",
        "to": "the beginning of a release's id (default: the one before)",
        **ENGINE,
        **WAIT,
    },
)
def rollback(
    c: Context, environment: str, to: str = "", engine: str = "", wait: float = 0.0
) -> None:
    """Have the release before serve again; migrations stay as they are.

    Example: inv rollback staging
    """
    place = place_of(environment, engine)
    verbs.roll_back(place, to=to, say=console.progress, wait=wait)
    console.result(report.standing(place))


@task(positional=["environment"], help={"environment": "which one", **ENGINE})
def status(c: Context, environment: str, engine: str = "") -> None:
    """Show which release serves, since when, by whom, on which evidence, and what drifted.

    Example: inv status staging
    """
    place = place_of(environment, engine)
    console.result(report.standing(place))
    console.result(report.evidence(place))
    for line in report.unfinished(place):
        console.progress(line)
    for line in report.drift(place):
        console.progress(f"drift: {line}")


@task(
    name="verify-running", positional=["environment"], help={"environment": "which one", **ENGINE}
)
def verify_running(c: Context, environment: str, engine: str = "") -> None:
    """Compare what really runs with the ledger; fails where it is something else.

    Example: inv verify-running staging
    """
    place = place_of(environment, engine)
    found = report.drift(place)
    for line in found:
        console.result(line)
    if found:
        raise SummitError(
            f"{environment} does not run what the ledger says", hint=f"inv deploy {environment}"
        )
    console.result(f"{environment} runs what the ledger says")


@task(
    positional=["environment"],
    help={"environment": "which one", "reason": "why; it is recorded"},
)
def unlock(c: Context, environment: str, reason: str = "") -> None:
    """Take an environment's lock away from a deploy that hangs; that one changes nothing more.

    Example: inv unlock staging --reason 'its machine is gone'
    """
    whose = verbs.unlock(place_of(environment, ""), reason)
    console.result(f"taken from {whose}" if whose else f"{environment} is not locked")


@task(
    positional=["environment"],
    help={"environment": "which one", "volumes": "also delete the data", **ENGINE, **WAIT},
)
def undeploy(
    c: Context, environment: str, volumes: bool = False, engine: str = "", wait: float = 0.0
) -> None:
    """Stop an environment altogether; its secrets and the ledger stay.

    Example: inv undeploy staging
    """
    verbs.down(place_of(environment, engine), volumes=volumes, wait=wait)


def place_of(name: str, engine: str) -> Place:
    """An environment by its name, under the engine that it names or another."""
    root = find_root(Path.cwd())
    return verbs.place(root, load(root, name), Ledger.at(root), engine=engine)
