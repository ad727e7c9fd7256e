"""The book itself, in PostgreSQL."""

import asyncio
import pathlib
from typing import Protocol

import psycopg
import psycopg_pool

from guestbook import entries, settings

MIGRATIONS = pathlib.Path(__file__).with_name("migrations")
SHOWN = 50
"""How many entries a page or an answer holds, newest first."""


class AwayError(Exception):
    """The database cannot be used now; the text says why."""


class Book(Protocol):
    """What the pages need. The tests give them one in memory."""

    async def latest(self) -> list[entries.Entry]:
        """The newest entries, newest first. Raises AwayError."""
        ...

    async def add(self, new: entries.New) -> entries.Entry:
        """Write an entry. Raises AwayError."""
        ...

    async def ready(self) -> None:
        """Return if entries can be read and written. Raises AwayError."""
        ...


def known_version() -> int:
    """The number of the newest migration that came with this code."""
    return max(int(file.name.partition("_")[0]) for file in MIGRATIONS.glob("*.sql"))


class PostgresBook:
    """A book in PostgreSQL, over a few connections that are checked before use and made again after a restart."""

    def __init__(self, given: settings.Settings) -> None:
        self._version = known_version()
        self._pool = psycopg_pool.AsyncConnectionPool(
            kwargs=given.connection() | {"autocommit": True},
            min_size=1,
            max_size=5,
            timeout=4,  # seconds that a request waits for a connection
            # Give up early and start anew with the next request: the pool's own pauses double without an end.
            reconnect_timeout=3,
            check=psycopg_pool.AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Begin to connect; does not wait, for the database may come later than we do."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close(timeout=5)

    async def latest(self) -> list[entries.Entry]:
        """See Book."""
        rows = await self._ask("SELECT id, name, message, written FROM entries ORDER BY id DESC LIMIT %s", (SHOWN,))
        return [_entry(row) for row in rows]

    async def add(self, new: entries.New) -> entries.Entry:
        """See Book."""
        insert = "INSERT INTO entries (name, message) VALUES (%s, %s) RETURNING id, name, message, written"
        rows = await self._ask(insert, (new.name, new.message))
        return _entry(rows[0])

    async def ready(self) -> None:
        """See Book. A database that is newer than this code is fine: old pods serve on while a migration is done."""
        try:
            async with asyncio.timeout(2):  # the cluster asks again soon, and waits no longer
                rows = await self._ask("SELECT coalesce(max(version), 0) FROM migrations", ())
        except TimeoutError as error:
            raise AwayError("the database does not answer within 2 s") from error
        if rows[0][0] < self._version:
            raise AwayError(f"the database is at migration {rows[0][0]}, this code needs {self._version}")

    async def _ask(self, query: str, values: tuple[object, ...]) -> list[tuple]:
        try:
            async with self._pool.connection() as connection:
                return await (await connection.execute(query, values)).fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise AwayError("the database has no tables yet; the job `migrate` makes them") from error
        except (psycopg.OperationalError, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed) as error:
            raise AwayError(f"the database cannot be used: {error}") from error


def _entry(row: tuple) -> entries.Entry:
    number, name, message, written = row
    return entries.Entry(id=number, name=name, message=message, written=written)
