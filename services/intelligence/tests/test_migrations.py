from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from services.intelligence.models import Base
from services.kit.database import Database


def is_ours(name, kind, _parents):
    return name == "intelligence" if kind == "schema" else name != "alembic_version"


def differences(connection):
    # Alembic leaves the name of the default schema out, where the models write it.
    connection.execute(text("SET search_path TO public"))
    connection.dialect.default_schema_name = "public"
    options = {"include_schemas": True, "include_name": is_ours, "compare_type": True}
    context = MigrationContext.configure(connection, opts=options)
    return compare_metadata(context, Base.metadata)


async def test_the_migrations_make_the_tables_of_the_models(settings):
    async with Database(settings) as database, database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_migrated_service_is_ready(api):
    answer = await api(None).get("/readyz")

    assert (answer.status_code, answer.json()["checks"]["database"]["status"]) == (200, "ok")
