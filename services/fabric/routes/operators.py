"""Operators: people who log in, added by an admin."""

from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.fabric.grants import add_client
from services.kit.database import SessionDep
from services.kit.problems import Code, Problem
from services.kit.tokens import Role, require

router = APIRouter(tags=["operators"])


class OperatorIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")
    role: Literal[Role.VIEWER, Role.OPERATOR, Role.ADMIN]


class OperatorCredentials(BaseModel):
    client_id: str
    client_secret: str


@router.post("/v1/operators", status_code=201, dependencies=[Depends(require(Role.ADMIN))])
async def add_operator(operator: OperatorIn, session: SessionDep) -> OperatorCredentials:
    """Add somebody and return their credentials, which are shown only this once."""
    secret = await add_client(session, operator.name, operator.role)
    if secret is None:
        raise Problem(Code.CONFLICT, f"there is a client called {operator.name!r} already")
    return OperatorCredentials(client_id=operator.name, client_secret=secret)
