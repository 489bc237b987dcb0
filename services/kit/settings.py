"""What a service is told by its environment, and what it refuses to be told in production."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

Secret = SecretStr
# With a role and without a password, which is a secret of its own.
DATABASE_URL = r"^postgresql://[^:/@]+@[^@]+/[^/@]+$"
SHORTEST_SECRET = 32
FEWEST_DIFFERENT_CHARACTERS = 10
# Long enough not to turn up in a random secret by chance.
PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "default",
    "dummy-",
    "example",
    "insecure",
    "password",
    "placeholder",
    "replace",
    "secret",
    "your-",
)


class SettingsError(Exception):
    """The environment does not describe a service that may start; never holds a value."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class FileSource(PydanticBaseSettingsSource):
    """Reads field `x` from the file that the environment variable `X_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{field_name}_FILE".upper()
        path = os.environ.get(variable)
        if not path:
            return None, field_name, False
        if os.environ.get(field_name.upper()):
            raise SettingsError([f"{field_name.upper()} and {variable} are both set; keep one"])
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise SettingsError([f"{variable}: cannot read {path}: {reason}"]) from error

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        faults: list[str] = []
        for name, field in self.settings_cls.model_fields.items():
            try:
                value, key, _ = self.get_field_value(field, name)
            except SettingsError as error:
                faults += error.faults
                continue
            if value is not None:
                found[key] = value
        if faults:
            raise SettingsError(faults)
        return found


def _split(text: object) -> object:
    if not isinstance(text, str):
        return text
    return tuple(origin.strip().rstrip("/") for origin in text.split(",") if origin.strip())


class EnvironmentSettings(BaseSettings):
    """Settings from the environment; each field is the variable of the same name, or its `_FILE`.

    Raises `SettingsError` with every fault at once.
    """

    model_config = SettingsConfigDict(
        extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    environment: Literal["development", "production"] = "development"

    @classmethod
    def read(cls) -> Self:
        """Read the environment; raises `SettingsError`."""
        return cls()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, FileSource(settings_cls)

    @model_validator(mode="wrap")
    @classmethod
    def _name_every_fault(cls, values: Any, build: ModelWrapValidatorHandler[Self]) -> Self:
        faults = list(_production_faults(cls, values)) if _is_production(values) else []
        try:
            settings = build(values)
        except ValidationError as error:
            raise SettingsError([*_validation_faults(error), *faults]) from None
        if faults:
            raise SettingsError(faults)
        return settings


class CommandSettings(EnvironmentSettings):
    """What a one-shot command on the database needs."""

    database_url: str = Field(pattern=DATABASE_URL)
    database_password: Secret


class ServiceSettings(EnvironmentSettings):
    """What every service needs."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    debug: bool = False
    reload: bool = False
    # Which requests are to be delayed or failed, to see whether somebody notices; see `drill`.
    faults_file: Path | None = None
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    max_body_bytes: int = Field(1024 * 1024, gt=0)
    # The longest a request may take, and what it gets when the client asks for no less.
    request_timeout_seconds: float = Field(30, gt=0)
    slow_request_seconds: float = Field(1, gt=0)
    # Each readiness check has this long.
    check_timeout_seconds: float = Field(2, gt=0)
    # How long `/readyz` says no before connections are refused: time for load balancers to notice.
    readiness_grace_seconds: float = Field(0, ge=0)
    drain_seconds: float = Field(10, gt=0)


class DatabaseSettings(EnvironmentSettings):
    """Mixin: the service's own schema in PostgreSQL, named like its role."""

    database_url: str = Field(pattern=DATABASE_URL)
    database_password: Secret
    database_pool_size: int = Field(10, gt=0)
    database_pool_timeout_seconds: float = Field(3, gt=0)
    database_connect_timeout_seconds: float = Field(3, gt=0)
    database_statement_timeout_seconds: float = Field(5, gt=0)
    database_lock_timeout_seconds: float = Field(2, gt=0)


class PeerSettings(EnvironmentSettings):
    """Mixin: where the other services are, and this one's own credential at fabric."""

    fabric_url: str = "http://127.0.0.1:8001"
    fusion_url: str = "http://127.0.0.1:8002"
    intelligence_url: str = "http://127.0.0.1:8003"
    tasking_url: str = "http://127.0.0.1:8004"
    client_secret: Secret
    peer_timeout_seconds: float = Field(5, gt=0)

    @property
    def client_id(self) -> str:
        """The service's name: that of the package below `services` that defines the settings."""
        package = type(self).__module__.removeprefix("services.").partition(".")[0]
        return package.replace("_", "-")


def _is_production(values: Mapping[str, Any]) -> bool:
    return values.get("environment") == "production"


def _validation_faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(fault["loc"][0]).upper() if fault["loc"] else "settings"
        if fault["type"] == "missing":
            yield f"{name}: not set; set it, or {name}_FILE to a file that holds it"
        else:
            yield f"{name}: {fault['msg'].lower()}"


def _production_faults(cls: type[BaseSettings], values: Mapping[str, Any]) -> Iterator[str]:
    """Name what may not be so in production; `values` are as given, perhaps not even valid."""
    for name, field in cls.model_fields.items():
        value = values.get(name)
        if _is_secret(field) and value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            yield from (f"{name.upper()}: {why}" for why in weaknesses(text))
    if "*" in (_split(values.get("cors_origins", "")) or ()):  # type: ignore[operator]
        yield "CORS_ORIGINS: `*` would let every page call this service; list the origins"
    for flag in ("debug", "reload"):
        if str(values.get(flag, "")).lower() not in ("", "0", "false", "no", "off", "n", "f"):
            yield f"{flag.upper()}: must be off in production"
    if values.get("faults_file"):
        yield "FAULTS_FILE: must not be set in production"
    if str(values.get("log_level", "")).lower() == "debug":
        yield "LOG_LEVEL: `debug` is not for production; use `info`"


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


def weaknesses(secret: str) -> Iterator[str]:
    """Name what makes `secret` no secret, without quoting it."""
    if len(secret) < SHORTEST_SECRET:
        yield f"shorter than {SHORTEST_SECRET} characters; make a random one"
    elif len(set(secret)) < FEWEST_DIFFERENT_CHARACTERS:
        yield f"fewer than {FEWEST_DIFFERENT_CHARACTERS} different characters; make a random one"
    if any(word in secret.lower() for word in PLACEHOLDERS):
        yield "looks like a placeholder; make a random one"
