import pytest

from tests.audit.repository import found, places

HARDCODED = "SEC001"
DEFAULT = "SEC002"


def compose(line):
    return {"compose.yaml": f"services:\n  db:\n    image: postgres\n    {line}\n"}


@pytest.mark.parametrize(
    "line",
    [
        "environment: {POSTGRES_PASSWORD: hunter2}",
        "environment: {POSTGRES_PASSWORD: postgres}",
        "environment: {POSTGRES_PASSWORD: changeme}",
        "environment: [POSTGRES_PASSWORD=hunter2]",
        "environment: {DATABASE_URL: 'postgresql://app:hunter2@db/app'}",
        "environment: {DATABASE_URL: 'postgresql://app:hunter2@${DB_HOST:-db}/app'}",
        "environment: {DB: 'Server=db;User Id=sa;Password=hunter2;'}",
        "command: redis-server --requirepass hunter2",
        'command: ["redis-server", "--requirepass", "hunter2"]',
        "build: {context: ., args: {NPM_TOKEN: a1b2c3d4e5}}",
    ],
)
def test_a_credential_in_compose(line):
    assert places(HARDCODED, compose(line)) == ["compose.yaml:4"]


@pytest.mark.parametrize(
    "line",
    [
        "environment: {POSTGRES_PASSWORD: '${POSTGRES_PASSWORD}'}",
        "environment: {POSTGRES_PASSWORD: '${POSTGRES_PASSWORD:?set it}'}",
        "environment: [POSTGRES_PASSWORD]",
        "environment: {POSTGRES_PASSWORD: }",
        "environment: {POSTGRES_PASSWORD: ''}",
        "environment: {POSTGRES_PASSWORD_FILE: /run/secrets/db}",
        "environment: {DATABASE_PASSWORD: /run/secrets/db}",
        "environment: {TOKEN_URL: 'https://auth/token', TOKEN_TTL: '3600'}",
        "environment: {DATABASE_URL: 'postgresql://app:${DB_PASSWORD}@db/app'}",
        "environment: {DATABASE_URL: 'postgresql://app@db/app'}",
        "environment: {API_KEY: your-api-key}",
        "environment: {API_KEY: <key>}",
        "command: redis-server --requirepass ${REDIS_PASSWORD}",
        'command: ["sh", "-c", "exec x --password \\"$$(cat /run/secrets/db)\\""]',
        "labels: {com.example.token: a1b2c3d4e5}",
        "secrets: [db_password]",
    ],
)
def test_no_credential_in_compose(line):
    assert places(HARDCODED, compose(line)) == []


@pytest.mark.parametrize(
    "line",
    [
        "environment: {POSTGRES_PASSWORD: '${POSTGRES_PASSWORD:-postgres}'}",
        "environment: ['POSTGRES_PASSWORD=${POSTGRES_PASSWORD-changeme}']",
        "environment: {DB_PASSWORD: '${PG:-hunter2}'}",
        "environment: {DATABASE_URL: 'postgresql://app:${DB_PASSWORD:-hunter2}@db/app'}",
        "environment: {DATABASE_URL: 'postgresql://app:${PG:-hunter2}@db/app'}",
        "environment: {DATABASE_URL: '${DATABASE_URL:-postgresql://app:hunter2@db/app}'}",
        "environment: {SECRET: '${A:-${APP_SECRET:-hunter2}}'}",
        "command: redis-server --requirepass ${REDIS_PASSWORD:-hunter2}",
    ],
)
def test_a_default_in_compose(line):
    assert places(DEFAULT, compose(line)) == ["compose.yaml:4"]
    assert places(HARDCODED, compose(line)) == []


