"""Passwords in URLs, as programs print them when they cannot connect."""

import pytest

from seaway.syntax import redaction


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://shop:S3cr3tPassw0rd@db:5432/shop", "postgresql://shop:***@db:5432/shop"),
        ("redis://:S3cr3t@cache, redis://:S3cr3t@other", "redis://:***@cache, redis://:***@other"),
        ("amqp://a:S3cr3t@h1,amqp://b:S3cr3t@h2", "amqp://a:***@h1,amqp://b:***@h2"),
        ("mongodb://u:S3cr3t/x:y@z@h/db", "mongodb://u:***@h/db"),
        ('{"url":"mysql://u:S3cr3t@h/db"}', '{"url":"mysql://u:***@h/db"}'),
        ("https://ghp_S3cr3t@github.com/x.git", "https://***@github.com/x.git"),
        ("HTTPS://u:S3cr3t@h", "HTTPS://u:***@h"),
        ("host=db password=S3cr3t dbname=x", "host=db password=*** dbname=x"),
        ("db/x?user=a&sslpassword=S3cr3t&x=1", "db/x?user=a&sslpassword=***&x=1"),
        ("ssh://git@example.com/x", None),
        ("http://api:8000/users/a@b.example", None),
        ("https://registry.npmjs.org/@types/node", None),
        ("registry.example.com/web@sha256:00", None),
        ("http://api:8000 refused", None),
    ],
)
def test_passwords_are_hidden(text: str, expected: str | None) -> None:
    assert redaction.redact_passwords(text) == (expected or text)


@pytest.mark.parametrize("text", ["://" * 100_000, "a:" * 150_000, "x://u:" * 50_000, f"x://{':@' * 150_000}"])
def test_long_lines_take_linear_time(text: str) -> None:
    """A quadratic scan of these would exceed the time limit of the test run."""
    assert len(redaction.redact_passwords(text)) <= len(text)
