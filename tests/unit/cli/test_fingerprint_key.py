"""`seaway:fingerprintKey`, written by `seaway up` where it is missing."""

import json
from pathlib import Path

import pytest

from seaway import errors
from seaway.cli import deployment, stack
from seaway.manifests import inputs
from seaway.model import settings
from seaway.project import environments
from seaway.release import fingerprints, record
from tests import golden
from tests.unit.cli import program

NAME = "SESSION_KEY"
SET = ["config", "set", "--secret", "seaway:fingerprintKey", "--stack", "dev", "--non-interactive"]


@pytest.fixture
def bare(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack with a secret and no key, outside of CI."""
    monkeypatch.delenv("CI", raising=False)
    file = checkout / "Pulumi.dev.yaml"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if "fingerprintKey" not in line) + "\n")
    return checkout


def deployed(folder: Path, fingerprint: str) -> None:
    app = golden.load_example("shop")
    images, secrets = golden.make_inputs(app)
    secrets = {**secrets, NAME: inputs.SecretValue(fingerprint=fingerprint, value="")}
    environment = environments.Environment.create(app, settings.Settings(stack="dev", context="work"))
    program.write_state(folder, record.ReleaseRecord.create(environment, images, secrets))


def written(pulumi: program.FakePulumi) -> fingerprints.FingerprintKey:
    """What pulumi was given on stdin."""
    assert pulumi.calls == [SET]
    return fingerprints.FingerprintKey.parse((pulumi.folder / "given").read_text())


READS = "pathlib.Path('given').write_text(sys.stdin.read())"


def test_a_new_stack_gets_a_random_one(
    bare: Path, pulumi: program.FakePulumi, capfd: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    pulumi.set_steps(READS)
    deployment.ensure_fingerprint_key(stack.read_target(bare, "dev"))
    key = written(pulumi)
    assert key.unkeyed == {}
    output = capfd.readouterr()
    assert output.err.splitlines() == wording
    assert key.key not in json.dumps([*output, pulumi.calls]), "arguments can be seen by everybody"


def test_a_deployed_stack_keeps_its_names(bare: Path, pulumi: program.FakePulumi) -> None:
    former = fingerprints.compute_unkeyed_fingerprint("shop", "dev", NAME, "value")
    deployed(bare, former)
    pulumi.set_steps(READS)
    deployment.ensure_fingerprint_key(stack.read_target(bare, "dev"))
    assert written(pulumi).unkeyed == {NAME: former}


def test_a_key_that_was_not_committed_is_not_replaced_by_another(bare: Path, pulumi: program.FakePulumi) -> None:
    deployed(bare, "f" * 32)
    pulumi.set_steps()
    with pytest.raises(errors.Unavailable, match=rf"the Secrets of {NAME} were computed with one: take the file from"):
        deployment.ensure_fingerprint_key(stack.read_target(bare, "dev"))


def test_the_key_of_the_checkout_becomes_that_of_the_stack(bare: Path, pulumi: program.FakePulumi) -> None:
    """A value of a Compose file that is set in the stack too keeps the name of its Secret."""
    key = fingerprints.make_checkout_key(bare)
    assert fingerprints.make_checkout_key(bare) == key
    deployed(bare, "f" * 32)
    pulumi.set_steps(READS)
    deployment.ensure_fingerprint_key(stack.read_target(bare, "dev"))
    assert written(pulumi).key == key


def test_ci_writes_none(bare: Path, pulumi: program.FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be another one in each run."""
    monkeypatch.setenv("CI", "true")
    pulumi.set_steps()
    deployment.ensure_fingerprint_key(stack.read_target(bare, "dev"))
    assert not (bare / "calls.json").exists()


def test_an_existing_key_or_no_secret_changes_nothing(
    checkout: Path, pulumi: program.FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    pulumi.set_steps()
    deployment.ensure_fingerprint_key(stack.read_target(checkout, "dev"))
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  seaway:context: work\n")
    deployment.ensure_fingerprint_key(stack.read_target(checkout, "dev"))
    assert not (checkout / "calls.json").exists()


def test_an_error_of_pulumi(bare: Path, pulumi: program.FakePulumi) -> None:
    pulumi.set_steps("print('error: incorrect passphrase', file=sys.stderr); sys.exit(255)")
    with pytest.raises(errors.Unavailable, match=r"seaway:fingerprintKey of stack dev cannot be set \(incorrect passp"):
        deployment.ensure_fingerprint_key(stack.read_target(bare, "dev"))
