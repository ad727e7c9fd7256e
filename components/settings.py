"""What one run of the program is given: the application, the environment and the secrets' values.

The values come from Pulumi, which has decrypted them and merged ``-c key=value`` in; the stack's file adds the lines.
"""

import base64
import dataclasses
import datetime
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import config

from components import messages
from seaway import errors
from seaway.checks import registry
from seaway.manifests import inputs
from seaway.model import image_reference
from seaway.model import secrets as listed
from seaway.project import environments, stack_file
from seaway.release import fingerprints, stack_state
from seaway.syntax import diagnosis, nodes

DEV_STACK = "dev"
PUBLIC_PASSPHRASE = "public-on-purpose"  # noqa: S105 - it is public: dev keeps no secret worth keeping
SECRETS = f"{stack_file.PREFIX}secrets"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackInputs:
    """What one run of the program is given."""

    environment: environments.Environment
    secrets: Mapping[str, inputs.SecretValue] = dataclasses.field(default_factory=dict[str, inputs.SecretValue])
    """Values that the stack's configuration holds. The stack itself generates the other ones."""
    build_secrets: Mapping[str, pulumi.Output[str]] = dataclasses.field(default_factory=dict[str, pulumi.Output[str]])
    """Values of secrets for builds, as they were typed. No object name and no image tag depends on them."""


def read_inputs(folder: Path) -> StackInputs:
    """What this run is given.

    Raises:
        diagnosis.InvalidInput: everything that is wrong in the configuration and in the application's file.
    """
    stack = pulumi.get_stack()
    texts = {
        key.removeprefix(stack_file.PREFIX): str(value)
        for key, value in config.CONFIG.get().items()
        if key.startswith(stack_file.PREFIX)
    }
    file = folder / f"Pulumi.{stack}.yaml"
    found = list(_check_passphrase(file, stack))
    values = stack_file.parse_config(texts, file.name)
    if file.is_file():
        values = stack_file.attach_locations(values, stack_file.read_config(file))
    try:
        today = datetime.datetime.now(datetime.UTC).date()
        environment = environments.read_environment(
            values, folder=folder, stack=stack, check_ids=registry.IDS, today=today
        )
    except diagnosis.InvalidInput as error:
        raise diagnosis.InvalidInput([*found, *error.diagnostics]) from None
    if found:
        raise diagnosis.InvalidInput(found)
    app = environment.app
    written = _parse_secrets(texts.get("secrets"))
    asked = {name for one in app.get_workloads().values() if one.build for name in one.build.secrets.values()}
    pull = environment.settings.image_pull_credentials
    # What only builds or only the nodes ask for makes no other release, so it has no fingerprint.
    apart = {*asked, *([pull.secret] if pull else [])} - {*listed.list_managed_names(app)}
    own = {name: text for name, text in written.items() if name not in apart}
    prints = _compute_fingerprints(
        texts.get(stack_file.FINGERPRINT_KEY), app.name, own, values=values, folder=folder, stack=stack
    )
    secrets = {
        name: inputs.SecretValue(fingerprint=prints[name], value=pulumi.Output.secret(encode_base64(text)))
        for name, text in own.items()
    }
    if pull is not None and environment.settings.registry is not None:
        login = _build_registry_login(environment.settings.registry, pull.user, written[pull.secret])
        secrets[inputs.PULL_CREDENTIALS] = inputs.SecretValue(
            fingerprint="", value=pulumi.Output.secret(encode_base64(login))
        )
    build_secrets = {name: pulumi.Output.secret(written[name]) for name in asked & written.keys()}
    return StackInputs(environment=environment, secrets=secrets, build_secrets=build_secrets)


def encode_base64(text: str) -> str:
    """A value as ``Secret.data`` wants it."""
    return base64.b64encode(text.encode()).decode()


