"""The Services of services and stores."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.manifests import names
from seaway.model import application, external, ingress_hosts, settings
from seaway.model import ports as model_ports
from seaway.project import environments

SERVICE_TYPES: Mapping[settings.PublishMode, str] = {
    "none": "ClusterIP",
    "ingress": "ClusterIP",
    "gateway": "ClusterIP",
    "nodePort": "NodePort",
    "loadBalancer": "LoadBalancer",
}

_APP_PROTOCOLS: Mapping[application.Protocol, str] = {"grpc": "kubernetes.io/h2c"}
"""Tells a proxy that gRPC is HTTP/2 without TLS. By default proxies assume HTTP/1.1 or TCP.
https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol"""
_PUBLISHED_APP_PROTOCOLS = {**_APP_PROTOCOLS, "tcp": "tcp"}
"""Of a service that is published: its address begins with http:// unless this says otherwise."""

_HEADLESS: Mapping[str, Any] = {"type": "ClusterIP", "clusterIP": "None"}


def get_main_port(container_spec: application.ServiceOrStore | application.ExtraContainer) -> application.Port | None:
    """The main port as one of the named ports. That of an extra container has no name: a Service never uses it."""
    if container_spec.port is None:
        return None
    if isinstance(container_spec, application.ExtraContainer):
        return application.Port("", port=container_spec.port)
    return application.Port(model_ports.MAIN_PORT_NAME, port=container_spec.port, protocol=container_spec.protocol)


def list_ports(container_spec: application.ContainerSpec) -> list[application.Port]:
    """All ports of a container, the main one first."""
    if not isinstance(container_spec, application.ServiceOrStore | application.ExtraContainer):
        return []
    main = get_main_port(container_spec)
    further = () if isinstance(container_spec, application.ExtraContainer) else container_spec.ports
    return [*([main] if main else []), *sorted(further, key=lambda port: port.name)]


def list_published_ports(workload: application.AnyWorkload) -> list[application.Port]:
    """The ports that are reachable from outside, if the environment publishes them."""
    if isinstance(workload, application.Job):
        return []
    return [
        port
        for port in list_ports(workload)
        if (workload.publish if port.name == model_ports.MAIN_PORT_NAME else port.publish)
    ]


def is_published(stack_settings: settings.Settings, workload: application.Service | application.Store) -> bool:
    """Whether the environment makes the workload reachable from outside the cluster."""
    if stack_settings.publish in ingress_hosts.ROUTED_MODES:
        return bool(ingress_hosts.get_addresses(stack_settings, workload))
    return stack_settings.publish != "none" and bool(list_published_ports(workload))


def build_container_ports(container_spec: application.ContainerSpec) -> list[dict[str, Any]]:
    """The ports in the container's manifest."""
    return [
        ({"name": port.name} if port.name else {})
        | {"containerPort": port.port, "protocol": get_transport_protocol(port)}
        for port in list_ports(container_spec)
    ]


def get_transport_protocol(port: application.Port) -> str:
    """The protocol in Kubernetes' words."""
    return "UDP" if port.protocol == "udp" else "TCP"


def build_service(
    environment: environments.Environment, workload: application.Service, annotations: Mapping[str, str]
) -> dict[str, Any]:
    """The Service of a service. The cluster assigns node ports: a fixed one may be in use by another stack."""
    mode = environment.settings.publish if list_published_ports(workload) else "none"
    kind = {"type": SERVICE_TYPES[mode]}
    return _assemble_service(environment, workload.name, list_ports(workload), kind, annotations)


def build_published_service(
    environment: environments.Environment, workload: application.Store
) -> dict[str, Any] | None:
    """Another Service of a store, with its published ports: a headless Service publishes none, and not every ingress
    controller finds the pods behind it."""
    ports, kind = list_published_ports(workload), {"type": SERVICE_TYPES[environment.settings.publish]}
    has_ingress = bool(ingress_hosts.get_addresses(environment.settings, workload))
    if not ports or (kind["type"] == "ClusterIP" and not has_ingress):
        return None
    return _assemble_service(environment, get_published_service_name(workload), ports, kind, {}, owner=workload.name)


def get_published_service_name(workload: application.ServiceOrStore) -> str:
    """The name of the Service that is reachable from outside."""
    is_store = isinstance(workload, application.Store)
    return f"{workload.name}{model_ports.PUBLISHED_SUFFIX}" if is_store else workload.name


def build_headless_service(
    environment: environments.Environment, workload: application.ServiceOrStore
) -> dict[str, Any]:
    """The name of a store's Service resolves to its pod, without a proxy. The same for a service with unknown ports:
    without a proxy it needs no list of them.

    https://kubernetes.io/docs/concepts/services-networking/service/#headless-services
    """
    return _assemble_service(environment, workload.name, list_ports(workload), _HEADLESS, {})


def build_alias_services(
    environment: environments.Environment, workload: application.ServiceOrStore
) -> Iterator[dict[str, Any]]:
    """A Service for each further name of a workload, with the same pods and ports."""
    is_headless = isinstance(workload, application.Store) or workload.all_ports
    kind = _HEADLESS if is_headless else {"type": "ClusterIP"}
    for alias in workload.aliases:
        yield _assemble_service(environment, alias, list_ports(workload), kind, {}, owner=workload.name)


def build_external_annotation(
    environment: environments.Environment, workload: application.AnyWorkload
) -> dict[str, str]:
    """The addresses of the external stores that a workload calls. No other object of the cluster has them."""
    addresses = format_external_addresses(environment.app, workload)
    return {names.EXTERNAL_ANNOTATION: addresses} if addresses else {}


def format_external_addresses(app: application.Application, workload: application.AnyWorkload) -> str:
    """The text of that annotation."""
    stores = [store for store in app.stores if store.external and store.name in workload.calls]
    return " ".join(f"{store.name}={external.format_address(store)}" for store in stores)


def _assemble_service(  # noqa: PLR0917 - in the order of the manifest
    environment: environments.Environment,
    name: str,
    ports: Sequence[application.Port],
    kind: Mapping[str, Any],
    annotations: Mapping[str, str],
    owner: str | None = None,
) -> dict[str, Any]:
    # Pulumi's wait for a Service sleeps 10 s, and the wait of the rollout covers it.
    all_annotations = {"pulumi.com/skipAwait": "true", **annotations}
    service = names.build_object(environment, "Service", name, owner=owner, annotations=all_annotations)
    spec = {**kind, "selector": names.build_selector(environment, owner or name)["matchLabels"]}
    is_published = owner is None and kind["type"] != "ClusterIP"
    app_protocols = _PUBLISHED_APP_PROTOCOLS if is_published else _APP_PROTOCOLS
    service_ports = [_build_service_port(port, app_protocols.get(port.protocol)) for port in ports]
    return service | {"spec": spec | ({"ports": service_ports} if ports else {})}


def _build_service_port(port: application.Port, app_protocol: str | None) -> dict[str, Any]:
    service_port = {"name": port.name, "port": port.port, "targetPort": port.name}
    service_port["protocol"] = get_transport_protocol(port)
    if app_protocol:
        service_port["appProtocol"] = app_protocol
    return service_port
