"""Somebody else's images: which programs they have, as whom they run, and what can be told of them.

Facts of what their publishers build, not of what would be nice: `python:3.12-slim` has no curl. An
image that is not in the table is unknown, and one that `is_open` has what the table says and maybe
more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BUILTINS = _names(
    "[ [[ . : alias bg break case cd command continue echo eval exec exit export false fg for hash"
    " if jobs kill local printf pwd read readonly return set shift test time times trap true type"
    " ulimit umask unset until wait while source let declare"
)
_COREUTILS = _names(
    "arch b2sum base32 base64 basename cat chgrp chmod chown chroot cksum comm cp csplit cut date"
    " dd df dir dircolors dirname du env expand expr factor fmt fold groups head hostid id install"
    " join link ln logname ls md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc numfmt od"
    " paste pathchk pr printenv readlink realpath rm rmdir seq sha1sum sha256sum sha512sum shuf"
    " sleep sort split stat stdbuf stty sum sync tac tail tee timeout touch tr truncate tsort tty"
    " uname uniq unlink users wc who whoami yes"
)
_BUSYBOX = (
    _BUILTINS
    | _COREUTILS
    | _names(
        "sh ash busybox wget nc ps pgrep pkill pidof killall top free uptime netstat ping ping6"
        " nslookup vi awk sed grep egrep fgrep find xargs tar gzip gunzip zcat bzip2 unzip cpio ip"
        " ifconfig route traceroute hostname su adduser addgroup deluser crond crontab less more"
        " watch which cmp diff patch fuser lsof mount umount dmesg logger login passwd iostat"
        " ether-wake arp arping nsenter openvt pstree reset resize rev run-parts setsid strings"
        " sysctl usleep uudecode uuencode w wall whois xxd hexdump getopt flock"
    )
)
_DEBIAN = (
    _BUILTINS
    | _COREUTILS
    | _names(
        "sh bash dash apt apt-get dpkg grep egrep fgrep sed awk mawk find xargs tar gzip gunzip"
        " zcat zgrep perl hostname pidof getent su login mount umount diff cmp adduser useradd"
        " groupadd usermod passwd flock getopt which setsid nsenter more dmesg lsblk"
        " start-stop-daemon"
        " openssl"
    )
)
_BUILDPACK = _DEBIAN | _names(
    "curl wget git hg svn ssh scp ssh-keygen gcc g++ cc make patch unzip bzip2 xz file ps pgrep"
    " pkill top free uptime watch w python3 gpg autoconf automake mysql_config pg_config tclsh"
    " convert identify"
)
_RHEL = (
    _BUILTINS
    | _COREUTILS
    | _names(
        "sh bash curl grep egrep fgrep sed awk gawk find xargs tar gzip gunzip rpm microdnf dnf yum"
        " hostname getent su useradd groupadd which ps pgrep pkill openssl mount"
    )
)
_MICRO = _BUILTINS | _COREUTILS | _names("sh bash grep sed awk")  # Red Hat's ubi-micro

_SYSTEMS: dict[str, frozenset[str]] = {
    "none": frozenset(),
    "busybox": _BUSYBOX | _names("telnet httpd ftpget"),
    "alpine": _BUSYBOX | {"apk"},
    "debian": _DEBIAN,
    "buildpack": _BUILDPACK,
    "rhel": _RHEL,
    "micro": _MICRO,
}


@dataclass(frozen=True)
class Base:
    """One image of somebody else's.

    `programs` come with its system, `own` are those it is made for, which lie below `/usr/local`
    or `/opt`. `user` is "" for root, and "?" where it differs between versions.
    """

    system: str
    programs: frozenset[str]
    own: frozenset[str] = frozenset()
    user: str = ""
    is_open: bool = False
    has_health: bool = False


class Family(NamedTuple):
    """Images of these names; `full`, `slim` and `alpine` are the systems of their variants.

    `gone` and `came` are the programs that are missing from, or only there since, a major version.
    """

    names: str
    full: str
    programs: str = ""
    slim: str = ""
    alpine: str = "alpine"
    user: str = ""
    is_open: bool = False
    has_health: bool = False
    gone: dict[int, str] = {}  # noqa: RUF012  # never written
    came: dict[int, str] = {}  # noqa: RUF012


_PYTHON = "python python3 pip pip3"
_NODE = "node npm npx yarn corepack"
_POSTGRES = "psql pg_isready pg_dump pg_restore pg_ctl postgres createdb initdb gosu su-exec"
_MYSQL = "mysql mysqladmin mysqldump mysqld"
_MARIADB = "mariadb mariadb-admin mariadb-dump mariadbd mariadb-check healthcheck.sh gosu"
_JAVA = "java keytool"
_PHP = "php curl phpize docker-php-ext-install pecl xz"
_ELASTIC = "curl java"

_FAMILIES = (
    # Systems
    Family("debian ubuntu bitnami/minideb", "debian", slim="debian"),
    Family("alpine", "alpine"),
    Family("busybox", "busybox"),
    Family("scratch", "none"),
    Family("buildpack-deps", "buildpack"),
    Family(
        "fedora centos rockylinux almalinux amazonlinux oraclelinux rockylinux/rockylinux"
        " redhat/ubi8 redhat/ubi9 ubi8 ubi9 ubi8/ubi ubi9/ubi ubi8-minimal ubi9-minimal"
        " ubi8/ubi-minimal ubi9/ubi-minimal redhat/ubi8-minimal redhat/ubi9-minimal",
        "rhel",
        is_open=True,
    ),
    # Languages
    Family("python", "buildpack", _PYTHON, slim="debian"),
    Family("pypy", "buildpack", f"pypy pypy3 {_PYTHON}", slim="debian"),
    Family("node", "buildpack", _NODE, slim="debian"),
    Family("golang", "buildpack", "go gofmt"),
    Family("rust", "buildpack", "cargo rustc rustup gcc cc", slim="debian"),
    Family("ruby", "buildpack", "ruby gem bundle bundler irb rake", slim="debian"),
    Family("php", "debian", _PHP),
    Family("composer", "alpine", f"composer git bash {_PHP}"),
    Family("perl elixir erlang", "buildpack", "erl mix iex elixir", slim="debian"),
    Family("eclipse-temurin", "debian", f"{_JAVA} curl wget", is_open=True),
    Family("openjdk", "rhel", f"{_JAVA} wget", slim="debian"),
    Family("amazoncorretto", "rhel", _JAVA, is_open=True),
    Family("maven gradle", "debian", f"{_JAVA} mvn gradle git curl", is_open=True),
    Family("oven/bun", "debian", "bun bunx", slim="debian"),
    Family("denoland/deno", "debian", "deno tini"),
    Family("tiangolo/uvicorn-gunicorn tiangolo/uvicorn-gunicorn-fastapi"
           " tiangolo/uvicorn-gunicorn-starlette tiangolo/meinheld-gunicorn"
           " tiangolo/meinheld-gunicorn-flask", "buildpack",
           f"{_PYTHON} uvicorn gunicorn", slim="debian"),
    Family("continuumio/miniconda3 continuumio/anaconda3 condaforge/mambaforge"
           " condaforge/miniforge3", "debian", f"{_PYTHON} conda wget", is_open=True),
    Family("mambaorg/micromamba", "debian", "micromamba", user="mambauser", is_open=True),
    Family("pytorch/pytorch tensorflow/tensorflow nvidia/cuda", "debian", _PYTHON, is_open=True),
    # Doors
    Family("nginx", "debian", "nginx curl", slim="debian"),
    Family("nginxinc/nginx-unprivileged", "debian", "nginx curl", slim="debian", user="101"),
    Family("httpd", "debian", "httpd apachectl"),
    Family("caddy", "alpine", "caddy"),
    Family("traefik", "alpine", "traefik"),
    Family("haproxy", "debian", "haproxy", user="?"),
    Family("varnish", "debian", "varnishd varnishadm", user="varnish", is_open=True),
    Family("openresty/openresty", "debian", "openresty nginx", is_open=True),
    # Stores
    Family("postgres postgis/postgis pgvector/pgvector ankane/pgvector imresamu/postgis",
           "debian", _POSTGRES),
    Family("timescale/timescaledb", "alpine", f"{_POSTGRES} bash"),
    Family("redis valkey/valkey", "debian",
           "redis-cli redis-server redis-benchmark valkey-cli valkey-server gosu su-exec setpriv"),
    Family("redis/redis-stack redis/redis-stack-server", "debian", "redis-cli redis-server",
           is_open=True),
    Family("mysql", "rhel", f"{_MYSQL} gosu", is_open=True),
    Family("mariadb", "debian", f"{_MYSQL} {_MARIADB}",
           gone={11: "mysql mysqladmin mysqldump mysqld"}),
    Family("mongo", "debian", "mongo mongosh mongod mongos jq gosu ps pgrep numactl",
           gone={6: "mongo"}, came={5: "mongosh"}),
    Family("memcached", "debian", "memcached", user="memcache"),
    Family("cassandra", "debian", "cqlsh nodetool java", is_open=True),
    Family("couchdb", "debian", "curl couchdb", is_open=True),
    Family("influxdb", "debian", "influx influxd", is_open=True),
    Family("neo4j", "debian", "cypher-shell neo4j wget java", is_open=True, user="?"),
    Family("clickhouse/clickhouse-server", "debian", "clickhouse-client clickhouse wget",
           is_open=True),
    Family("cockroachdb/cockroach", "rhel", "cockroach", is_open=True),
    Family("elasticsearch docker.elastic.co/elasticsearch/elasticsearch", "debian", _ELASTIC,
           user="elasticsearch", is_open=True),
    Family("kibana docker.elastic.co/kibana/kibana", "debian", "curl node", user="kibana",
           is_open=True),
    Family("logstash docker.elastic.co/logstash/logstash", "debian", _ELASTIC, user="logstash",
           is_open=True),
    Family("opensearchproject/opensearch", "rhel", _ELASTIC, user="opensearch", is_open=True),
    Family("getmeili/meilisearch", "alpine", "meilisearch curl tini"),
    Family("qdrant/qdrant", "debian", "qdrant"),
    Family("semitechnologies/weaviate", "alpine", "weaviate", is_open=True),
    Family("minio/minio", "micro", "minio mc", is_open=True),
    Family("minio/mc", "micro", "mc", is_open=True),
    # Brokers
    Family("rabbitmq", "debian", "rabbitmq-diagnostics rabbitmqctl rabbitmq-server rabbitmq-plugins"
           " rabbitmqadmin gosu su-exec"),
    Family("eclipse-mosquitto", "alpine",
           "mosquitto mosquitto_pub mosquitto_sub mosquitto_rr mosquitto_passwd mosquitto_ctrl"),
    Family("nats", "none", "nats-server"),
    Family("zookeeper", "debian", "zkServer.sh zkCli.sh java", is_open=True),
    Family("apache/kafka", "alpine", "java bash", user="appuser", is_open=True),
    Family("confluentinc/cp-kafka confluentinc/cp-zookeeper confluentinc/cp-schema-registry"
           " confluentinc/cp-server", "rhel",
           "kafka-topics kafka-broker-api-versions cub java", user="appuser", is_open=True),
    Family("emqx emqx/emqx", "debian", "emqx emqx_ctl curl", user="emqx", is_open=True),
    # Watching
    Family("prom/prometheus prometheus/prometheus", "busybox", "prometheus promtool",
           user="nobody"),
    Family("prom/alertmanager prometheus/alertmanager", "busybox", "alertmanager amtool",
           user="nobody"),
    Family("prom/node-exporter prometheus/node-exporter prom/pushgateway prom/blackbox-exporter"
           " prom/statsd-exporter prometheuscommunity/postgres-exporter"
           " prometheuscommunity/elasticsearch-exporter",
           "busybox", "", user="nobody", is_open=True),
    Family("grafana/grafana grafana/grafana-oss grafana/grafana-enterprise", "alpine",
           "curl bash grafana grafana-cli grafana-server", user="472"),
    Family("grafana/loki", "alpine", "loki", user="10001", is_open=True),
    Family("grafana/promtail grafana/tempo grafana/mimir grafana/alloy grafana/agent", "none",
           "", user="?", is_open=True),
    Family("otel/opentelemetry-collector otel/opentelemetry-collector-contrib"
           " otel/opentelemetry-collector-k8s", "none", "", user="10001"),
    Family("jaegertracing/all-in-one jaegertracing/jaeger", "none", "", user="10001", is_open=True),
    # Trust
    Family("openpolicyagent/opa", "none", "opa", user="1000"),
    Family("vault hashicorp/vault", "alpine", "vault dumb-init su-exec"),
    Family("consul hashicorp/consul", "alpine", "consul curl jq dumb-init su-exec bash",
           is_open=True),
    Family("keycloak/keycloak", "micro", "java kc.sh curl", user="1000", gone={20: "curl"}),
    # Tools
    Family("adminer", "alpine", _PHP, user="adminer"),
    Family("phpmyadmin phpmyadmin/phpmyadmin wordpress drupal joomla nextcloud matomo", "debian",
           _PHP),
    Family("dpage/pgadmin4", "alpine", "python3", user="5050", is_open=True),
    Family("mailhog/mailhog", "alpine", "MailHog", user="mailhog"),
    Family("axllent/mailpit", "alpine", "mailpit", has_health=True),
    Family("localstack/localstack", "debian", f"curl awslocal {_PYTHON}", is_open=True,
           has_health=True),
    Family("jenkins/jenkins", "debian", "java git curl", user="jenkins", is_open=True),
    Family("apache/airflow", "debian", f"airflow curl {_PYTHON}", user="airflow", is_open=True),
    Family("apache/superset", "debian", f"superset curl {_PYTHON}", user="superset", is_open=True),
    Family("vaultwarden/server", "debian", "curl", is_open=True, has_health=True),
    Family("pihole/pihole gitlab/gitlab-ce gitlab/gitlab-ee plexinc/pms-docker authelia/authelia"
           " ghcr.io/home-assistant/home-assistant", "none", is_open=True, has_health=True),
    Family("ollama/ollama", "debian", "ollama"),
    Family("docker", "alpine", "docker docker-compose dockerd git openssl"),
    Family("registry", "alpine", "registry"),
    Family("cloudflare/cloudflared", "none", "cloudflared", user="nonroot"),
    Family("mcr.microsoft.com/dotnet/aspnet mcr.microsoft.com/dotnet/runtime"
           " mcr.microsoft.com/dotnet/runtime-deps", "debian", "dotnet", slim="debian"),
    Family("mcr.microsoft.com/dotnet/sdk", "debian", "dotnet curl wget git ps pwsh", slim="debian"),
)  # fmt: skip
_BY_NAME = {name: family for family in _FAMILIES for name in family.names.split()}

_HUB = re.compile(
    r"(?:(?:docker\.io|index\.docker\.io|registry-1\.docker\.io|registry\.hub\.docker\.com"
    r"|public\.ecr\.aws/docker|mirror\.gcr\.io|quay\.io|registry\.access\.redhat\.com)/)?"
    r"(?:library/)?(.+)"
)
_MAJOR = re.compile(r"v?(\d+)")
_LATEST = 1_000  # of a tag without a number, as far as programs come and go


class Reference(NamedTuple):
    """An image's name, split: `name` is without the Hub's own prefixes."""

    name: str
    tag: str = ""
    digest: str = ""


def split(reference: str) -> Reference:
    """Take an image's name apart."""
    rest, _, digest = reference.strip().partition("@")
    head, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    found = _HUB.fullmatch(f"{head}{slash}{last}")
    return Reference(found[1] if found else rest, tag, digest)


