"""The console, put together: a page, its style and its script, and where the gateway is."""

from mimetypes import guess_type
from pathlib import Path

from fastapi import FastAPI, Response

from services.console.settings import Settings
from services.kit.asgi import Kit

PAGE = Path(__file__).parent / "page"
FILES = ("console.css", "console.js")


def create_app(settings: Settings) -> Kit:
    """Build the service; what it serves is read once."""
    app = FastAPI(title="console", version="1.0.0", openapi_url=None)
    policy = {"content-security-policy": _policy(settings.gateway_public_url)}
    _serve(app, "/", "index.html", policy)
    for name in FILES:
        _serve(app, f"/{name}", name, policy)

    @app.get("/config.json")
    async def config() -> dict[str, str]:
        return {"gateway": settings.gateway_public_url}

    return Kit(app, name="console", settings=settings)


def _policy(gateway: str) -> str:
    """What the page may do: run and show what came with it, and talk to the gateway."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        f" connect-src 'self' {gateway}; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


def _serve(app: FastAPI, path: str, name: str, headers: dict[str, str]) -> None:
    body = (PAGE / name).read_bytes()
    kind = guess_type(name)[0]

    @app.get(path)
    async def page() -> Response:
        return Response(body, media_type=kind, headers=headers)
