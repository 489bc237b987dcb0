"""Comments that ask the audit to be silent: without a reason, or for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from tests.audit.injected.injection import Injection, change, injected, inside

_LINES = (
    ("bikeshare", "compose.yaml", "redis", "    image: redis:7.4-alpine\n", "SEC007"),
    ("bikeshare", "compose.yaml", "rides", "      context: services/rides\n", "REL008"),
    ("parcels", "compose.yaml", "web", "    build: ./web\n", "REL010"),
    ("clinic", "docker-compose.yml", "db", "    image: mariadb:11.4.3\n", "REL009"),
)


def _suppressed() -> Iterator[Injection]:
    for system, file, service, line, rule in _LINES:
        for id_, reason in (("SUP001", ""), ("SUP002", " -- behind a firewall")):
            comment = f"{line.rstrip()}  # summit: ignore {rule}{reason}\n"
            name = f"{service} ignores {rule}"
            yield injected(id_, system, name, inside(file, service, line, comment))
    for system, workflow, step in (
        ("bikeshare", "ci.yml", "run: make test"),
        ("parcels", "test.yml", "run: npm test"),
        ("clinic", "check.yaml", "run: ./scripts/test.sh"),
    ):
        file = f".github/workflows/{workflow}"
        for id_, words in (
            ("SUP001", "GATE001"),
            ("SUP001", "GATE001, GATE002"),
            ("SUP002", "GATE001 -- flaky"),
            ("SUP002", "GATE999 -- no such rule"),
        ):
            edit = change(file, f"{step}\n", f"{step}  # summit: ignore {words}\n")
            yield injected(id_, system, f"{step} ignores {words}", edit)


INJECTIONS = tuple(_suppressed())
