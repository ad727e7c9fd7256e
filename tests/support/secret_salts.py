"""The text that Pulumi stores in a stack's file to recognize the passphrase: `encryptionsalt`."""

import base64
import hashlib
import os

from cryptography.hazmat.primitives.ciphers import aead


def encrypt(passphrase: str) -> str:
    """Return the `encryptionsalt` of a new stack with this passphrase."""
    salt, nonce = os.urandom(8), os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, 1_000_000, dklen=32)
    encoded = [
        base64.b64encode(part).decode() for part in (salt, nonce, aead.AESGCM(key).encrypt(nonce, b"pulumi", None))
    ]
    return f"v1:{encoded[0]}:v1:{encoded[1]}:{encoded[2]}"
