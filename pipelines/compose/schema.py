"""Every key of the Compose specification with the kind of value it takes.

Written after the JSON schema that the specification publishes; what only container engines use is
checked as closely as the rest, since a typing error there is as easily made.
"""

from __future__ import annotations

from pipelines.documents.shapes import (
    AMOUNT,
    ANY,
    FLAG,
    NOTHING,
    NUMBER,
    ONE_OR_MORE,
    PAIRS,
    SCALAR,
    TEXT,
    TEXTS,
    Either,
    Keys,
    List,
    Map,
    Shape,
    named,
)


def _each(kind: Shape, keys: str) -> dict[str, Shape]:
    return dict.fromkeys(keys.split(), kind)


def _or_nothing(shape: Shape) -> Either:
    return Either((shape, NOTHING))


_SCALARS = List(AMOUNT)
_ULIMITS = Map(Either((AMOUNT, Keys(_each(AMOUNT, "soft hard")))))
_HOSTS = Either((Map(ONE_OR_MORE), TEXTS))
_GRANTS = List(
    Either((TEXT, Keys(_each(TEXT, "source target uid gid") | _each(AMOUNT, "mode"), ("source",))))
)
_HOOKS = List(
    Keys(
        {
            "command": ONE_OR_MORE,
            "environment": PAIRS,
            "privileged": FLAG,
            **_each(TEXT, "user working_dir"),
        },
        ("command",),
    )
)
_BLOCK_RATES = List(Keys(_each(TEXT, "path") | _each(AMOUNT, "rate")))
_DEVICES = List(
    Keys(
        _each(TEXTS, "capabilities device_ids")
        | _each(AMOUNT, "count")
        | _each(TEXT, "driver")
        | _each(PAIRS, "options")
    )
)

_BUILD = Keys(
    _each(TEXT, "context dockerfile dockerfile_inline network target isolation")
    | _each(TEXTS, "entitlements cache_from cache_to tags platforms")
    | _each(PAIRS, "args labels additional_contexts")
    | _each(FLAG, "no_cache pull privileged")
    | _each(ONE_OR_MORE, "no_cache_filter")
    | {"ssh": Either((TEXT, *PAIRS.shapes)), "provenance": SCALAR, "sbom": SCALAR}
    | {"shm_size": AMOUNT, "extra_hosts": _HOSTS, "secrets": _GRANTS, "ulimits": _ULIMITS}
)

_HEALTHCHECK = Keys(
    _each(TEXT, "interval timeout start_period start_interval")
    | {"disable": FLAG, "retries": NUMBER, "test": ONE_OR_MORE}
)

_DEPENDS_ON = Either(
    (TEXTS, named(Keys({"condition": TEXT, "required": FLAG, "restart": FLAG}, ("condition",))))
)

_PORTS = List(
    Either(
        (
            AMOUNT,
            Keys(
                _each(TEXT, "name mode host_ip protocol app_protocol")
                | _each(AMOUNT, "target published"),
                ("target",),
            ),
        )
    )
)

_VOLUMES = List(
    Either(
        (
            TEXT,
            Keys(
                _each(TEXT, "type source target consistency")
                | {
                    "read_only": FLAG,
                    "bind": Keys(
                        _each(TEXT, "propagation recursive selinux")
                        | _each(FLAG, "create_host_path")
                    ),
                    "volume": Keys({"labels": PAIRS, "nocopy": FLAG, "subpath": TEXT}),
                    "tmpfs": Keys(_each(AMOUNT, "size mode")),
                    "image": Keys(_each(TEXT, "subpath")),
                },
                ("type", "target"),
            ),
        )
    )
)

_NETWORKS = Either(
    (
        TEXTS,
        named(
            _or_nothing(
                Keys(
                    _each(TEXT, "interface_name ipv4_address ipv6_address mac_address")
                    | _each(TEXTS, "aliases link_local_ips")
                    | _each(NUMBER, "priority gw_priority")
                    | {"driver_opts": Map(AMOUNT)}
                )
            )
        ),
    )
)

_ROLLOUT = Keys(
    _each(TEXT, "delay failure_action monitor order")
    | _each(NUMBER, "parallelism max_failure_ratio")
)

_DEPLOY = Keys(
    {
        "mode": TEXT,
        "endpoint_mode": TEXT,
        "replicas": NUMBER,
        "labels": PAIRS,
        "update_config": _ROLLOUT,
        "rollback_config": _ROLLOUT,
        "restart_policy": Keys(_each(TEXT, "condition delay window") | {"max_attempts": NUMBER}),
        "placement": Keys(
            {
                "constraints": TEXTS,
                "preferences": List(Keys({"spread": TEXT})),
                "max_replicas_per_node": NUMBER,
            }
        ),
        "resources": Keys(
            {
                "limits": Keys({"cpus": NUMBER, "memory": AMOUNT, "pids": NUMBER}),
                "reservations": Keys(
                    {
                        "cpus": NUMBER,
                        "memory": AMOUNT,
                        "devices": _DEVICES,
                        "generic_resources": List(
                            Keys({"discrete_resource_spec": Keys({"kind": TEXT, "value": AMOUNT})})
                        ),
                    }
                ),
            }
        ),
    }
)

