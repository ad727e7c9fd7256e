"""What is read from the environment, and what goes to the log."""

import json
import logging
import pathlib
import sys

import pytest

from guestbook import logs, settings

WHOLE = {
    "DB_HOST": "db",
    "DB_PORT": "5432",
    "POSTGRES_USER": "guestbook",
    "POSTGRES_DB": "guestbook",
    "HOSTNAME": "web-1",
}


@pytest.fixture
def whole(tmp_path: pathlib.Path) -> dict[str, str]:
    """The environment as the cluster gives it: the password is in a file."""
    file = tmp_path / "POSTGRES_PASSWORD"
    file.write_text("hidden")
    return {**WHOLE, "POSTGRES_PASSWORD_FILE": str(file)}


def test_settings_come_from_the_environment_and_hide_the_password(whole: dict[str, str]) -> None:
    given = settings.read(whole)
    assert (given.host, given.port, given.pod) == ("db", 5432, "web-1")
    assert given.connection()["password"] == "hidden"
    assert "hidden" not in repr(given)


def test_on_a_laptop_the_password_may_be_a_variable() -> None:
    assert settings.read({**WHOLE, "POSTGRES_PASSWORD": "typed"}).password == "typed"


def test_all_missing_variables_are_named() -> None:
    with pytest.raises(settings.IncompleteError, match=r"DB_HOST, POSTGRES_PASSWORD_FILE not set; see app\.yaml"):
        settings.read({**WHOLE, "DB_HOST": ""})


def test_a_password_file_that_is_not_there_is_named(whole: dict[str, str]) -> None:
    pathlib.Path(whole["POSTGRES_PASSWORD_FILE"]).unlink()
    with pytest.raises(settings.IncompleteError) as error:
        settings.read(whole)
    file = whole["POSTGRES_PASSWORD_FILE"]
    assert str(error.value) == f"POSTGRES_PASSWORD_FILE: {file} cannot be read (No such file or directory)"


def test_a_log_line_is_json_with_what_extra_gave_and_the_traceback() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        error = sys.exc_info()
    record = logging.LogRecord("a.b", logging.WARNING, "f.py", 1, "said %s", ("so",), error)
    record.status = 503
    line = logs.JsonFormatter().format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["logger"], said["message"], said["status"]) == ("warning", "a.b", "said so", 503)
    assert said["exception"].endswith("ValueError: two\nlines")
