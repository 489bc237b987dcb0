"""Who is calling, and what they may do."""

from datetime import timedelta
from typing import Annotated

import jwt
import pytest
from fastapi import Depends, FastAPI

from services.kit.clock import FakeClock
from services.kit.problems import Code, Problem
from services.kit.testing import TestIssuer, client
from services.kit.tokens import Caller, Role, Verifier, require


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def issuer(clock):
    return TestIssuer(clock)


async def refusal(verifier, token) -> Code:
    with pytest.raises(Problem) as refused:
        await verifier.verify(token)
    return refused.value.code


async def test_a_token_names_its_caller(issuer):
    token = issuer.token(Role.NODE, Role.VIEWER, subject="tower-7")

    assert await issuer.verifier().verify(token) == Caller(
        "tower-7", frozenset({Role.NODE, Role.VIEWER})
    )


async def test_a_token_expires(issuer, clock):
    verifier, token = issuer.verifier(), issuer.token(Role.VIEWER)
    await verifier.verify(token)
    clock.advance(minutes=10)

    assert await refusal(verifier, token) is Code.TOKEN_EXPIRED


async def test_a_token_is_refused_before_its_time(issuer, clock):
    early = clock() + timedelta(minutes=1)

    assert await refusal(issuer.verifier(), issuer.token(iat=early)) is Code.UNAUTHENTICATED
    assert await refusal(issuer.verifier(), issuer.token(nbf=early)) is Code.UNAUTHENTICATED


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"},
        {"aud": "elsewhere"},
        {"sub": None},
        {"exp": "never"},
        {"exp": None},
        {"roles": ["emperor"]},
        {"roles": 7},
        {"roles": [["admin"]]},
    ],
)
async def test_a_token_with_wrong_claims_is_refused(issuer, claims):
    token = issuer.token(Role.ADMIN)
    payload = {**jwt.decode(token, options={"verify_signature": False}), **claims}
    payload = {name: value for name, value in payload.items() if value is not None}
    forged = jwt.encode(payload, issuer.key, algorithm="EdDSA", headers={"kid": issuer.kid})

    assert await refusal(issuer.verifier(), forged) is Code.UNAUTHENTICATED


async def test_a_token_signed_by_another_key_is_refused(issuer, clock):
    stranger = TestIssuer(clock)
    stranger.kid = issuer.kid

    assert await refusal(issuer.verifier(), stranger.token(Role.ADMIN)) is Code.UNAUTHENTICATED


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "é.é.é", "." * 1000, "\ud800"])
async def test_what_is_no_token_is_refused(issuer, token):
    assert await refusal(issuer.verifier(), token) is Code.UNAUTHENTICATED


async def test_a_token_without_a_signature_is_refused(issuer):
    claims = jwt.decode(issuer.token(Role.ADMIN), options={"verify_signature": False})
    forged = jwt.encode(claims, None, algorithm="none", headers={"kid": issuer.kid})

    assert await refusal(issuer.verifier(), forged) is Code.UNAUTHENTICATED


async def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused(issuer):
    claims = jwt.decode(issuer.token(Role.ADMIN), options={"verify_signature": False})
    public = (await issuer.jwks())["keys"][0]["x"]
    forged = jwt.encode(claims, public, algorithm="HS256", headers={"kid": issuer.kid})

    assert await refusal(issuer.verifier(), forged) is Code.UNAUTHENTICATED


async def test_a_key_taken_out_of_use_is_not_believed_for_ever(issuer, clock):
    published = [await issuer.jwks(), {"keys": []}]

    async def fetch():
        return published.pop(0) if len(published) > 1 else published[0]

    verifier, token = Verifier(fetch, clock=clock, keep=0, refetch_after=0), issuer.token()
    await verifier.verify(token)

    assert await refusal(verifier, token) is Code.UNAUTHENTICATED


