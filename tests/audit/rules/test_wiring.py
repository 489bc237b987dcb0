import pytest

from tests.audit.repository import found, places

RULE = "REL016"
API = {
    "api/Dockerfile": """\
        FROM python:3.11-slim
        WORKDIR /app
        COPY . .
        CMD ["uvicorn", "main:app", "--port", "8000"]
        """,
    "api/requirements.txt": "fastapi==0.115.0\nredis==5.0.0\n",
    "api/main.py": """\
        import os
        from fastapi import FastAPI

        app = FastAPI()
        URL = os.getenv("CACHE_URL", "redis://localhost")
        print(URL)
        """,
}
COMPOSE = """\
    services:
      api:
        build: api
        environment:
          {line}
      cache:
        image: redis:7
        ports: ["6380:6379"]
      db:
        image: postgres:16
        ports: ["5433:5432"]
        environment:
          POSTGRES_USER: app
          POSTGRES_PASSWORD: ${{DB_PASSWORD:-hunter2}}
          POSTGRES_DB: shop
    """


def compose(line):
    return {"compose.yaml": COMPOSE.format(line=line)}


@pytest.mark.parametrize(
    "line",
    [
        "CACHE_ADDRESS: cache",
        "REDIS_URL: redis://cache:6379",
        "MAX_ITEMS: 3",
        "MAX_ITEMS:",
    ],
)
def test_set_and_read_by_nobody(line):
    finding = found(RULE, API | compose(line))[0]

    assert str(finding.place) == "compose.yaml:5"
    assert finding.message.endswith("is set for api, whose code does not read it")
    assert str(finding.severity) == "medium"


@pytest.mark.parametrize(
    "line",
    [
        "CACHE_URL: redis://cache:6379",
        "PYTHONUNBUFFERED: 1",
        "PORT: 8000",
        "UVICORN_WORKERS: 2",
        "NODE_ENV: production",
        "NEXT_PUBLIC_API_URL: http://localhost",
        "OTEL_SERVICE_NAME: api",
        "AWS_REGION: eu",
        "LOG_LEVEL: info",
        "TZ: UTC",
        "lower_case: 1",
    ],
)
def test_read_by_the_code_or_by_a_library(line):
    assert found(RULE, API | compose(line)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"api/settings.py": "class S(BaseSettings):\n    max_items: int = 3\n"},
        {"api/start.sh": 'echo "$MAX_ITEMS"\n'},
        {"api/other.py": 'LIMIT = os.environ["MAX_ITEMS"]\n'},
        {"api/other.py": "values = dict(os.environ)\n"},
        {"api/start.sh": 'for it in "${!MAX_@}"; do echo "${!it}"; done\n'},
        {"api/start.sh": "env -0 | cut -z -f1 -d=\n"},
        {"api/src/env.ts": "export const max = process.env.MAX_ITEMS;\n"},
        {"api/Dockerfile": "FROM apache/superset\nCOPY . /app\n"},
        {"api/Dockerfile": "FROM python\nCOPY . /app\n", "api/requirements.txt": "max==1\n"},
    ],
)
def test_what_may_read_it(change):
    assert found(RULE, API | compose("MAX_ITEMS: 3") | change) == []


@pytest.mark.parametrize(
    "change",
    [
        {"api/tests/test_main.py": 'os.environ["MAX_ITEMS"] = "1"\n'},
        {"README.md": "Set MAX_ITEMS.\n"},
        {".env.example": "MAX_ITEMS=3\n"},
        {"worker/main.py": 'os.getenv("MAX_ITEMS")\n'},
        {
            "api/settings.py": "class S(BaseSettings):\n    max_items: int = 3\n\n"
            "    class Config:\n        env_prefix = 'API_'\n"
        },
    ],
)
def test_what_does_not_read_it(change):
    assert places(RULE, API | compose("MAX_ITEMS: 3") | change) == ["compose.yaml:5"]


def test_read_and_then_not_used():
    files = API | compose("MAX_ITEMS: 3") | {"api/other.py": 'MAX_ITEMS = os.getenv("MAX_ITEMS")\n'}

    finding = found(RULE, files)[0]

    assert str(finding.place) == "compose.yaml:5"
    assert [str(it.place) for it in finding.also] == ["api/other.py:1"]
    used = {"api/main.py": "from other import MAX_ITEMS\nprint(MAX_ITEMS)\n"}
    assert found(RULE, files | used) == []


