"""Signed releases: the exact command lines of cosign, and what a stack with `seaway:trust` refuses."""

import os
from pathlib import Path

import pytest

from seaway.cli import main
from seaway.project import release, release_lock
from seaway.release import signatures
from tests.support import apiserver
from tests.unit.cli import environments

PEM = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"
DIGEST = f"sha256:{'1' * 64}"
IMAGE = f"registry.example.com/team/shop/web@{DIGEST}"
FORMAT = "--new-bundle-format=false"
VERIFY = ["--key=env://SEAWAY_TRUSTED_KEY", "--insecure-ignore-tlog=true"]
SIGN = ["--key=cosign.key", "--tlog-upload=false", "--yes", "--use-signing-config=false", FORMAT]


@pytest.fixture
def shop(checkout: Path, api: apiserver.ApiServer) -> Path:
    """dev runs a release; staging requires signatures."""
    folder = environments.prepare_shop(checkout)
    (folder / "cosign.pub").write_text(PEM)
    environments.write_stack(folder, "staging", "seaway:trust: {keys: [cosign.pub]}")
    environments.deploy_record(api, environments.build_record(folder, "dev"))
    return folder


def install_cosign(folder: Path, refused: str = "--never") -> None:
    """A program that notes its calls, and fails where an argument contains a text."""
    program = folder / "nothing" / "cosign"
    program.write_text(
        f'#!/bin/sh\n{{ echo "$SIGSTORE_CT_LOG_PUBLIC_KEY_FILE|$*"; }} >>"{folder}/cosign.log"\n'
        f'case "$*" in *{refused}*) echo "Error: no matching signatures" >&2; exit 1;; esac\necho MEUC\n'
    )
    program.chmod(0o755)


def read_calls(folder: Path) -> list[list[str]]:
    lines = (folder / "cosign.log").read_text().splitlines()
    assert {line.partition("|")[0] for line in lines} == {os.devnull}
    return [line.partition("|")[2].split() for line in lines]


def test_the_deployed_release_is_signed(shop: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install_cosign(shop)
    assert main.main(["release", "sign", "--stack", "dev", "--key", "cosign.key"]) == 0
    (id_,) = release.list_ids(shop)
    assert signatures.get_path(shop, id_).read_text() == "MEUC\n"
    calls = read_calls(shop)
    assert ["sign", *SIGN, "--sign-container-identity=registry.example.com/team/shop/web", IMAGE] in calls
    assert calls[-1] == ["sign-blob", *SIGN, str(release.get_path(shop, id_))]
    assert capfd.readouterr().out.endswith(f"commit releases/{id_}.yaml and releases/{id_}.yaml.sig\n")


def test_a_signed_release_is_promoted(shop: Path) -> None:
    install_cosign(shop)
    assert main.main(["release", "sign", "--stack", "dev", "--key", "cosign.key"]) == 0
    (shop / "cosign.log").unlink()
    assert main.main(["release", "promote", "dev", "staging"]) == 0
    blob, *images = read_calls(shop)
    assert (blob[0], blob[1:4], blob[-1]) == ("verify-blob", [*VERIFY, FORMAT], "-")
    assert ["verify", *VERIFY, "--output=text", FORMAT, IMAGE] in images
    assert len(images) == len(environments.NAMES)


@pytest.mark.parametrize(
    ("refused", "lines"), [("verify-blob", 1), (f"verify*shop/api@{DIGEST}", 1), ("verify*shop/", 3)]
)
def test_an_unsigned_release_is_not_promoted(
    shop: Path, refused: str, lines: int, capfd: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    install_cosign(shop)
    assert main.main(["release", "sign", "--stack", "dev", "--key", "cosign.key"]) == 0
    install_cosign(shop, refused)
    capfd.readouterr()
    assert main.main(["release", "promote", "dev", "staging"]) == 2
    messages = environments.hide_ids(capfd.readouterr().err)
    assert messages == wording
    assert [message.endswith("[not-signed]") for message in messages] == [True] * lines
    assert release_lock.read(shop, "staging") == release_lock.Lock()


@pytest.mark.parametrize(
    ("trust", "code"),
    [
        ("{keys: [cosign.pub]}", "not-signed"),
        ("{keys: []}", "missing-value"),
        ("{keys: [../out.pub]}", "outside-root"),
        ("{keys: [app/app.yaml]}", "invalid-value"),
    ],
)
def test_a_release_without_a_signature_or_a_key(
    shop: Path, trust: str, code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    install_cosign(shop)
    environments.write_stack(shop, "staging", f"seaway:trust: {trust}")
    assert main.main(["release", "promote", "dev", "staging"]) == 2
    assert capfd.readouterr().err.endswith(f"[{code}]\n")


def test_a_stack_that_builds_has_no_trust(shop: Path, capfd: pytest.CaptureFixture[str]) -> None:
    environments.write_stack(shop, "dev", "seaway:trust: {keys: [cosign.pub]}")
    assert main.main(["check", "--stack", "dev"]) == 2
    assert capfd.readouterr().err.endswith("[conflicting-keys]\n")


def test_without_cosign_nothing_is_promoted(shop: Path, capfd: pytest.CaptureFixture[str], wording: list[str]) -> None:
    install_cosign(shop)
    assert main.main(["release", "sign", "--stack", "dev", "--key", "cosign.key"]) == 0
    (shop / "nothing" / "cosign").unlink()
    capfd.readouterr()
    assert main.main(["release", "promote", "dev", "staging"]) == 2
    assert capfd.readouterr().err.splitlines() == wording


def test_an_unsigned_release_is_not_rolled_back_to(
    shop: Path, api: apiserver.ApiServer, capfd: pytest.CaptureFixture[str]
) -> None:
    install_cosign(shop)
    environments.write_stack(shop, "staging")
    assert main.main(["release", "promote", "dev", "staging"]) == 0
    first = environments.deploy_record(api, environments.build_record(shop, "staging"))
    environments.replace_in_app(shop, "env: {TITLE: Shop}", "env: {TITLE: New}")
    second = environments.build_record(shop, "dev", version="2").build_release(environments.CLEAN, environments.TIME)
    release.save_release(shop, second)
    release_lock.write(shop, "staging", release_lock.Lock(release=second.id))
    environments.write_stack(shop, "staging", "seaway:trust: {keys: [cosign.pub]}")
    assert main.main(["release", "rollback", "staging", "--to", first.release_id, "--pin-only"]) == 2
    assert capfd.readouterr().err.endswith("[not-signed]\n")
    assert release_lock.read(shop, "staging").release == second.id