async def test_while_the_issuer_is_away_the_keys_at_hand_go_on(issuer, clock):
    is_away = False

    async def fetch():
        if is_away:
            raise Problem(Code.UNAVAILABLE, "fabric is away")
        return await issuer.jwks()

    verifier, token = Verifier(fetch, clock=clock, keep=0), issuer.token(subject="ann")
    await verifier.verify(token)
    is_away = True

    assert (await verifier.verify(token)).subject == "ann"


async def test_keys_are_fetched_again_for_an_unknown_one_but_not_for_every_one(issuer, clock):
    fetched = 0
    keys = {"keys": []}

    async def fetch():
        nonlocal fetched
        fetched += 1
        return keys

    verifier = Verifier(fetch, clock=clock, refetch_after=0)
    assert await refusal(verifier, issuer.token(Role.VIEWER)) is Code.UNAUTHENTICATED
    keys = await issuer.jwks()
    await verifier.verify(issuer.token(Role.VIEWER))
    await verifier.verify(issuer.token(Role.VIEWER, subject="another"))
    assert fetched == 2

    patient = Verifier(fetch, clock=clock, refetch_after=60)
    await patient.verify(issuer.token(Role.VIEWER))
    for _ in range(10):
        await refusal(patient, TestIssuer(clock).token(Role.VIEWER))
    assert fetched == 3


async def test_a_token_is_forgotten_when_its_key_is_withdrawn(issuer, clock):
    keys = await issuer.jwks()

    async def fetch():
        return keys

    verifier = Verifier(fetch, clock=clock, refetch_after=0)
    token = issuer.token(Role.VIEWER)
    await verifier.verify(token)
    successor = TestIssuer(clock)
    keys = await successor.jwks()
    await verifier.verify(successor.token(Role.VIEWER))

    assert await refusal(verifier, token) is Code.UNAUTHENTICATED


async def test_while_keys_cannot_be_fetched_nobody_is_called_a_forger(issuer, clock):
    async def fetch():
        raise Problem(Code.UNAVAILABLE, "fabric cannot be reached")

    assert await refusal(Verifier(fetch, clock=clock), issuer.token()) is Code.UNAVAILABLE


@pytest.mark.parametrize(
    ("held", "asked", "passes"),
    [
        (Role.VIEWER, Role.VIEWER, True),
        (Role.OPERATOR, Role.VIEWER, True),
        (Role.ADMIN, Role.VIEWER, True),
        (Role.ADMIN, Role.OPERATOR, True),
        (Role.VIEWER, Role.OPERATOR, False),
        (Role.OPERATOR, Role.ADMIN, False),
        (Role.ADMIN, Role.SERVICE, False),
        (Role.ADMIN, Role.NODE, False),
        (Role.SERVICE, Role.VIEWER, False),
        (Role.NODE, Role.VIEWER, False),
    ],
)
def test_what_a_role_includes(held, asked, passes):
    assert Caller("x", frozenset({held})).may_act_as(asked) is passes


@pytest.fixture
async def guarded(make_kit, issuer):
    app = FastAPI()
    app.state.verifier = issuer.verifier()

    @app.get("/me")
    async def me(caller: Annotated[Caller, Depends(require(Role.OPERATOR, Role.SERVICE))]) -> str:
        return caller.subject

    async with client(make_kit(app)) as http:
        yield http


async def test_a_route_knows_who_calls(guarded, issuer):
    answer = await guarded.get("/me", headers=issuer.headers(Role.ADMIN, subject="ann"))

    assert (answer.status_code, answer.json()) == (200, "ann")


async def test_a_wrong_role_is_403(guarded, issuer):
    answer = await guarded.get("/me", headers=issuer.headers(Role.VIEWER))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert answer.json()["detail"] == "only for: operator, service"


@pytest.mark.parametrize("header", [None, "", "Basic dTpw", "Bearer", "Bearer ", "Bearer x y"])
async def test_no_usable_token_is_401(guarded, header):
    answer = await guarded.get("/me", headers={} if header is None else {"Authorization": header})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_is_401_of_its_own_code(guarded, issuer, clock):
    headers = issuer.headers(Role.ADMIN)
    clock.advance(hours=1)
    answer = await guarded.get("/me", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