@cache
def base(reference: str) -> Base | None:
    """What is known of an image; None when nothing is."""
    if not reference or "$" in reference:
        return None
    name, tag, _ = split(reference)
    tag = tag.lower()
    if name.startswith("gcr.io/distroless/"):
        return _distroless(name.rpartition("/")[2], tag)
    if name.startswith("cgr.dev/chainguard/"):
        is_open = "dev" in tag or name.endswith(("-base", "-dev", "/bash", "/busybox"))
        return _made("none", name.rpartition("/")[2], user="nonroot", is_open=is_open)
    if name == "ghcr.io/astral-sh/uv":
        return _uv(tag)
    if name.startswith(("bitnami/", "bitnamilegacy/", "bitnamisecure/")):
        return _made("debian", name.rpartition("/")[2], user="1001", is_open=True)
    if name.startswith(("linuxserver/", "lscr.io/linuxserver/")):
        return _made("alpine", "bash curl", is_open=True)
    family = _BY_NAME.get(name)
    return _variant(family, name, tag) if family else None


def _made(system: str, own: str, *, user: str = "", is_open: bool = False) -> Base:
    return Base(system, _SYSTEMS[system], _names(own), user, is_open)


def _distroless(name: str, tag: str) -> Base:
    own = {"python3": "python3 python", "nodejs": "node", "java": "java"}
    found = next((own[key] for key in own if name.startswith(key)), "")
    system = "busybox" if "debug" in tag else "none"
    return _made(system, found, user="nonroot" if "nonroot" in tag else "")


