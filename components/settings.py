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
from seaway.manifests import inputs
from seaway.model import application, image_reference, settings
from seaway.model.validate import secrets as listed
from seaway.model.validate import structure
from seaway.project import stack_file
from seaway.release import fingerprints, lock, project, release, stack_state
from seaway.syntax import diagnosis, nodes

DEVELOPMENT = "dev"
PUBLIC_PASSPHRASE = "public-on-purpose"  # noqa: S105 - it is public: dev keeps no secret worth keeping
SECRETS = f"{stack_file.PREFIX}secrets"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One environment of one application, checked."""

    app: application.Application
    stated: application.Application
    """As it is written, with this environment's overlay: not resolved, which is how it is recorded."""
    base: application.Application
    """The application without this environment's overlay."""
    settings: settings.Settings
    secrets: Mapping[str, inputs.SecretValue]
    """Values that the stack's configuration holds; the generated ones are made by the stack itself."""

    built_with: Mapping[str, pulumi.Output[str]] = dataclasses.field(default_factory=dict[str, pulumi.Output[str]])
    """Values of secrets that builds ask for, as they were typed. Nothing is named after them, and no image is."""

    folder: Path
    """The project's folder; also the working directory of the program."""
    lock: lock.Lock
    release: release.Release | None
    """The release that is deployed instead of what the working tree holds; None: the environment builds."""


def read(folder: Path) -> Given:
    """What this run is given.

    Raises:
        problems.Invalid: everything that is wrong in the configuration and in the application's file.
    """
    stack = pulumi.get_stack()
    texts = {
        key.removeprefix(stack_file.PREFIX): str(value)
        for key, value in config.CONFIG.get().items()
        if key.startswith(stack_file.PREFIX)
    }
    file = folder / f"Pulumi.{stack}.yaml"
    found = list(_passphrase(file, stack))
    values = stack_file.of(texts, file.name)
    if file.is_file():
        values = stack_file.located(values, stack_file.read(file))
    try:
        one = project.read(values, folder=folder, stack=stack, today=datetime.datetime.now(datetime.UTC).date())
    except diagnosis.Invalid as error:
        raise diagnosis.Invalid([*found, *error.problems]) from None
    if found:
        raise diagnosis.Invalid(found)
    app = one.app
    written = _texts(texts.get("secrets"))
    asked = {name for one in structure.workloads(app).values() if one.build for name in one.build.secrets.values()}
    pull = one.settings.pull
    # What only builds or only the nodes ask for makes no other release, so it has no fingerprint.
    apart = {*asked, *([pull.secret] if pull else [])} - {*listed.valued(app)}
    own = {name: text for name, text in written.items() if name not in apart}
    prints = _fingerprints(
        texts.get(stack_file.FINGERPRINT_KEY), app.name, own, values=values, folder=folder, stack=stack
    )
    secrets = {
        name: inputs.SecretValue(fingerprint=prints[name], value=pulumi.Output.secret(encoded(text)))
        for name, text in own.items()
    }
    if pull is not None and one.settings.registry is not None:
        login = _login(one.settings.registry, pull.user, written[pull.secret])
        secrets[inputs.PULL] = inputs.SecretValue(fingerprint="", value=pulumi.Output.secret(encoded(login)))
    return Given(
        built_with={name: pulumi.Output.secret(written[name]) for name in asked & written.keys()},
        app=app,
        stated=one.stated,
        base=one.base,
        settings=one.settings,
        secrets=secrets,
        folder=folder,
        lock=one.lock,
        release=one.release,
    )


def encoded(text: str) -> str:
    """A value as ``Secret.data`` wants it."""
    return base64.b64encode(text.encode()).decode()


