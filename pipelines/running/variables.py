"""Which environment variables a step sees: what it declares, and what no program does without."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipelines.running.tools import search_path
from pipelines.step import Step

# Where things are and how to reach them; none of these says what the right result is. What is not
# here and not declared does not reach a step, so that it cannot change a result behind the
# fingerprint's back.
PASSED = frozenset(
    (
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "TMPDIR",
        "TZ",
        "LANG",
        "LANGUAGE",
        "TERM",
        "COLUMNS",
        "NO_COLOR",
        "FORCE_COLOR",
        "CI",
        "GITHUB_ACTIONS",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPYCACHEPREFIX",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "SSH_AUTH_SOCK",
        "DOCKER_HOST",
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
    )
)
PASSED_PREFIXES = ("LC_", "XDG_", "PIP_", "NPM_CONFIG_", "npm_config_", "COVERAGE_PROCESS_")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


def of_step(step: Step, added: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a step's command, with `added` (where its services are)."""
    declared = {*step.env, *step.secrets}
    seen = {
        name: value for name, value in os.environ.items() if name in declared or _is_passed(name)
    }
    return {**seen, **added, "PATH": search_path()}


def _is_passed(name: str) -> bool:
    return name in PASSED or name.startswith(PASSED_PREFIXES) or name.lower() in PROXIES