_DEVELOP = Keys(
    {
        "watch": List(
            Keys(
                {
                    **_each(TEXT, "path action target"),
                    **_each(ONE_OR_MORE, "ignore include"),
                    "exec": ANY,
                    "initial_sync": FLAG,
                },
                ("path", "action"),
            )
        )
    }
)

_SERVICE = Keys(
    _each(
        TEXT,
        "cgroup cgroup_parent container_name cpuset domainname hostname image ipc isolation"
        " mac_address network_mode platform pull_policy pull_refresh_after restart runtime"
        " stop_grace_period stop_signal user uts userns_mode working_dir",
    )
    | _each(
        FLAG,
        "attach init oom_kill_disable privileged read_only stdin_open tty use_api_socket",
    )
    | _each(
        AMOUNT,
        "cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus"
        " mem_limit mem_reservation mem_swappiness memswap_limit oom_score_adj pids_limit scale"
        " shm_size",
    )
    | _each(
        TEXTS,
        "cap_add cap_drop device_cgroup_rules dns_opt external_links links profiles security_opt"
        " volumes_from",
    )
    | _each(PAIRS, "annotations environment labels sysctls")
    | _each(ONE_OR_MORE, "dns dns_search label_file tmpfs")
    | _each(_or_nothing(ONE_OR_MORE), "command entrypoint")
    | _each(_GRANTS, "configs secrets")
    | _each(_HOOKS, "post_start pre_stop")
    | _each(_SCALARS, "expose group_add")
    | _each(ANY, "credential_spec extends models provider storage_opt")
    | {
        "blkio_config": Keys(
            _each(_BLOCK_RATES, "device_read_bps device_read_iops device_write_bps")
            | _each(_BLOCK_RATES, "device_write_iops")
            | {"weight": AMOUNT, "weight_device": List(Keys({"path": TEXT, "weight": AMOUNT}))}
        ),
        "build": Either((TEXT, _BUILD)),
        "depends_on": _DEPENDS_ON,
        "deploy": _or_nothing(_DEPLOY),
        "develop": _or_nothing(_DEVELOP),
        "devices": List(
            Either((TEXT, Keys(_each(TEXT, "source target permissions"), ("source",))))
        ),
        "env_file": Either(
            (
                TEXT,
                List(
                    Either(
                        (
                            TEXT,
                            Keys({"path": TEXT, "required": FLAG, "format": TEXT}, ("path",)),
                        )
                    )
                ),
            )
        ),
        "extra_hosts": _HOSTS,
        "gpus": Either((TEXT, _DEVICES)),
        "healthcheck": _HEALTHCHECK,
        "logging": Keys({"driver": TEXT, "options": Map(_or_nothing(AMOUNT))}),
        "networks": _NETWORKS,
        "pid": _or_nothing(TEXT),
        "ports": _PORTS,
        "ulimits": _ULIMITS,
        "volumes": _VOLUMES,
    }
)

_EXTERNAL = Either((FLAG, Keys({"name": TEXT})))
_RESOURCE: dict[str, Shape] = {"name": TEXT, "external": _EXTERNAL, "labels": PAIRS}
_DRIVEN: dict[str, Shape] = {**_RESOURCE, "driver": TEXT, "driver_opts": Map(AMOUNT)}

_NETWORK = Keys(
    _DRIVEN
    | _each(FLAG, "attachable enable_ipv4 enable_ipv6 internal")
    | {
        "ipam": Keys(
            {
                "driver": TEXT,
                "options": Map(TEXT),
                "config": List(
                    Keys(_each(TEXT, "subnet ip_range gateway") | {"aux_addresses": Map(TEXT)})
                ),
            }
        )
    }
)
_SECRET = Keys(_DRIVEN | _each(TEXT, "environment file template_driver"))
_CONFIG = Keys(_RESOURCE | _each(TEXT, "content environment file template_driver"))

FILE = Keys(
    {
        "version": TEXT,
        "name": TEXT,
        "include": ANY,
        "models": ANY,
        "services": named(_SERVICE),
        "networks": named(_or_nothing(_NETWORK)),
        "volumes": named(_or_nothing(Keys(_DRIVEN))),
        "secrets": named(_SECRET),
        "configs": named(_CONFIG),
    },
    required=("services",),
)
