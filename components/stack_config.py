"""The inputs of one run of the program: the environment, and the values of its secrets.

The values come from Pulumi, decrypted and merged with ``-c key=value``. The stack file adds the source locations.
"""

import base64
import contextlib
import dataclasses
import datetime
import json
import os
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import config

from seaway import errors
from seaway.checks import all_checks
from seaway.images import build_inputs
from seaway.manifests import inputs
from seaway.model import application as model_application
from seaway.model import declarations, image_reference
from seaway.model import secrets as model_secrets
from seaway.project import dollars, environments, passphrase, python_nodes, stack_file
from seaway.release import fingerprints, stack_state
from seaway.syntax import diagnosis, nodes

from . import messages


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StackInputs:
    """The inputs of one run of the program."""

    environment: environments.Environment
    secrets: Mapping[str, inputs.SecretValue] = dataclasses.field(default_factory=dict[str, inputs.SecretValue])
    """The values in the stack's configuration and in a Compose file. The stack generates the others."""
    build_secrets: Mapping[str, pulumi.Output[str]] = dataclasses.field(default_factory=dict[str, pulumi.Output[str]])
    """The values of secrets for builds. No object name and no image tag depends on them."""
    fingerprint_key: str | None = dataclasses.field(default=None, repr=False)
    """The key of the stack's fingerprints."""
    further_applications: Sequence[str] = ()
    """The names in ``seaway:applications``, if this is the main application."""
    other_applications: Sequence[str] = ()
    """The names of the other applications of the stack; empty: the main one."""
    is_only_application: bool = False
    """Whether it is in ``seaway:applications``, and the stack has no other application: no main one either."""


PROGRAM = "__main__.py"
"""The program of the stack, in messages."""


def read_inputs(
    folder: Path,
    name: str = "",
    service: declarations.Declaration | None = None,
    own_settings: Mapping[str, Any] = types.MappingProxyType({}),
) -> StackInputs:
    """The inputs of an application in this run.

    Args:
        folder: of the project.
        name: in the settings; empty: that of the setting ``seaway:app``.
        service: all that the application has; None: its file declares it. It is declared in the program, and inherits
            the settings of the stack as a further application does.
        own_settings: with ``service``, instead of those of the stack.
    """
    stack = pulumi.get_stack()
    texts = {
        key.removeprefix(stack_file.PREFIX): str(text)
        for key, text in config.CONFIG.get().items()
        if key.startswith(stack_file.PREFIX)
    }
    if service is not None:
        declared: dict[str, Any] = json.loads(texts.get(stack_file.APPLICATIONS) or "{}")
        own = {**declared.get(name, {}), "app": PROGRAM, "build": True, "quota": False, **own_settings}
        texts[stack_file.APPLICATIONS] = json.dumps({**declared, name: own})
        texts.setdefault("context", "")
    further: dict[str, Any] = json.loads(texts.get(stack_file.APPLICATIONS) or "{}")
    application = name if name in further else None
    main_file = stack_file.get_app_path(stack_file.parse_config(texts)).partition(",")[0]
    texts = stack_file.select_texts(texts, application)
    file = folder / f"Pulumi.{stack}.yaml"
    # Pulumi has checked the passphrase of the variable, if it is set.
    variable = os.environ.get("PULUMI_CONFIG_PASSPHRASE")
    known = [known for known in passphrase.KNOWN_PASSPHRASES if variable in (known, None)]
    diagnostics = passphrase.check(folder, stack, known)
    stack_values = stack_file.parse_config(texts, file.name)
    if file.is_file() and service is None:
        stack_values = stack_file.attach_locations(stack_values, stack_file.read_config(file, application))
    try:
        today = datetime.datetime.now(datetime.UTC).date()
        environment = environments.read_environment(
            stack_values,
            folder=folder,
            stack=stack,
            application_name=application,
            check_ids=all_checks.IDS,
            today=today,
            find_more=build_inputs.find_errors,
            node=None if service is None else _declare_application(folder, name, service),
        )
    except diagnosis.InvalidInput as error:
        raise diagnosis.InvalidInput([*diagnostics, *error.diagnostics]) from None
    if name not in ("", environment.base.name):
        location = diagnosis.SourceLocation(environment.settings.app)
        message = f"is {environment.base.name}, but the program names {diagnosis.quote(name)}"
        hint = f"correct one; to add an application: pulumi config set --path 'seaway:applications.{name}.app' FILE"
        diagnostics.append(diagnosis.Diagnostic(location, "name", message, hint, "unknown-application"))
    try:
        stack_inputs = _read_secrets(environment, texts, stack_values)
    except diagnosis.InvalidInput as error:
        stack_inputs = None
        diagnostics += error.diagnostics
    if diagnostics or stack_inputs is None:
        builds = build_inputs.find_errors(environment) if environment.settings.build else ()
        raise diagnosis.InvalidInput([*diagnostics, *builds])
    return dataclasses.replace(
        stack_inputs,
        further_applications=[] if application else [*further],
        other_applications=[other for other in ("", *further) if other != (application or "")],
        is_only_application=[*further] == [application] and not (folder / main_file).is_file(),
    )


def _declare_application(folder: Path, name: str, service: declarations.Declaration) -> nodes.Node:
    app = declarations.declare(model_application.Application, name, services=[service])
    return dollars.to_kubernetes(python_nodes.convert_application(app, folder / PROGRAM, PROGRAM))