def _parse_secrets(secrets: str | None) -> Mapping[str, str]:
    """Names and values. Pulumi makes numbers and booleans of what looks like one; JSON's spelling is what was typed."""
    values: dict[str, Any] = json.loads(secrets or "{}")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _build_registry_login(registry: str, user: str, password: str) -> str:
    """What `docker login` writes: who pulls from a registry. https://kubernetes.io/docs/concepts/containers/images/"""
    host = image_reference.get_registry(f"{registry}/image")
    # Docker's own registry has the name there that it had in 2013, and the kubelet looks for it.
    host = "https://index.docker.io/v1/" if host == image_reference.DOCKER_HUB else host
    account = {"username": user, "password": password, "auth": encode_base64(f"{user}:{password}")}
    return json.dumps({"auths": {host: account}}, sort_keys=True)


def _compute_fingerprints(
    text: str | None, app: str, secrets: Mapping[str, str], *, values: nodes.MappingNode, folder: Path, stack: str
) -> dict[str, str]:
    """What tells two values of each secret apart and may be seen by everybody.

    It goes into names of objects, so it must be a plain string: one made from a secret Output would hide the whole
    Deployment in previews. Pulumi's configuration gives the program the plain text of a secret at once.

    Args:
        text: the setting with the key; None: a stack that was deployed before it had one may go on with its names.

    Raises:
        diagnosis.InvalidInput: there is no key, or it is none.
    """
    if not secrets:
        return {}
    if text is None:
        key, place = _find_former_key(folder, stack), values.location
        wrong = f"is not set, and the Secrets of {', '.join(sorted(secrets))} are named with it"
    else:
        place = values.pairs[stack_file.FINGERPRINT_KEY].location
        try:
            key, wrong = fingerprints.FingerprintKey.parse(text), ""
        except ValueError as error:
            key, wrong = None, str(error)
    command = f"openssl rand -hex 32 | pulumi config set --secret {fingerprints.SETTING} --stack {stack}"
    remedy = f"seaway up --stack {stack} sets it; or: {command}"
    problem = diagnosis.Diagnostic(place, fingerprints.SETTING, wrong, remedy)
    found = {name: key and key.compute_fingerprint(app, stack, name, value) for name, value in secrets.items()}
    known = {name: fingerprint for name, fingerprint in found.items() if fingerprint is not None}
    if known.keys() != secrets.keys():
        raise diagnosis.InvalidInput([problem])
    if text is None:
        messages.warn(f"{problem}. Until then their names stay as they are, and a weak value can be guessed from one")
    return known


def _find_former_key(folder: Path, stack: str) -> fingerprints.FingerprintKey | None:
    """What stands for the key of a stack that was deployed without one: what the state has recorded."""
    try:
        state = stack_state.ReleaseState.find(stack_state.export_resources(folder, stack))
    except errors.Unavailable:
        return None
    return fingerprints.FingerprintKey(key=None, unkeyed=state.decode_record().secrets) if state else None


def _check_passphrase(file: Path, stack: str) -> list[diagnosis.Diagnostic]:
    """The passphrase that everybody knows, and none at all, are for dev only."""
    passphrase = _read_passphrase()
    if stack == DEV_STACK or passphrase not in {PUBLIC_PASSPHRASE, ""}:
        return []
    root = nodes.parse(stack_file.read_bytes(file), file.name) if file.is_file() else None
    # Pulumi writes a salt where a passphrase encrypts, and none for any other provider of secrets.
    if not isinstance(root, nodes.MappingNode) or "encryptionsalt" not in root.pairs:
        return []
    told = "the passphrase that is public on purpose" if passphrase else "an empty passphrase"
    wrong = f"the secrets of stack {stack} are encrypted with {told}"
    remedy = (
        "choose who may decrypt them: pulumi stack change-secrets-provider awskms://... (or gcpkms, azurekeyvault,"
        " hashivault), or set PULUMI_CONFIG_PASSPHRASE to one of your own before pulumi stack init"
    )
    return [diagnosis.Diagnostic(diagnosis.SourceLocation(file.name), "", wrong, remedy)]


def _read_passphrase() -> str | None:
    """What Pulumi's passphrase provider would use. None: neither variable is set, so it is somebody else's business."""
    given_file = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if "PULUMI_CONFIG_PASSPHRASE" not in os.environ and given_file:
        try:
            return Path(given_file).read_text().strip()
        except OSError:
            return None  # Pulumi itself has told
    return os.environ.get("PULUMI_CONFIG_PASSPHRASE")
