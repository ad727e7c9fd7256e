"""Whether everyone can decrypt a stack, from its file alone."""

from pathlib import Path

import pytest

from dev import project
from seaway.project import passphrase
from tests.support import diagnostics, secret_salts


def test_pulumi_has_encrypted_dev_with_the_public_passphrase(tmp_path: Path) -> None:
    """The committed file, which Pulumi wrote, as the file of another stack."""
    (tmp_path / "Pulumi.staging.yaml").write_bytes((project.ROOT / "Pulumi.dev.yaml").read_bytes())
    (error,) = passphrase.check(tmp_path, "staging")
    assert error.code == "insecure-passphrase"
    assert "pulumi stack change-secrets-provider passphrase --stack staging" in error.hint
    assert passphrase.check(project.ROOT, "dev") == []


@pytest.mark.parametrize(
    ("salt", "rows"),
    [
        (secret_salts.encrypt(""), ["Pulumi.staging.yaml:1:1: encryptionsalt: insecure-passphrase"]),
        (secret_salts.encrypt("their own"), []),
        ("v1:abc", []),
        ("v1:é:v1:é:é", []),
        ("[v1]", []),
    ],
    ids=["empty", "own", "short", "not base64", "a list"],
)
def test_only_a_known_passphrase_is_an_error(tmp_path: Path, salt: str, rows: list[str]) -> None:
    (tmp_path / "Pulumi.staging.yaml").write_text(f"encryptionsalt: {salt}\n")
    assert list(diagnostics.summarize(passphrase.check(tmp_path, "staging"))) == rows


def test_stack_of_a_key_service_has_no_passphrase(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.staging.yaml").write_text("secretsprovider: awskms://alias/example\nencryptedkey: abc\n")
    assert passphrase.check(tmp_path, "staging") == []
    assert passphrase.check(tmp_path, "prod") == [], "no file yet"