def test_somebody_elses_image_reads_what_it_wants():
    files = {"compose.yaml": "services: {db: {image: postgres, environment: {MAX_ITEMS: 3}}}\n"}

    assert found(RULE, files) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("CACHE_URL: redis://cash:6379", "leads api to cash, and no service is called that"),
        ("CACHE_URL: redis://cache:6380", "6380 is where it is published"),
        ("CACHE_URL: redis://cache:6333", "Redis listens on 6379"),
        ("CACHE_URL: postgresql://app:hunter2@db:5433/shop", "listens on 5432"),
        ("CACHE_URL: postgresql://root:hunter2@db:5432/shop", "another user"),
        ("CACHE_URL: postgresql://app:other@db:5432/shop", "another password"),
        ("CACHE_URL: postgresql://app:${DB_PASSWORD:-other}@db/shop", "another password"),
        ("CACHE_URL: postgresql://app:hunter2@db:5432/store", "another database"),
    ],
)
def test_an_address_that_does_not_fit(line, message):
    finding = found(RULE, API | compose(line))[0]

    assert str(finding.place) == "compose.yaml:5"
    assert message in finding.message


@pytest.mark.parametrize(
    "line",
    [
        "CACHE_URL: redis://cache:6379/0",
        "CACHE_URL: redis://cache",
        "CACHE_URL: redis://${CACHE_HOST:-cache}:${CACHE_PORT:-6379}",
        "CACHE_URL: redis://${CACHE_HOST}:6379",
        "CACHE_URL: redis://cache.example.org:6379",
        "CACHE_URL: redis://localhost:6380",
        "CACHE_URL: redis://10.0.0.1:6380",
        "CACHE_URL: s3://bucket/key",
        "CACHE_URL: sqlite:///app.db",
        "CACHE_URL: postgresql://app:${DB_PASSWORD:-hunter2}@db:5432/shop",
        "CACHE_URL: postgresql://app:${DB_PASSWORD:-hunter2}@db:5432/shop?sslmode=require",
        "CACHE_URL: postgresql://app:${OTHER}@db:5432/shop",
        "CACHE_URL: postgresql://reader@db:5432/shop",
        "CACHE_URL: postgresql://db:5432/shop",
    ],
)
def test_an_address_that_fits_or_cannot_be_told(line):
    assert found(RULE, API | compose(line)) == []


@pytest.mark.parametrize(
    ("service", "host"),
    [
        ("image: redis\n    container_name: my-cache", "my-cache"),
        ("image: redis\n    networks: {default: {aliases: [my-cache]}}", "my-cache"),
        ("image: redis\n    hostname: my-cache", "my-cache"),
    ],
)
def test_other_names_of_a_service(service, host):
    files = {
        "compose.yaml": "services:\n  api:\n    image: api\n    environment:\n"
        f"      URL: redis://{host}:6379\n  cache:\n    {service}\n"
    }

    assert found(RULE, files) == []
    assert places(RULE, {"compose.yaml": files["compose.yaml"].replace(host, "x", 1)}) == [
        "compose.yaml:5"
    ]


@pytest.mark.parametrize(
    "rest",
    [
        "    extra_hosts: ['cash:10.0.0.1']\n",
        "    network_mode: host\n",
        "networks: {default: {external: true}}\n",
        "    links: ['cache:cash']\n  cache: {image: redis}\n",
    ],
)
def test_a_host_that_may_be_known_elsewhere(rest):
    files = {
        "compose.yaml": "services:\n  api:\n    image: api\n    environment:\n"
        f"      URL: redis://cash:6379\n{rest}"
    }

    assert found(RULE, files) == []


def test_a_host_of_a_file_that_may_be_started_with_it():
    service = "services:\n  {}:\n    image: {}\n"
    files = {
        "compose.prod.yaml": service.format("api", "api")
        + "    environment:\n      URL: redis://cash:6379\n"
    }
    beside = {"compose.cluster.yaml": service.format("cash", "redis")}
    elsewhere = {"other/compose.yaml": service.format("cash", "redis")}

    assert found(RULE, files | beside) == []
    assert places(RULE, files | elsewhere) == ["compose.prod.yaml:5"]


