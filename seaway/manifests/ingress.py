"""How requests from outside come in by name: an Ingress for each service with ``expose``.

https://kubernetes.io/docs/concepts/services-networking/ingress/
"""

from collections.abc import Sequence
from typing import Any

from seaway.manifests import names, network
from seaway.model import application, settings
from seaway.model.validate import ingress_hosts

_NGINX = "nginx.ingress.kubernetes.io"
_TRAEFIK = "traefik.ingress.kubernetes.io"


def ingress(
    scope: names.Scope, each: application.Service | application.Store, stack: settings.Settings
) -> dict[str, Any] | None:
    """The Ingress of a service; None where it is not reached by one."""
    found = ingress_hosts.of(stack, each)
    if not found:
        return None
    # Pulumi's wait for an Ingress asks for an address, which not every controller writes into it.
    annotations = {"pulumi.com/skipAwait": "true", **_redirect(stack.ingress), **_backend(each)}
    if stack.ingress.issuer is not None:
        annotations["cert-manager.io/cluster-issuer"] = stack.ingress.issuer
    annotations |= stack.ingress.annotations
    spec: dict[str, Any] = {}
    if stack.ingress.controller is not None:
        spec["ingressClassName"] = stack.ingress.controller
    named = sorted({one.host for one in found})
    if tls := _tls(stack.ingress, named):
        spec["tls"] = tls
    spec["rules"] = [
        {"host": host, "http": {"paths": [_path(each, one.path) for one in found if one.host == host]}}
        for host in named
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": names.metadata(scope, each.name, annotations=annotations),
        "spec": spec,
    }


def service_annotations(each: application.Service | application.Store, stack: settings.Settings) -> dict[str, str]:
    """What Traefik wants to find on the Service, not on the Ingress: that gRPC is spoken behind it, in clear.

    https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/
    """
    if each.protocol == "grpc" and ingress_hosts.of(stack, each):
        return {f"{_TRAEFIK}/service.serversscheme": "h2c"}
    return {}


def found_at(each: application.Service | application.Store, stack: settings.Settings) -> dict[str, str]:
    """On what runs the service: where a person finds it. `seaway status` can say so without another question."""
    urls = ingress_hosts.urls(stack, each)
    return {names.URLS: " ".join(urls)} if urls else {}


def _path(each: application.Service | application.Store, path: str) -> dict[str, Any]:
    backend = {"service": {"name": network.name(each), "port": {"name": network.PORT_NAME}}}
    return {"path": path, "pathType": "Prefix", "backend": backend}


def _tls(said: settings.Ingress, named: Sequence[str]) -> list[dict[str, Any]]:
    """One certificate for all, or one a host, which cert-manager makes.

    Services that share a host share its certificate: cert-manager leaves it to the Ingress that asked for it first.
    https://cert-manager.io/docs/usage/ingress/
    """
    if said.tls_secret is not None:
        return [{"hosts": list(named), "secretName": said.tls_secret}]
    if said.issuer is not None:
        return [{"hosts": [host], "secretName": _secret(host)} for host in named]
    return []


def _secret(host: str) -> str:
    """The Secret of a host's certificate. No other host has the same: a * is no character of a name."""
    return f"tls-wildcard.{host.removeprefix('*.')}" if host.startswith("*.") else f"tls.{host}"


def _redirect(said: settings.Ingress) -> dict[str, str]:
    """What keeps plain HTTP from being answered where there is TLS.

    ingress-nginx sends it on to HTTPS. Traefik has no annotation for that: with its own the routes are those of HTTPS
    alone, and plain HTTP gets a 404 unless its entry point redirects, as its operator decides for all.
    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#server-side-https-enforcement-through-redirect
    https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/#redirections
    """
    if not ingress_hosts.encrypted(said):
        return {}
    nginx = {f"{_NGINX}/ssl-redirect": str(said.redirect).lower()}
    return nginx | ({f"{_TRAEFIK}/router.tls": "true"} if said.redirect else {})


def _backend(each: application.Service | application.Store) -> dict[str, str]:
    return {f"{_NGINX}/backend-protocol": "GRPC"} if each.protocol == "grpc" else {}
