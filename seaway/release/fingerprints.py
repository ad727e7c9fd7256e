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

SHORTEST_KEY = 32
"""Characters: 128 bits in hexadecimal digits."""

LENGTH = 32
"""Hexadecimal digits of a fingerprint: 128 bits."""

_FORMER_LENGTH = 16
"""Hexadecimal digits of a fingerprint that was made without a key."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintKey:
    """The key of a stack."""

    key: str | None = dataclasses.field(repr=False)
    """None: the stack has none, and only what it kept has a fingerprint."""
    keep: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    """Fingerprints without a key, by name of the secret, of a stack that was deployed before it had one. Each is kept
    until the secret's value changes: another fingerprint is another name of a Secret, which restarts pods."""

    @classmethod
    def generate(cls, keep: Mapping[str, str]) -> Self:
        """A new random key."""
        return cls(key=secrets.token_hex(SHORTEST_KEY), keep=keep)

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
        if not isinstance(found, str) or len(found) < SHORTEST_KEY:
            raise ValueError(f"has fewer than {SHORTEST_KEY} characters")
        if not found.isascii():
            raise ValueError("has other characters than ASCII")
        kept = cast(dict[str, Any], keep if isinstance(keep, dict) else {"": keep})
        if not all(isinstance(one, str) and is_former(one) for one in kept.values()):
            raise ValueError("has a `keep` that is not a mapping from secret to fingerprint")
        return cls(key=found, keep=kept)

    def text(self) -> str:
        """The value of the setting."""
        return json.dumps({"key": self.key, "keep": dict(self.keep)})

    def fingerprint(self, application: str, stack: str, name: str, value: str) -> str | None:
        """Of one secret's value; None: there is no key, and the value is not the one that was kept."""
        kept = self.keep.get(name)
        if kept is not None and hmac.compare_digest(kept, former_fingerprint(application, stack, name, value)):
            return kept
        if self.key is None:
            return None
        # As JSON, so that no other four texts make the same message.
        message = json.dumps([application, stack, name, value]).encode()
        return hmac.new(self.key.encode(), message, hashlib.sha256).hexdigest()[:LENGTH]


def former_fingerprint(application: str, stack: str, name: str, value: str) -> str:
    """What was made without a key: a slow hash, salted with public texts. A weak value can be guessed from it."""
    salt = f"seaway/{application}/{stack}/{name}".encode()
    return hashlib.scrypt(value.encode(), salt=salt, n=2**14, r=8, p=1, dklen=_FORMER_LENGTH // 2).hex()


def is_former(fingerprint: str) -> bool:
    """Whether a recorded fingerprint was made without a key."""
    return len(fingerprint) == _FORMER_LENGTH and not fingerprint.strip("0123456789abcdef")


def is_keyed(fingerprint: str) -> bool:
    """Whether a recorded fingerprint was made with a key."""
    return len(fingerprint) == LENGTH and not fingerprint.strip("0123456789abcdef")
