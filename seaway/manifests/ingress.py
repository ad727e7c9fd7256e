"""How requests from outside come in by name: an Ingress for each service with ``expose``.

https://kubernetes.io/docs/concepts/services-networking/ingress/
"""

from collections.abc import Sequence
from typing import Any

from seaway.manifests import names, network
from seaway.model import application, ingress_hosts, settings

_NGINX = "nginx.ingress.kubernetes.io"
_TRAEFIK = "traefik.ingress.kubernetes.io"


def build_ingress(
    scope: names.Scope, workload: application.Service | application.Store, stack_settings: settings.Settings
) -> dict[str, Any] | None:
    """The Ingress of a service; None where it is not reached by one."""
    found = ingress_hosts.get_addresses(stack_settings, workload)
    if not found:
        return None
    # Pulumi's wait for an Ingress asks for an address, which not every controller writes into it.
    annotations = {
        "pulumi.com/skipAwait": "true",
        **_build_redirect_annotations(stack_settings.ingress),
        **_build_backend_annotation(workload),
    }
    if stack_settings.ingress.issuer is not None:
        annotations["cert-manager.io/cluster-issuer"] = stack_settings.ingress.issuer
    annotations |= stack_settings.ingress.annotations
    spec: dict[str, Any] = {}
    if stack_settings.ingress.class_name is not None:
        spec["ingressClassName"] = stack_settings.ingress.class_name
    named = sorted({one.host for one in found})
    if tls := _build_tls(stack_settings.ingress, named):
        spec["tls"] = tls
    spec["rules"] = [
        {"host": host, "http": {"paths": [_build_path(workload, one.path) for one in found if one.host == host]}}
        for host in named
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": names.build_metadata(scope, workload.name, annotations=annotations),
        "spec": spec,
    }


def build_service_annotations(
    workload: application.Service | application.Store, stack_settings: settings.Settings
) -> dict[str, str]:
    """What Traefik wants to find on the Service, not on the Ingress: that gRPC is spoken behind it, in clear.

    https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/
    """
    if workload.protocol == "grpc" and ingress_hosts.get_addresses(stack_settings, workload):
        return {f"{_TRAEFIK}/service.serversscheme": "h2c"}
    return {}


def build_url_annotation(
    workload: application.Service | application.Store, stack_settings: settings.Settings
) -> dict[str, str]:
    """On what runs the service: where a person finds it. `seaway status` can say so without another question."""
    urls = ingress_hosts.format_urls(stack_settings, workload)
    return {names.URLS_ANNOTATION: " ".join(urls)} if urls else {}


def _build_path(workload: application.Service | application.Store, path: str) -> dict[str, Any]:
    backend = {
        "service": {"name": network.get_published_service_name(workload), "port": {"name": network.MAIN_PORT_NAME}}
    }
    return {"path": path, "pathType": "Prefix", "backend": backend}


def _build_tls(ingress_settings: settings.Ingress, host_names: Sequence[str]) -> list[dict[str, Any]]:
    """One certificate for all, or one a host, which cert-manager makes.

    Services that share a host share its certificate: cert-manager leaves it to the Ingress that asked for it first.
    https://cert-manager.io/docs/usage/ingress/
    """
    if ingress_settings.tls_secret is not None:
        return [{"hosts": list(host_names), "secretName": ingress_settings.tls_secret}]
    if ingress_settings.issuer is not None:
        return [{"hosts": [host], "secretName": _format_tls_secret_name(host)} for host in host_names]
    return []


def _format_tls_secret_name(host: str) -> str:
    """The Secret of a host's certificate. No other host has the same: a * is no character of a name."""
    return f"tls-wildcard.{host.removeprefix('*.')}" if host.startswith("*.") else f"tls.{host}"


def _build_redirect_annotations(ingress_settings: settings.Ingress) -> dict[str, str]:
    """What keeps plain HTTP from being answered where there is TLS.

    ingress-nginx sends it on to HTTPS. Traefik has no annotation for that: with its own the routes are those of HTTPS
    alone, and plain HTTP gets a 404 unless its entry point redirects, as its operator decides for all.
    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#server-side-https-enforcement-through-redirect
    https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/#redirections
    """
    if not ingress_hosts.has_tls(ingress_settings):
        return {}
    nginx = {f"{_NGINX}/ssl-redirect": str(ingress_settings.redirect).lower()}
    return nginx | ({f"{_TRAEFIK}/router.tls": "true"} if ingress_settings.redirect else {})


def _build_backend_annotation(workload: application.Service | application.Store) -> dict[str, str]:
    return {f"{_NGINX}/backend-protocol": "GRPC"} if workload.protocol == "grpc" else {}
