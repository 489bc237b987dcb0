"""What a service is told, and what it refuses to be told in production, without repeating it."""

import secrets

import pytest

from services.kit.settings import (
    DatabaseSettings,
    PeerSettings,
    Secret,
    ServiceSettings,
    SettingsError,
)

STRONG = secrets.token_urlsafe(32)


class Settings(DatabaseSettings, PeerSettings, ServiceSettings):
    previous_key: Secret | None = None


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in [*Settings.model_fields, "client_secret_file", "database_password_file"]:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://fusion@127.0.0.1:5432/summit")
    monkeypatch.setenv("DATABASE_PASSWORD", STRONG)
    monkeypatch.setenv("CLIENT_SECRET", STRONG)
    return monkeypatch


def refusal() -> list[str]:
    with pytest.raises(SettingsError) as refused:
        Settings.read()
    return sorted(refused.value.faults)


def test_a_secret_is_read_from_the_environment_and_never_shown():
    settings = Settings.read()

    assert settings.client_secret.get_secret_value() == STRONG
    assert STRONG not in repr(settings)


def test_a_secret_is_read_from_the_file_that_is_named(environment, tmp_path):
    (tmp_path / "secret").write_text("from a file\n")
    environment.delenv("CLIENT_SECRET")
    environment.setenv("CLIENT_SECRET_FILE", str(tmp_path / "secret"))

    assert Settings.read().client_secret.get_secret_value() == "from a file"


def test_files_that_cannot_be_read_are_all_named(environment, tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff")
    for name, file in (("CLIENT_SECRET", "nowhere"), ("DATABASE_PASSWORD", "bytes")):
        environment.delenv(name)
        environment.setenv(f"{name}_FILE", str(tmp_path / file))

    assert refusal() == [
        f"CLIENT_SECRET_FILE: cannot read {tmp_path}/nowhere: No such file or directory",
        f"DATABASE_PASSWORD_FILE: cannot read {tmp_path}/bytes: not UTF-8 text",
    ]


def test_a_secret_and_its_file_at_once_are_refused(environment, tmp_path):
    environment.setenv("CLIENT_SECRET_FILE", str(tmp_path))

    assert refusal() == ["CLIENT_SECRET and CLIENT_SECRET_FILE are both set; keep one"]


def test_everything_that_is_missing_or_wrong_is_named_at_once(environment):
    environment.delenv("CLIENT_SECRET")
    environment.setenv("DATABASE_PASSWORD", "")
    environment.setenv("PORT", "eighty")
    environment.setenv("LOG_LEVEL", "loud")

    assert refusal() == [
        "CLIENT_SECRET: not set; set it, or CLIENT_SECRET_FILE to a file that holds it",
        "DATABASE_PASSWORD: not set; set it, or DATABASE_PASSWORD_FILE to a file that holds it",
        "LOG_LEVEL: input should be 'debug', 'info', 'warning' or 'error'",
        "PORT: input should be a valid integer, unable to parse string as an integer",
    ]


@pytest.mark.parametrize(
    "url",
    ["postgresql://fusion:hunter2@db/summit", "mysql://fusion@db/summit", "postgresql://db/summit"],
)
def test_a_database_url_has_a_role_and_no_password(environment, url):
    environment.setenv("DATABASE_URL", url)

    (fault,) = refusal()
    assert fault.startswith("DATABASE_URL: ")
    assert "hunter2" not in fault


def test_development_takes_any_secret(environment):
    environment.setenv("CLIENT_SECRET", "x")

    assert Settings.read().client_secret.get_secret_value() == "x"


def test_production_takes_strong_secrets_and_named_origins(environment):
    environment.setenv("ENVIRONMENT", "production")
    environment.setenv("CORS_ORIGINS", "https://console.example/, https://other.example")

    settings = Settings.read()

    assert settings.cors_origins == ("https://console.example", "https://other.example")


def test_production_names_every_fault_and_no_value(environment):
    environment.setenv("ENVIRONMENT", "production")
    environment.setenv("DATABASE_PASSWORD", "hunter2")
    environment.setenv("PREVIOUS_KEY", "ab" * 30)
    environment.setenv("CLIENT_SECRET", "ChangeMe-0123456789-abcdefghijklmnop")
    environment.setenv("CORS_ORIGINS", "https://a.example,*")
    environment.setenv("DEBUG", "true")
    environment.setenv("RELOAD", "1")
    environment.setenv("LOG_LEVEL", "debug")
    environment.setenv("PORT", "eighty")

    assert refusal() == [
        "CLIENT_SECRET: looks like a placeholder; make a random one",
        "CORS_ORIGINS: `*` would let every page call this service; list the origins",
        "DATABASE_PASSWORD: shorter than 32 characters; make a random one",
        "DEBUG: must be off in production",
        "LOG_LEVEL: `debug` is not for production; use `info`",
        "PORT: input should be a valid integer, unable to parse string as an integer",
        "PREVIOUS_KEY: fewer than 10 different characters; make a random one",
        "RELOAD: must be off in production",
    ]


@pytest.mark.parametrize("word", ["password", "secret", "example", "changeme", "placeholder"])
def test_production_knows_placeholders(environment, word):
    environment.setenv("ENVIRONMENT", "production")
    environment.setenv("CLIENT_SECRET", f"{STRONG}-{word.upper()}")

    assert refusal() == ["CLIENT_SECRET: looks like a placeholder; make a random one"]


def test_production_names_what_is_missing_beside_what_is_weak(environment):
    environment.setenv("ENVIRONMENT", "production")
    environment.delenv("CLIENT_SECRET")
    environment.setenv("DATABASE_PASSWORD", "weak")

    assert [fault.partition(":")[0] for fault in refusal()] == [
        "CLIENT_SECRET",
        "DATABASE_PASSWORD",
    ]


def test_a_service_knows_its_name_at_fabric():
    class Elsewhere(Settings):
        __module__ = "services.api_gateway.settings"

    assert Elsewhere.read().client_id == "api-gateway"
