"""With a real PostgreSQL: migrations, the book, and lost connections."""

import asyncio
import concurrent.futures
import pathlib

import psycopg
import pytest

from guestbook import book, entries, migrate, settings

NEW = entries.NewEntry(name="Ada", message="Hello")


def apply_migrations(database: settings.Settings, folder: pathlib.Path = book.MIGRATIONS) -> int:
    with migrate.connect(database, timeout=5) as connection:
        return migrate.migrate(connection, folder, print)


def test_repeated_migration_changes_nothing(database) -> None:
    assert apply_migrations(database) == len(list(book.MIGRATIONS.glob("*.sql")))
    assert apply_migrations(database) == 0


def test_concurrent_runs_apply_each_file_once(database) -> None:
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        counts = list(pool.map(lambda _: apply_migrations(database), range(5)))
    assert sorted(counts) == [0, 0, 0, 0, len(list(book.MIGRATIONS.glob("*.sql")))]


def test_failed_migration_changes_nothing(database, tmp_path) -> None:
    (tmp_path / "0001_half.sql").write_text("CREATE TABLE half (x int); SELECT * FROM nowhere;")
    with pytest.raises(psycopg.errors.UndefinedTable):
        apply_migrations(database, tmp_path)
    (tmp_path / "0001_half.sql").write_text("CREATE TABLE half (x int);")
    assert apply_migrations(database, tmp_path) == 1


def test_changed_migration_is_rejected(database, tmp_path) -> None:
    file = tmp_path / "0001_a.sql"
    file.write_text("CREATE TABLE a (x int)")
    apply_migrations(database, tmp_path)
    file.write_text("CREATE TABLE a (x bigint)")
    with pytest.raises(migrate.MigrationError, match=r"0001_a\.sql was applied with other content"):
        apply_migrations(database, tmp_path)


def test_unreachable_database_is_reported_with_the_reason() -> None:
    nowhere = settings.Settings(host="127.0.0.1", port=1, user="u", database="d", password="p", pod="test")
    with pytest.raises(migrate.MigrationError, match=r"no connection to 127\.0\.0\.1:1 in 0\.5 s: .*refused"):
        migrate.connect(nowhere, timeout=0.5)


def test_entries_are_stored_and_the_database_enforces_limits(database) -> None:
    apply_migrations(database)

    async def use_store() -> list[entries.Entry]:
        store = book.PostgresBook(database)
        await store.open()
        try:
            await store.check_ready()
            await store.add_entry(NEW)
            await store.add_entry(entries.NewEntry(name="Bob", message="'; DROP TABLE entries; --"))
            with pytest.raises(psycopg.errors.CheckViolation):
                await store.add_entry(entries.NewEntry(name="", message="m"))
            return await store.list_entries()
        finally:
            await store.close()

    assert [(entry.name, entry.message) for entry in asyncio.run(use_store())] == [
        ("Bob", "'; DROP TABLE entries; --"),
        ("Ada", "Hello"),
    ]


def test_empty_database_is_not_ready(database) -> None:
    async def use_store() -> None:
        store = book.PostgresBook(database)
        await store.open()
        try:
            await store.check_ready()
        finally:
            await store.close()

    with pytest.raises(book.UnavailableError, match="the job `migrate` creates them"):
        asyncio.run(use_store())


def test_closed_connections_are_replaced(database) -> None:
    apply_migrations(database)

    async def use_store() -> None:
        store = book.PostgresBook(database)
        await store.open()
        try:
            await store.add_entry(NEW)
            with psycopg.connect(**database.get_connection_arguments(), autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            await store.add_entry(NEW)
            assert len(await store.list_entries()) == 2
        finally:
            await store.close()

    asyncio.run(use_store())
