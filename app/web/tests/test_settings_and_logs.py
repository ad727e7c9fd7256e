"""What is read from the environment, and what goes to the log."""

import json
import logging
import sys

import pytest

from guestbook import logs, settings

WHOLE = {
    "DB_HOST": "db",
    "DB_PORT": "5432",
    "POSTGRES_USER": "guestbook",
    "POSTGRES_DB": "guestbook",
    "POSTGRES_PASSWORD": "hidden",
    "HOSTNAME": "web-1",
}


def test_settings_come_from_the_environment_and_hide_the_password() -> None:
    given = settings.read(WHOLE)
    assert (given.host, given.port, given.pod) == ("db", 5432, "web-1")
    assert given.connection()["password"] == "hidden"
    assert "hidden" not in repr(given)


def test_all_missing_variables_are_named() -> None:
    with pytest.raises(settings.IncompleteError, match=r"DB_HOST, POSTGRES_PASSWORD not set; see app\.yaml"):
        settings.read({**WHOLE, "DB_HOST": "", "POSTGRES_PASSWORD": ""})


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
