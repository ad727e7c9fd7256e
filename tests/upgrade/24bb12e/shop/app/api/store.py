"""The orders, in PostgreSQL."""

import contextlib
import os
import queue
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pg8000.exceptions
import pg8000.native

ITEM_LIMIT = 200


_idle: queue.LifoQueue[pg8000.native.Connection] = queue.LifoQueue()
"""Connections that nobody uses: to log in takes longer than most of what is asked."""


@contextlib.contextmanager
def connection() -> Iterator[pg8000.native.Connection]:
    """A connection for one piece of work; it is kept for the next, unless the work fails."""
    database = _kept() or pg8000.native.Connection(
        "shop",
        host=os.environ["DB_HOST"],
        port=int(os.environ["DB_PORT"]),
        database="shop",
        password=Path(os.environ["POSTGRES_PASSWORD_FILE"]).read_text(),
        timeout=5,
    )
    try:
        yield database
    except BaseException:
        _close(database)
        raise
    _idle.put(database)


def _kept() -> pg8000.native.Connection | None:
    """One that still works: the database may have been replaced since."""
    while True:
        try:
            database = _idle.get_nowait()
        except queue.Empty:
            return None
        try:
            database.run("SELECT 1")
        except (pg8000.exceptions.Error, OSError):
            _close(database)
        else:
            return database


def _close(database: pg8000.native.Connection) -> None:
    with contextlib.suppress(pg8000.exceptions.Error, OSError):
        database.close()


def ready() -> None:
    """Raises if the database does not answer."""
    with connection() as database:
        database.run("SELECT 1")


def migrate(patience: float = 30) -> None:
    """Makes the table; safe to repeat. Waits ``patience`` seconds for a database that is just starting."""
    end = time.monotonic() + patience
    while True:
        try:
            with connection() as database:
                database.run(
                    "CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, item text NOT NULL,"
                    " state text NOT NULL DEFAULT 'open')"
                )
                return
        except pg8000.native.InterfaceError:
            if time.monotonic() > end:
                raise
            time.sleep(1)


def orders() -> list[dict[str, Any]]:
    """The newest orders first."""
    with connection() as database:
        rows = database.run("SELECT id, item, state FROM orders ORDER BY id DESC LIMIT 50")
    return [{"id": number, "item": item, "state": state} for number, item, state in rows or []]


def add(item: str) -> int:
    """Adds an order and returns its number."""
    with connection() as database:
        rows = database.run("INSERT INTO orders (item) VALUES (:item) RETURNING id", item=item[:ITEM_LIMIT])
    return (rows or [])[0][0]


def pack() -> int | None:
    """Packs the oldest open order and returns its number; two workers never get the same one."""
    with connection() as database:
        rows = database.run(
            "UPDATE orders SET state = 'packed' WHERE id = (SELECT id FROM orders WHERE state = 'open'"
            " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
        )
    return rows[0][0] if rows else None
