"""Fingerprints of configured secrets: they tell two values apart in names that everybody may read.

A fingerprint is an HMAC-SHA-256 over application, stack, name and value. Its key is one more secret of the stack,
``seaway:fingerprintKey``, so nobody can test a guessed value against a name. https://www.rfc-editor.org/rfc/rfc2104
"""

import dataclasses
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any, Self, cast

from seaway.project import stack_file

SETTING = f"{stack_file.PREFIX}{stack_file.FINGERPRINT_KEY}"

MIN_KEY_LENGTH = 32
"""Characters: 128 bits in hexadecimal digits."""

FINGERPRINT_LENGTH = 32
"""Hexadecimal digits of a fingerprint: 128 bits."""

_UNKEYED_LENGTH = 16
"""Hexadecimal digits of a fingerprint that was made without a key."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintKey:
    """The key of a stack."""

    key: str | None = dataclasses.field(repr=False)
    """None: the stack has none, and only what it kept has a fingerprint."""
    unkeyed: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    """Fingerprints without a key, by name of the secret, of a stack that was deployed before it had one. Each is kept
    until the secret's value changes: another fingerprint is another name of a Secret, which restarts pods."""

    @classmethod
    def generate(cls, unkeyed: Mapping[str, str]) -> Self:
        """A new random key."""
        return cls(key=secrets.token_hex(MIN_KEY_LENGTH), unkeyed=unkeyed)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key in the value of the setting: the key itself, or JSON, ``{"key": "...", "keep": {"NAME": "..."}}``.

        Raises:
            ValueError: it is too short, or neither of both; the text says so and shows nothing of it.
        """
        found = text.strip()
        keep: Any = {}
        if found.startswith("{"):
            try:
                values: dict[str, Any] = json.loads(found)
            except (ValueError, RecursionError):
                raise ValueError("is not valid JSON") from None
            found, keep = values.get("key"), values.get("keep", {})
        if not isinstance(found, str) or len(found) < MIN_KEY_LENGTH:
            raise ValueError(f"has fewer than {MIN_KEY_LENGTH} characters")
        if not found.isascii():
            raise ValueError("has other characters than ASCII")
        kept = cast(dict[str, Any], keep if isinstance(keep, dict) else {"": keep})
        if not all(isinstance(one, str) and is_unkeyed(one) for one in kept.values()):
            raise ValueError("has a `keep` that is not a mapping from secret to fingerprint")
        return cls(key=found, unkeyed=kept)

    def format_setting(self) -> str:
        """The value of the setting."""
        return json.dumps({"key": self.key, "keep": dict(self.unkeyed)})

    def compute_fingerprint(self, app_name: str, stack: str, name: str, value: str) -> str | None:
        """Of one secret's value; None: there is no key, and the value is not the one that was kept."""
        kept = self.unkeyed.get(name)
        if kept is not None and hmac.compare_digest(kept, compute_unkeyed_fingerprint(app_name, stack, name, value)):
            return kept
        if self.key is None:
            return None
        # As JSON, so that no other four texts make the same message.
        message = json.dumps([app_name, stack, name, value]).encode()
        return hmac.new(self.key.encode(), message, hashlib.sha256).hexdigest()[:FINGERPRINT_LENGTH]


def compute_unkeyed_fingerprint(app_name: str, stack: str, name: str, value: str) -> str:
    """What was made without a key: a slow hash, salted with public texts. A weak value can be guessed from it."""
    salt = f"seaway/{app_name}/{stack}/{name}".encode()
    return hashlib.scrypt(value.encode(), salt=salt, n=2**14, r=8, p=1, dklen=_UNKEYED_LENGTH // 2).hex()


def is_unkeyed(fingerprint: str) -> bool:
    """Whether a recorded fingerprint was made without a key."""
    return len(fingerprint) == _UNKEYED_LENGTH and not fingerprint.strip("0123456789abcdef")


def is_keyed(fingerprint: str) -> bool:
    """Whether a recorded fingerprint was made with a key."""
    return len(fingerprint) == FINGERPRINT_LENGTH and not fingerprint.strip("0123456789abcdef")
