"""Fingerprints of configured secrets: they distinguish values in object names, which are not secret.

A fingerprint is an HMAC-SHA-256 over application, stack, name and value. Its key is a secret of the stack,
``seaway:fingerprintKey``, so a guessed value cannot be tested against a name. https://www.rfc-editor.org/rfc/rfc2104
"""

import dataclasses
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

from seaway.files import private
from seaway.project import stack_file

SETTING = f"{stack_file.PREFIX}{stack_file.FINGERPRINT_KEY}"

MIN_KEY_LENGTH = 32
"""Characters: 128 bits in hexadecimal digits."""

FINGERPRINT_LENGTH = 32
"""Hexadecimal digits of a fingerprint: 128 bits."""

_UNKEYED_LENGTH = 16
"""Hexadecimal digits of a fingerprint without a key."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintKey:
    """The key of a stack."""

    key: str | None = dataclasses.field(repr=False)
    """None: the stack has no key, and only unkeyed fingerprints."""
    unkeyed: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    """Fingerprints without a key, by name of the secret, of a stack that was deployed before it had a key. Each is kept
    until the value of the secret changes: another fingerprint is another name of a Secret, which restarts pods."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the value of the setting: the key, or JSON, ``{"key": "...", "keep": {"NAME": "..."}}``.

        Raises:
            ValueError: it is invalid; the text does not show it.
        """
        key: Any = text.strip()
        keep: Any = {}
        if key.startswith("{"):
            try:
                values: dict[str, Any] = json.loads(key)
            except (ValueError, RecursionError):
                raise ValueError("is not valid JSON") from None
            key, keep = values.get("key"), values.get("keep", {})
        if not isinstance(key, str) or len(key) < MIN_KEY_LENGTH:
            raise ValueError(f"has fewer than {MIN_KEY_LENGTH} characters")
        if not key.isascii():
            raise ValueError("has characters that are not ASCII")
        unkeyed = cast(dict[str, Any], keep if isinstance(keep, dict) else {"": keep})
        if not all(isinstance(fingerprint, str) and is_unkeyed(fingerprint) for fingerprint in unkeyed.values()):
            raise ValueError("has a `keep` that is not a mapping from secret to fingerprint")
        return cls(key=key, unkeyed=unkeyed)

    def format_setting(self) -> str:
        """The value of the setting."""
        return json.dumps({"key": self.key, "keep": dict(self.unkeyed)})

    def compute_fingerprint(self, app_name: str, stack: str, name: str, value: str) -> str | None:
        """The fingerprint of a secret's value; None: there is no key, and the value has no unkeyed fingerprint."""
        unkeyed = self.unkeyed.get(name)
        if unkeyed and hmac.compare_digest(unkeyed, compute_unkeyed_fingerprint(app_name, stack, name, value)):
            return unkeyed
        if self.key is None:
            return None
        # JSON separates the four texts unambiguously.
        return compute_keyed_fingerprint(self.key, [app_name, stack, name, value])


def generate_key() -> str:
    """A new random key."""
    return secrets.token_hex(MIN_KEY_LENGTH)


def is_ci() -> bool:
    """Whether this is a job of CI: each run has a new checkout, and nothing that it writes is kept."""
    return os.environ.get("CI") in ("true", "1")


def read_checkout_key(folder: Path) -> str | None:
    """The key of a checkout, for secrets whose values are in its files; None: it has none yet."""
    content = private.read_file(_get_checkout_path(folder))
    return content.decode() if content and len(content) >= MIN_KEY_LENGTH and content.isalnum() else None


def make_checkout_key(folder: Path) -> str:
    """The key of a checkout, which is written if it has none."""
    key = read_checkout_key(folder)
    if key is None:
        key = generate_key()
        private.write_file(_get_checkout_path(folder), key)
    return key


def _get_checkout_path(folder: Path) -> Path:
    return folder / private.FOLDER_NAME / "fingerprint-key"


def compute_keyed_fingerprint(key: str, content: Any) -> str:
    """A fingerprint of plain content with a key: an HMAC of its JSON."""
    message = json.dumps(content, sort_keys=True).encode()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()[:FINGERPRINT_LENGTH]


def compute_unkeyed_fingerprint(app_name: str, stack: str, name: str, value: str) -> str:
    """A fingerprint without a key: a slow hash with a public salt. A weak value can be guessed from it."""
    salt = f"seaway/{app_name}/{stack}/{name}".encode()
    return hashlib.scrypt(value.encode(), salt=salt, n=2**14, r=8, p=1, dklen=_UNKEYED_LENGTH // 2).hex()


def is_unkeyed(fingerprint: str) -> bool:
    """Whether a recorded fingerprint has no key."""
    return len(fingerprint) == _UNKEYED_LENGTH and not fingerprint.strip("0123456789abcdef")


def is_keyed(fingerprint: str) -> bool:
    """Whether a recorded fingerprint has a key."""
    return len(fingerprint) == FINGERPRINT_LENGTH and not fingerprint.strip("0123456789abcdef")
