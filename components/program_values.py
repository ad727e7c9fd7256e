"""Values that other resources of the program give to an application: environment facts, which no release contains.

The values of a workload stand in one Secret with a fixed name. A fingerprint in the pod template restarts its pods when
a value changes; a preview does not know it, and knows all other fields.
"""

import dataclasses
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import pulumi

from seaway.kubernetes.api import kinds
from seaway.manifests import config, names, network, objects
from seaway.model import application, external, links
from seaway.model.validate import external as validate_external
from seaway.project import stack_file
from seaway.release import fingerprints
from seaway.syntax import decode, diagnosis

from . import messages, provider, stack_config

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
    external_hosts: Mapping[str, pulumi.Input[str]] = dataclasses.field(default_factory=dict[str, pulumi.Input[str]])
    """Host of each external store that names none: ``{"db": database.address}``. What shapes objects is plain: its port
    and its address ranges stand in the stack's file."""

    def __bool__(self) -> bool:
        """Whether there is any value."""
        return bool(self.env or self.secrets or self.external_hosts)

    def check(self, stack_inputs: stack_config.StackInputs) -> Iterator[diagnosis.Diagnostic]:
        """The errors in this environment."""
        if invalid := [*self._check_types()]:
            yield from invalid
            return
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
        yield from self._check_hosts(environment.app)
        listed, setting = environment.settings.program_secrets, f"{stack_file.PREFIX}programSecrets"
        for name in sorted(self.secrets.keys() ^ {*listed}):
            message = f"the program gives a value, but {setting} does not list it"
            if name in listed:
                message = f"{setting} lists it, but the program gives no value"
            hint = f"list exactly the secrets of the program: pulumi config set --path '{setting}[0]' NAME"
            yield diagnosis.Diagnostic(PROGRAM, f"secrets.{name}", message, hint, "program-secrets-differ")
        if self and stack_inputs.fingerprint_key is None:
            message = "is not set, or is invalid, but the values of the program need it for their fingerprints"
            hint = f"openssl rand -hex 32 | pulumi config set --secret {fingerprints.SETTING}"
            yield diagnosis.Diagnostic(PROGRAM, fingerprints.SETTING, message, hint, "fingerprint-key-not-set")

    def _check_types(self) -> Iterator[diagnosis.Diagnostic]:
        groups: dict[str, Any] = {"secrets": self.secrets, "external_hosts": self.external_hosts}
        groups |= {f"env.{name}": variables for name, variables in self.env.items()}
        for path, texts in groups.items():
            if not isinstance(texts, Mapping):
                yield _report_type(path, texts, "write a mapping from name to value, as {'BUCKET': bucket.id}")
                continue
            for name, text in cast("Mapping[str, Any]", texts).items():
                if not isinstance(text, str | pulumi.Output) and not inspect.isawaitable(text):
                    yield _report_type(f"{path}.{name}", text, "write str(...)")

    def _check_hosts(self, app: application.Application) -> Iterator[diagnosis.Diagnostic]:
        """The program gives exactly the hosts that the stack's file leaves open."""
        stores = {store.name: store for store in app.stores}
        for name in sorted(self.external_hosts.keys() ^ {*external.list_unknown_hosts(app)}):
            code = "program-hosts-differ"
            if name not in stores:
                code, message, hint = (
                    "unknown-workload",
                    "there is no store of this name",
                    decode.suggest_name(name, stores),
                )
            elif name not in self.external_hosts:
                message = f"stores.{name}.external has no host, and the program gives none"
                hint = f'add the host there, or external_hosts={{"{name}": ...}} to ApplicationArgs'
            elif stores[name].external is None:
                message = f"the program gives the host of {name}, but it runs in a pod here"
                hint = f"add `external: {{cidrs: [10.1.0.0/16]}}` to stores.{name} in {stack_file.PREFIX}overlay"
            else:
                message, hint = f"stores.{name}.external has a host too", "remove one of the two"
            yield diagnosis.Diagnostic(PROGRAM, f"external_hosts.{name}", message, hint, code)

    def _knows_hosts(self, app: application.Application) -> bool:
        """Whether the program gives all hosts. It may not know those of an older release, which is deployed again."""
        return self.external_hosts.keys() >= {*external.list_unknown_hosts(app)}

    def _fill_hosts(self, app: application.Application) -> pulumi.Output[application.Application]:
        """The application with the hosts that the program gives."""

        locations = diagnosis.SourceLocations(PROGRAM)

        def fill(hosts: Mapping[str, str]) -> application.Application:
            for name, host in hosts.items():
                hint = f"give the name or IP address alone; the port is stores.{name}.external.port"
                for diagnostic in validate_external.check_host(host, locations.at(f"external_hosts.{name}")):
                    messages.report_late_input(diagnosis.InvalidInput([dataclasses.replace(diagnostic, hint=hint)]))
            return external.fill_hosts(app, hosts)

        return pulumi.Output.all(**self.external_hosts).apply(fill)

    def encode_values(self, app: application.Application) -> dict[str, pulumi.Output[str]]:
        """The values as in ``Secret.data``, by key: of secrets, and of links to external stores."""
        callers, values = app.get_workloads().values(), dict(self.secrets)
        program_variables = {name for caller in callers for name in links.list_program_variables(app, caller)}
        if program_variables and self._knows_hosts(app):

            def find_variables(filled: application.Application) -> dict[str, str]:
                return {name: text for caller in callers for name, text in links.get_variables(filled, caller).items()}

            variables = self._fill_hosts(app).apply(find_variables)
            values |= {config.format_link_key(name): variables[name] for name in sorted(program_variables)}
        return {key: _encode_secret(f"secrets.{key}", text) for key, text in values.items()}

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
            addresses = self._find_addresses(environment.app, workload)
            if not variables and filled is None and addresses is None:
                continue
            data = {**filled.manifest["data"]} if filled else {}
            data |= {name: _encode_secret(f"env.{owner}.{name}", text) for name, text in sorted(variables.items())}
            key, name = stack_inputs.fingerprint_key or "", environment.add_prefix(owner)
            fingerprint = provider.Fingerprint(name, key, data, options, addresses)
            own_objects = [release_object for release_object in release_objects if release_object.owner == owner]
            if addresses is not None:
                _annotate(own_objects, fingerprint.addresses)
            if data:
                manifest = names.build_object(environment, "Secret", secret_name, owner=owner) | {"type": "Opaque"}
                by_key[f"Secret/{secret_name}"] = objects.ReleaseObject(manifest=manifest | {"data": data}, owner=owner)
                templates = (kinds.find_pod_template(release_object.manifest) for release_object in own_objects)
                for template in filter(None, templates):
                    _add_to_pods(template, owner, variables, fingerprint.fingerprint)
        return list(by_key.values())

    def _find_addresses(
        self, app: application.Application, caller: application.AnyWorkload
    ) -> pulumi.Output[str] | None:
        """The addresses of the external stores that a workload calls; None: the program gives no host of them."""
        if external.UNKNOWN_HOST not in network.format_external_addresses(app, caller) or not self._knows_hosts(app):
            return None
        return self._fill_hosts(app).apply(lambda filled: network.format_external_addresses(filled, caller))


