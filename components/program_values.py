"""Values that other resources of the program give to an application: environment facts, which no release contains.

The values of a workload stand in one Secret with a fixed name. A fingerprint in the pod template restarts its pods when
a value changes; a preview does not know it, and knows all other fields.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from seaway.kubernetes.api import kinds
from seaway.manifests import config, names, objects
from seaway.model import links
from seaway.project import stack_file
from seaway.release import fingerprints
from seaway.syntax import decode, diagnosis

from . import provider, stack_config

PROGRAM = diagnosis.SourceLocation("__main__.py")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationArgs:
    """Inputs of an application besides its file and the settings of the stack."""

    env: Mapping[str, Mapping[str, pulumi.Input[str]]] = dataclasses.field(
        default_factory=dict[str, Mapping[str, pulumi.Input[str]]]
    )
    """Environment variables by name of the service, store or job: ``{"api": {"BUCKET": bucket.id}}``."""
    secrets: Mapping[str, pulumi.Input[str]] = dataclasses.field(default_factory=dict[str, pulumi.Input[str]])
    """Values of the secrets in the setting ``seaway:programSecrets``: ``{"DB_PASSWORD": database.password}``."""

    def check(self, stack_inputs: stack_config.StackInputs) -> Iterator[diagnosis.Diagnostic]:
        """The errors in this environment."""
        environment = stack_inputs.environment
        workloads = {workload.name: workload for workload in environment.app.get_workloads().values()}
        for workload in workloads.values():
            declared = {*workload.env, *(secret.name for secret in workload.secrets)}
            declared |= links.get_variables(environment.app, workload).keys() if workload.link_variables else set()
            for name in sorted(self.env.get(workload.name, {}).keys() & declared):
                message = "the application declares a variable or a secret of this name"
                path, hint = f"env.{workload.name}.{name}", "remove one of the two"
                yield diagnosis.Diagnostic(PROGRAM, path, message, hint, "conflicting-sources")
        for name in sorted(self.env.keys() - workloads):
            message, hint = "there is no service, store or job of this name", decode.suggest_name(name, workloads)
            yield diagnosis.Diagnostic(PROGRAM, f"env.{name}", message, hint, "unknown-workload")
        listed, setting = environment.settings.program_secrets, f"{stack_file.PREFIX}programSecrets"
        for name in sorted(self.secrets.keys() ^ {*listed}):
            message = f"the program gives a value, but {setting} does not list it"
            if name in listed:
                message = f"{setting} lists it, but the program gives no value"
            hint = f"list exactly the secrets of the program: pulumi config set --path '{setting}[0]' NAME"
            yield diagnosis.Diagnostic(PROGRAM, f"secrets.{name}", message, hint, "program-secrets-differ")
        if (self.env or self.secrets) and stack_inputs.fingerprint_key is None:
            message = "is not set, or is invalid, but the values of the program need it for their fingerprints"
            hint = f"openssl rand -hex 32 | pulumi config set --secret {fingerprints.SETTING}"
            yield diagnosis.Diagnostic(PROGRAM, fingerprints.SETTING, message, hint, "fingerprint-key-not-set")

    def add_to(
        self,
        release_objects: Sequence[objects.ReleaseObject],
        stack_inputs: stack_config.StackInputs,
        options: pulumi.ResourceOptions,
    ) -> list[objects.ReleaseObject]:
        """The objects with the values in them, and the Secrets that hold the values. ``options``: with the plugin."""
        environment = stack_inputs.environment
        by_key = {release_object.key: release_object for release_object in release_objects}
        for workload in environment.app.get_workloads().values():
            owner, secret_name = workload.name, config.format_program_secret_name(workload.name)
            variables, filled = self.env.get(owner, {}), by_key.get(f"Secret/{secret_name}")
            if not variables and filled is None:
                continue
            data = {**filled.manifest["data"]} if filled else {}
            data |= {name: encode_secret(text) for name, text in sorted(variables.items())}
            manifest = names.build_object(environment, "Secret", secret_name, owner=owner) | {"type": "Opaque"}
            by_key[f"Secret/{secret_name}"] = objects.ReleaseObject(manifest=manifest | {"data": data}, owner=owner)
            key, name = stack_inputs.fingerprint_key or "", environment.add_prefix(owner)
            fingerprint = provider.Fingerprint(name, key, data, options).fingerprint
            for release_object in release_objects:
                template = kinds.find_pod_template(release_object.manifest)
                if release_object.owner == owner and template is not None:
                    _add_to_pods(template, owner, variables, fingerprint)
        return list(by_key.values())


def _add_to_pods(
    template: dict[str, Any], owner: str, variables: Mapping[str, Any], fingerprint: pulumi.Output[str]
) -> None:
    """Change a pod template in place: an Output, as the image is one by now, cannot be copied."""
    template["metadata"].setdefault("annotations", {})[config.PROGRAM_ANNOTATION] = fingerprint
    secret_name = config.format_program_secret_name(owner)
    references = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret_name, "key": name}}} for name in sorted(variables)
    ]
    (main,) = (container for container in template["spec"]["containers"] if container["name"] == owner)
    # First, so that a declared variable may refer to one: postgres://$(HOST)/shop.
    main["env"] = [*references, *main.get("env", ())]


def encode_secret(text: pulumi.Input[str]) -> pulumi.Output[str]:
    """A value as in ``Secret.data``; it is secret."""
    return pulumi.Output.secret(text).apply(stack_config.encode_base64)
