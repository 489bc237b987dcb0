"""Variables of the environment: which names the code of a service has in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.secrets import envfiles
from pipelines.audit.tracked import Tracked

_WORD = re.compile(rb"[A-Z][A-Z0-9_]{2,}")
_LARGEST = 400_000  # bytes
LANGUAGES = (".py", ".js", ".ts", ".mjs", ".cjs", ".tsx", ".jsx")
# Files that set variables, or speak of them, and read none.
_SETTING = re.compile(
    r"(?i)compose|(?:^|/)(?:stack|swarm)[^/]*\.ya?ml$|(?:^|/)(?:k8s|kubernetes|helm|charts|deploy)/"
    r"|^\.github/|[-.]lock(?:\.\w+)?$"
    r"|\.(?:md|rst|txt|svg|png|jpe?g|css|scss|map|csv|onnx|sql|html|ipynb|woff2?)$"
)
# What libraries, servers and base images read by themselves.
_LIBRARIES = re.compile(
    r"(?:PYTHON|UVICORN_|GUNICORN_|HYPERCORN_|FLASK_|DJANGO_|CELERY_|FLOWER_|NODE_|NPM_|NEXT_"
    r"|NEXTAUTH_|AUTH_|NUXT_|NITRO_|VITE_|REACT_APP_|GATSBY_|VUE_APP_|PUBLIC_|EXPO_|NG_|OTEL_|AWS_"
    r"|AZURE_|GOOGLE_|GCP_|GCLOUD_|CLOUDSDK_|DD_|NEW_RELIC_|SENTRY_|ELASTIC_|JAEGER_|LANGCHAIN_"
    r"|LANGSMITH_|LANGFUSE_|OPENAI_|ANTHROPIC_|HF_|HUGGING|TRANSFORMERS_|TORCH_|CUDA_|NVIDIA_|TF_"
    r"|KERAS_|OMP_|MKL_|OPENBLAS_|NUMBA_|MALLOC_|LD_|PG[A-Z]+$|SSL_|CURL_|REQUESTS_|GIT_|PIP_|UV_"
    r"|POETRY_|JAVA_|JVM_|DOTNET_|ASPNETCORE_|ROS_|RMW_|S6_|XDG_|LC_|QT_|WATCHPACK_|CHOKIDAR_"
    r"|VIRTUAL_|LETSENCRYPT_|TRAEFIK_|SERVICE_|PROMETHEUS_|PYRO|PYDEVD|DEBUGPY|DOCKER_|COMPOSE_"
    r"|TESTCONTAINERS_|KUBERNETES_|DRAMATIQ_|PREFECT_|AIRFLOW_|DAGSTER_|MLFLOW_|WANDB_|RAY_|DASK_"
    r"|PROTOCOL_BUFFERS_|STREAMLIT_"
    r"|GRADIO_|JUPYTER_|CHROMA_|STRAPI_|TYPEORM_|PRISMA_|LITELLM_|OLLAMA_|GROQ_|COHERE_"
    r"|MISTRAL_|GEMINI_|STRIPE_|TWILIO_|SENDGRID_|TURBO_|BUN_|DENO_|YARN_|PNPM_|SUPABASE_)\w*"
    r"|TZ|LANG|LANGUAGE|PATH|HOME|USER|UID|GID|PUID|PGID|UMASK|TERM|DISPLAY|HOST|HOSTNAME|PORT|CI"
    r"|DEBUG|ENV|ENVIRONMENT|APP_ENV|LOG_LEVEL|LOGLEVEL|WEB_CONCURRENCY|WORKERS|TIMEOUT|THREADS"
    r"|HTTPS?_PROXY|NO_PROXY|ALL_PROXY|FORWARDED_ALLOW_IPS|FORCE_COLOR|NO_COLOR|TMPDIR|SHELL|SALT"
    r"|DATABASE_URL_TEST|EDITOR|MODULE_NAME|APP_MODULE|START_COMMAND|BIND|RELOAD|ACCESS_LOG"
)


# Code that takes the environment as a whole: what it does with it cannot be seen.
_WHOLE = re.compile(
    rb"os\.environ(?:\.(?:items|copy|keys|values)\(|\s*[),\]}])|\(\s*process\.env\s*[),]"
    rb"|\.\.\.process\.env|dynaconf|Dynaconf|AutomaticEnv|envconfig|from_prefixed_env"
    rb"|env_nested_delimiter|environs\.|omegaconf|confz|EnvYAML|AutoEnv|getenv\(\s*f[\"']"
    rb"|environ\.get\(\s*f[\"']|environ\[\s*f[\"']|process\.env\[(?![\"'])"
)
_WHOLE_IN_SHELL = re.compile(
    rb"\$\{!\w+[@*]\}|\bcompgen\s+-[ev]\b|\b(?:env|printenv)(?:\s+-0)?\s*\|"
)
# Libraries that are called as what they connect to, and read no variables.
_CLIENTS = frozenset(
    (
        *("redis", "postgres", "postgresql", "mysql", "mongo", "mongodb", "database", "db"),
        *("mqtt", "paho", "kafka", "nats", "rabbitmq", "amqp", "elasticsearch", "minio"),
        *("api", "app", "cors"),
    )
)


def is_of_a_library(name: str) -> bool:
    """Whether something that nobody sees here may read a variable of that name."""
    return bool(_LIBRARIES.fullmatch(name))


def may_be_read_by(name: str, distributions: frozenset[str]) -> bool:
    """Whether one of these installed distributions is called as the variable begins."""
    first = name.partition("_")[0].lower()
    return first not in _CLIENTS and any(first in re.split(r"[-_.]", it) for it in distributions)


class Words:
    """Which words in capitals stand in which files; each file is read once."""

    def __init__(self, tracked: Tracked, names: frozenset[str]) -> None:
        self._tracked = tracked
        self._names = {name.encode(): name for name in names}
        self._found: dict[str, frozenset[str]] = {}
        self._whole: set[str] = set()

    def files(self, folder: str) -> Iterator[str]:
        """The files of a folder whose text may read a variable."""
        for path in self._tracked.below(folder):
            is_read = role(path) not in (Role.TEST, Role.DOCUMENT)
            if is_read and not _SETTING.search(path) and not envfiles.is_env_file(path):
                yield path

    def of(self, path: str) -> frozenset[str]:
        """Those of the names that stand in a file."""
        if path not in self._found:
            data = self._tracked.bytes(path) or b""
            if len(data) > _LARGEST or b"\0" in data[:8_000]:
                data = b""
            words = set(_WORD.findall(data))
            self._found[path] = frozenset(self._names[it] for it in words & self._names.keys())
            whole = _WHOLE if path.endswith(LANGUAGES) else _WHOLE_IN_SHELL
            if (whole is _WHOLE or path.endswith(".sh")) and whole.search(data):
                self._whole.add(path)
        return self._found[path]

    def takes_all(self, path: str) -> bool:
        """Whether a file does something with every variable that there is."""
        self.of(path)
        return path in self._whole
