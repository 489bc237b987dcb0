import pytest

from pipelines.audit.model.secrets.credentials import (
    Kind,
    connection_passwords,
    is_secret_name,
    kind,
    login_kind,
    logins,
    tokens,
)


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "POSTGRES_PASSWORD",
        "dbPassword",
        "db-password",
        "DB_PASS",
        "PGPASSWORD",
        "MYSQL_PWD",
        "JWT_SECRET",
        "FABRIC_JWT_SECRET",
        "SECRET_KEY",
        "SECRET_KEY_BASE",
        "secretKey",
        "jwtSecretKey",
        "API_KEY",
        "apiKey",
        "apikey",
        "x-api-key",
        "OPENAI_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "accessToken",
        "PRIVATE_KEY",
        "ENCRYPTION_KEY",
        "NEXTAUTH_SECRET",
        "GF_SECURITY_ADMIN_PASSWORD",
        "CLIENT_SECRET",
        "credentials",
        "SUPERUSER_PASSWORD",
        "RABBITMQ_DEFAULT_PASS",
        "RABBITMQ_ERLANG_COOKIE",
        "MINIO_ROOT_PASSWORD",
        "OAUTH2_PROXY_COOKIE_SECRET",
        "AzureStorageAccountKey",
    ],
)
def test_a_secret_by_its_name(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD_FILE",
        "POSTGRES_PASSWORD_FILE",
        "SECRET_PATH",
        "TOKEN_URL",
        "tokenUrl",
        "TOKEN_TTL",
        "ACCESS_TOKEN_EXPIRE_MINUTES",
        "SECRET_NAME",
        "secretName",
        "PUBLIC_KEY",
        "AWS_ACCESS_KEY_ID",
        "PRIVATE_KEY_ID",
        "PASSWORD_MIN_LENGTH",
        "MAX_TOKENS",
        "token_type",
        "tokenizer",
        "pad_token",
        "eos_token",
        "csrf_token",
        "next_page_token",
        "PASSWORD_RESET_TIMEOUT",
        "FORGOT_PASSWORD",
        "passwordPlaceholder",
        "password_hash",
        "PASSWORD_HASHERS",
        "PASSWORD_FIELD",
        "SECRET_STORE",
        "primary_key",
        "sort_key",
        "passenger",
        "bypass",
        "compass",
        "secretary",
        "TOKEN_ALGORITHM",
        "API_KEY_HEADER",
        "x" * 500 + "_password",
        "",
    ],
)
def test_what_only_says_something_about_a_secret(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("admin", Kind.WORKING),
        ("postgres", Kind.WORKING),
        ("password", Kind.WORKING),
        ("dev_secret", Kind.WORKING),
        ("summit_password", Kind.WORKING),
        ("s3cr3t!Zx", Kind.WORKING),
        ("123456", Kind.WORKING),
        ("'quoted'", Kind.WORKING),
        ("r(m)9nLGnz$(_q3N4z1k(EFsMCjjjzx08x9VhNV", Kind.WORKING),
        ("aB/cD3fGhIjKlMnOpQrStUvWxYz0123456789+/=", Kind.WORKING),
        ("changeme", Kind.CHANGE),
        ("change_me_please", Kind.CHANGE),
        ("summit_password_changeme", Kind.CHANGE),
        ("changethis", Kind.CHANGE),
        ("your-api-key", Kind.PLACEHOLDER),
        ("your_password_here", Kind.PLACEHOLDER),
        ("<password>", Kind.PLACEHOLDER),
        ("{password}", Kind.PLACEHOLDER),
        ("xxx", Kind.PLACEHOLDER),
        ("xxxxxxxx", Kind.PLACEHOLDER),
        ("example-token", Kind.CHANGE),
        ("dev_key_placeholder", Kind.CHANGE),
        ("", Kind.NOTHING),
        ("  ", Kind.NOTHING),
        ('""', Kind.NOTHING),
        ("${DB_PASSWORD}", Kind.NOTHING),
        ("$DB_PASSWORD", Kind.NOTHING),
        ("$(cat /run/secrets/x)", Kind.NOTHING),
        ("{{ .Values.password }}", Kind.NOTHING),
        ("${{ secrets.TOKEN }}", Kind.NOTHING),
        ("%(DB_PASSWORD)s", Kind.NOTHING),
        ("/run/secrets/db", Kind.NOTHING),
        ("./secrets/key.pem", Kind.NOTHING),
        ("true", Kind.NOTHING),
        ("None", Kind.NOTHING),
        ("bearer", Kind.NOTHING),
        ("https://auth.internal/token", Kind.NOTHING),
        ("...", Kind.NOTHING),
        (r"[0-9a-zA-Z/+=]{40}", Kind.NOTHING),  # to find secrets with
        (r"token\s*[:=]", Kind.NOTHING),
        ("sk-key-for-testing", Kind.PLACEHOLDER),
        ("a" * 10_000, Kind.NOTHING),
    ],
)
def test_what_a_value_is_worth(value, expected):
    assert kind(value) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://summit:summit_password@localhost:5432/x", Kind.WORKING),
        ("postgresql+asyncpg://postgres:postgres@db/app", Kind.WORKING),
        ("redis://:hunter2@redis:6379/0", Kind.WORKING),
        ("amqp://guest:guest@rabbitmq//", Kind.WORKING),
        ("driver://user:pass@localhost/dbname", Kind.PLACEHOLDER),
        ("postgresql://user:password@db.yourdomain.com:5432/x", Kind.PLACEHOLDER),
        ("http://user:password@proxy", Kind.PLACEHOLDER),
        ("postgresql://app:${DB_PASSWORD}@db/app", Kind.NOTHING),
        ("postgresql://app:{password}@db/app", Kind.PLACEHOLDER),
        ("postgresql://app:<password>@db/app", Kind.PLACEHOLDER),
        ("postgresql://app@db/app", None),
        ("https://fonts.googleapis.com/css2?family=A:wght@400", None),
        ("http://localhost:3000/@scope/name", None),
        ("npm://registry", None),
    ],
)
def test_the_password_of_a_url(text, expected):
    assert [login_kind(it) for it in logins(text)] == ([expected] if expected else [])


def test_a_connection_string_holds_a_password():
    text = "Server=db;Database=app;User Id=sa;Password=S3cure!x;"

    assert connection_passwords(text) == ["S3cure!x"]
    assert connection_passwords("Server=db;Integrated Security=true") == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("key = AKIA" + "Q3EGVYRDKLAMZ7RT", "an AWS access key"),
        ("ghp_" + "aB3dE6gH9jK2" * 3, "a GitHub token"),
        ("xoxb-" + "82736451923-aZbYcXdWeVfU", "a Slack token"),
        ("-----BEGIN " + "RSA PRIVATE KEY-----", "a private key"),
        ("-----BEGIN " + "PRIVATE KEY-----", "a private key"),
    ],
)
def test_a_credential_by_its_form(text, what):
    assert [it.what for it in tokens(text)] == [what]


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "x" * 36,
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "sk-learn",
        "highlight",
        "",
    ],
)
def test_what_only_resembles_a_credential(text):
    assert list(tokens(text)) == []