def _texts(secrets: str | None) -> Mapping[str, str]:
    """Names and values. Pulumi makes numbers and booleans of what looks like one; JSON's spelling is what was typed."""
    values: dict[str, Any] = json.loads(secrets or "{}")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _login(registry: str, user: str, password: str) -> str:
    """What `docker login` writes: who pulls from a registry. https://kubernetes.io/docs/concepts/containers/images/"""
    host = image_reference.host(f"{registry}/image")
    # Docker's own registry has the name there that it had in 2013, and the kubelet looks for it.
    host = "https://index.docker.io/v1/" if host == image_reference.DOCKER_HUB else host
    account = {"username": user, "password": password, "auth": encoded(f"{user}:{password}")}
    return json.dumps({"auths": {host: account}}, sort_keys=True)


def _fingerprints(
    text: str | None, app: str, secrets: Mapping[str, str], *, values: nodes.Table, folder: Path, stack: str
) -> dict[str, str]:
    """What tells two values of each secret apart and may be seen by everybody.

    It goes into names of objects, so it must be a plain string: one made from a secret Output would hide the whole
    Deployment in previews. Pulumi's configuration gives the program the plain text of a secret at once.

    Args:
        text: the setting with the key; None: a stack that was deployed before it had one may go on with its names.

    Raises:
        problems.Invalid: there is no key, or it is none.
    """
    if not secrets:
        return {}
    if text is None:
        key, place = _former_key(folder, stack), values.place
        wrong = f"is not set, and the Secrets of {', '.join(sorted(secrets))} are named with it"
    else:
        place = values.entries[stack_file.FINGERPRINT_KEY].place
        try:
            key, wrong = fingerprints.FingerprintKey.parse(text), ""
        except ValueError as error:
            key, wrong = None, str(error)
    command = f"openssl rand -hex 32 | pulumi config set --secret {fingerprints.SETTING} --stack {stack}"
    remedy = f"seaway up --stack {stack} sets it; or: {command}"
    problem = diagnosis.Problem(place, fingerprints.SETTING, wrong, remedy)
    found = {name: key and key.fingerprint(app, stack, name, value) for name, value in secrets.items()}
    known = {name: fingerprint for name, fingerprint in found.items() if fingerprint is not None}
    if known.keys() != secrets.keys():
        raise diagnosis.Invalid([problem])
    if text is None:
        messages.warn(f"{problem}. Until then their names stay as they are, and a weak value can be guessed from one")
    return known


def _former_key(folder: Path, stack: str) -> fingerprints.FingerprintKey | None:
    """What stands for the key of a stack that was deployed without one: what the state has recorded."""
    try:
        state = stack_state.ReleaseState.find(stack_state.export_resources(folder, stack))
    except errors.Unavailable:
        return None
    return fingerprints.FingerprintKey(key=None, keep=state.record().secrets) if state else None


def _passphrase(file: Path, stack: str) -> list[diagnosis.Problem]:
    """The passphrase that everybody knows, and none at all, are for dev only."""
    passphrase = _chosen_passphrase()
    if stack == DEVELOPMENT or passphrase not in {PUBLIC_PASSPHRASE, ""}:
        return []
    root = nodes.parse(stack_file.load_bytes(file), file.name) if file.is_file() else None
    # Pulumi writes a salt where a passphrase encrypts, and none for any other provider of secrets.
    if not isinstance(root, nodes.Table) or "encryptionsalt" not in root.entries:
        return []
    told = "the passphrase that is public on purpose" if passphrase else "an empty passphrase"
    wrong = f"the secrets of stack {stack} are encrypted with {told}"
    remedy = (
        "choose who may decrypt them: pulumi stack change-secrets-provider awskms://... (or gcpkms, azurekeyvault,"
        " hashivault), or set PULUMI_CONFIG_PASSPHRASE to one of your own before pulumi stack init"
    )
    return [diagnosis.Problem(diagnosis.Place(file.name), "", wrong, remedy)]


def _chosen_passphrase() -> str | None:
    """What Pulumi's passphrase provider would use. None: neither variable is set, so it is somebody else's business."""
    given_file = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if "PULUMI_CONFIG_PASSPHRASE" not in os.environ and given_file:
        try:
            return Path(given_file).read_text().strip()
        except OSError:
            return None  # Pulumi itself has told
    return os.environ.get("PULUMI_CONFIG_PASSPHRASE")
