"""Calls to another service, over real sockets: authenticated, bounded, repeated only when safe."""

import asyncio
from collections import defaultdict
from time import monotonic

import pytest
from aiohttp import web

from services.kit.context import RequestContext, current
from services.kit.peers import PeerRefused, Peers
from services.kit.problems import Code, Problem
from services.kit.settings import PeerSettings


class FakeFabric:
    """Answers from `answers[path]`, a list of what to do next; keeps the requests it got."""

    def __init__(self) -> None:
        self.answers = defaultdict(list)
        self.requests = []
        self.tokens_given = 0
        self.expires_in = 600

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        self.requests.append((request.method, request.path, dict(request.headers), body))
        if request.path == "/v1/tokens":
            self.tokens_given += 1
            token = f"token-{self.tokens_given}"
            return web.json_response({"access_token": token, "expires_in": self.expires_in})
        planned = self.answers[request.path]
        answer = planned.pop(0) if planned else web.json_response({"fine": True})
        return await answer(request) if callable(answer) else answer

    def sent(self, path):
        return [request for request in self.requests if request[1] == path]


async def hang_up(request):
    request.transport.abort()
    return web.Response()


async def busy(request):
    return web.Response(status=503)


async def hang(request):
    await asyncio.Event().wait()


@pytest.fixture
async def fabric(unused_tcp_port):
    fabric = FakeFabric()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fabric.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    fabric.url = f"http://127.0.0.1:{unused_tcp_port}"
    fabric.stop = runner.cleanup
    yield fabric
    await runner.cleanup()


@pytest.fixture
async def peers(fabric):
    settings = PeerSettings(
        fabric_url=fabric.url, fusion_url=fabric.url, client_secret="ours", peer_timeout_seconds=5
    )
    async with Peers(settings, client_id="tasking") as peers:
        yield peers


@pytest.fixture
def request_at_hand():
    context = RequestContext("order-17", f"00-{'a' * 32}-{'b' * 16}-01", monotonic() + 2)
    token = current.set(context)
    yield context
    current.reset(token)


async def refusal(call) -> Problem:
    with pytest.raises(Problem) as refused:
        await call
    return refused.value


async def test_a_call_brings_the_answer_and_the_token_is_asked_for_once(peers, fabric):
    assert await peers.fabric.get("/v1/nodes", params={"limit": 5}) == {"fine": True}
    assert await peers.fusion.post("/v1/things", json={"a": 1}) == {"fine": True}

    assert fabric.tokens_given == 1
    assert '"client_id": "tasking", "client_secret": "ours"' in fabric.sent("/v1/tokens")[0][3]
    headers = fabric.sent("/v1/nodes")[0][2]
    assert headers["Authorization"] == "Bearer token-1"


async def test_many_first_calls_at_once_ask_for_one_token(peers, fabric):
    await asyncio.gather(*(peers.fabric.get("/v1/nodes") for _ in range(20)))

    assert fabric.tokens_given == 1


async def test_a_token_is_renewed_before_it_expires(peers, fabric):
    fabric.expires_in = 0
    await peers.fabric.get("/v1/nodes")
    await peers.fabric.get("/v1/nodes")

    assert fabric.tokens_given == 2


async def test_a_token_that_is_refused_is_replaced(peers, fabric):
    fabric.answers["/v1/nodes"] = [web.json_response({}, status=401)]

    assert await peers.fabric.get("/v1/nodes") == {"fine": True}
    assert [sent[2]["Authorization"] for sent in fabric.sent("/v1/nodes")] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


async def test_ids_and_the_time_that_is_left_are_passed_on(peers, fabric, request_at_hand):
    await peers.fabric.get("/v1/nodes")

    headers = fabric.sent("/v1/nodes")[0][2]
    assert headers["X-Request-ID"] == "order-17"
    assert headers["traceparent"].startswith(f"00-{'a' * 32}-")
    assert 1000 < int(headers["X-Request-Timeout-Ms"]) <= 2000


async def test_no_call_is_made_when_no_time_is_left(peers, fabric, request_at_hand):
    request_at_hand.deadline = monotonic()

    assert (await refusal(peers.fabric.get("/v1/nodes"))).code is Code.DEADLINE_EXCEEDED
    assert fabric.requests == []


