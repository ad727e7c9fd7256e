"""Stacks whose secrets everyone can decrypt: with the public passphrase of the stack dev, or with an empty one.

Pulumi encrypts the text ``pulumi`` with the passphrase of a stack, and stores the result in the stack's file:
``encryptionsalt: v1:<salt>:v1:<nonce>:<ciphertext>``. With it, Pulumi rejects a wrong passphrase, and this module finds
a known passphrase, whatever passphrase is set in the environment.
https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/resource/config/crypt.go
"""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from cryptography import exceptions
from cryptography.hazmat.primitives.ciphers import aead

from seaway.project import stack_file
from seaway.syntax import diagnosis, nodes, yaml_parser

DEV_STACK = "dev"
PUBLIC_PASSPHRASE = "public-on-purpose"  # noqa: S105 - it is public: dev has no secret that matters
KNOWN_PASSPHRASES = (PUBLIC_PASSPHRASE, "")
_ITERATIONS = 1_000_000


def check(folder: Path, stack: str, passphrases: Iterable[str] = KNOWN_PASSPHRASES) -> list[diagnosis.Diagnostic]:
    """The error of a stack, except dev, that is encrypted with one of these passphrases. Each takes about 0.4 s."""
    file = folder / f"Pulumi.{stack}.yaml"
    root = yaml_parser.parse(stack_file.read_bytes(file), file.name) if stack != DEV_STACK and file.is_file() else None
    # Pulumi writes a salt if a passphrase encrypts the secrets, and none for other providers of secrets.
    pair = root.pairs.get("encryptionsalt") if isinstance(root, nodes.MappingNode) else None
    if pair is None or not isinstance(pair.node, nodes.ScalarNode):
        return []
    for passphrase in passphrases:
        if _is_passphrase(passphrase, pair.node.text):
            kind = "the public passphrase of the stack dev" if passphrase else "an empty passphrase"
            message = f"the secrets of stack {stack} are encrypted with {kind}, so everyone can decrypt them"
            hint = (
                f"pulumi stack change-secrets-provider passphrase --stack {stack} asks for your own passphrase; then"
                " export PULUMI_CONFIG_PASSPHRASE with it. Or name a key service there (awskms://..., gcpkms://...)"
            )
            return [diagnosis.Diagnostic(pair.location, "encryptionsalt", message, hint, "insecure-passphrase")]
    return []


def _is_passphrase(passphrase: str, salt: str) -> bool:
    try:
        _, key_salt, _, nonce, ciphertext = salt.split(":")
        key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), base64.b64decode(key_salt), _ITERATIONS, dklen=32)
        plain = aead.AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(ciphertext), None)
    except (ValueError, exceptions.InvalidTag):
        return False  # another passphrase; Pulumi reports a salt that it cannot read
    return plain == b"pulumi"
