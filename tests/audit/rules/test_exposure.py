"""SEC007: data stores and sockets that anybody can reach."""

from __future__ import annotations

import pytest

from tests.audit.repository import found, places

RULE = "SEC007"


def compose(lines: str, rest: str = "") -> dict[str, str]:
    """A service called `store` of these lines."""
    text = "services:\n  store:\n" + "".join(f"    {line}\n" for line in lines.splitlines())
    return {"compose.yaml": text + rest}


def severities(files: dict[str, str]) -> list[tuple[str, str]]:
    return [(str(it.place), str(it.severity)) for it in found(RULE, files)]


@pytest.mark.parametrize(
    ("image", "port", "severity"),
    [
        ("postgres:16", "5432:5432", "medium"),
        ("postgis/postgis:16-3.4", "5433:5432", "medium"),
        ("timescale/timescaledb:2.17-pg16", "5432", "medium"),
        ("bitnami/mysql", "0.0.0.0:3306:3306", "medium"),
        ("mariadb:11", "'[::]:3306:3306'", "medium"),
        ("mcr.microsoft.com/mssql/server:2022-latest", "1433:1433", "medium"),
        ("rabbitmq:3-management", "15672:15672", "medium"),
        ("docker.elastic.co/elasticsearch/elasticsearch:8.15.0", "9200:9200", "medium"),
        ("elasticsearch:7.17.0", "9200:9200", "high"),
        ("redis:7", "6379:6379", "high"),
        ("valkey/valkey:8", "'${PORT:-6379}:6379'", "high"),
        ("mongo:7", "27017:27017", "high"),
        ("memcached:1.6", "11211:11211", "high"),
        ("confluentinc/cp-kafka:7.6.0", "9092:9092", "high"),
        ("nats:2", "4222:4222", "high"),
        ("registry.example.org:5000/redis:7", "6379:6379", "high"),
        ("minio/minio:RELEASE.1", "9000:9000", "low"),
        ("dpage/pgadmin4:8", "5050:80", "low"),
        ("rediscommander/redis-commander", "8081:8081", "low"),
    ],
)
def test_a_published_store(image: str, port: str, severity: str) -> None:
    assert severities(compose(f"image: {image}\nports:\n  - {port}")) == [
        ("compose.yaml:5", severity)
    ]


@pytest.mark.parametrize(
    "lines",
    [
        "image: postgres:16",
        "image: postgres:16\nexpose: ['5432']",
        "image: postgres:16\nports: ['127.0.0.1:5432:5432']",
        "image: postgres:16\nports: ['localhost:5432:5432']",
        "image: redis:7\nports: ['[::1]:6379:6379']",
        "image: redis:7\nports: ['${BIND:-127.0.0.1}:6379:6379']",
        "image: redis:7\nports: ['${BIND}:6379:6379']",
        "image: redis:7\nports: [{target: 6379, published: 6379, host_ip: 127.0.0.1}]",
        "image: eclipse-mosquitto:2\nports: ['8883:8883']",
        "image: nginx:1.27\nports: ['80:80']",
        "image: oliver006/redis_exporter:v1\nports: ['9121:9121']",
        "image: postgrest/postgrest:v12\nports: ['3000:3000']",
        "build: .\nports: ['8000:8000']",
    ],
)
def test_nothing_is_open(lines: str) -> None:
    assert found(RULE, compose(lines)) == []


def test_a_network_that_leads_nowhere_publishes_nothing() -> None:
    lines = "image: redis:7\nports: ['6379:6379']\nnetworks: [back]"

    assert places(RULE, compose(lines, "networks:\n  back: {internal: true}\n")) == []
    assert places(RULE, compose(lines, "networks:\n  back:\n")) == ["compose.yaml:4"]


def test_the_network_of_the_machine_is_all_interfaces() -> None:
    lines = "image: postgres:16\nnetwork_mode: host"

    assert severities(compose(lines)) == [("compose.yaml:4", "medium")]


@pytest.mark.parametrize(
    ("lines", "severity"),
    [
        ("image: redis:7\ncommand: redis-server --requirepass ${PASSWORD:?}", "medium"),
        ("image: bitnami/redis:7\nenvironment: [ALLOW_EMPTY_PASSWORD=yes]", "high"),
        ("image: bitnami/redis:7\nenvironment: ['REDIS_PASSWORD=${PASSWORD:?}']", "medium"),
        ("image: mongo:7\nenvironment: {MONGO_INITDB_ROOT_USERNAME: root}", "medium"),
        ("image: mongo:7\nenvironment: [MONGO_INITDB_ROOT_USERNAME]", "medium"),
        ("image: postgres:16\nenvironment: {POSTGRES_HOST_AUTH_METHOD: trust}", "high"),
        ("image: mysql:8\nenvironment: {MYSQL_ALLOW_EMPTY_PASSWORD: 'yes'}", "high"),
        ("image: elasticsearch:8.15.0\nenvironment: [xpack.security.enabled=false]", "high"),
        ("image: neo4j:5\nenvironment: {NEO4J_AUTH: none}", "high"),
        ("image: redis:7\nvolumes: ['./redis.conf:/etc/redis.conf']", "medium"),
        ("image: eclipse-mosquitto:2", "medium"),
    ],
)
def test_a_store_without_authentication_is_worse(lines: str, severity: str) -> None:
    (fault,) = found(RULE, compose(f"{lines}\nports: ['1:1']"))

    assert str(fault.severity) == severity
    assert ("asks nobody for a password" in fault.message) == (severity == "high")