@pytest.mark.parametrize(
    "line",
    [
        "environment: {POSTGRES_PASSWORD: '${POSTGRES_PASSWORD:?}'}",
        "environment: {POSTGRES_PASSWORD: '${POSTGRES_PASSWORD:-}'}",
        "environment: {POSTGRES_PASSWORD: '${POSTGRES_PASSWORD-}'}",
        "environment: {POSTGRES_USER: '${POSTGRES_USER:-app}'}",
        "environment: {PASSWORD_FILE: '${PASSWORD_FILE:-/run/secrets/db}'}",
        "environment: {POSTGRES_PASSWORD: '${A:-${POSTGRES_PASSWORD}}'}",
        "environment: {POSTGRES_PASSWORD: hunter2}",
        "environment: {KEY: '${TLS_KEY:-/certs/redis.key}'}",
    ],
)
def test_no_default_in_compose(line):
    assert places(DEFAULT, compose(line)) == []


def test_each_line_is_a_finding():
    files = {
        "compose.yaml": """\
            x-db: &db
              DB_PASSWORD: hunter2
            services:
              a: {image: a, environment: {<<: *db}}
              b: {image: b, environment: {<<: *db}}
              c:
                image: c
                environment:
                  - TOKEN=a1b2c3d4
                  - SECRET=hunter2
            """
    }

    assert places(HARDCODED, files) == ["compose.yaml:2", "compose.yaml:9", "compose.yaml:10"]


@pytest.mark.parametrize(
    "code",
    [
        'JWT_SECRET = "supersecret"',
        'JWT_SECRET = "secret"',
        'DB_PASSWORD = "password"',
        'SECRET_KEY = "django-insecure-8f!3k"',
        'password = "S3cure!pass"',
        'client = connect(password="hunter2!X9")',
        'config = {"api_key": "a8f5f167f44f4964"}',
        'def connect(token="a8f5f167f44f4964"): ...',
        'engine = create_engine("postgresql://app:hunter2@db/app")',
        'os.environ["DATABASE_URL"] = "postgresql://app:hunter2@db/app"',
        'self.url = f"postgresql://app:hunter2@{host}/app"',
        'KEY = "ghp_' + "aB3dE6gH9jK2" * 3 + '"',
    ],
)
def test_a_credential_in_python(code):
    assert places(HARDCODED, {"app/main.py": f"import os\n\n{code}\n"}) == ["app/main.py:3"]


@pytest.mark.parametrize(
    "code",
    [
        '"""Connect with postgresql://app:hunter2@db/app."""',
        'password = os.environ["DB_PASSWORD"]',
        'password = getpass("Enter your password: ")',
        'PASSWORD_LABEL = "Your password123"',
        'token_type = "bearer"',
        'TOKEN_KEY = "access_token"',
        'secret_name = "prod/db-password-1"',
        'password = "password"',
        'PASSWORD = "password"',
        'token_url = "/login/token2"',
        'oauth2 = OAuth2PasswordBearer(tokenUrl="/api/v1/login")',
        'class Kind(Enum):\n    PASSWORD = "password"\n    TOKEN = "token"',
        'PASSWORD_PATTERN = "[A-Za-z0-9]{8,}"',
        'parser.add_argument("--url", help="postgresql://app:hunter2@db/app")',
        'url = f"postgresql://{user}:{password}@{host}/app"',
        'pad_token = "<pad>"',
        'message = "Invalid password 123 given"',
        'PASSWORD_CREATION_STARTED = "form_password_creation_started"',
        'class Kind(StrEnum):\n    PASSWORD = "password1"',
        'client = Client(token or "unconfigured1")',
        'SESSION_COOKIE_KEY = "app_session_1"',
        'props = {"access_token": "token_abc123"}',
        'SECRET_MARKER = "phase3-must-not-appear"',
        'from unittest.mock import patch\n\nos.environ["JWT_SECRET"] = "supersecret123"',
        'class TestConfig(Config):\n    SECRET_KEY = "a8f5f167f44f4964"',
    ],
)
def test_no_credential_in_python(code):
    assert found(HARDCODED, {"app/main.py": f"import os\n\n{code}\n"}) == []


