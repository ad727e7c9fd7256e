"""What the environment says: the only place that reads it."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path


class IncompleteError(Exception):
    """Something is missing; the text names all of it."""


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
    """The settings. DB_HOST and DB_PORT come from `calls: [db]`, the password from a file. Raises IncompleteError."""
    needed = ("DB_HOST", "DB_PORT", "POSTGRES_USER", "POSTGRES_DB")
    missing = [name for name in needed if not environment.get(name)]
    password = _secret("POSTGRES_PASSWORD", environment)
    if missing or not password:
        names = [*missing, *([] if password else ["POSTGRES_PASSWORD_FILE"])]
        raise IncompleteError(f"environment: {', '.join(names)} not set; see app.yaml: calls, env and secrets")
    return Settings(
        host=environment["DB_HOST"],
        port=int(environment["DB_PORT"]),
        user=environment["POSTGRES_USER"],
        database=environment["POSTGRES_DB"],
        password=password,
        pod=environment.get("HOSTNAME", "unknown"),
    )


def _secret(name: str, environment: Mapping[str, str]) -> str | None:
    """A secret's value: in the file that NAME_FILE names, as `secrets:` gives it; or in NAME, by hand on a laptop."""
    file = environment.get(f"{name}_FILE")
    if not file:
        return environment.get(name)
    try:
        return Path(file).read_text()
    except OSError as error:
        raise IncompleteError(f"{name}_FILE: {file} cannot be read ({error.strerror})") from None
