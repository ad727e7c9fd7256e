"""The Ingress of each published service, and the annotations of ingress controllers.

https://kubernetes.io/docs/concepts/services-networking/ingress/
"""

from collections.abc import Sequence
from typing import Any

from seaway.manifests import names, network
from seaway.model import application, ingress_hosts, ports
from seaway.project import environments

_NGINX = "nginx.ingress.kubernetes.io"
_TRAEFIK = "traefik.ingress.kubernetes.io"


def build_ingress(environment: environments.Environment, workload: application.ServiceOrStore) -> dict[str, Any] | None:
    """The Ingress of a workload; None if no address leads to it, or a Gateway has its addresses."""
    ingress = environment.settings.ingress
    addresses = ingress_hosts.get_addresses(environment.settings, workload)
    if not addresses or environment.settings.publish != "ingress":
        return None
    # Pulumi's wait for an Ingress requires an address in its status, which not every controller sets.
    annotations = {"pulumi.com/skipAwait": "true", **_build_redirect_annotations(environment)}
    if workload.protocol == "grpc":
        annotations[f"{_NGINX}/backend-protocol"] = "GRPC"
    if ingress.issuer is not None:
        annotations["cert-manager.io/cluster-issuer"] = ingress.issuer
    annotations |= ingress.annotations
    spec: dict[str, Any] = {}
    if ingress.class_name is not None:
        spec["ingressClassName"] = ingress.class_name
    host_names = sorted({address.host for address in addresses})
    if tls := _build_tls(environment, host_names):
        spec["tls"] = tls
    service_name = network.get_published_service_name(workload)
    spec["rules"] = [
        {
            "host": host,
            "http": {
                "paths": [
                    {
                        "path": address.path,
                        "pathType": "Prefix",
                        "backend": {"service": {"name": service_name, "port": {"name": ports.MAIN_PORT_NAME}}},
                    }
                    for address in addresses
                    if address.host == host
                ]
            },
        }
        for host in host_names
    ]
    return names.build_object(environment, "Ingress", workload.name, annotations=annotations) | {"spec": spec}


def build_service_annotations(
    environment: environments.Environment, workload: application.ServiceOrStore
) -> dict[str, str]:
    """Traefik reads from the Service, not from the Ingress, that its pods speak gRPC without TLS.

    https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/
    """
    if workload.protocol == "grpc" and build_ingress(environment, workload):
        return {f"{_TRAEFIK}/service.serversscheme": "h2c"}
    return {}


def build_url_annotation(environment: environments.Environment, workload: application.ServiceOrStore) -> dict[str, str]:
    """The URLs of a workload, on the object that creates its pods. `seaway status` reads them from there."""
    urls = ingress_hosts.format_urls(environment.settings, workload)
    return {names.URLS_ANNOTATION: " ".join(urls)} if urls else {}


def _build_tls(environment: environments.Environment, host_names: Sequence[str]) -> list[dict[str, Any]]:
    """One certificate for all hosts, or one per host, issued by cert-manager.

    Workloads with the same host share its certificate: the first Ingress that requests it owns it.
    https://cert-manager.io/docs/usage/ingress/
    """
    ingress = environment.settings.ingress
    if ingress.tls_secret is not None:
        return [{"hosts": list(host_names), "secretName": ingress.tls_secret}]
    if ingress.issuer is not None:
        return [{"hosts": [host], "secretName": format_host_name("tls", host)} for host in host_names]
    return []


def format_host_name(prefix: str, host: str) -> str:
    """The name of an object for a host. A name cannot contain the * of a wildcard."""
    return f"{prefix}-wildcard.{host.removeprefix('*.')}" if host.startswith("*.") else f"{prefix}.{host}"


def _build_redirect_annotations(environment: environments.Environment) -> dict[str, str]:
    """Annotations that stop plain HTTP if there is TLS.

    ingress-nginx redirects to HTTPS. Traefik has no such annotation: with this one its routes are for HTTPS only, and
    plain HTTP gets a 404 unless its entry point redirects, which its operator configures for all applications.
    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#server-side-https-enforcement-through-redirect
    https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/#redirections
    """
    ingress = environment.settings.ingress
    if not ingress_hosts.has_tls(environment.settings):
        return {}
    nginx = {f"{_NGINX}/ssl-redirect": str(ingress.redirect).lower()}
    return nginx | ({f"{_TRAEFIK}/router.tls": "true"} if ingress.redirect else {})
