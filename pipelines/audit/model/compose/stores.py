"""Known images: what keeps data or passes messages on, and whether it asks who is there."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_TAG = re.compile(r"(?::[^/:]*)?(?:@[^@]*)?$")
_MAJOR = re.compile(r":v?(\d{1,6})[^/]*$")


@dataclass(frozen=True)
class Store:
    """One kind of data store, cache or broker.

    `is_guarded` says whether it refuses strangers as it comes; `guards` are what makes it do so, as
    names of variables or words of its command, and `opens` what makes it stop.
    """

    name: str
    kind: str  # "database", "cache", "broker", "object store"
    ports: tuple[str, ...]
    is_guarded: bool = False
    guards: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    secure_ports: tuple[str, ...] = ()  # TLS, made for the outside
    guarded_from: int = 0  # the major version that first was


_POSTGRES = Store("PostgreSQL", "database", ("5432",), True, opens=("HOST_AUTH_METHOD=trust",))
_MYSQL = Store("MySQL", "database", ("3306",), True, opens=("ALLOW_EMPTY_",))
_REDIS = Store(
    "Redis",
    "cache",
    ("6379",),
    guards=("requirepass", "aclfile", "--user", "REDIS_PASSWORD", "REDIS_ARGS", "VALKEY_PASSWORD"),
    opens=("ALLOW_EMPTY_PASSWORD=yes",),
    secure_ports=("6380",),
)
_MONGO = Store(
    "MongoDB",
    "database",
    ("27017",),
    guards=("MONGO_INITDB_ROOT_USERNAME", "MONGODB_ROOT_PASSWORD", "--auth", "--keyFile"),
)
_KAFKA = Store("Kafka", "broker", ("9092", "29092", "9094"), guards=("SASL",))
_RABBITMQ = Store("RabbitMQ", "broker", ("5672", "15672"), True, secure_ports=("5671",))
_ELASTIC = Store(
    "Elasticsearch",
    "database",
    ("9200", "9300"),
    True,
    opens=("xpack.security.enabled=false",),
    guarded_from=8,
)
_OPENSEARCH = Store(
    "OpenSearch",
    "database",
    ("9200", "9600"),
    True,
    opens=("DISABLE_SECURITY_PLUGIN=true", "plugins.security.disabled=true"),
)
_MOSQUITTO = Store(
    "Mosquitto", "broker", ("1883", "9001"), True, secure_ports=("8883", "8884", "8083")
)
_MEMCACHED = Store("Memcached", "cache", ("11211",))
_MINIO = Store("MinIO", "object store", ("9000", "9001"), True)
_CLICKHOUSE = Store("ClickHouse", "database", ("8123", "9000", "9009"), True)
_INFLUX = Store(
    "InfluxDB",
    "database",
    ("8086",),
    True,
    ("HTTP_AUTH_ENABLED",),
    opens=("AUTH_ENABLED=false",),
    guarded_from=2,
)
_CASSANDRA = Store("Cassandra", "database", ("9042", "7000"))
_ETCD = Store("etcd", "database", ("2379", "2380"), guards=("client-cert-auth", "ROOT_PASSWORD"))
_CONSUL = Store("Consul", "database", ("8500", "8600"), guards=("acl", "ACL"))
_NEO4J = Store("Neo4j", "database", ("7474", "7687"), True, opens=("NEO4J_AUTH=none",))
_QDRANT = Store("Qdrant", "database", ("6333", "6334"), guards=("API_KEY",))
_NATS = Store("NATS", "broker", ("4222", "8222", "6222"), guards=("--auth", "--user", "--pass"))
_ZOOKEEPER = Store("ZooKeeper", "database", ("2181",))
_MSSQL = Store("SQL Server", "database", ("1433",), True)
_COCKROACH = Store("CockroachDB", "database", ("26257",), True, opens=("--insecure",))
_COUCH = Store("CouchDB", "database", ("5984",), True)
_MEILI = Store("Meilisearch", "database", ("7700",), guards=("MEILI_MASTER_KEY", "--master-key"))
_WEAVIATE = Store(
    "Weaviate", "database", ("8080", "50051"), True, opens=("ANONYMOUS_ACCESS_ENABLED=true",)
)
_CHROMA = Store("Chroma", "database", ("8000",), guards=("AUTH",))
_MILVUS = Store("Milvus", "database", ("19530",), guards=("authorizationEnabled",))
_SOLR = Store("Solr", "database", ("8983",), guards=("SOLR_AUTH",))
_EMQX = Store("EMQX", "broker", ("1883", "8083", "18083"), True, secure_ports=("8883", "8084"))
_PULSAR = Store("Pulsar", "broker", ("6650",))
_RETHINK = Store("RethinkDB", "database", ("28015", "8080"))
_SCYLLA = Store("ScyllaDB", "database", ("9042",))
_ARANGO = Store("ArangoDB", "database", ("8529",), True, opens=("ARANGO_NO_AUTH=1",))
_ORACLE = Store("Oracle Database", "database", ("1521",), True)
_QUEST = Store("QuestDB", "database", ("8812", "9009"), True)
_TYPESENSE = Store("Typesense", "database", ("8108",), True)
_SURREAL = Store("SurrealDB", "database", ("8000",), True, opens=("--unauthenticated",))

# By the last part of the image's name, which other vendors' images of the same thing share.
_STORES = {
    **dict.fromkeys(
        (
            "postgres",
            "postgresql",
            "postgis",
            "timescaledb",
            "timescaledb-ha",
            "pgvector",
            "pgbouncer",
            "postgresql-repmgr",
            "spilo",
            "pg_embedding",
            "pgvecto-rs",
            "alloydbomni",
        ),
        _POSTGRES,
    ),
    **dict.fromkeys(("mysql", "mariadb", "mysql-server", "percona", "percona-server"), _MYSQL),
    **dict.fromkeys(
        (
            "redis",
            "valkey",
            "keydb",
            "redis-stack",
            "redis-stack-server",
            "dragonfly",
            "redis-cluster",
            "valkey-bundle",
            "redis-sentinel",
            "kvrocks",
        ),
        _REDIS,
    ),
    **dict.fromkeys(("mongo", "mongodb", "mongodb-community-server", "ferretdb"), _MONGO),
    **dict.fromkeys(("kafka", "cp-kafka", "cp-server", "kafka-native", "redpanda"), _KAFKA),
    "rabbitmq": _RABBITMQ,
    **dict.fromkeys(("elasticsearch", "elasticsearch-oss"), _ELASTIC),
    "opensearch": _OPENSEARCH,
    **dict.fromkeys(("eclipse-mosquitto", "mosquitto"), _MOSQUITTO),
    "memcached": _MEMCACHED,
    "minio": _MINIO,
    **dict.fromkeys(("clickhouse-server", "clickhouse"), _CLICKHOUSE),
    "influxdb": _INFLUX,
    "cassandra": _CASSANDRA,
    "etcd": _ETCD,
    "consul": _CONSUL,
    "neo4j": _NEO4J,
    "qdrant": _QDRANT,
    "nats": _NATS,
    **dict.fromkeys(("zookeeper", "cp-zookeeper"), _ZOOKEEPER),
    **dict.fromkeys(("mssql/server", "azure-sql-edge"), _MSSQL),
    "cockroach": _COCKROACH,
    "couchdb": _COUCH,
    "meilisearch": _MEILI,
    "weaviate": _WEAVIATE,
    **dict.fromkeys(("chroma", "chromadb"), _CHROMA),
    "milvus": _MILVUS,
    "solr": _SOLR,
    **dict.fromkeys(("emqx", "emqx-enterprise"), _EMQX),
    "pulsar": _PULSAR,
    "rethinkdb": _RETHINK,
    "scylla": _SCYLLA,
    "arangodb": _ARANGO,
    **dict.fromkeys(("oracle-xe", "oracle-free"), _ORACLE),
    "questdb": _QUEST,
    "typesense": _TYPESENSE,
    "surrealdb": _SURREAL,
}
_VENDORED = {"supabase/postgres": _POSTGRES, "mssql/server": _MSSQL}

# Pages through which a data store is read and changed.
_CONSOLES = frozenset(
    (
        "adminer",
        "akhq",
        "cloudbeaver",
        "kafdrop",
        "kafka-ui",
        "mongo-express",
        "p3x-redis-ui",
        "pgadmin4",
        "phpmyadmin",
        "phpredisadmin",
        "redis-commander",
        "redisinsight",
        "redpanda-console",
    )
)

# What only watches or shows the others, or takes what they report: they work without it.
_BESIDE = frozenset(
    (
        "alertmanager",
        "alloy",
        "all-in-one",
        "cadvisor",
        "dozzle",
        "grafana",
        "jaeger",
        "kibana",
        "loki",
        "maildev",
        "mailhog",
        "mailpit",
        "node-exporter",
        "opensearch-dashboards",
        "opentelemetry-collector",
        "opentelemetry-collector-contrib",
        "portainer",
        "portainer-ce",
        "postgres-exporter",
        "prometheus",
        "promtail",
        "redis_exporter",
        "tempo",
        "zipkin",
    )
)

# Official images, and others that stand beside services, that are known to bring no health check.
_UNPROBED = frozenset(
    (
        *_STORES,
        "alertmanager",
        "caddy",
        "grafana",
        "haproxy",
        "httpd",
        "jaeger",
        "all-in-one",
        "keycloak",
        "kibana",
        "loki",
        "nginx",
        "nginx-unprivileged",
        "node-exporter",
        "opa",
        "opentelemetry-collector",
        "opentelemetry-collector-contrib",
        "postgres-exporter",
        "prometheus",
        "promtail",
        "redis_exporter",
        "registry",
        "tempo",
        "temporal",
        "traefik",
        "vault",
        "zipkin",
    )
) - {"influxdb", "clickhouse-server", "emqx", "cockroach"}


def name(image: str) -> str:
    """The last part of an image's name, without registry, tag and digest."""
    return _TAG.sub("", image.lower(), count=1).rpartition("/")[2]


def store(image: str) -> Store | None:
    """The data store that an image is; None for all else, its consoles and exporters too."""
    path = _TAG.sub("", image.lower(), count=1)
    vendored = "/".join(path.split("/")[-2:])
    found = _VENDORED.get(vendored) or _STORES.get(path.rpartition("/")[2])
    major = _MAJOR.search(image)
    if found is not None and major is not None and int(major[1]) < found.guarded_from:
        return replace(found, is_guarded=False)
    return found


def is_console(image: str) -> bool:
    """Whether an image is a page through which a data store is read and changed."""
    return name(image) in _CONSOLES


def lacks_health(image: str) -> bool:
    """Whether an image is known to bring no HEALTHCHECK of its own."""
    return name(image) in _UNPROBED


def is_beside(image: str) -> bool:
    """Whether an image only watches or shows others, so that neither needs the other to start."""
    return name(image) in _BESIDE or is_console(image)
