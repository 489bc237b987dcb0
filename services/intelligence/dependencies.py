"""What routes ask for besides the kit's own dependencies."""

from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from services.intelligence.settings import Settings


def _now(request: Request) -> datetime:
    return cast("datetime", request.app.state.clock())


def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


NowDep = Annotated[datetime, Depends(_now)]
SettingsDep = Annotated[Settings, Depends(_settings)]