def _annotate(own_objects: Iterable[objects.ReleaseObject], addresses: pulumi.Output[str]) -> None:
    """Write the addresses into the annotation that `seaway status` reads, in place.

    They are those of the fingerprint. With an Output of the resource that gives the host, a replacement of that
    resource would replace its dependents: Pulumi assumes that the name in ``metadata`` changes too.
    """
    for release_object in own_objects:
        annotations = release_object.manifest["metadata"].get("annotations", {})
        if names.EXTERNAL_ANNOTATION in annotations:
            annotations[names.EXTERNAL_ANNOTATION] = addresses


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


def _encode_secret(path: str, text: pulumi.Input[str]) -> pulumi.Output[str]:
    """A value as in ``Secret.data``; it is secret."""

    def encode(known: Any) -> str:
        if not isinstance(known, str):
            diagnostic = _report_type(path, known, "convert it: .apply(str)")
            messages.report_late_input(diagnosis.InvalidInput([diagnostic]))
        return stack_config.encode_base64(known)

    return pulumi.Output.secret(text).apply(encode)


def _report_type(path: str, actual: object, hint: str) -> diagnosis.Diagnostic:
    message = f"has the type {type(actual).__name__}, and not text"
    return diagnosis.Diagnostic(PROGRAM, path, message, hint, "invalid-type")
