"""What the environment says: the only place that reads it."""

import dataclasses
import os
from collections.abc import Mapping


class IncompleteError(Exception):
    """Variables are missing; the text names all of them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the database is and who we are. Never printed: it holds a password."""

    host: str
    port: int
    user: str
    database: str
    password: str = dataclasses.field(repr=False)
    pod: str

    def connection(self) -> dict[str, str | int]:
        """Arguments for psycopg, with limits so that a database that is away is noticed within seconds."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "dbname": self.database,
            "password": self.password,
            "application_name": f"guestbook {self.pod}"[:63],  # PostgreSQL cuts at 63 bytes, with a notice
            "connect_timeout": 3,
            "options": "-c statement_timeout=5000",  # milliseconds
            # A node that vanished says nothing: notice within half a minute.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        }


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings. DB_HOST and DB_PORT come from `calls: [db]`. Raises IncompleteError."""
    needed = ("DB_HOST", "DB_PORT", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD")
    if missing := [name for name in needed if not environment.get(name)]:
        raise IncompleteError(f"environment: {', '.join(missing)} not set; see app.yaml: calls, env and secrets")
    return Settings(
        host=environment["DB_HOST"],
        port=int(environment["DB_PORT"]),
        user=environment["POSTGRES_USER"],
        database=environment["POSTGRES_DB"],
        password=environment["POSTGRES_PASSWORD"],
        pod=environment.get("HOSTNAME", "unknown"),
    )
