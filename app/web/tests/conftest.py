"""What the tests share: a book in memory, a client for it, and a real database where one is named."""

import datetime
import itertools
import os
from collections.abc import Iterator

import psycopg
import pytest
from starlette.testclient import TestClient

from guestbook import book, entries, settings, web


class MemoryBook:
    """A book without a database. `away` makes it fail as a database does."""

    def __init__(self) -> None:
        self.written: list[entries.Entry] = []
        self.away: str | None = None
        self._numbers = itertools.count(1)

    async def latest(self) -> list[entries.Entry]:
        await self.ready()
        return sorted(self.written, key=lambda entry: -entry.id)[: book.SHOWN]

    async def add(self, new: entries.New) -> entries.Entry:
        await self.ready()
        written = datetime.datetime(2026, 11, 23, 12, 30, tzinfo=datetime.UTC)
        entry = entries.Entry(id=next(self._numbers), name=new.name, message=new.message, written=written)
        self.written.append(entry)
        return entry

    async def ready(self) -> None:
        if self.away:
            raise book.AwayError(self.away)


@pytest.fixture
def memory() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def client(memory: MemoryBook) -> Iterator[TestClient]:
    with TestClient(web.application(memory, "web-7c9-abcde"), follow_redirects=False) as made:
        yield made


@pytest.fixture
def database() -> Iterator[settings.Settings]:
    """A new, empty database on the server of TEST_DATABASE_URL, whose user may create databases."""
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        pytest.skip(
            "TEST_DATABASE_URL is not set: it names a PostgreSQL server, postgresql://user:password@host:port/db"
        )
    parts = psycopg.conninfo.conninfo_to_dict(url)
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as server:
        server.execute("DROP DATABASE IF EXISTS guestbook_test")
        server.execute("CREATE DATABASE guestbook_test")
        yield settings.Settings(
            host=str(parts["host"]),
            port=int(parts.get("port") or 5432),
            user=str(parts["user"]),
            database="guestbook_test",
            password=str(parts.get("password") or ""),
            pod="test",
        )
        server.execute("DROP DATABASE guestbook_test WITH (FORCE)")
