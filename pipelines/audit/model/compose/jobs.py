"""Which services are jobs: they run once and end, so nobody restarts, probes or limits them."""

from __future__ import annotations

import re

from pipelines.audit.model.compose import Project, Service, stores

_NAME = re.compile(
    r"(.*[-_.])?(migrat(e|es|ion|ions|or)|init|inits|initiali[sz]er?|setup|seed|seeds|seeder|"
    r"bootstrap|provision(er|ing)?|prestart|pre-start|preparation|prepare|installer|smoke|"
    r"create-?(buckets?|topics?|dbs?|databases?|indexes|indices|admin|user|certs?)|"
    r"one-?shot|cli|tests?|e2e|playwright|cypress|lint|backup-once|certs?-?gen)"
    r"([-_.]?\d+|[-_.](db|job|once|task|runner|data|database|schema|schemas|buckets?|topics?))?"
)
_PROFILE = re.compile(
    r"tools?|cli|scripts?|jobs?|tasks?|migrat(e|ion|ions)|init|setup|seed|tests?|e2e|manual|lint"
)
_IMAGE = re.compile(
    r"(.*/)?(minio/mc|migrate/migrate|flyway/flyway|liquibase/liquibase|amacneil/dbmate|"
    r"hello-world|alpine/git|curlimages/curl|arigaio/atlas|bitnami/minio-client|goose)(:.*)?"
)
_COMMAND = re.compile(
    r"\b(alembic\b.*\bupgrade|manage\.py (migrate|collectstatic|loaddata|createsuperuser)|"
    r"db upgrade|prisma (migrate|db)|migrate (deploy|up|latest)|knex migrate|typeorm migration|"
    r"sequelize (db:)?migrate|drizzle-kit|db:(migrate|seed|setup|prepare|create)|dbmate|"
    r"goose .*up|initdb|init[-_]db|db[-_]init|createdb|"
    r"kafka-topics|mc (alias|mb|config)|createsuperuser|"
    r"(npm|yarn|pnpm)( run)? (migrat|seed|db:)|(migrat(e|ions?)|seed|init|setup|bootstrap)"
    r"[\w-]*\.(py|sh|js|ts|sql))\b"
)
_STAYS = re.compile(
    r"\b(uvicorn|gunicorn|hypercorn|daphne|granian|celery|runserver|waitress|supervisord|"
    r"(npm|yarn|pnpm)( run)? (start|serve|dev)|node |java |sleep infinity|tail -f|nginx|serve|"
    r"server|docker-start|start\.sh|run\.sh|worker)"
)
_ENDS = re.compile(r"&&|\|\||;|\n")
_KEPT = ("always", "unless-stopped")


def is_job(service: Service, project: Project) -> bool:
    """Whether a service runs once and ends, like a migration.

    What is restarted whenever it ends is none. Else: somebody waits for it to complete, Swarm is
    told so, its image or last command is known to end, its name or profiles say so, or Compose is
    told to leave it when it ends and nobody asks whether it is well.
    """
    if service.name in project.awaited:
        return True
    if service.node.get("deploy", "mode").text in ("replicated-job", "global-job"):
        return True
    if is_kept(service):
        return False
    return bool(
        _IMAGE.fullmatch(service.image)
        or _NAME.fullmatch(service.name.lower())
        or any(_PROFILE.fullmatch(profile) for profile in service.profiles)
        or _ends(service)
        or _is_left(service, project)
    )


def is_kept(service: Service) -> bool:
    """Whether it is started again whenever it ends."""
    policy = service.node.get("deploy", "restart_policy")
    return service.restart in _KEPT or policy["condition"].text == "any"


def _is_left(service: Service, project: Project) -> bool:
    """Whether it is said in so many words that nobody cares for it once it has ended."""
    is_probed = service.health is not None and not service.health.is_off
    is_reached = bool(service.ports) or any(project.dependents(service.name))
    is_server = is_probed or is_reached or stores.store(service.image) is not None
    return service.restart == "no" and not is_server


def _ends(service: Service) -> bool:
    """Whether the last thing that it runs is known to end."""
    texts = [words.text for words in (service.entrypoint, service.command) if words]
    if not texts:
        return False
    parts = [part for part in _ENDS.split(" ".join(texts)) if part.strip(" '\"")]
    return bool(parts and _COMMAND.search(parts[-1])) and not _STAYS.search(" ".join(texts))
