"""Fixtures: a book in memory, a client, and a real database if TEST_DATABASE_URL is set."""

import datetime
import itertools
import os
from collections.abc import Iterator

import psycopg
import pytest
from starlette.testclient import TestClient

from guestbook import book, entries, settings, web


class MemoryBook:
    """A book without a database. `unavailable_reason` makes it fail."""

    def __init__(self) -> None:
        self.stored: list[entries.Entry] = []
        self.unavailable_reason: str | None = None
        self._ids = itertools.count(1)

    async def list_entries(self) -> list[entries.Entry]:
        await self.check_ready()
        return sorted(self.stored, key=lambda entry: -entry.id)[: book.MAX_LISTED]

    async def add_entry(self, new_entry: entries.NewEntry) -> entries.Entry:
        await self.check_ready()
        written = datetime.datetime(2026, 11, 23, 12, 30, tzinfo=datetime.UTC)
        entry = entries.Entry(id=next(self._ids), name=new_entry.name, message=new_entry.message, written=written)
        self.stored.append(entry)
        return entry

    async def check_ready(self) -> None:
        if self.unavailable_reason:
            raise book.UnavailableError(self.unavailable_reason)


@pytest.fixture
def memory() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def client(memory: MemoryBook) -> Iterator[TestClient]:
    with TestClient(web.create_application(memory, "web-7c9-abcde"), follow_redirects=False) as test_client:
        yield test_client


@pytest.fixture
def database() -> Iterator[settings.Settings]:
    """A new, empty database on the server of TEST_DATABASE_URL, whose user may create databases."""
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        pytest.skip("set TEST_DATABASE_URL to a PostgreSQL server: postgresql://user:password@host:port/db")
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
