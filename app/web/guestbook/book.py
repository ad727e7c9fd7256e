"""The entries, in PostgreSQL."""

import asyncio
import pathlib
from typing import Protocol

import psycopg
import psycopg_pool

from guestbook import entries, settings

MIGRATIONS = pathlib.Path(__file__).with_name("migrations")
MAX_LISTED = 50
"""Entries on the page and in a response, newest first."""


class UnavailableError(Exception):
    """The database cannot be used at this moment. The message is the reason."""


class Book(Protocol):
    """The storage of entries. The tests use one in memory."""

    async def list_entries(self) -> list[entries.Entry]:
        """Return the newest entries, newest first. Raises UnavailableError."""
        ...

    async def add_entry(self, new_entry: entries.NewEntry) -> entries.Entry:
        """Store an entry and return it with its id. Raises UnavailableError."""
        ...

    async def check_ready(self) -> None:
        """Return if entries can be read and written. Otherwise raise UnavailableError."""
        ...


def find_newest_version() -> int:
    """Return the number of the newest migration of this code."""
    return max(int(file.name.partition("_")[0]) for file in MIGRATIONS.glob("*.sql"))


class PostgresBook:
    """The entries in PostgreSQL. Connections are checked before use and replaced after a restart of the database."""

    def __init__(self, database_settings: settings.Settings) -> None:
        self._version = find_newest_version()
        self._pool = psycopg_pool.AsyncConnectionPool(
            kwargs=database_settings.get_connection_arguments() | {"autocommit": True},
            min_size=1,
            max_size=5,
            timeout=4,  # seconds that a request waits for a connection
            # The pauses of the pool double without a limit: give up early, and reconnect with the next request.
            reconnect_timeout=3,
            check=psycopg_pool.AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Start connecting, without waiting: the database may start later than this process."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close(timeout=5)

    async def list_entries(self) -> list[entries.Entry]:
        """See Book."""
        rows = await self._query(
            "SELECT id, name, message, written FROM entries ORDER BY id DESC LIMIT %s", (MAX_LISTED,)
        )
        return [_create_entry(row) for row in rows]

    async def add_entry(self, new_entry: entries.NewEntry) -> entries.Entry:
        """See Book."""
        insert = "INSERT INTO entries (name, message) VALUES (%s, %s) RETURNING id, name, message, written"
        rows = await self._query(insert, (new_entry.name, new_entry.message))
        return _create_entry(rows[0])

    async def check_ready(self) -> None:
        """See Book. A newer database is fine: old pods keep serving while a migration runs."""
        try:
            async with asyncio.timeout(2):  # shorter than the timeout of the readiness probe
                rows = await self._query("SELECT coalesce(max(version), 0) FROM migrations", ())
        except TimeoutError as error:
            raise UnavailableError("the database did not answer within 2 s") from error
        if rows[0][0] < self._version:
            raise UnavailableError(f"the database is at migration {rows[0][0]}, this code requires {self._version}")

    async def _query(self, statement: str, parameters: tuple[object, ...]) -> list[tuple]:
        try:
            async with self._pool.connection() as connection:
                return await (await connection.execute(statement, parameters)).fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise UnavailableError("the database has no tables yet; the job `migrate` creates them") from error
        except (psycopg.OperationalError, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed) as error:
            raise UnavailableError(f"the database cannot be used: {error}") from error


def _create_entry(row: tuple) -> entries.Entry:
    id_, name, message, written = row
    return entries.Entry(id=id_, name=name, message=message, written=written)