@pytest.mark.parametrize(
    ("configuration", "severity", "second"),
    [
        ("listener 1883\nallow_anonymous true\n", "high", ["mosquitto.conf:2"]),
        ("# allow_anonymous true\nallow_anonymous false\n", "medium", []),
    ],
)
def test_a_broker_is_as_open_as_its_configuration(
    configuration: str, severity: str, second: list[str]
) -> None:
    lines = (
        "image: eclipse-mosquitto:2\nports: ['1883:1883']\n"
        "volumes: ['./mosquitto.conf:/mosquitto/config/mosquitto.conf']"
    )

    (fault,) = found(RULE, compose(lines) | {"mosquitto.conf": configuration})

    assert str(fault.severity) == severity
    assert [str(also.place) for also in fault.also] == second


def test_a_store_that_is_built_here_is_one_too() -> None:
    files = compose("build: .\nports: ['5432:5432']") | {"Dockerfile": "FROM postgres:16\n"}

    assert severities(files) == [("compose.yaml:4", "medium")]


@pytest.mark.parametrize(
    ("image", "volume", "severity"),
    [
        ("portainer/portainer-ce:2", "/var/run/docker.sock:/var/run/docker.sock", ["high"]),
        ("traefik:v3", "/var/run/docker.sock:/var/run/docker.sock:ro", ["medium"]),
        ("a", "'${SOCK:-/var/run/docker.sock}:/var/run/docker.sock'", ["high"]),
        ("a", "{type: bind, source: /run/podman/podman.sock, target: /x}", ["high"]),
        ("tecnativa/docker-socket-proxy:0.3", "/var/run/docker.sock:/var/run/docker.sock:ro", []),
        ("a", "/var/run/postgresql:/var/run/postgresql", []),
        ("a", "sockets:/var/run/docker", []),
    ],
)
def test_the_socket_of_the_engine(image: str, volume: str, severity: list[str]) -> None:
    files = compose(f"image: {image}\nvolumes:\n  - {volume}")

    assert severities(files) == [("compose.yaml:5", it) for it in severity]


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort", "ClusterIP"])
def test_a_store_in_a_cluster(kind: str) -> None:
    files = {
        "deploy/redis.yaml": f"""\
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {{name: redis}}
            spec:
              template:
                metadata: {{labels: {{app: redis, tier: data}}}}
                spec:
                  containers:
                    - name: redis
                      image: redis:7
            ---
            apiVersion: v1
            kind: Service
            metadata: {{name: redis}}
            spec:
              type: {kind}
              selector: {{app: redis}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {{name: web}}
            spec:
              type: LoadBalancer
              selector: {{app: web}}
            """
    }

    assert places(RULE, files) == ([] if kind == "ClusterIP" else ["deploy/redis.yaml:16"])


def test_the_node_of_a_cluster() -> None:
    files = {
        "agent.yaml": """\
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: agent}
            spec:
              template:
                spec:
                  containers:
                    - name: cache
                      image: memcached:1.6
                      ports:
                        - containerPort: 11211
                          hostPort: 11211
                    - name: web
                      image: nginx:1.27
                      ports:
                        - containerPort: 80
                          hostPort: 80
                  volumes:
                    - name: docker
                      hostPath: {path: /var/run/docker.sock}
            """
    }

    assert places(RULE, files) == ["agent.yaml:12", "agent.yaml:20"]


def test_a_shop_that_was_written_on_a_laptop() -> None:
    files = {
        "docker/docker-compose.yml": """\
            x-logging: &logging
              logging: {driver: json-file}
            services:
              web:
                build: ../web
                ports: ["${WEB_PORT:-80}:8000"]
                depends_on: [db, cache, queue]
              db:
                <<: *logging
                image: postgres:${POSTGRES_VERSION:-16}
                ports:
                  - "${DB_PORT:-5432}:5432"
                environment:
                  POSTGRES_PASSWORD: ${DB_PASSWORD:?}
              cache:
                <<: *logging
                image: redis:7-alpine
                command: ["redis-server", "--appendonly", "yes"]
                ports:
                  - 6379:6379
              queue:
                image: rabbitmq:3.13-management
                ports:
                  - 127.0.0.1:5672:5672
                  - 15672:15672
            """,
        "docker/docker-compose.override.yml": """\
            services:
              adminer:
                image: adminer:4
                ports: ["8080:8080"]
            """,
        "docker/docker-compose.test.yml": """\
            services:
              db:
                image: postgres:16
                ports: ["5432:5432"]
            """,
        "web/Dockerfile": 'FROM python:3.12-slim\nCMD ["python", "-m", "web"]\n',
    }

    assert severities(files) == [
        ("docker/docker-compose.override.yml:4", "low"),
        ("docker/docker-compose.yml:12", "medium"),
        ("docker/docker-compose.yml:20", "high"),
        ("docker/docker-compose.yml:25", "medium"),
    ]
