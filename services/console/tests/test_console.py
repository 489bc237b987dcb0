"""The page, and what it is allowed to do."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from services.console.app import FILES, PAGE, create_app
from services.console.settings import Settings
from services.kit.settings import SettingsError
from services.kit.testing import lifespan


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(gateway_public_url="https://watch.example.org"))
    async with lifespan(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
            yield client


async def test_the_page_may_only_run_what_came_with_it_and_ask_the_gateway(
    browser: httpx.AsyncClient,
) -> None:
    answer = await browser.get("/")

    assert answer.headers["content-type"].startswith("text/html")
    policy = dict(
        words.strip().split(" ", 1)
        for words in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' https://watch.example.org"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_all_that_the_page_names_is_there(browser: httpx.AsyncClient) -> None:
    named = re.findall(r'(?:src|href)="([^"]+)"', (await browser.get("/")).text)

    assert sorted(named) == sorted(f"/{name}" for name in FILES)
    kinds = {path: (await browser.get(path)).headers["content-type"] for path in named}
    assert kinds["/console.css"].startswith("text/css")
    assert kinds["/console.js"].startswith("text/javascript")


def test_the_page_has_no_script_or_style_of_its_own_line() -> None:
    page = (PAGE / "index.html").read_text()

    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=", page)
    assert "innerHTML" not in (PAGE / "console.js").read_text()


async def test_the_script_is_told_where_the_gateway_is(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/config.json")

    assert answer.json() == {"gateway": "https://watch.example.org"}


@pytest.mark.parametrize("address", ["ftp://gateway", "http://a b", "http://a; script-src *", ""])
def test_an_address_that_would_change_the_policy_is_refused(address: str) -> None:
    with pytest.raises((SettingsError, ValidationError), match=r"(?i)gateway_public_url"):
        Settings(gateway_public_url=address)
