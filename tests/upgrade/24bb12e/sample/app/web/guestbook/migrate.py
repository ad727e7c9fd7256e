"""Brings the database to this code's version: `python -m guestbook.migrate`.

Files in migrations/ are applied in order, each once, each in one transaction together with its note in the table
`migrations`. Running it again, or twice at once, changes nothing: one run works at a time, the others wait.
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
"""Any number, as long as nothing else in this database locks the same."""

PATIENCE = 60
"""Seconds to wait for a database that is just starting."""


class MigrationError(Exception):
    """The database was left as it was; the text says why."""


def connect(given: settings.Settings, *, patience: float = PATIENCE) -> psycopg.Connection:
    """A connection, waiting for the database with growing pauses. Raises MigrationError after `patience` seconds."""
    until, pause = time.monotonic() + patience, 0.25
    while True:
        try:
            return psycopg.connect(**given.connection(), autocommit=True)
        except psycopg.OperationalError as error:
            why = str(error).strip().replace("\n", "; ")
            if time.monotonic() + pause > until:
                raise MigrationError(f"no connection to {given.host}:{given.port} in {patience:g} s: {why}") from error
            log.info("the database is not there yet", extra={"why": why, "again_in_seconds": pause})
            time.sleep(pause)
            pause = min(pause * 2, 4)


def migrate(connection: psycopg.Connection, folder: pathlib.Path, say: Callable[[str], None]) -> int:
    """Apply what is missing; return how many were. Raises MigrationError, psycopg.Error."""
    # A migration may take its time, but must not wait for ever on a lock that a running pod holds.
    connection.execute("SET statement_timeout = 0")
    connection.execute("SET lock_timeout = '30s'")
    connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations ("
            "version integer PRIMARY KEY, name text NOT NULL, hash text NOT NULL, applied timestamptz DEFAULT now())"
        )
        done = dict(connection.execute("SELECT version, hash FROM migrations").fetchall())
        applied = 0
        for file in sorted(folder.glob("*.sql")):
            version, digest = int(file.name.partition("_")[0]), hashlib.sha256(file.read_bytes()).hexdigest()
            if version in done:
                if done[version] != digest:
                    raise MigrationError(f"{file.name} was applied with other content; add a new file instead")
                continue
            with connection.transaction():
                connection.execute(file.read_text(encoding="utf-8"))
                note = "INSERT INTO migrations (version, name, hash) VALUES (%s, %s, %s)"
                connection.execute(note, (version, file.name, digest))
            say(f"applied {file.name}")
            applied += 1
        return applied
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def main() -> int:
    """Exit 0: the database is at this version. Exit 1: it is as it was before; the last line says why."""
    logs.configure()
    try:
        with connect(settings.read()) as connection:
            applied = migrate(connection, book.MIGRATIONS, log.info)
    except (settings.IncompleteError, MigrationError, psycopg.Error) as error:
        log.critical("not migrated: %s", str(error).strip())
        return 1
    log.info("the database is ready", extra={"applied": applied, "version": book.known_version()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