@pytest.mark.parametrize(
    "code",
    [
        'SECRET = os.getenv("JWT_SECRET", "dev_secret")',
        'SECRET = os.environ.get("JWT_SECRET", "changeme")',
        'SECRET = os.getenv("JWT_SECRET") or "dev_secret"',
        'SECRET = os.getenv("JWT_SECRET", default="dev_secret")',
        'SECRET = config("SECRET_KEY", default="dev")',
        'SECRET = read_secret("JWT_SECRET", default="dev_secret")',
        'URL = given or "postgresql://app:hunter2@localhost:5432/app"',
        'URL = os.getenv("DATABASE_URL", "postgresql://app:hunter2@localhost:5432/app")',
        'URL = fixed(os.getenv("DATABASE_URL", "postgresql://app:hunter2@localhost/app"))',
        'class A(BaseSettings): jwt_secret: str = "dev_secret"',
        'class A(BaseSettings): url: str = "postgresql://app:hunter2@localhost/app"',
        'class A(BaseSettings): jwt_secret: SecretStr = SecretStr("dev_secret")',
        'class A(BaseSettings): jwt_secret: str = Field(default="dev_secret")',
    ],
)
def test_a_default_in_python(code):
    files = {"app/main.py": f"import os\n\n{code}\n"}

    assert places(DEFAULT, files) == ["app/main.py:3"]
    assert found(HARDCODED, files) == []


