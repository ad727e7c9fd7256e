"""The addresses that an ingress controller answers for the services with ``expose``, and the rules about them."""

import dataclasses
import re
from collections.abc import Iterator

from seaway.model import application, settings
from seaway.syntax import decode, diagnosis, nodes

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()+,;=:@%-]+)*/?")
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_HOW = "write shop.example.com or shop.example.com/api: small letters, no https:// and no port"

SPOKEN = ("http", "grpc")
"""What an Ingress leads. https://kubernetes.io/docs/concepts/services-networking/ingress/"""


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """A host, and what its paths begin with."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}{self.path}"


def parsed(text: str) -> Address | None:
    """``shop.example.com/api``; without a path, every path of the host. None: it is no such thing."""
    host, slash, path = text.partition("/")
    if len(host) > 253 or not _HOST.fullmatch(host) or not _PATH.fullmatch(f"{slash}{path}"):
        return None
    return Address(host, f"/{path.rstrip('/')}")


def of(said: settings.Settings, service: application.Service | application.Store) -> tuple[Address, ...]:
    """What is led to a service, sorted; nothing where it is not exposed, or not by an ingress."""
    if said.exposure != "ingress" or not service.expose:
        return ()
    found = (parsed(text) for text in said.ingress.hosts.get(service.name, ()))
    return tuple(sorted((one for one in found if one), key=lambda one: (one.host, one.path)))


def encrypted(said: settings.Ingress) -> bool:
    """Whether there are certificates."""
    return said.tls_secret is not None or said.issuer is not None


def urls(said: settings.Settings, service: application.Service | application.Store) -> list[str]:
    """Where a person finds a service, as a browser shows it: ``https://shop.example.com/api``."""
    scheme = "https" if encrypted(said.ingress) else "http"
    return [f"{scheme}://{one}" for one in of(said, service)]


def check(
    app: application.Application, places: diagnosis.Places, said: settings.Settings, values: nodes.Table
) -> Iterator[diagnosis.Problem]:
    """What is wrong with the exposure of a stack. ``values`` is its configuration, for the places."""
    written = values.entries.get("ingress")
    if said.exposure != "ingress":
        if written and said.ingress != settings.Ingress():
            wrong = f"has no effect while seaway:exposure is {said.exposure}"
            remedy = "pulumi config set seaway:exposure ingress, or remove it"
            yield diagnosis.Problem(written.place, "seaway:ingress", wrong, remedy)
        return
    yield from _exposed(app, places, said)
    yield from _hosts(app, places, said, values)
    yield from _names(said.ingress, values)


def _exposed(
    app: application.Application, places: diagnosis.Places, said: settings.Settings
) -> Iterator[diagnosis.Problem]:
    """What is exposed can be led to, and the stack says under which host."""
    kinds = {"services": app.services, "stores": app.stores}
    for kind, one in ((kind, one) for kind, ones in kinds.items() for one in ones):
        path = f"{kind}.{one.name}"
        at = f"{path}.expose"
        if not one.expose or places.lost(path, at, f"{path}.protocol"):
            continue
        if one.protocol not in SPOKEN:
            if kind == "stores":
                continue  # it is only exposed where ports are
            wrong = f"{one.name} speaks {one.protocol}, and an Ingress leads only HTTP and gRPC"
            remedy = "remove expose, or set seaway:exposure to loadBalancer or nodePort"
            yield diagnosis.Problem(places.of(at), at, wrong, remedy)
        elif not said.ingress.hosts.get(one.name):
            wrong = f"is true, but stack {said.stack} names no host for {one.name}"
            remedy = f"pulumi config set --path 'seaway:ingress.hosts.{one.name}[0]' shop.example.com"
            yield diagnosis.Problem(places.of(at), at, wrong, remedy)


def _hosts(
    app: application.Application, places: diagnosis.Places, said: settings.Settings, values: nodes.Table
) -> Iterator[diagnosis.Problem]:
    """Each address is one, leads to one service, and that service is exposed."""
    services = {one.name: one for one in (*app.services, *app.stores)}
    taken: dict[Address, str] = {}
    for name, texts in said.ingress.hosts.items():
        at = f"seaway:ingress.hosts.{name}"
        # Where releases come and go, a host may be there before the release that has the service, or after.
        kinds = ("services", "stores")
        if said.build and not places.lost(
            *kinds, *(f"{kind}.{name}{end}" for kind in kinds for end in ("", ".expose"))
        ):
            if name not in services:
                wrong = f"there is no service {diagnosis.quoted(name)}"
                yield diagnosis.Problem(_place(values, "hosts", name), at, wrong, decode.nearest(name, services))
            elif not services[name].expose:
                kind = "services" if services[name] in app.services else "stores"
                remedy = f"add `expose: true` to {kind}.{name}, or remove its hosts"
                yield diagnosis.Problem(_place(values, "hosts", name), at, f"{name} is not exposed", remedy)
        for number, text in enumerate(texts):
            place, inner = _place(values, "hosts", name, number), f"{at}[{number}]"
            one = parsed(text)
            if one is None:
                yield diagnosis.Problem(place, inner, f"{diagnosis.quoted(text)} is no host with a path", _HOW)
            elif one in taken:
                wrong = f"{one} is that of {taken[one]} already"
                yield diagnosis.Problem(place, inner, wrong, "remove one of the two, or give it another path")
            else:
                taken[one] = name


def _names(said: settings.Ingress, values: nodes.Table) -> Iterator[diagnosis.Problem]:
    """What is named in the cluster can be a name there; and there is one certificate a host, not two."""
    named = {
        "controller": said.controller,
        "tlsSecret": said.tls_secret,
        "issuer": said.issuer,
        "namespace": said.namespace,
    }
    for key, name in named.items():
        if name is not None and (len(name) > 253 or not _NAME.fullmatch(name)):
            wrong = f"{diagnosis.quoted(name)} is no name of an object in a cluster"
            remedy = "use a-z, 0-9, - and .; begin and end with a letter or digit"
            yield diagnosis.Problem(_place(values, key), f"seaway:ingress.{key}", wrong, remedy)
    if said.tls_secret is not None and said.issuer is not None:
        remedy = "keep the certificate that is there, or the issuer that makes one"
        yield diagnosis.Problem(_place(values, "issuer"), "seaway:ingress.issuer", "tlsSecret is set too", remedy)


def _place(values: nodes.Table, *path: str | int) -> diagnosis.Place:
    """Where a part of ``seaway:ingress`` stands, or the nearest thing around it."""
    place, node = values.place, nodes.inside(values, "ingress")
    found: nodes.Node = nodes.Table(place, node)
    if "ingress" in values.entries:
        place = values.entries["ingress"].place
    for step in path:
        match found, step:
            case nodes.Table(), str() if step in found.entries:
                place, found = found.entries[step].place, found.entries[step].node
            case nodes.Items(), int() if step < len(found.items):
                found = found.items[step]
                place = found.place
            case _:
                break
    return place
