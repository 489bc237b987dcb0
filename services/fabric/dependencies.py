"""What routes ask for besides the kit's own dependencies."""

from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from services.fabric.keys import KeyRing
from services.fabric.liveness import Liveness
from services.fabric.settings import Settings


def _now(request: Request) -> datetime:
    return cast("datetime", request.app.state.clock())


def _keys(request: Request) -> KeyRing:
    return cast("KeyRing", request.app.state.keys)


def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


def _liveness(settings: Annotated[Settings, Depends(_settings)]) -> Liveness:
    return Liveness(settings.node_stale_after, settings.node_offline_after)


NowDep = Annotated[datetime, Depends(_now)]
KeysDep = Annotated[KeyRing, Depends(_keys)]
SettingsDep = Annotated[Settings, Depends(_settings)]
LivenessDep = Annotated[Liveness, Depends(_liveness)]
