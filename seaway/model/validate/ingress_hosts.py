"""The addresses that an ingress controller answers for the services with ``expose``, and the rules about them."""

import re
from collections.abc import Iterator

from seaway.model import application, settings
from seaway.model import ingress_hosts as facts
from seaway.syntax import decode, diagnosis, nodes

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_ADDRESS_HINT = "write shop.example.com or shop.example.com/api: small letters, no https:// and no port"


def check(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: nodes.MappingNode,
) -> Iterator[diagnosis.Diagnostic]:
    """What is wrong with the exposure of a stack. ``values`` is its configuration, for the places."""
    written = config.pairs.get("ingress")
    if stack_settings.publish != "ingress":
        if written and stack_settings.ingress != settings.Ingress():
            wrong = f"has no effect while seaway:publish is {stack_settings.publish}"
            remedy = "pulumi config set seaway:publish ingress, or remove it"
            yield diagnosis.Diagnostic(written.location, "seaway:ingress", wrong, remedy)
        return
    yield from _check_published(app, locations, stack_settings)
    yield from _check_hosts(app, locations, stack_settings, config)
    yield from _check_object_names(stack_settings.ingress, config)


def _check_published(
    app: application.Application, locations: diagnosis.SourceLocations, stack_settings: settings.Settings
) -> Iterator[diagnosis.Diagnostic]:
    """What is exposed can be led to, and the stack says under which host."""
    kinds = {"services": app.services, "stores": app.stores}
    for kind, one in ((kind, one) for kind, ones in kinds.items() for one in ones):
        path = f"{kind}.{one.name}"
        at = f"{path}.publish"
        if not one.publish or locations.has_undecoded(path, at, f"{path}.protocol"):
            continue
        if one.protocol not in facts.INGRESS_PROTOCOLS:
            if kind == "stores":
                continue  # it is only exposed where ports are
            wrong = f"{one.name} speaks {one.protocol}, and an Ingress leads only HTTP and gRPC"
            remedy = "remove expose, or set seaway:publish to loadBalancer or nodePort"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)
        elif not stack_settings.ingress.hosts.get(one.name):
            wrong = f"is true, but stack {stack_settings.stack} names no host for {one.name}"
            remedy = f"pulumi config set --path 'seaway:ingress.hosts.{one.name}[0]' shop.example.com"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)


def _check_hosts(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: nodes.MappingNode,
) -> Iterator[diagnosis.Diagnostic]:
    """Each address is one, leads to one service, and that service is exposed."""
    services = {one.name: one for one in (*app.services, *app.stores)}
    taken: dict[facts.Address, str] = {}
    for name, texts in stack_settings.ingress.hosts.items():
        at = f"seaway:ingress.hosts.{name}"
        # Where releases come and go, a host may be there before the release that has the service, or after.
        kinds = ("services", "stores")
        if stack_settings.build and not locations.has_undecoded(
            *kinds, *(f"{kind}.{name}{end}" for kind in kinds for end in ("", ".expose"))
        ):
            if name not in services:
                wrong = f"there is no service {diagnosis.quote(name)}"
                yield diagnosis.Diagnostic(
                    _find_location(config, "hosts", name), at, wrong, decode.suggest_name(name, services)
                )
            elif not services[name].publish:
                kind = "services" if services[name] in app.services else "stores"
                remedy = f"add `publish: true` to {kind}.{name}, or remove its hosts"
                yield diagnosis.Diagnostic(_find_location(config, "hosts", name), at, f"{name} is not exposed", remedy)
        for number, text in enumerate(texts):
            place, inner = _find_location(config, "hosts", name, number), f"{at}[{number}]"
            one = facts.parse_address(text)
            if one is None:
                yield diagnosis.Diagnostic(
                    place, inner, f"{diagnosis.quote(text)} is no host with a path", _ADDRESS_HINT
                )
            elif one in taken:
                wrong = f"{one} is that of {taken[one]} already"
                yield diagnosis.Diagnostic(place, inner, wrong, "remove one of the two, or give it another path")
            else:
                taken[one] = name


def _check_object_names(ingress: settings.Ingress, config: nodes.MappingNode) -> Iterator[diagnosis.Diagnostic]:
    """What is named in the cluster can be a name there; and there is one certificate a host, not two."""
    named = {
        "className": ingress.class_name,
        "tlsSecret": ingress.tls_secret,
        "issuer": ingress.issuer,
        "namespace": ingress.namespace,
    }
    for key, name in named.items():
        if name is not None and (len(name) > 253 or not _NAME.fullmatch(name)):
            wrong = f"{diagnosis.quote(name)} is no name of an object in a cluster"
            remedy = "use a-z, 0-9, - and .; begin and end with a letter or digit"
            yield diagnosis.Diagnostic(_find_location(config, key), f"seaway:ingress.{key}", wrong, remedy)
    if ingress.tls_secret is not None and ingress.issuer is not None:
        remedy = "keep the certificate that is there, or the issuer that makes one"
        yield diagnosis.Diagnostic(
            _find_location(config, "issuer"), "seaway:ingress.issuer", "tlsSecret is set too", remedy
        )


def _find_location(config: nodes.MappingNode, *path: str | int) -> diagnosis.SourceLocation:
    """Where a part of ``seaway:ingress`` stands, or the nearest thing around it."""
    place, node = config.location, nodes.get_pairs(config, "ingress")
    found: nodes.Node = nodes.MappingNode(place, node)
    if "ingress" in config.pairs:
        place = config.pairs["ingress"].location
    for step in path:
        match found, step:
            case nodes.MappingNode(), str() if step in found.pairs:
                place, found = found.pairs[step].location, found.pairs[step].node
            case nodes.SequenceNode(), int() if step < len(found.items):
                found = found.items[step]
                place = found.location
            case _:
                break
    return place