def _read_secrets(
    environment: environments.Environment, texts: Mapping[str, str], stack_values: nodes.MappingNode
) -> StackInputs:
    configured = _parse_secrets(texts.get("secrets"))
    workloads = environment.app.get_workloads().values()
    for_builds = {name for workload in workloads if workload.build for name in workload.build.secrets.values()}
    credentials, registry_name = environment.settings.image_pull_credentials, environment.settings.registry
    # Secrets that only builds or only the nodes use belong to no release, so they have no fingerprint.
    unreleased = {*for_builds, *([credentials.secret] if credentials else [])}
    unreleased -= {*model_secrets.list_managed_names(environment.app)}
    own = {name: text for name, text in configured.items() if name not in unreleased}
    key_text, file_secrets = texts.get(stack_file.FINGERPRINT_KEY), environment.file_secrets
    prints = _compute_fingerprints(environment, own, key_text, stack_values)
    if key_text is None and file_secrets and not fingerprints.is_ci():
        key_text = fingerprints.make_checkout_key(environment.folder)
    prints |= _compute_fingerprints(environment, file_secrets, key_text, stack_values)
    secrets = {name: _make_value(prints[name], text) for name, text in {**own, **file_secrets}.items()}
    if credentials is not None and registry_name is not None:
        login = _build_registry_login(registry_name, credentials.user, configured[credentials.secret])
        secrets[inputs.PULL_CREDENTIALS] = _make_value("", login)
    build_secrets = {name: pulumi.Output.secret(configured[name]) for name in for_builds & configured.keys()}
    fingerprint_key = None
    with contextlib.suppress(ValueError):  # it is reported where it is needed
        fingerprint_key = fingerprints.FingerprintKey.parse(texts.get(stack_file.FINGERPRINT_KEY, "")).key
    return StackInputs(
        environment=environment, secrets=secrets, build_secrets=build_secrets, fingerprint_key=fingerprint_key
    )


def _make_value(fingerprint: str, text: str) -> inputs.SecretValue:
    return inputs.SecretValue(fingerprint=fingerprint, value=pulumi.Output.secret(encode_base64(text)))


def encode_base64(text: str) -> str:
    """The text as in ``Secret.data``."""
    return base64.b64encode(text.encode()).decode()


def _parse_secrets(secrets: str | None) -> Mapping[str, str]:
    """Values by name. Pulumi turns texts that look like numbers or booleans into them; JSON has the original text."""
    values: dict[str, Any] = json.loads(secrets or "{}")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _build_registry_login(registry_name: str, user: str, password: str) -> str:
    """The file that `docker login` writes. https://kubernetes.io/docs/concepts/containers/images/"""
    host = image_reference.get_registry(f"{registry_name}/image")
    # The kubelet looks for Docker's own registry under its name of 2013.
    host = "https://index.docker.io/v1/" if host == image_reference.DOCKER_HUB else host
    account = {"username": user, "password": password, "auth": encode_base64(f"{user}:{password}")}
    return json.dumps({"auths": {host: account}}, sort_keys=True)


def _compute_fingerprints(
    environment: environments.Environment,
    secrets: Mapping[str, str],
    text: str | None,
    stack_values: nodes.MappingNode,
) -> dict[str, str]:
    """A public fingerprint of each value: two values of a secret have different ones.

    A fingerprint is part of object names, so it must be plain: one made from a secret Output would hide the whole
    Deployment in previews. Pulumi's configuration gives the program the plain text of a secret.

    Args:
        text: the setting with the key. None: a stack that was deployed without a key may keep its names.
    """
    if not secrets:
        return {}
    stack = environment.settings.stack
    command = f"openssl rand -hex 32 | pulumi config set --secret {fingerprints.SETTING} --stack {stack}"
    hint = command if fingerprints.is_ci() else f"seaway up {environment.options} sets it; or: {command}"
    if text is None:
        message = f"is not set, but the Secrets of {', '.join(sorted(secrets))} need it for their names"
        location, code = stack_values.location, "fingerprint-key-not-set"
        key = _find_former_key(environment)
    else:
        pair, code = stack_values.pairs.get(stack_file.FINGERPRINT_KEY), "invalid-fingerprint-key"
        location = pair.location if pair else stack_values.location
        try:
            key, message = fingerprints.FingerprintKey.parse(text), ""
        except ValueError as error:
            key, message = None, str(error)
    diagnostic = diagnosis.Diagnostic(location, fingerprints.SETTING, message, hint, code)
    computed = {
        name: key and key.compute_fingerprint(environment.app.name, stack, name, secret)
        for name, secret in secrets.items()
    }
    known = {name: fingerprint for name, fingerprint in computed.items() if fingerprint is not None}
    if known.keys() != secrets.keys():
        raise diagnosis.InvalidInput([diagnostic])
    if text is None:
        messages.warn(f"{diagnostic}. Until then their names stay the same, and a weak value can be guessed from them")
    return known


def _find_former_key(environment: environments.Environment) -> fingerprints.FingerprintKey | None:
    """The fingerprints that the state has recorded, for a stack that was deployed without a key."""
    try:
        # The name alone is a stack of the user's default organization.
        stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{environment.settings.stack}"
        resources = stack_state.export_resources(environment.folder, stack)
        state = stack_state.ReleaseState.find(resources, environment.application_name)
    except errors.Unavailable:
        return None
    return fingerprints.FingerprintKey(key=None, unkeyed=state.decode_record().secrets) if state else None