def _uv(tag: str) -> Base:
    """`uv:0.5` is uv alone, `uv:python3.12-bookworm-slim` a Python image with it."""
    if "alpine" in tag:
        return _made("alpine", f"uv uvx {_PYTHON}")
    if any(word in tag for word in ("slim", "python", "debian", "bookworm", "trixie", "bullseye")):
        return _made("debian" if "slim" in tag else "buildpack", f"uv uvx {_PYTHON}")
    return _made("none", "uv uvx")


def _variant(family: Family, name: str, tag: str) -> Base:
    system = family.full
    if family.slim and "slim" in tag:
        system = family.slim
    if "alpine" in tag:
        system = family.alpine
    if "distroless" in tag or "chiseled" in tag:
        system = "none"
    if "debug" in tag and system == "none":
        system = "busybox"
    own = set(family.programs.split())
    match = _MAJOR.match(tag)
    major = int(match[1][:6]) if match else _LATEST
    for since, programs in family.gone.items():
        own -= _names(programs) if major >= since else set()
    for since, programs in family.came.items():
        own -= _names(programs) if major < since else set()
    if name in _WITHOUT and _WITHOUT[name][0].search(tag):
        own -= _WITHOUT[name][1]
    is_open = family.is_open and not (system == "alpine" and name in _CLOSED_ON_ALPINE)
    user = "nonroot" if "rootless" in tag or "nonroot" in tag else family.user
    return Base(system, _SYSTEMS[system], frozenset(own), user, is_open, family.has_health)


# Their Alpine variants are known to the last package.
_CLOSED_ON_ALPINE = ("eclipse-temurin", "amazoncorretto")
# Variants that lack what their family has.
_WITHOUT = {
    "nginx": (re.compile("slim"), {"curl"}),
    "nginxinc/nginx-unprivileged": (re.compile("slim"), {"curl"}),
    "eclipse-temurin": (re.compile("alpine"), {"curl"}),
    "openjdk": (re.compile("slim|alpine"), {"wget"}),
    "rust": (re.compile("alpine"), {"gcc", "cc"}),
}