@pytest.mark.parametrize(
    "code",
    [
        'SECRET = os.getenv("JWT_SECRET")',
        'SECRET = os.getenv("JWT_SECRET", "")',
        'HOST = os.getenv("DB_HOST", "localhost")',
        'TTL = os.getenv("TOKEN_TTL", "3600")',
        'URL = os.getenv("DATABASE_URL", "postgresql://localhost/app")',
        'SECRET = os.getenv("JWT_SECRET", secrets.token_urlsafe(32))',
        "class A(BaseSettings): jwt_secret: str",
        "class A(BaseSettings): jwt_secret: str | None = None",
        'class A(BaseModel): token_type: str = "bearer"',
    ],
)
def test_no_default_in_python(code):
    assert found(DEFAULT, {"app/main.py": f"import os\n\n{code}\n"}) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('const secret = process.env.JWT_SECRET || "dev_secret";', ["src/a.ts:1"]),
        ('const secret = process.env.JWT_SECRET ?? "dev_secret";', ["src/a.ts:1"]),
        ('const url = process.env.DB ?? "postgres://app:hunter2@db/app";', ["src/a.ts:1"]),
        ("const secret = process.env.JWT_SECRET;", []),
        ('const secret = process.env.JWT_SECRET ?? "";', []),
        ('const host = process.env.HOST || "localhost";', []),
    ],
)
def test_a_default_in_javascript(code, expected):
    assert places(DEFAULT, {"src/a.ts": f"{code}\n"}) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('const JWT_SECRET = "supersecret123";', ["src/a.ts:1"]),
        ('const db = { password: "S3cure!pass9" };', ["src/a.ts:1"]),
        ('const url = "postgres://app:hunter2@db/app";', ["src/a.ts:1"]),
        ('const label = { password: "Enter your password" };', []),
        ('const fields = { password: "password", token: "token" };', []),
        ('const TOKEN_STORAGE_KEY = "app.token.v1";', []),
        ("const url = `postgres://${user}:${password}@db/app`;", []),
    ],
)
def test_a_credential_in_javascript(code, expected):
    assert places(HARDCODED, {"src/a.ts": f"{code}\n"}) == expected


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (".env", "DB_PASSWORD=hunter2\n", ["high"]),
        (".env", "DB_PASSWORD=\n", []),
        ("env/web.env", "# a comment\nSECRET_KEY='a(b)$(_q3N4z1k(EF'\n", ["high"]),
        (".env.example", "DB_PASSWORD=hunter2\n", ["low"]),
        (".env.testing", "DB_PASSWORD=hunter2\n", []),
        ("app.yml", "db: {password: S3cure!x}\n", ["high"]),
        ("app.yml", "form: {password: Your password}\n", []),
        (".env.example", "DB_PASSWORD=changeme\nAPI_KEY=your-key\n", []),
        ("alembic.ini", "[alembic]\nsqlalchemy.url = postgresql://a:hunter2@db/a\n", ["high"]),
        ("alembic.ini", "[alembic]\nsqlalchemy.url = driver://user:pass@localhost/a\n", []),
        ("config.toml", '[auth]\nsecret_key = "a8f5f167f44f4964"\n', ["high"]),
        ("pyproject.toml", '[tool.pytest_env]\nSECRET_KEY = "a8f5f167f44f4964"\n', []),
        ("config/app.json", '{"password": "S3cure!pass9"}\n', ["high"]),
        ("package-lock.json", '{"token": "a8f5f167f44f4964"}\n', []),
        ("locales/en.json", '{"password": "Password123"}\n', []),
        ("app.properties", "spring.datasource.password=hunter2X\n", ["high"]),
        ("init.sql", "CREATE USER app WITH PASSWORD 'hunter2';\n", ["high"]),
        ("init.sql", "-- CREATE USER app WITH PASSWORD 'hunter2';\n", []),
        ("docker/entrypoint.sh", "export ADMIN_PASSWORD=admin\n", ["high"]),
        ("docker/entrypoint.sh", 'export ADMIN_PASSWORD="$1"\nTOKEN=$(cat /t)\n', []),
        ("Makefile", "export DB_PASSWORD := hunter2X\n", ["high"]),
        ("Dockerfile", "FROM python\nENV A=1 \\\n    DB_PASSWORD=hunter2\n", ["high"]),
        ("Dockerfile", "FROM python\nENV DB_PASSWORD=\nARG TOKEN\n", []),
        ("Dockerfile", "FROM a AS b\nENV DB_PASSWORD=dummy1\nFROM c\n", []),
        ("server.key", "-----BEGIN " + "PRIVATE KEY-----\nMII\n", ["high"]),
        ("server.pem", "-----BEGIN CERTIFICATE-----\nMII\n", []),
        ("tests/server.key", "-----BEGIN " + "PRIVATE KEY-----\nMII\n", []),
        ("docs/setup.md", "POSTGRES_PASSWORD=hunter2\n", []),
        ("tests/settings.py", 'SECRET_KEY = "a8f5f167f44f4964"\n', []),
        ("ci/base.env", "DB_PASSWORD=hunter2\n", []),
        ("catalog.json", '{"compose_secret": "postgres_password"}\n', ["low"]),
        ("app/brands.ts", 'const A = { [Brand.OnePassword]: "1Password9" };\n', []),
        ("users.json", '{"hashed_password": "$2b$12$Zq81mTr0pAwXy"}\n', []),
        ("grants.py", 'GRANT_PASSWORD = "password"\n', []),
        (
            ".github/workflows/ci.yml",
            "env:\n  NODE_ENV: test\n  SECRET_KEY: F0E5AD933D7F6FD8F4DB\n",
            [],
        ),
        (".github/workflows/ci.yml", "env:\n  SECRET_KEY: F0E5AD933D7F6FD8F4DB\n", ["medium"]),
        ("stack/aws.yaml", "Resources: {A: {SecretString: !Ref DatabasePassword1}}\n", []),
        ("store/const.go", 'const tableAccessToken1 = "access_token_1"\n', []),
        ("store/const.go", 'const accessToken = "a8f5f167f44f4964"\n', ["high"]),
        ("Program.cs", 'Open("Server=db;Username=a;Password=hunter2;");\n', ["high"]),
    ],
)
def test_a_credential_in_other_files(path, text, expected):
    assert [str(it.severity) for it in found(HARDCODED, {path: text})] == expected


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("Dockerfile", "FROM python\nARG DB_PASSWORD=hunter2\n", ["Dockerfile:2"]),
        ("docker/run.sh", 'PASSWORD="${PASSWORD:-hunter2}"\n', ["docker/run.sh:1"]),
        ("docker/run.sh", 'PASSWORD="${PASSWORD:?}"\n', []),
        ("Makefile", "up:\n\t@URL=$${URL:-postgres://a:hunter2@db/a} run\n", ["Makefile:2"]),
    ],
)
def test_a_default_in_other_files(path, text, expected):
    assert places(DEFAULT, {path: text}) == expected


