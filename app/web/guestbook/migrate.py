"""Migrates the database to the version of this code: `python -m guestbook.migrate`.

Applies each file in migrations/ once, in order, in a transaction that also records it in the table `migrations`.
A repeated run changes nothing. Of several runs at the same time, one works and the others wait.
"""

import hashlib
import logging
import pathlib
import sys
import time
from collections.abc import Callable

import psycopg

from guestbook import book, logs, settings

log = logging.getLogger("guestbook.migrate")

LOCK = 7_011_223
"""The key of the advisory lock: any number that nothing else in this database uses."""

CONNECT_TIMEOUT = 60
"""Seconds to wait for a database that is starting."""


class MigrationError(Exception):
    """The migration failed and has changed nothing. The message is the reason."""


def connect(database_settings: settings.Settings, *, timeout: float = CONNECT_TIMEOUT) -> psycopg.Connection:
    """Connect, and retry with growing pauses. Raises MigrationError after `timeout` seconds."""
    deadline, pause = time.monotonic() + timeout, 0.25
    while True:
        try:
            return psycopg.connect(**database_settings.get_connection_arguments(), autocommit=True)
        except psycopg.OperationalError as error:
            reason = str(error).strip().replace("\n", "; ")
            if time.monotonic() + pause > deadline:
                address = f"{database_settings.host}:{database_settings.port}"
                raise MigrationError(f"no connection to {address} in {timeout:g} s: {reason}") from error
            log.info("the database is not available yet", extra={"reason": reason, "retry_in_seconds": pause})
            time.sleep(pause)
            pause = min(pause * 2, 4)


def migrate(connection: psycopg.Connection, folder: pathlib.Path, print_line: Callable[[str], None]) -> int:
    """Apply the missing migrations and return their number. Raises MigrationError, psycopg.Error."""
    # A migration may take long, but must not wait forever for a lock that a running pod holds.
    connection.execute("SET statement_timeout = 0")
    connection.execute("SET lock_timeout = '30s'")
    connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations ("
            "version integer PRIMARY KEY, name text NOT NULL, hash text NOT NULL, applied timestamptz DEFAULT now())"
        )
        known_hashes = dict(connection.execute("SELECT version, hash FROM migrations").fetchall())
        count = 0
        for file in sorted(folder.glob("*.sql")):
            version, digest = int(file.name.partition("_")[0]), hashlib.sha256(file.read_bytes()).hexdigest()
            if version in known_hashes:
                if known_hashes[version] != digest:
                    raise MigrationError(f"{file.name} was applied with other content; add a new file instead")
                continue
            with connection.transaction():
                connection.execute(file.read_text(encoding="utf-8"))
                insert = "INSERT INTO migrations (version, name, hash) VALUES (%s, %s, %s)"
                connection.execute(insert, (version, file.name, digest))
            print_line(f"applied {file.name}")
            count += 1
        return count
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def main() -> int:
    """Return 0: the database has the version of this code. 1: nothing was changed; the last line is the reason."""
    logs.configure()
    try:
        with connect(settings.read_settings()) as connection:
            count = migrate(connection, book.MIGRATIONS, log.info)
    except (settings.MissingSettingsError, MigrationError, psycopg.Error) as error:
        log.critical("the migration failed: %s", str(error).strip())
        return 1
    log.info("the database is ready", extra={"applied": count, "version": book.find_newest_version()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
