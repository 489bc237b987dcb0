"""Tokens through the API: logging in, refreshing, rotating keys, and adding operators."""

import json

import jwt
import pytest

from services.fabric.app import create_app
from services.kit.testing import client

JSON = {"content-type": "application/json"}


@pytest.fixture
def log_in(api):
    async def log_in(client_id, secret):
        wish = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        }
        return await api().post("/v1/tokens", json=wish)

    return log_in


@pytest.fixture
def refresh(api):
    async def refresh(token):
        wish = {"grant_type": "refresh_token", "refresh_token": token}
        return await api().post("/v1/tokens", json=wish)

    return refresh


def bearer(tokens):
    return {"authorization": f"Bearer {tokens['access_token']}"}


async def test_the_bootstrapped_admin_logs_in_and_the_token_says_so(
    log_in, admin_secret, clock, kit
):
    answer = await log_in("admin", admin_secret)

    tokens = answer.json()
    assert (answer.status_code, tokens["token_type"], tokens["expires_in"]) == (200, "Bearer", 600)
    assert answer.headers["cache-control"] == "no-store"
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["roles"]) == ("admin", ["admin"])
    assert claims["exp"] - claims["iat"] == 600
    assert (await kit.app.state.verifier.verify(tokens["access_token"])).subject == "admin"


async def test_an_unknown_client_and_a_wrong_secret_get_the_same_answer(log_in):
    unknown, wrong = await log_in("nobody", "x" * 43), await log_in("admin", "x" * 43)

    assert unknown.status_code == wrong.status_code == 401
    assert wrong.json()["code"] == "unauthenticated"
    # The instance is the request's own id.
    assert unknown.json() | {"instance": ""} == wrong.json() | {"instance": ""}


async def test_a_refresh_token_works_once_and_its_replay_ends_the_login(
    log_in, refresh, admin_secret
):
    first = (await log_in("admin", admin_secret)).json()
    second = await refresh(first["refresh_token"])
    assert second.status_code == 200

    replayed = await refresh(first["refresh_token"])
    after = await refresh(second.json()["refresh_token"])

    for answer in (replayed, after):
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert (await log_in("admin", admin_secret)).status_code == 200


@pytest.mark.parametrize("token", ["x", "." * 256, "00000000000000000000000000000000.x"])
async def test_what_is_no_refresh_token_is_refused(refresh, token):
    answer = await refresh(token)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "wish",
    [
        {"grant_type": "client_credentials", "client_id": "a\x00", "client_secret": "s"},
        {"grant_type": "client_credentials", "client_id": "a", "client_secret": "s" * 257},
        {"grant_type": "client_credentials", "client_id": "a", "client_secret": "\ud800"},
        {"grant_type": "client_credentials", "client_id": "a"},
        {"grant_type": "refresh_token", "refresh_token": "x" * 257},
        {"grant_type": "refresh_token", "refresh_token": "\x00"},
        {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "a"},
    ],
    ids=repr,
)
async def test_a_wish_that_cannot_be_is_not_valid(api, wish):
    answer = await api().post("/v1/tokens", content=json.dumps(wish), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_published_keys_are_public_and_verify_what_is_given(api, log_in, admin_secret):
    tokens = (await log_in("admin", admin_secret)).json()

    published = jwt.PyJWKSet.from_dict((await api().get("/.well-known/jwks.json")).json())

    kid = jwt.get_unverified_header(tokens["access_token"])["kid"]
    key = published[kid]
    assert jwt.decode(
        tokens["access_token"],
        key,
        algorithms=["EdDSA"],
        audience="summit",
        issuer="summit-fabric",
        options={"verify_exp": False, "verify_iat": False},
    )


async def test_after_a_rotation_old_tokens_still_work_and_new_ones_have_the_new_key(
    settings, new_pem, clock, log_in, admin_secret
):
    old = (await log_in("admin", admin_secret)).json()
    rotated = settings.model_copy(
        update={
            "token_signing_key": type(settings.token_signing_key)(new_pem()),
            "token_signing_key_previous": settings.token_signing_key,
        }
    )

    async with client(create_app(rotated, clock=clock)) as http:
        assert (await http.get("/v1/nodes", headers=bearer(old))).status_code == 200
        wish = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
        new = (await http.post("/v1/tokens", json=wish)).json()
        assert (await http.get("/v1/nodes", headers=bearer(new))).status_code == 200
        published = (await http.get("/.well-known/jwks.json")).json()["keys"]

    kids = [jwt.get_unverified_header(tokens["access_token"])["kid"] for tokens in (new, old)]
    assert [key["kid"] for key in published] == kids


async def test_a_key_that_was_dropped_verifies_no_more(
    settings, new_pem, clock, log_in, admin_secret
):
    old = (await log_in("admin", admin_secret)).json()
    key = type(settings.token_signing_key)(new_pem())

    async with client(
        create_app(settings.model_copy(update={"token_signing_key": key}), clock=clock)
    ) as http:
        answer = await http.get("/v1/nodes", headers=bearer(old))

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_signing_key_that_is_none_is_named(settings):
    broken = settings.model_copy(
        update={"token_signing_key_previous": type(settings.token_signing_key)("nonsense")}
    )

    with pytest.raises(ValueError, match="TOKEN_SIGNING_KEY_PREVIOUS: not an unencrypted"):
        create_app(broken)


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
async def test_an_operator_is_added_once_and_logs_in(api, log_in, role):
    person = {"name": "ann", "role": role}

    added = await api("admin").post("/v1/operators", json=person)
    again = await api("admin").post("/v1/operators", json=person)

    assert added.status_code == 201
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    answer = await log_in("ann", added.json()["client_secret"])
    token = answer.json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["roles"] == [role]


@pytest.mark.parametrize(
    "fault", [{"role": "node"}, {"role": "service"}, {"name": "Ann\x00"}, {"name": ""}], ids=repr
)
async def test_an_operator_that_cannot_be_is_not_added(api, fault):
    answer = await api("admin").post(
        "/v1/operators", json={"name": "ann", "role": "viewer"} | fault
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_adding_an_operator_cannot_take_over_a_service(api, log_in, admin_secret):
    answer = await api("admin").post("/v1/operators", json={"name": "admin", "role": "viewer"})

    assert answer.status_code == 409
    assert (await log_in("admin", admin_secret)).status_code == 200
