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

MAX_PRODUCT_LENGTH = 200


_idle: queue.LifoQueue[pg8000.native.Connection] = queue.LifoQueue()
"""Unused connections. Logging in takes longer than most queries."""


@contextlib.contextmanager
def connect() -> Iterator[pg8000.native.Connection]:
    """Yield a connection. It is used again later, unless the block fails."""
    database = _find_idle_connection() or pg8000.native.Connection(
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


def _find_idle_connection() -> pg8000.native.Connection | None:
    """Return an idle connection that still works. A restart of the database breaks connections."""
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


def check_ready() -> None:
    """Raise if the database does not answer."""
    with connect() as database:
        database.run("SELECT 1")


def migrate(timeout: float = 30) -> None:
    """Create the table if it does not exist. Waits ``timeout`` seconds for a database that is starting."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            with connect() as database:
                database.run(
                    "CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, item text NOT NULL,"
                    " state text NOT NULL DEFAULT 'open')"
                )
                return
        except pg8000.native.InterfaceError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def list_orders() -> list[dict[str, Any]]:
    """Return the newest orders, newest first."""
    with connect() as database:
        rows = database.run("SELECT id, item, state FROM orders ORDER BY id DESC LIMIT 50")
    return [{"id": id_, "item": product, "state": state} for id_, product, state in rows or []]


def add_order(product: str) -> int:
    """Add an order and return its id."""
    with connect() as database:
        rows = database.run("INSERT INTO orders (item) VALUES (:item) RETURNING id", item=product[:MAX_PRODUCT_LENGTH])
    return (rows or [])[0][0]


def pack_order() -> int | None:
    """Pack the oldest open order and return its id. Two workers never get the same order."""
    with connect() as database:
        rows = database.run(
            "UPDATE orders SET state = 'packed' WHERE id = (SELECT id FROM orders WHERE state = 'open'"
            " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
        )
    return rows[0][0] if rows else None
