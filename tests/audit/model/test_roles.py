"""What a file is for is told by its path."""

from __future__ import annotations

import pytest

from pipelines.audit.model.roles import Role, role


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("compose.yaml", Role.PRODUCTION),
        ("infra/docker/docker-compose.yml", Role.PRODUCTION),
        ("docker-compose.prod.yml", Role.PRODUCTION),
        ("apps/api/main.py", Role.PRODUCTION),
        ("requirements.txt", Role.PRODUCTION),
        ("src/latest/contest.py", Role.PRODUCTION),
        (".github/workflows/test.yml", Role.PRODUCTION),
        (".github/workflows/ci-dev.yml", Role.PRODUCTION),
        ("docker-compose.dev.yml", Role.DEVELOPMENT),
        ("compose.override.yaml", Role.DEVELOPMENT),
        ("docker-compose-local.yml", Role.DEVELOPMENT),
        ("Dockerfile.dev", Role.DEVELOPMENT),
        (".devcontainer/docker-compose.yml", Role.DEVELOPMENT),
        (".env.example", Role.EXAMPLE),
        ("env.example", Role.EXAMPLE),
        ("examples/compose.yaml", Role.EXAMPLE),
        ("ci/templates/requirements.txt", Role.EXAMPLE),
        ("ci/requirements.txt", Role.PRODUCTION),
        ("contrib/compose/basic.yml", Role.EXAMPLE),
        ("app/contrib/admin.py", Role.PRODUCTION),
        ("packaging/debian/Dockerfile", Role.DEVELOPMENT),
        ("config/testing.yaml", Role.TEST),
        ("docker-compose.shop-acceptance.yml", Role.TEST),
        ("cypress.config.ts", Role.TEST),
        ("extra/push-examples/index.py", Role.EXAMPLE),
        ("ci/base.env", Role.TEST),
        ("ci/settings/compose.yaml", Role.TEST),
        ("helm/shop/ci/existing-pvc-values.yaml", Role.TEST),
        ("internal/server/server_test.go", Role.TEST),
        ("internal/suites/LDAP/configuration.yml", Role.TEST),
        ("docker-compose.test.yml", Role.TEST),
        ("Dockerfile.test", Role.TEST),
        ("tests/compose.yaml", Role.TEST),
        ("apps/api/tests/main.py", Role.TEST),
        ("apps/api/test_main.py", Role.TEST),
        ("web/app.test.tsx", Role.TEST),
        ("node_modules/x/Dockerfile", Role.VENDORED),
        ("docs/compose.yaml", Role.DOCUMENT),
        ("README.md", Role.DOCUMENT),
    ],
)
def test_role(path: str, expected: Role) -> None:
    assert role(path) is expected
