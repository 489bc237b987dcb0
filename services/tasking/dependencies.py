"""What routes ask for besides the kit's own dependencies."""

from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from services.kit.database import Database
from services.tasking.settings import Settings


def _now(request: Request) -> datetime:
    return cast("datetime", request.app.state.clock())


def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


def _database(request: Request) -> Database:
    return cast("Database", request.app.state.database)


NowDep = Annotated[datetime, Depends(_now)]
DatabaseDep = Annotated[Database, Depends(_database)]
SettingsDep = Annotated[Settings, Depends(_settings)]
