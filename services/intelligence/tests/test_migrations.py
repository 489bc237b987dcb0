from services.intelligence.models import Base
from services.kit.database import Database
from services.kit.testing import differences


async def test_the_migrations_make_the_tables_of_the_models(settings):
    async with Database(settings) as database:
        assert await differences(database, Base.metadata) == []


async def test_a_migrated_service_is_ready(api):
    answer = await api(None).get("/readyz")

    assert (answer.status_code, answer.json()["checks"]["database"]["status"]) == (200, "ok")
