"""Rules about ``seaway:ingress``: its hosts and the published workloads belong together."""

import re
from collections.abc import Mapping

from seaway.model import application, external, settings
from seaway.model import ingress_hosts as model_ingress_hosts
from seaway.model.validate import parts
from seaway.syntax import decode, diagnosis

_DESCRIPTIONS = {"ingress": "an Ingress", "gateway": "a Gateway"}
_NAME = re.compile(rf"{model_ingress_hosts.LABEL}(\.{model_ingress_hosts.LABEL})*")


def check(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: diagnosis.SourceLocations,
) -> diagnosis.Diagnostics:
    """The errors in the ingress of a stack. ``config`` has the locations of its settings."""
    part, app = config.at("seaway:ingress"), external.resolve_stores(app)
    if stack_settings.publish in model_ingress_hosts.ROUTED_MODES:
        yield from _check_published(app, locations, stack_settings)
        yield from _check_hosts(app, locations, stack_settings, part.at("hosts"))
        yield from _check_certificates(stack_settings, part)
    elif stack_settings.ingress != settings.Ingress():
        message = f"has no effect while seaway:publish is {stack_settings.publish}"
        yield part.report("no-effect", message, "pulumi config set seaway:publish ingress, or remove it")


def _check_published(
    app: application.Application, locations: diagnosis.SourceLocations, stack_settings: settings.Settings
) -> diagnosis.Diagnostics:
    """An Ingress or a Gateway can route to a published workload, and the stack has a host for it."""
    for workload, workload_part in parts.list_workloads(app, locations):
        if isinstance(workload, application.Job) or not workload.publish:
            continue
        if locations.has_undecoded(workload_part.path) or workload_part.has_undecoded("publish", "protocol"):
            continue
        part = workload_part.at("publish")
        if workload.protocol not in model_ingress_hosts.INGRESS_PROTOCOLS:
            if isinstance(workload, application.Store):
                continue  # it is published only where the environment opens ports
            message = (
                f"the protocol of {workload.name} is {workload.protocol}, but"
                f" {_DESCRIPTIONS[stack_settings.publish]} routes only HTTP and gRPC"
            )
            hint = "remove publish, or set seaway:publish to loadBalancer or nodePort"
            yield part.report("unsupported-protocol", message, hint)
        elif not stack_settings.ingress.hosts.get(workload.name):
            message = f"is true, but stack {stack_settings.stack} has no host for {workload.name}"
            host = diagnosis.quote_word(f"seaway:ingress.hosts.{workload.name}[0]")
            hint = f"pulumi config set --path {host} shop.example.com"
            yield part.report("missing-host", message, hint)


def _check_hosts(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    hosts_part: diagnosis.Part,
) -> diagnosis.Diagnostics:
    """Each address is valid and unique, and belongs to a published workload."""
    targets = {target.name: target for target in (*app.services, *app.stores)}
    headers = stack_settings.gateway.headers
    owners: dict[tuple[model_ingress_hosts.Address, frozenset[tuple[str, str]]], str] = {}
    for name, texts in stack_settings.ingress.hosts.items():
        part = hosts_part.at(name)
        is_undecoded = parts.has_undecoded_workload(locations, name, "services", "stores", keys=("publish",))
        # Where releases are promoted, the host may be there before the release that has the service, or after.
        if stack_settings.build and not is_undecoded:
            target = targets.get(name)
            if target is None:
                message = f"there is no service {diagnosis.quote(name)}"
                yield part.report("unknown-service", message, decode.suggest_name(name, targets))
            elif not target.publish:
                kind = "services" if isinstance(target, application.Service) else "stores"
                hint = f"add `publish: true` to {kind}.{name}, or remove its hosts"
                yield part.report("no-effect", f"{name} is not published", hint)
        for index, text in enumerate(texts):
            location, key_path = part.at(index).location, f"{part.path}[{index}]"
            address = model_ingress_hosts.parse_address(text)
            if address is None:
                message = f"{diagnosis.quote(text)} is not a valid host with a path"
                hint = "write shop.example.com or shop.example.com/api: lower case, no https:// and no port"
                yield diagnosis.Diagnostic(location, key_path, message, hint, "invalid-host")
            elif (key := (address, frozenset(headers.get(name, {}).items()))) in owners:
                message = f"{address} belongs to {owners[key]} already"
                hint = "remove one of the two, or use another path"
                yield diagnosis.Diagnostic(location, key_path, message, hint, "duplicate-host")
            else:
                owners[key] = name


def _check_certificates(stack_settings: settings.Settings, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """Names of objects are valid, and a host has one certificate."""
    ingress = stack_settings.ingress
    namespace, tls_secret = None, ingress.tls_secret
    if stack_settings.publish == "gateway" and tls_secret is not None:
        namespace, tls_secret = model_ingress_hosts.split_secret(tls_secret)
    yield from check_object_names({"className": ingress.class_name, "tlsSecret": tls_secret}, part)
    yield from check_object_names({"tlsSecret": namespace}, part)
    yield from check_object_names({"issuer": ingress.issuer, "namespace": ingress.namespace}, part)
    if ingress.tls_secret is not None and ingress.issuer is not None:
        hint = "keep the existing certificate, or the issuer that creates one"
        yield part.at("issuer").report("conflicting-keys", "tlsSecret is set too", hint)


def check_object_names(names: Mapping[str, str | None], part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The names of Kubernetes objects, by key, are valid."""
    for key, name in names.items():
        if name is not None and (len(name) > 253 or not _NAME.fullmatch(name)):
            message = f"{diagnosis.quote(name)} is not a valid name of a Kubernetes object"
            hint = "use a-z, 0-9, - and .; begin and end with a letter or a digit"
            yield part.at(key).report("invalid-name", message, hint)