def test_a_pooler_is_told_its_logins_in_ways_of_its_own():
    line = "CACHE_URL: postgresql://app:hunter2@pool:5432/shop"
    pool = "  pool:\n    image: {}\n    environment: {{POSTGRES_USER: x, DB_USER: app}}\n"
    text = compose(line)["compose.yaml"].replace("    services", "services").replace("\n    ", "\n")

    assert places(RULE, API | {"compose.yaml": text + pool.format("postgres:16")})
    assert found(RULE, API | {"compose.yaml": text + pool.format("edoburu/pgbouncer:1.23")}) == []


def test_users_that_a_script_makes():
    line = "CACHE_URL: postgresql://reader:hunter2@db:5432/shop"
    script = {"db/users.sql": "CREATE ROLE reader LOGIN;\n"}

    assert places(RULE, API | compose(line)) == ["compose.yaml:5"]
    assert places(RULE, API | compose(line) | script) == []


def test_what_a_file_beside_says_how_to_run_may_be_changed():
    files = API | {"compose.yaml": BASE, "compose.debug.yaml": f"services:\n{PORTS}  door:\n"}
    files["compose.debug.yaml"] += "    environment: {A: 1}\n"
    tunnel = {"compose.tunnel.yaml": f"services:\n{PORTS}  door:\n    image: nginx:1\n"}

    assert places(RULE, files) == ["compose.debug.yaml:4"]
    assert found(RULE, files | tunnel) == []


def test_the_host_of_docker_desktop():
    line = "CACHE_URL: http://host.docker.internal:4000"

    assert [str(it.severity) for it in found(RULE, API | compose(line))] == ["low"]


BASE = """\
    services:
      api:
        build: api
        environment: {CACHE_URL: redis://cache}
        depends_on: [cache]
      cache:
        image: redis:7
    """
PORTS = "  api:\n    ports: ['80:8000']\n"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("  api:\n    depends_on: []\n", ["compose.external.yaml:3"]),
        ("  api:\n    depends_on: !reset []\n", []),
        ("  api:\n    ports: []\n", []),
        (f"{PORTS}  worker:\n    environment: {{A: 1}}\n", ["compose.external.yaml:4"]),
        (f"{PORTS}  worker:\n    image: worker\n", []),
        (f"{PORTS}  cache:\n    image: redis:7\n", ["compose.external.yaml:4"]),
        (f"{PORTS}  cache:\n    image: redis:8\n", []),
    ],
)
def test_an_override_that_changes_nothing(override, expected):
    files = API | {"compose.yaml": BASE, "compose.external.yaml": f"services:\n{override}"}

    assert places(RULE, files) == expected


def test_required_and_set_by_nobody():
    code = (
        'import os\nfrom fastapi import FastAPI\n\napp = FastAPI()\nKEY = os.environ["SIGN_KEY"]\n'
    )
    files = API | {"api/main.py": code, "compose.yaml": "services:\n  api:\n    build: api\n"}

    finding = found(RULE, files)[0]

    assert str(finding.place) == "compose.yaml:2"
    assert [str(it.place) for it in finding.also] == ["api/main.py:5"]


@pytest.mark.parametrize(
    "change",
    [
        {"compose.yaml": "services: {api: {build: api, environment: [SIGN_KEY]}}\n"},
        {"compose.yaml": "services: {api: {build: api, env_file: .env}}\n"},
        {"api/main.py": 'import os\n\ndef key():\n    return os.environ["SIGN_KEY"]\n'},
        {"api/Dockerfile": 'FROM python\nENV SIGN_KEY=a\nCOPY . .\nCMD ["uvicorn", "main:app"]\n'},
    ],
)
def test_required_and_set_somewhere(change):
    code = 'import os\n\napp = 1\nKEY = os.environ["SIGN_KEY"]\n'
    files = API | {"api/main.py": code, "compose.yaml": "services: {api: {build: api}}\n"}

    assert found(RULE, files | change) == []


