"""Cron expressions, as Kubernetes parses them."""

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
def test_valid_schedules_have_no_error(text: str) -> None:
    assert cron.find_error(text) is None


INVALID = [
    "0 3 * *",
    "daily",
    "0 0 3 * * *",
    "60 * * * *",
    "0 24 * * *",
    "0 0 0 * *",
    "0 0 1 13 *",
    "0 0 * * 7",
    "0 0 * * fri-mon",
    "*/0 * * * *",
    "5, * * * *",
    "0 0 31 2,4 *",
    "@dayly",
    "@every soon",
    "TZ=UTC 0 3 * * *",
]


def test_invalid_schedules_have_an_error(wording: object) -> None:
    errors = {text: cron.find_error(text) for text in INVALID}
    assert None not in errors.values()
    assert [f"{text}: {error}" for text, error in errors.items()] == wording


@pytest.mark.parametrize("minute", ["9" * 5000, f"*/{'9' * 5000}", "\u0663"])
def test_a_number_that_python_does_not_convert(minute: str) -> None:
    assert cron.find_error(f"{minute} * * * *")
