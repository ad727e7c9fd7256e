"""Fingerprints of secrets, with a key, and without one until the value changes."""

import json

import pytest

from seaway.release import fingerprints

KEY = "0123456789abcdef" * 4
WHERE = ("shop", "prod", "TOKEN")


def test_a_fingerprint_needs_the_key() -> None:
    key, other = (fingerprints.FingerprintKey(key=key) for key in (KEY, KEY[::-1]))
    assert key.compute_fingerprint(*WHERE, "Sommer2024!") != other.compute_fingerprint(*WHERE, "Sommer2024!")
    again = fingerprints.FingerprintKey(key=KEY)
    assert key.compute_fingerprint(*WHERE, "Sommer2024!") == again.compute_fingerprint(*WHERE, "Sommer2024!")


def test_a_fingerprint_covers_application_stack_name_and_value() -> None:
    key = fingerprints.FingerprintKey(key=KEY)
    computed = {
        key.compute_fingerprint(*parts)
        for parts in [(*WHERE, "a"), (*WHERE, "b"), ("shop", "prod", "OTHER", "a"), ("shop", "dev", "TOKEN", "a")]
    }
    computed |= {
        key.compute_fingerprint("other", "prod", "TOKEN", "a"),
        key.compute_fingerprint("sho", "pprod", "TOKEN", "a"),
    }
    assert len(computed) == 6
    assert all(text is not None and fingerprints.is_keyed(text) for text in computed)


def test_an_unkeyed_fingerprint_is_kept_until_the_value_changes() -> None:
    former = fingerprints.compute_unkeyed_fingerprint(*WHERE, "old")
    assert fingerprints.is_unkeyed(former)
    assert not fingerprints.is_keyed(former)
    key = fingerprints.FingerprintKey.parse(
        fingerprints.FingerprintKey(key=fingerprints.generate_key(), unkeyed={"TOKEN": former}).format_setting()
    )
    assert key.compute_fingerprint(*WHERE, "old") == former
    changed = key.compute_fingerprint(*WHERE, "new")
    assert changed is not None
    assert fingerprints.is_keyed(changed)
    # Another secret with the same value has another fingerprint.
    assert key.compute_fingerprint("shop", "prod", "OTHER", "old") != former


def test_without_a_key_only_unkeyed_fingerprints_exist() -> None:
    former = fingerprints.compute_unkeyed_fingerprint(*WHERE, "old")
    key = fingerprints.FingerprintKey(key=None, unkeyed={"TOKEN": former})
    assert (key.compute_fingerprint(*WHERE, "old"), key.compute_fingerprint(*WHERE, "new")) == (former, None)


def test_a_generated_secret_has_neither() -> None:
    assert not fingerprints.is_unkeyed("generated-32")
    assert not fingerprints.is_keyed("generated-32")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("short", "has fewer than 32 characters"),
        ("{", "is not valid JSON"),
        (json.dumps({"key": "short"}), "has fewer than 32 characters"),
        (json.dumps({"keep": {}}), "has fewer than 32 characters"),
        ('{"a":' * 100_000, "is not valid JSON"),
        ("é" * 32, "has characters that are not ASCII"),
        (json.dumps({"key": "\ud800" * 32}), "has characters that are not ASCII"),
        (json.dumps({"key": KEY, "keep": [1]}), "has a `keep` that is not a mapping"),
        (json.dumps({"key": KEY, "keep": {"N": 5}}), "has a `keep` that is not a mapping"),
        (json.dumps({"key": KEY, "keep": {"N": "é"}}), "has a `keep` that is not a mapping"),
    ],
)
def test_an_invalid_key_is_reported(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fingerprints.FingerprintKey.parse(text)


def test_the_key_is_not_in_its_repr() -> None:
    key = fingerprints.FingerprintKey(key=fingerprints.generate_key(), unkeyed={"TOKEN": "0" * 16})
    assert key.key not in repr(key)
    assert key.key is not None
    assert len(key.key) == 64
