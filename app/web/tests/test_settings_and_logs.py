"""Settings from the environment, and the format of the log."""

import json
import logging
import pathlib
import sys

import pytest

from guestbook import logs, settings

VARIABLES = {
    "DB_HOST": "db",
    "DB_PORT": "5432",
    "POSTGRES_USER": "guestbook",
    "POSTGRES_DB": "guestbook",
    "HOSTNAME": "web-1",
}


@pytest.fixture
def variables(tmp_path: pathlib.Path) -> dict[str, str]:
    """The variables in the cluster: the password is in a file."""
    file = tmp_path / "POSTGRES_PASSWORD"
    file.write_text("hidden")
    return {**VARIABLES, "POSTGRES_PASSWORD_FILE": str(file)}


def test_settings_come_from_the_environment_and_hide_the_password(variables: dict[str, str]) -> None:
    read = settings.read_settings(variables)
    assert (read.host, read.port, read.pod) == ("db", 5432, "web-1")
    assert read.get_connection_arguments()["password"] == "hidden"
    assert "hidden" not in repr(read)


def test_password_may_be_a_variable() -> None:
    assert settings.read_settings({**VARIABLES, "POSTGRES_PASSWORD": "typed"}).password == "typed"


def test_missing_variables_are_reported() -> None:
    with pytest.raises(settings.MissingSettingsError, match="not set: DB_HOST, POSTGRES_PASSWORD_FILE; see calls"):
        settings.read_settings({**VARIABLES, "DB_HOST": ""})


def test_missing_password_file_is_reported(variables: dict[str, str]) -> None:
    pathlib.Path(variables["POSTGRES_PASSWORD_FILE"]).unlink()
    with pytest.raises(settings.MissingSettingsError) as error:
        settings.read_settings(variables)
    file = variables["POSTGRES_PASSWORD_FILE"]
    assert str(error.value) == f"POSTGRES_PASSWORD_FILE: {file} cannot be read (No such file or directory)"


def test_log_line_has_extra_fields_and_the_traceback() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        error = sys.exc_info()
    record = logging.LogRecord("a.b", logging.WARNING, "f.py", 1, "user %s", ("ada",), error)
    record.status = 503
    line = logs.JsonFormatter().format(record)
    assert "\n" not in line
    fields = json.loads(line)
    assert (fields["level"], fields["logger"], fields["message"], fields["status"]) == (
        "warning",
        "a.b",
        "user ada",
        503,
    )
    assert fields["exception"].endswith("ValueError: two\nlines")
