"""The smoke test of an environment: its jobs, sent through the public doors."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import msgspec

from pipelines.deploy.process import interpreter
from pipelines.deploy.site import parts
from pipelines.deploy.verbs import Place
from pipelines.errors import SummitError
from pipelines.ledger.attest import Claim, attest
from pipelines.stack.health import NotRunning
from pipelines.stack.place import Place as Folder
from pipelines.stack.ports import HOST
from pipelines.stack.process import foreground
from pipelines.stack.stack import Stack

STEP = "smoke"


def smoke(place: Place) -> None:
    """Run the smoke jobs on this machine against the doors, and leave evidence of how they ended.

    Raises `NotRunning`, `SmokeFailed`, `ConfigError` where there is no such job.
    """
    serving = place.engine.serving()
    if not serving:
        raise NotRunning(place.environment.name)
    release = place.release(serving)
    project = place.site.project(release)
    cut = parts(project, place.environment.profiles)
    doors = {name: urlsplit(url) for name, url in place.engine.doors().items()}
    source = place.site.source(serving)
    python = interpreter.provide(place.site.root, release, source)
    stack = Stack(
        Folder(source),
        cut.smoke,
        beside={name: it.port or 80 for name, it in doors.items()},
        hosts={name: it.hostname or HOST for name, it in doors.items()},
        python=str(python),
    )
    began = time.time()
    failure = ""
    try:
        foreground.smoke(stack)
    except SummitError as error:
        failure = str(error)
        raise
    finally:
        document = {"environment": place.environment.name, "release": release.id}
        attest(
            place.ledger,
            Claim(
                step=STEP,
                component=place.environment.name,
                subjects={
                    **release.subjects,
                    "environment": f"sha256:{place.environment.digest}",
                },
                document=msgspec.json.encode(document, order="sorted"),
                passed=not failure,
                message=failure,
                details={"doors": {name: it.geturl() for name, it in doors.items()}},
                started=began,
            ),
        )