MANIFEST = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api}
    spec:
      template:
        spec:
          containers:
            - name: api
              image: api
              env:
                - name: DATABASE_URL
                  value: postgresql://app:hunter2@db/app
                - name: DB_PASSWORD
                  value: hunter2
                - name: TOKEN
                  valueFrom: {secretKeyRef: {name: api, key: token}}
                - name: TOKEN_FILE
                  value: /run/token
    """
SECRET = """\
    apiVersion: v1
    kind: Secret
    metadata: {name: api}
    data:
      password: aHVudGVyMg==
      username: YXBw
    stringData:
      token: a1b2c3d4e5
      api_key: ${API_KEY}
    """


def test_a_manifest_with_credentials():
    assert places(HARDCODED, {"k8s/api.yaml": MANIFEST}) == ["k8s/api.yaml:12", "k8s/api.yaml:14"]
    assert places(HARDCODED, {"k8s/api.yaml": SECRET}) == ["k8s/api.yaml:5", "k8s/api.yaml:8"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("password: hunter2", 1),
        ("password: ''", 0),
        ("existingSecret: api-password", 0),
        ("existingSecretPasswordKey: redis-password", 0),
    ],
)
def test_the_values_of_a_chart(line, expected):
    files = {"chart/Chart.yaml": "name: a\n", "chart/values.yaml": f"auth:\n  {line}\n"}

    assert len(found(HARDCODED, files)) == expected


WORKFLOW = """\
    on: push
    permissions: {id-token: write}
    env:
      DEPLOY_TOKEN: Zq81mTr0pAwX
      SECRET: ${{ secrets.SECRET }}
    jobs:
      a:
        runs-on: ubuntu-latest
        services:
          db: {image: postgres, env: {POSTGRES_PASSWORD: Zq81mTr0pAwX}}
        steps:
          - uses: docker/login-action@v3
            with: {password: "${{ secrets.TOKEN }}"}
          - run: pytest
            env: {SECRET_KEY: test-secret, DATABASE_URL: "postgresql://a:postgres@localhost/a"}
    """


def test_only_what_looks_real_counts_in_a_workflow():
    assert places(HARDCODED, {".github/workflows/ci.yml": WORKFLOW}) == [
        ".github/workflows/ci.yml:4"
    ]


@pytest.mark.parametrize(
    "check",
    [
        {"a.py": 'def check(value):\n    if value == "changeme":\n        raise ValueError\n'},
        {"app/config.py": 'BAD = {"changeme"}\nif SECRET in BAD:\n    raise SystemExit(1)\n'},
        {"src/env.ts": 'if (secret === "changeme") {\n  throw new Error("set it");\n}\n'},
        {"entrypoint.sh": 'if [ "$SECRET" = "changeme" ]; then\n  echo no\n  exit 1\nfi\n'},
    ],
)
def test_a_value_that_the_application_refuses_is_no_credential(check):
    files = {".env": "APP_SECRET=changeme\n"}

    assert places(HARDCODED, files) == [".env:1"]
    assert places(HARDCODED, files | check) == []


def test_a_comparison_that_does_not_end_the_program_refuses_nothing():
    files = {
        ".env": "APP_SECRET=changeme\n",
        "a.py": 'if SECRET == "changeme":\n    print("careful")\n',
        "b.py": 'if SECRET != "changeme":\n    raise ValueError\n',
    }

    assert places(HARDCODED, files) == [".env:1"]


def test_a_role_is_not_refused_as_a_password():
    files = {
        "a.py": 'if role == "admin":\n    raise ValueError\n',
        "compose.yaml": "services: {db: {image: a, environment: {A_PASSWORD: admin}}}\n",
    }

    assert places(HARDCODED, files) == ["compose.yaml:1"]


def test_a_secret_file_that_is_tracked():
    files = {
        "compose.yaml": "services: {}\nsecrets: {db: {file: ./db/password.txt}, b: {file: b}}\n",
        "db/password.txt": "hunter2\n",
    }

    assert places(HARDCODED, files) == ["db/password.txt:1"]


def test_the_secret_itself_is_never_shown():
    files = {
        **compose("environment: {DATABASE_URL: 'postgresql://app:postgres@postgres/app'}"),
        "a.py": 'import os\nPASSWORD = os.getenv("PASSWORD", "password")\n',
    }

    shown = [*found(HARDCODED, files), *found(DEFAULT, files)]

    assert len(shown) == 2
    assert "postgresql://app:***@postgres/app" in shown[0].evidence
    assert shown[1].evidence == 'PASSWORD = os.getenv("PASSWORD", "***")'


def test_a_word_in_a_source_that_opens_the_deployment():
    code = 'def connect():\n    return psycopg2.connect(host="db", password="{}")\n'
    deployed = compose("environment: {POSTGRES_PASSWORD: example}")

    assert found(HARDCODED, {"db.py": code.format("example")}) == []
    assert places(HARDCODED, {"db.py": code.format("example"), **deployed}) == [
        "compose.yaml:4",
        "db.py:2",
    ]
    assert places(HARDCODED, {"db.py": code.format("other"), **deployed}) == ["compose.yaml:4"]


def test_a_key_that_somebody_else_gives_and_that_is_a_mock_opens_little():
    code = 'import os\nKEY = os.getenv("MAPS_API_KEY", "mock_key")\n'

    assert [str(it.severity) for it in found(DEFAULT, {"a.py": code})] == ["low"]


def test_no_part_of_a_secret_is_shown_of_a_line_that_is_cut():
    files = {"app.json": '{"password": "' + "S3cure!x" * 60 + '"}\n'}

    assert found(HARDCODED, files)[0].evidence == '{"password": "***"}'


def test_a_default_is_named_by_the_variable_that_holds_the_password():
    line = "environment: {URL: 'postgresql://${DB_USER:-shop}:${DB_PASSWORD:-shop}@db/app'}"

    assert "DB_PASSWORD" in found(DEFAULT, compose(line))[0].message


@pytest.mark.parametrize(
    "text", ["a: [1", "password: &a [*a, *a]", "\0", "x: " + "[" * 5_000, "password: !!binary é"]
)
def test_a_broken_file_holds_nothing(text):
    for path in ("compose.yaml", "a.json", ".env", "a.ini", "a.sh", "a.py"):
        assert found(HARDCODED, {path: text}) == []


def test_a_system_as_people_have_it():
    files = {
        "infra/docker-compose.yml": """\
            services:
              postgres:
                image: postgis/postgis:15-3.3
                environment:
                  POSTGRES_USER: app
                  POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-app_password}
              api:
                build: ../apps/api
                environment:
                  - DATABASE_URL=postgresql://app:${POSTGRES_PASSWORD:-app_password}@postgres/app
                  - JWT_SECRET=${JWT_SECRET:-dev_secret}
              grafana:
                image: grafana/grafana
                environment:
                  - GF_SECURITY_ADMIN_PASSWORD=${GRAFANA_ADMIN_PASSWORD:-admin}
            """,
        "apps/api/main.py": """\
            import os

            JWT_SECRET = os.getenv("JWT_SECRET", "dev_secret")
            URL = os.getenv("DATABASE_URL", "postgresql://app:app_password@localhost:5432/app")
            """,
        "apps/api/tests/test_api.py": 'TOKEN = "a8f5f167f44f4964"\n',
        ".env.example": "POSTGRES_PASSWORD=app_password_changeme\nJWT_SECRET=\n",
        "k8s/api.yaml": MANIFEST,
        "README.md": "export POSTGRES_PASSWORD=app_password\n",
    }

    assert places(HARDCODED, files) == ["k8s/api.yaml:12", "k8s/api.yaml:14"]
    assert places(DEFAULT, files) == [
        "apps/api/main.py:3",
        "apps/api/main.py:4",
        "infra/docker-compose.yml:6",
        "infra/docker-compose.yml:10",
        "infra/docker-compose.yml:11",
        "infra/docker-compose.yml:15",
    ]


def test_an_address_that_is_a_default_is_not_also_a_literal():
    code = "const u =\n  process.env.DATABASE_URL ??\n  'postgres://a:hunter22@db/x';\n"

    assert found(HARDCODED, {"a.ts": code}) == []
    assert places(DEFAULT, {"a.ts": code}) == ["a.ts:3"]