async def test_a_peer_that_takes_too_long_is_given_up(peers, fabric, request_at_hand):
    await peers.fabric.get("/v1/nodes")
    fabric.answers["/v1/nodes"] = [hang]
    request_at_hand.deadline = monotonic() + 0.05

    assert (await refusal(peers.fabric.get("/v1/nodes"))).code is Code.DEADLINE_EXCEEDED
    assert len(fabric.sent("/v1/nodes")) == 2


@pytest.mark.parametrize("fault", [hang_up, web.Response(status=503), web.Response(status=429)])
async def test_reading_is_tried_again(peers, fabric, fault):
    fabric.answers["/v1/nodes"] = [fault]

    assert await peers.fabric.get("/v1/nodes") == {"fine": True}
    assert len(fabric.sent("/v1/nodes")) == 2


async def test_trying_again_has_an_end(peers, fabric):
    fabric.answers["/v1/nodes"] = [busy] * 9
    problem = await refusal(peers.fabric.get("/v1/nodes"))

    assert (problem.code, problem.detail) == (Code.UNAVAILABLE, "fabric is not available")
    assert len(fabric.sent("/v1/nodes")) == 3


@pytest.mark.parametrize("fault", [hang_up, web.Response(status=503)])
async def test_writing_is_not_repeated_since_it_may_have_happened(peers, fabric, fault):
    fabric.answers["/v1/things"] = [fault]
    problem = await refusal(peers.fabric.post("/v1/things", json={}))

    assert problem.code is Code.UNAVAILABLE
    assert len(fabric.sent("/v1/things")) == 1


async def test_writing_is_repeated_when_told_that_it_does_no_harm(peers, fabric):
    fabric.answers["/v1/things"] = [hang_up]

    assert await peers.fabric.post("/v1/things", json={}, is_idempotent=True) == {"fine": True}


async def test_a_peer_that_is_away_is_unavailable(peers, fabric):
    await fabric.stop()
    problem = await refusal(peers.fabric.post("/v1/things", json={}))

    assert (problem.code, problem.detail) == (Code.UNAVAILABLE, "fabric cannot be reached")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, Code.UPSTREAM_FAILED),
        (302, Code.UPSTREAM_FAILED),
        (404, Code.UPSTREAM_FAILED),
        (503, Code.UNAVAILABLE),
        (504, Code.DEADLINE_EXCEEDED),
    ],
)
async def test_an_answer_that_is_no_success_is_a_problem(peers, fabric, status, code):
    headers = {"Location": "http://elsewhere.example"}
    fabric.answers["/v1/things"] = [web.Response(status=status, headers=headers)]

    assert (await refusal(peers.fabric.post("/v1/things", json={}))).code is code


async def test_a_request_that_was_wrong_says_why(peers, fabric):
    refused = web.json_response({"detail": "no node 17"}, status=404)
    fabric.answers["/v1/nodes/17"] = [refused]
    problem = await refusal(peers.fabric.get("/v1/nodes/17"))

    assert isinstance(problem, PeerRefused)
    assert (problem.answer, problem.detail) == (404, "fabric answered 404: no node 17")


async def test_an_answer_that_is_not_json_is_a_problem(peers, fabric):
    fabric.answers["/v1/nodes"] = [web.Response(text="<html>")]

    assert (await refusal(peers.fabric.get("/v1/nodes"))).code is Code.UPSTREAM_FAILED


async def test_an_empty_answer_is_none(peers, fabric):
    fabric.answers["/v1/things"] = [web.Response(status=204)]

    assert await peers.fabric.post("/v1/things", json={}) is None


async def test_public_keys_are_fetched_without_a_token(peers, fabric):
    fabric.answers["/.well-known/jwks.json"] = [web.json_response({"keys": []})]

    assert await peers.jwks() == {"keys": []}
    assert fabric.tokens_given == 0


@pytest.mark.parametrize("document", [[], {}, {"keys": 7}])
async def test_what_is_no_set_of_keys_is_a_problem(peers, fabric, document):
    fabric.answers["/.well-known/jwks.json"] = [web.json_response(document)]

    assert (await refusal(peers.jwks())).code is Code.UPSTREAM_FAILED
