"""Rules about ``seaway:gateway``: which Gateway has the hosts of ``seaway:ingress``, and what only a Gateway can do."""

import re

from seaway.model import application, ingress_hosts, settings
from seaway.model.validate import ingress_hosts as host_rules
from seaway.model.validate import parts
from seaway.syntax import decode, diagnosis

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_GRPC_PATH = re.compile(r"/([A-Za-z_][\w.]*(/[A-Za-z_]\w*)?)?")
_CHOOSE = (
    "pulumi config set --path seaway:gateway.className CLASS makes one (kubectl get gatewayclass);"
    " seaway:gateway.name and .namespace attach to an existing one"
)


def check(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: diagnosis.SourceLocations,
) -> diagnosis.Diagnostics:
    """The errors in the Gateway of a stack. ``config`` has the locations of its settings."""
    part, gateway = config.at("seaway:gateway"), stack_settings.gateway
    if stack_settings.publish == "gateway":
        yield from _check_names(gateway, part)
        if stack_settings.ingress.hosts:
            yield from _check_choice(gateway, part, config.at("seaway:publish"))
        yield from _check_ingress_keys(stack_settings, config.at("seaway:ingress"))
        yield from _check_headers(app, locations, stack_settings, part.at("headers"))
        yield from _check_grpc_paths(app, stack_settings, config.at("seaway:ingress").at("hosts"))
    elif gateway != settings.Gateway():
        message = f"has no effect while seaway:publish is {stack_settings.publish}"
        yield part.report("no-effect", message, "pulumi config set seaway:publish gateway, or remove it")


def _check_names(gateway: settings.Gateway, part: diagnosis.Part) -> diagnosis.Diagnostics:
    names = {"className": gateway.class_name, "name": gateway.name, **_list_existing(gateway)}
    yield from host_rules.check_object_names(names, part)


def _list_existing(gateway: settings.Gateway) -> dict[str, str | None]:
    """The keys of an existing Gateway."""
    return {"namespace": gateway.namespace, "listener": gateway.listener, "httpListener": gateway.http_listener}


def _check_choice(
    gateway: settings.Gateway, part: diagnosis.Part, publish_part: diagnosis.Part
) -> diagnosis.Diagnostics:
    """It is the stack's own Gateway, or another one."""
    if gateway.class_name is None and gateway.name is None:
        place = publish_part if gateway == settings.Gateway() else part
        yield place.report("missing-value", "no Gateway is named", _CHOOSE)
    elif gateway.class_name is not None:
        for key, name in _list_existing(gateway).items():
            if name is not None:
                message = "is of an existing Gateway, but className makes one of the stack"
                yield part.at(key).report("conflicting-keys", message, "remove it, or className")
    elif gateway.http_listener is not None and gateway.listener is None:
        message = "redirects to HTTPS, but the listener for HTTPS is not named, so the routes attach to this one too"
        yield part.at("httpListener").report("missing-value", message, "set seaway:gateway.listener")


def _check_ingress_keys(stack_settings: settings.Settings, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The keys of ``seaway:ingress`` that no Gateway has."""
    ingress = stack_settings.ingress
    for key, is_set in (("className", ingress.class_name is not None), ("annotations", bool(ingress.annotations))):
        if is_set:
            hint = "remove it; seaway:gateway.className names a GatewayClass"
            yield part.at(key).report("no-effect", "is for an ingress controller, and seaway:publish is gateway", hint)
    if ingress_hosts.uses_other_gateway(stack_settings):
        for key, name in (("tlsSecret", ingress.tls_secret), ("issuer", ingress.issuer)):
            if name is not None:
                message = "has no effect: the owner of the existing Gateway gives it certificates"
                yield part.at(key).report("no-effect", message, "remove it, or set seaway:gateway.className")


def _check_headers(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    headers_part: diagnosis.Part,
) -> diagnosis.Diagnostics:
    """Headers have valid names, and belong to workloads with hosts."""
    hosts = stack_settings.ingress.hosts
    for name, headers in stack_settings.gateway.headers.items():
        if stack_settings.build and not hosts.get(name) and not parts.has_undecoded_workload(locations, name):
            message = f"{diagnosis.quote(name)} has no host in seaway:ingress.hosts"
            yield headers_part.at(name).report("no-effect", message, decode.suggest_name(name, hosts))
        for header in headers:
            if not _HEADER_NAME.fullmatch(header):
                message = f"{diagnosis.quote(header)} is not a valid name of a header"
                yield headers_part.at(name, header).report("invalid-name", message, "write it as X-Version")


def _check_grpc_paths(
    app: application.Application, stack_settings: settings.Settings, hosts_part: diagnosis.Part
) -> diagnosis.Diagnostics:
    """The path of a gRPC request is its service and its method."""
    for workload in (*app.services, *app.stores):
        if workload.protocol != "grpc":
            continue
        for index, text in enumerate(stack_settings.ingress.hosts.get(workload.name, ())):
            address = ingress_hosts.parse_address(text)
            if address and not _GRPC_PATH.fullmatch(address.path):
                message = f"{address.path} is not the path of a gRPC request"
                hint = "write /package.Service or /package.Service/Method, or no path"
                part = hosts_part.at(workload.name)
                location, key_path = part.at(index).location, f"{part.path}[{index}]"
                yield diagnosis.Diagnostic(location, key_path, message, hint, "invalid-host")
