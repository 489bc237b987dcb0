"""What a running release can live with, and what it cannot."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipelines.errors import ConfigError, Where
from pipelines.migrations import Phase, Revision, find
from pipelines.migrations.check import check
from pipelines.migrations.order import too_early

HEAD = """
import alembic
import sqlalchemy as sa
from alembic import op
from alembic import op as o
from alembic.op import drop_column as drop

DROPS = "DROP TABLE users"
revision = "{id}"
down_revision = {down}
{phase}

def upgrade():
"""
EXPANDS = "phase = 'expand'"


def write(root: Path, id_: str, body: str, *, down: str | None = None, phase: str = EXPANDS) -> str:
    """A revision in the chain of `api`; returns its path."""
    file = root / "api" / "versions" / f"{id_}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    head = HEAD.format(id=id_, down=repr(down), phase=phase)
    file.write_text(head + "".join(f"    {line}\n" for line in body.splitlines()))
    return f"api/versions/{id_}.py"


def faults(root: Path, *files: str) -> list[str]:
    return [str(fault) for fault in check(find(root, files))]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("op.drop_table('users')", "drops a table"),
        ("op.drop_column('users', 'name')", "drops a column"),
        ("op.rename_table('users', 'people')", "renames a table"),
        ("op.alter_column('users', 'name', new_column_name='first')", "renames a column"),
        ("op.alter_column('users', 'name', nullable=False)", "demands a value"),
        ("op.alter_column('users', 'age', type_=sa.BigInteger())", "changes a type"),
        ("op.add_column('users', sa.Column('age', sa.Integer, nullable=False))", "do not fill"),
        ("op.create_index('ix', 'users', ['name'])", "builds an index"),
        ("op.create_unique_constraint('uq', 'users', ['name'])", "builds an index"),
        ("op.create_check_constraint('ck', 'users', 'age > 0')", "checks every row"),
        ("op.create_foreign_key('fk', 'users', 'teams', ['team'], ['id'])", "checks every row"),
        ("op.execute('ALTER TABLE users DROP COLUMN name')", "drops a column"),
        ("op.execute('ALTER TABLE users RENAME COLUMN name TO first')", "renames a column"),
        ("op.execute('ALTER TABLE users RENAME TO people')", "renames a table"),
        ("op.execute('ALTER TABLE users ALTER COLUMN name SET NOT NULL')", "demands a value"),
        ("op.execute('ALTER TABLE users ALTER COLUMN age TYPE bigint')", "changes a type"),
        ("op.execute('ALTER TABLE users ADD COLUMN age int NOT NULL')", "do not fill"),
        ("op.execute(sa.text('DROP TABLE users'))", "drops a table"),
        ("op.execute('CREATE INDEX ix ON users (name)')", "builds an index"),
        ("op.execute('ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0)')", "checks every row"),
        ("op.execute('SELECT 1; DROP TABLE users')", "drops a table"),
        ("op.execute('LOCK TABLE users')", "cannot be read"),
        ("op.execute(f'DROP TABLE {name}')", "cannot be read"),
        ("op.execute(sqltext='DROP TABLE users')", "drops a table"),
        ("op.execute(DROPS)", "drops a table"),
        ("op.execute(sa.text(DROPS))", "drops a table"),
        ("op.execute(sa.schema.DropTable(users))", "cannot be read"),
        ("op.get_bind().execute(sa.text('DROP TABLE users'))", "drops a table"),
        ("bind = op.get_bind(); bind.exec_driver_sql('DROP TABLE users')", "drops a table"),
        ("users.drop(op.get_bind())", "drops something"),
        ("alembic.op.drop_table('users')", "drops a table"),
        ("o.drop_table('users')", "drops a table"),
        ("drop('users', 'name')", "drops a column"),
        ("op.create_primary_key('pk', 'users', ['id'])", "builds an index"),
        ("op.execute('TRUNCATE users')", "empties a table"),
        ("op.execute('DROP VIEW everybody')", "drops something"),
        ("op.execute('CREATE TABLE t (id int); DROP TABLE t, users')", "drops a table"),
        ("op.execute('CREATE TABLE new.users (id int); DROP TABLE users')", "drops a table"),
        ("op.create_table('users', schema='new'); op.drop_table('users')", "drops a table"),
        ("op.create_table(name); op.drop_table(other)", "drops a table"),
        ("op.drop_table('users'); op.create_table('users')", "drops a table"),
        ("op.execute('DROP TYPE mood')", "drops something"),
        ("op.execute('DO $$ BEGIN DROP TABLE users; END $$')", "cannot be read"),
        ("op.execute('CALL tidy()')", "cannot be read"),
        ("op.execute('REINDEX TABLE users')", "cannot be read"),
        ("op.execute('ALTER TABLE users SET SCHEMA old')", "cannot be read"),
        ("op.execute('ALTER TABLE users VALIDATE CONSTRAINT c, DROP name')", "cannot be read"),
        ("op.execute('ALTR TABEL users (')", "cannot be read"),
        ("with op.batch_alter_table('users') as batch:\n    batch.drop_column('name')", "drops a"),
        ("if True:\n    op.drop_table('users')", "drops a table"),
    ],
)
def test_an_expanding_revision_takes_nothing_away(tmp_path: Path, body: str, said: str) -> None:
    (fault,) = faults(tmp_path, write(tmp_path, "0001", body))

    line = 14 + body.count("\n")
    assert fault.startswith(f"api/versions/0001.py:{line}: ")
    assert said in fault


@pytest.mark.parametrize(
    "body",
    [
        "op.add_column('users', sa.Column('age', sa.Integer))",
        "op.add_column('users', sa.Column('a', sa.Text, nullable=False, server_default='x'))",
        "op.create_index('ix', 'users', ['name'], postgresql_concurrently=True)",
        "op.create_check_constraint('c', 'users', 'age > 0', postgresql_not_valid=True)",
        "op.execute('CREATE INDEX CONCURRENTLY ix ON users (name)')",
        "op.execute('ALTER TABLE users ADD COLUMN age int')",
        "op.execute('ALTER TABLE users ADD COLUMN age int NOT NULL DEFAULT 0')",
        "op.execute(\"UPDATE users SET name = 'x' WHERE name IS NULL\")",
        "op.create_table('t', sa.Column('id', sa.Integer))\nop.create_index('i', 't', ['id'])",
        "other.drop_table('users')",
        "op.execute('-- nothing')",
        "op.execute('CREATE TABLE t (id int); CREATE INDEX i ON t (id)')",
        "op.execute('CREATE EXTENSION postgis')",
        "op.execute(\"COMMENT ON TABLE users IS 'people'\")",
        "op.execute(\"SET LOCAL lock_timeout = '1s'\")",
        "op.execute('GRANT SELECT ON users TO monitor')",
        "op.execute('REINDEX INDEX CONCURRENTLY ix')",
        "op.execute('DROP INDEX CONCURRENTLY ix')",
        "op.execute('ALTER TABLE users DROP CONSTRAINT c')",
        "op.execute('ALTER TABLE users VALIDATE CONSTRAINT c')",
        "op.execute('ALTER TABLE users ADD CONSTRAINT c UNIQUE USING INDEX ix')",
        "op.execute('ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID')",
        "op.execute(\"ALTER TYPE mood ADD VALUE 'calm'\")",
        "op.execute(users.update().where(users.c.name == None).values(name='x'))",
        "op.get_bind().execute(sa.select(users.c.id))",
    ],
)
def test_what_only_adds_is_well(tmp_path: Path, body: str) -> None:
    assert faults(tmp_path, write(tmp_path, "0001", body)) == []


def test_what_a_function_of_the_file_does_is_read_where_it_does_it(tmp_path: Path) -> None:
    path = write(tmp_path, "0001", "helped()\n")
    file = tmp_path / path
    file.write_text(
        file.read_text() + "\ndef helped():\n    op.drop_table('users')\n    helped()\n"
    )

    (fault,) = faults(tmp_path, path)

    assert fault.startswith("api/versions/0001.py:17: it drops a table")


def test_a_contracting_one_may_take_away_and_says_since_when(tmp_path: Path) -> None:
    first = write(tmp_path, "0001", "pass")
    contracts = "phase = 'contract'\ncontracts = '0001'"
    second = write(tmp_path, "0002", "op.drop_table('users')", down="0001", phase=contracts)
    assert faults(tmp_path, first, second) == []

    second = write(
        tmp_path, "0002", "op.drop_table('users')", down="0001", phase="phase = 'contract'"
    )
    assert "does not say since which revision" in faults(tmp_path, first, second)[0]


def test_a_revision_without_a_phase_is_found(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, write(tmp_path, "0001", "pass", phase=""))

    assert fault.startswith("api/versions/0001.py: it says neither that it expands")


def test_a_chain_has_no_gap_and_one_head(tmp_path: Path) -> None:
    files = [
        write(tmp_path, "0001", "pass"),
        write(tmp_path, "0002", "pass", down="0001"),
        write(tmp_path, "0003", "pass", down="0001"),
        write(tmp_path, "0005", "pass", down="0004"),
    ]

    said = faults(tmp_path, *files)

    assert any("follows '0001', as '0002' does: two heads" in it for it in said)
    assert any("follows '0004', which is not there" in it for it in said)


def test_no_code_of_a_revision_is_run(tmp_path: Path) -> None:
    file = write(tmp_path, "0001", "pass", phase="phase = 'expand'\nraise SystemExit('run')")

    assert [it.id for it in find(tmp_path, [file])] == ["0001"]


def test_what_is_no_python_is_said_with_its_file(tmp_path: Path) -> None:
    file = write(tmp_path, "0001", "def (")

    with pytest.raises(ConfigError, match=r"api/versions/0001.py: not Python"):
        find(tmp_path, [file])


def revision(id_: str, *, contracts: str = "") -> Revision:
    phase = Phase.CONTRACT if contracts else Phase.EXPAND
    return Revision("api/versions", id_, None, phase, contracts, Where(Path(id_)), ast.parse(""))


@pytest.mark.parametrize(
    ("deployable", "early"),
    [
        ({}, []),  # nothing runs yet
        ({"before": ["0001", "0002"]}, []),  # it has the expansion
        ({"before": ["0001"]}, ["before"]),  # it still needs what is taken away
        ({"before": ["0001", "0002"], "older": ["0001"]}, ["older"]),
    ],
)
def test_a_contraction_waits_for_every_release_that_may_serve(
    deployable: dict[str, list[str]], early: list[str]
) -> None:
    applied = [revision("0002"), revision("0003", contracts="0002")]
    others = {name: [revision(it) for it in ids] for name, ids in deployable.items()}

    found = list(too_early(applied, others))

    assert [it.release for it in found] == early
    assert {it.revision.id for it in found} <= {"0003"}
