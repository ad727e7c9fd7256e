"""Cron's five fields: what Kubernetes takes, and what it refuses or what never comes."""

import pytest

from seaway.model.validate import cron


@pytest.mark.parametrize(
    "text",
    [
        "0 3 * * *",
        "*/15 * * * *",
        "0 8-18/2 * * mon-fri",
        "0,30 9 1,15 JAN,jul ?",
        "10/20 0 * * 0",
        "0 0 29 2 *",
        "0 0 31 2 mon",  # days of a month and of a week add up
        "0 0 31 1-2 *",
        "@daily",
        "@every 1h30m",
    ],
)
def test_a_schedule(text: str) -> None:
    assert cron.find_error(text) is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("0 3 * *", "has 4 fields, and cron has five"),
        ("daily", "has 1 field, and cron has five"),
        ("0 0 3 * * *", "has 6 fields, and cron has five"),
        ("60 * * * *", "says 60, which is no minute (0 to 59)"),
        ("0 24 * * *", "says 24, which is no hour (0 to 23)"),
        ("0 0 0 * *", "says 0, which is no day of a month (1 to 31)"),
        ("0 0 1 13 *", "says 13, which is no month (1 to 12)"),
        ("0 0 * * 7", "says 7, which is no day of a week (0 to 6)"),
        ("0 0 * * fri-mon", "says fri-mon, which is no day of a week (0 to 6)"),
        ("*/0 * * * *", "says */0, which is no minute (0 to 59)"),
        ("5, * * * *", "says , which is no minute (0 to 59)"),
        ("0 0 31 2,4 *", "never comes: no such month has that day"),
        ("@dayly", "is none of cron's words"),
        ("@every soon", "is none of cron's words"),
        ("TZ=UTC 0 3 * * *", "has 6 fields, and cron has five"),
    ],
)
def test_no_schedule(text: str, wrong: str) -> None:
    assert cron.find_error(text) == wrong
