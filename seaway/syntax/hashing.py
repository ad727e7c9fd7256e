"""The hash of a plain value: the same whatever the order of its keys."""

import hashlib
import json
from typing import Any


def hash_content(content: Any, length: int = 10) -> str:
    """Hexadecimal digits of the SHA-256 of a plain value as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]
