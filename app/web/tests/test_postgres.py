"""Against a real PostgreSQL: migrations, the book, and a database that goes away and comes back."""

import asyncio
import concurrent.futures
import pathlib

import psycopg
import pytest

from guestbook import book, entries, migrate, settings

NEW = entries.New(name="Ada", message="Hello")


def applied(database: settings.Settings, folder: pathlib.Path = book.MIGRATIONS) -> int:
    with migrate.connect(database, patience=5) as connection:
        return migrate.migrate(connection, folder, print)


def test_migrating_again_changes_nothing(database) -> None:
    assert applied(database) == len(list(book.MIGRATIONS.glob("*.sql")))
    assert applied(database) == 0


def test_runs_at_the_same_time_apply_each_file_once(database) -> None:
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        counts = list(pool.map(lambda _: applied(database), range(5)))
    assert sorted(counts) == [0, 0, 0, 0, len(list(book.MIGRATIONS.glob("*.sql")))]


def test_a_file_that_fails_leaves_nothing_behind(database, tmp_path) -> None:
    (tmp_path / "0001_half.sql").write_text("CREATE TABLE half (x int); SELECT * FROM nowhere;")
    with pytest.raises(psycopg.errors.UndefinedTable):
        applied(database, tmp_path)
    (tmp_path / "0001_half.sql").write_text("CREATE TABLE half (x int);")
    assert applied(database, tmp_path) == 1


def test_a_changed_file_is_refused(database, tmp_path) -> None:
    file = tmp_path / "0001_a.sql"
    file.write_text("CREATE TABLE a (x int)")
    applied(database, tmp_path)
    file.write_text("CREATE TABLE a (x bigint)")
    with pytest.raises(migrate.MigrationError, match=r"0001_a\.sql was applied with other content"):
        applied(database, tmp_path)


def test_waiting_for_a_database_that_never_comes_ends_with_its_reason() -> None:
    nowhere = settings.Settings(host="127.0.0.1", port=1, user="u", database="d", password="p", pod="test")
    with pytest.raises(migrate.MigrationError, match=r"no connection to 127\.0\.0\.1:1 in 0\.5 s: .*refused"):
        migrate.connect(nowhere, patience=0.5)


def test_what_is_written_is_read_and_limits_hold_in_the_database_too(database) -> None:
    applied(database)

    async def use() -> list[entries.Entry]:
        store = book.PostgresBook(database)
        await store.open()
        try:
            await store.ready()
            await store.add(NEW)
            await store.add(entries.New(name="Bob", message="'; DROP TABLE entries; --"))
            with pytest.raises(psycopg.errors.CheckViolation):
                await store.add(entries.New(name="", message="m"))
            return await store.latest()
        finally:
            await store.close()

    assert [(entry.name, entry.message) for entry in asyncio.run(use())] == [
        ("Bob", "'; DROP TABLE entries; --"),
        ("Ada", "Hello"),
    ]


def test_an_empty_database_is_not_ready(database) -> None:
    async def use() -> None:
        store = book.PostgresBook(database)
        await store.open()
        try:
            await store.ready()
        finally:
            await store.close()

    with pytest.raises(book.AwayError, match="the job `migrate` makes them"):
        asyncio.run(use())


def test_connections_that_the_server_closed_are_made_again(database) -> None:
    applied(database)

    async def use() -> None:
        store = book.PostgresBook(database)
        await store.open()
        try:
            await store.add(NEW)
            with psycopg.connect(**database.connection(), autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            await store.add(NEW)
            assert len(await store.latest()) == 2
        finally:
            await store.close()

    asyncio.run(use())
