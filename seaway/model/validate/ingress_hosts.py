"""Rules about ``seaway:ingress``: its hosts and the published workloads belong together."""

import re
from collections.abc import Iterator
from typing import cast

from seaway.model import application, settings
from seaway.model import ingress_hosts as model_ingress_hosts
from seaway.model.validate import structure
from seaway.syntax import decode, diagnosis, nodes

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: nodes.MappingNode,
) -> Diagnostics:
    """The errors in the ingress of a stack. ``config`` is the configuration of the stack, for its locations."""
    ingress = config.pairs.get("ingress")
    if stack_settings.publish == "ingress":
        yield from _check_published(app, locations, stack_settings)
        yield from _check_hosts(app, locations, stack_settings, config)
        yield from _check_object_names(stack_settings.ingress, config)
    elif ingress and stack_settings.ingress != settings.Ingress():
        message = f"has no effect while seaway:publish is {stack_settings.publish}"
        hint = "pulumi config set seaway:publish ingress, or remove it"
        yield diagnosis.Diagnostic(ingress.location, "seaway:ingress", message, hint, "no-effect")


def _check_published(
    app: application.Application, locations: diagnosis.SourceLocations, stack_settings: settings.Settings
) -> Diagnostics:
    """An Ingress can route to a published workload, and the stack has a host for it."""
    for path, workload in app.get_workloads().items():
        key_path = f"{path}.publish"
        if (
            isinstance(workload, application.Job)
            or not workload.publish
            or locations.has_undecoded(path, key_path, f"{path}.protocol")
        ):
            continue
        if workload.protocol not in model_ingress_hosts.INGRESS_PROTOCOLS:
            if isinstance(workload, application.Store):
                continue  # it is published only where the environment opens ports
            message = (
                f"the protocol of {workload.name} is {workload.protocol}, but an Ingress routes only HTTP and gRPC"
            )
            hint = "remove publish, or set seaway:publish to loadBalancer or nodePort"
            yield locations.report(key_path, "unsupported-protocol", message, hint)
        elif not stack_settings.ingress.hosts.get(workload.name):
            message = f"is true, but stack {stack_settings.stack} has no host for {workload.name}"
            hint = f"pulumi config set --path 'seaway:ingress.hosts.{workload.name}[0]' shop.example.com"
            yield locations.report(key_path, "missing-host", message, hint)


def _check_hosts(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: nodes.MappingNode,
) -> Diagnostics:
    """Each address is valid and unique, and belongs to a published workload."""
    targets = {target.name: target for target in (*app.services, *app.stores)}
    owners: dict[model_ingress_hosts.Address, str] = {}
    for name, texts in stack_settings.ingress.hosts.items():
        path = f"seaway:ingress.hosts.{name}"
        is_undecoded = structure.has_undecoded_workload(locations, name, "services", "stores", keys=("publish",))
        # Where releases are promoted, the host may be there before the release that has the service, or after.
        if stack_settings.build and not is_undecoded:
            location, target = _find_location(config, "hosts", name), targets.get(name)
            if target is None:
                message = f"there is no service {diagnosis.quote(name)}"
                hint = decode.suggest_name(name, targets)
                yield diagnosis.Diagnostic(location, path, message, hint, "unknown-service")
            elif not target.publish:
                kind = "services" if isinstance(target, application.Service) else "stores"
                hint = f"add `publish: true` to {kind}.{name}, or remove its hosts"
                yield diagnosis.Diagnostic(location, path, f"{name} is not published", hint, "no-effect")
        for index, text in enumerate(texts):
            location, key_path = _find_location(config, "hosts", name, index), f"{path}[{index}]"
            address = model_ingress_hosts.parse_address(text)
            if address is None:
                message = f"{diagnosis.quote(text)} is not a valid host with a path"
                hint = "write shop.example.com or shop.example.com/api: lower case, no https:// and no port"
                yield diagnosis.Diagnostic(location, key_path, message, hint, "invalid-host")
            elif address in owners:
                message = f"{address} belongs to {owners[address]} already"
                hint = "remove one of the two, or use another path"
                yield diagnosis.Diagnostic(location, key_path, message, hint, "duplicate-host")
            else:
                owners[address] = name


def _check_object_names(ingress: settings.Ingress, config: nodes.MappingNode) -> Diagnostics:
    """Names of objects are valid, and a host has one certificate."""
    names = {
        "className": ingress.class_name,
        "tlsSecret": ingress.tls_secret,
        "issuer": ingress.issuer,
        "namespace": ingress.namespace,
    }
    for key, name in names.items():
        if name is not None and (len(name) > 253 or not _NAME.fullmatch(name)):
            message = f"{diagnosis.quote(name)} is not a valid name of a Kubernetes object"
            hint = "use a-z, 0-9, - and .; begin and end with a letter or a digit"
            location = _find_location(config, key)
            yield diagnosis.Diagnostic(location, f"seaway:ingress.{key}", message, hint, "invalid-name")
    if ingress.tls_secret is not None and ingress.issuer is not None:
        hint = "keep the existing certificate, or the issuer that creates one"
        location = _find_location(config, "issuer")
        yield diagnosis.Diagnostic(location, "seaway:ingress.issuer", "tlsSecret is set too", hint, "conflicting-keys")


def _find_location(config: nodes.MappingNode, *path: str | int) -> diagnosis.SourceLocation:
    """The location of a part of ``seaway:ingress``, or of its nearest ancestor that was written."""
    location, node = config.location, cast(nodes.Node, config)
    for step in ("ingress", *path):
        match node, step:
            case nodes.MappingNode(), str() if step in node.pairs:
                location, node = node.pairs[step].location, node.pairs[step].node
            case nodes.SequenceNode(), int() if step < len(node.items):
                node = node.items[step]
                location = node.location
            case _:
                break
    return location
