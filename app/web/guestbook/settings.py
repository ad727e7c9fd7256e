"""The settings. Only this module reads environment variables."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path


class MissingSettingsError(Exception):
    """Settings are missing. The message names all of them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The database, and the name of this pod. `repr` hides the password."""

    host: str
    port: int
    user: str
    database: str
    password: str = dataclasses.field(repr=False)
    pod: str

    def get_connection_arguments(self) -> dict[str, str | int]:
        """Return the arguments for psycopg, with timeouts that detect an unreachable database within seconds."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "dbname": self.database,
            "password": self.password,
            "application_name": f"guestbook {self.pod}"[:63],  # PostgreSQL truncates it to 63 bytes, with a notice
            "connect_timeout": 3,
            "options": "-c statement_timeout=5000",  # milliseconds
            # Detects a lost node within half a minute.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        }


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. `calls: [db]` sets DB_HOST and DB_PORT. Raises MissingSettingsError."""
    required = ("DB_HOST", "DB_PORT", "POSTGRES_USER", "POSTGRES_DB")
    missing = [name for name in required if not environment.get(name)]
    password = _read_secret("POSTGRES_PASSWORD", environment)
    if missing or not password:
        names = [*missing, *([] if password else ["POSTGRES_PASSWORD_FILE"])]
        raise MissingSettingsError(f"not set: {', '.join(names)}; see calls, env and secrets in app.yaml")
    return Settings(
        host=environment["DB_HOST"],
        port=int(environment["DB_PORT"]),
        user=environment["POSTGRES_USER"],
        database=environment["POSTGRES_DB"],
        password=password,
        pod=environment.get("HOSTNAME", "unknown"),
    )


def _read_secret(name: str, environment: Mapping[str, str]) -> str | None:
    """Read a secret from the file in NAME_FILE, which `secrets:` sets, or else from the variable NAME."""
    file = environment.get(f"{name}_FILE")
    if not file:
        return environment.get(name)
    try:
        return Path(file).read_text()
    except OSError as error:
        raise MissingSettingsError(f"{name}_FILE: {file} cannot be read ({error.strerror})") from None