PROMETHEUS = """\
    scrape_configs:
      - job_name: api
        static_configs:
          - targets: ['{target}']
    """


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("api:8000", []),
        ("cache:6379", []),
        ("localhost:9090", []),
        ("metrics.example.org:9090", []),
        ("apy:8000", ["prometheus.yml:4"]),
        ("cache:6380", ["prometheus.yml:4"]),
    ],
)
def test_what_prometheus_scrapes(target, expected):
    files = API | {
        "compose.yaml": """\
            services:
              api: {build: api}
              cache: {image: "redis:7", ports: ["6380:6379"]}
              prometheus:
                image: prom/prometheus:v3
                volumes: ["./prometheus.yml:/etc/prometheus/prometheus.yml"]
            """,
        "prometheus.yml": PROMETHEUS.format(target=target),
    }

    assert places(RULE, files) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("proxy_pass http://api:8000;", []),
        ("proxy_pass http://backend;", []),
        ("proxy_pass http://$upstream;", []),
        ("proxy_pass http://localhost:8000;", []),
        ("proxy_pass http://app:8000;", ["nginx.conf:3"]),
    ],
)
def test_where_nginx_passes_requests(line, expected):
    files = API | {
        "compose.yaml": """\
            services:
              api: {build: api}
              proxy:
                image: nginx:1.27
                volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"]
            """,
        "nginx.conf": f"upstream backend {{ server api:8000; }}\nlocation / {{\n  {line}\n}}\n",
    }

    assert places(RULE, files) == expected


@pytest.mark.parametrize(
    ("image", "lines"),
    [
        ("ghcr.io/shop/shop-api:1.2.3", [5]),
        ("${API_IMAGE:-ghcr.io/shop/api:1.2.3}", [5]),
        ("ghcr.io/shop/other:1.2.3", []),
    ],
)
def test_a_file_that_pulls_sets_what_the_code_does_not_read(image: str, lines: list[int]):
    pulled = f"""\
        services:
          api:
            image: {image}
            environment:
              DATABASE_URL: postgresql://db.example.com/app
              CACHE_URL: redis://cache.example.com:6379
              PORT: "8000"
              OTEL_EXPORTER_OTLP_ENDPOINT: ""
        """
    files = API | compose("CACHE_URL: redis://cache:6379") | {"deploy/docker-compose.yml": pulled}

    assert places(RULE, files) == [f"deploy/docker-compose.yml:{line}" for line in lines]


def test_a_manifest_sets_what_the_code_does_not_read():
    files = (
        API
        | compose("CACHE_URL: redis://cache:6379")
        | {
            "k8s/api.yaml": """\
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: shop-api}
            spec:
              template:
                spec:
                  containers:
                    - name: api
                      image: ghcr.io/shop/shop-api:1.2.3
                      env:
                        - name: REDIS_URL
                          value: redis://cache:6379
                        - name: CACHE_PASSWORD
                          valueFrom: {secretKeyRef: {name: cache, key: password}}
                        - name: CACHE_URL
                          value: redis://:$(CACHE_PASSWORD)@cache:6379
            """
        }
    )

    assert places(RULE, files) == ["k8s/api.yaml:11"]


def test_a_system_as_people_have_it():
    service = """\
        import os

        from fastapi import FastAPI

        app = FastAPI()
        URL = os.getenv("POSTGRES_URL", "")
        print(URL)
        """
    dockerfile = 'FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nCMD ["uvicorn", "main:app"]\n'
    files = {
        "infra/docker-compose.yml": """\
            services:
              postgres:
                image: postgis/postgis:15-3.3
                environment:
                  POSTGRES_DB: app
                  POSTGRES_USER: summit
                  POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?}
              mqtt:
                image: eclipse-mosquitto:2.0
              fabric:
                build: ../apps/fabric
                environment:
                  - FABRIC_MQTT_BROKER=mqtt
                  - POSTGRES_URL=postgresql://summit:${POSTGRES_PASSWORD:?}@postgres:5432/app
                depends_on: [postgres, mqtt]
              intelligence:
                build: ../apps/intelligence
                environment:
                  - MQTT_BROKER=mqtt
                  - POSTGRES_URL=postgresql://heli:${POSTGRES_PASSWORD:?}@postgres:5432/app
            """,
        "infra/docker-compose.external.yml": """\
            services:
              fabric:
                environment:
                  - MQTT_BROKER=${MQTT_BROKER}
                depends_on: []
            """,
        "apps/fabric/Dockerfile": dockerfile,
        "apps/fabric/main.py": service,
        "apps/fabric/config.py": """\
            class Settings(BaseSettings):
                mqtt_broker: str = "localhost"

                class Config:
                    env_prefix = "FABRIC_"
            """,
        "apps/intelligence/Dockerfile": dockerfile,
        "apps/intelligence/main.py": service,
    }

    assert places(RULE, files) == [
        "infra/docker-compose.external.yml:4",
        "infra/docker-compose.external.yml:5",
        "infra/docker-compose.yml:19",
        "infra/docker-compose.yml:20",
    ]
