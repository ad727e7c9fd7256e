"""Pods: security, extra containers, ports, probes and volumes."""

from typing import Any

import pytest

from seaway.model import application
from tests.support.rendering import IMAGE, STATEFUL_SET, extra, render, service, store

RESTRICTED = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def test_baseline_drops_only_the_rules_of_restricted() -> None:
    rendered = render(service(security="baseline"))
    assert rendered.get_container()["securityContext"] == {"readOnlyRootFilesystem": True}
    assert "runAsNonRoot" not in rendered.get_pod()["securityContext"]
    assert rendered.get_pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_an_image_can_keep_its_own_user_and_files() -> None:
    pod = render(service(user=None, security="baseline", writable=("/",))).get_pod()
    assert pod["securityContext"] == {
        "fsGroup": 10001,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert pod["containers"][0]["securityContext"] == {"readOnlyRootFilesystem": False}
    assert [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]] == ["/tmp"]


def test_a_low_port_needs_no_root() -> None:
    sysctl = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    assert render(service(port=80)).get_pod()["securityContext"]["sysctls"] == [sysctl]
    assert "sysctls" not in render(service(port=8080)).get_pod()["securityContext"]
    ports = (application.Port("dns", port=53, protocol="udp"),)
    assert render(service(ports=ports)).get_pod()["securityContext"]["sysctls"] == [sysctl]


def test_an_extra_container_runs_its_own_image_a_services_or_that_of_its_pod() -> None:
    sidecars = (extra("own"), extra("other", uses="web"), extra("public", image="envoy:1"))
    workloads = (service(), service("api", image="api:1", sidecars=sidecars))
    containers = render(*workloads).get_init_containers("Deployment/api")
    assert {name: container["image"] for name, container in containers.items()} == {
        "own": "api:1",
        "other": IMAGE.reference,
        "public": "envoy:1",
    }
    mirrored = render(*workloads, image_overrides={"envoy:1": "mirror.example.com/envoy:1"})
    assert mirrored.get_init_containers("Deployment/api")["public"]["image"] == "mirror.example.com/envoy:1"


def test_an_extra_container_is_restricted_and_may_have_another_user() -> None:
    sidecars = (extra("own"), extra("public", image="envoy:1", user=101))
    containers = render(service(user=5000, sidecars=sidecars)).get_init_containers()
    assert containers["own"]["securityContext"] == RESTRICTED
    assert containers["public"]["securityContext"] == {"runAsUser": 101, "runAsGroup": 101} | RESTRICTED


def test_the_container_and_the_service_have_the_same_port_names() -> None:
    ports = (application.Port("metrics", port=9090), application.Port("dns", port=53, protocol="udp"))
    rendered = render(service(ports=ports, protocol="grpc"))
    assert rendered.get_container()["ports"] == [
        {"name": "main", "containerPort": 8000, "protocol": "TCP"},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "metrics", "containerPort": 9090, "protocol": "TCP"},
    ]
    assert rendered.get_spec("Service/web")["ports"] == [
        {"name": "main", "port": 8000, "targetPort": "main", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"},
        {"name": "dns", "port": 53, "targetPort": "dns", "protocol": "UDP"},
        {"name": "metrics", "port": 9090, "targetPort": "metrics", "protocol": "TCP"},
    ]


@pytest.mark.parametrize(
    ("fields", "probe", "handler"),
    [
        ({}, "/healthz", {"httpGet": {"path": "/healthz", "port": "main"}}),
        ({}, ("pg_isready",), {"exec": {"command": ["pg_isready"]}}),
        ({}, None, {"tcpSocket": {"port": "main"}}),
        ({"protocol": "grpc"}, "grpc", {"grpc": {"port": 8000}}),
        ({"protocol": "grpc"}, "grpc:shop.v1.Cart", {"grpc": {"port": 8000, "service": "shop.v1.Cart"}}),
        ({"protocol": "grpc"}, "tcp", {"tcpSocket": {"port": "main"}}),
        ({"protocol": "grpc"}, None, {"tcpSocket": {"port": "main"}}),
    ],
)
def test_probes_use_the_declared_health_check(
    fields: dict[str, Any], probe: str | tuple[str, ...] | None, handler: dict[str, Any]
) -> None:
    health = application.Health(readiness=probe, liveness=probe, start_period=7)
    container = render(service(health=health, **fields)).get_container()
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert handler.items() <= container[name].items(), name
    assert container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"] == 7


def test_a_sidecar_has_probes_if_it_has_a_port_or_a_health_check() -> None:
    sidecars = (
        extra("silent"),
        extra("port", port=9000),
        extra("path", port=9001, health=application.Health.shorthand("/up")),
        extra("command", health=application.Health.shorthand(("check",))),
    )
    containers = render(service(sidecars=sidecars)).get_init_containers()
    assert "startupProbe" not in containers["silent"]
    assert containers["port"]["readinessProbe"]["tcpSocket"] == {"port": 9000}
    assert containers["port"]["ports"] == [{"containerPort": 9000, "protocol": "TCP"}]
    assert containers["path"]["livenessProbe"]["httpGet"] == {"path": "/up", "port": 9001}
    assert containers["command"]["startupProbe"]["exec"] == {"command": ["check"]}


def test_a_service_may_have_other_ports_only() -> None:
    rendered = render(service(port=None, ports=(application.Port("metrics", port=9090),)))
    assert [port["name"] for port in rendered.get_spec("Service/web")["ports"]] == ["metrics"]
    assert "readinessProbe" not in rendered.get_container()


def test_a_pod_without_a_readiness_probe_must_run_a_while() -> None:
    """It is ready at once, so a program that exits immediately would count as healthy."""
    assert render(service(port=None)).get_spec()["minReadySeconds"] == 5
    assert render(service(protocol="udp", port=53)).get_spec()["minReadySeconds"] == 5
    health = application.Health(readiness=("true",))
    assert "minReadySeconds" not in render(service(port=None, health=health)).get_spec()
    assert "minReadySeconds" not in render(service()).get_spec()


@pytest.mark.parametrize(
    ("fields", "grace_period", "delay"),
    [
        ({}, 30, 5),
        ({"pre_stop_delay": 10, "stop_grace_period": 60}, 70, 10),
        ({"pre_stop_delay": 0}, 25, None),
        ({"port": None, "health": application.Health(), "pre_stop_delay": 10, "stop_grace_period": 7}, 7, None),
    ],
)
def test_the_grace_period_covers_the_delay_before_the_stop(
    fields: dict[str, Any], grace_period: int, delay: int | None
) -> None:
    rendered = render(service(**fields))
    assert rendered.get_pod()["terminationGracePeriodSeconds"] == grace_period
    lifecycle = None if delay is None else {"preStop": {"sleep": {"seconds": delay}}}
    assert rendered.get_container().get("lifecycle") == lifecycle


def test_containers_of_a_pod_share_a_writable_path_except_tmp() -> None:
    rendered = render(service(writable=("/run/sock",), sidecars=(extra(writable=("/run/sock", "/cache")),)))
    pod = rendered.get_pod()
    assert {
        container["name"]: {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        for container in (*pod["containers"], *pod["initContainers"])
    } == {
        "web": {"/run/sock": "writable-run-sock", "/tmp": "writable-tmp"},
        "extra": {"/run/sock": "writable-run-sock", "/cache": "writable-cache", "/tmp": "tmp-extra"},
    }
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert volumes == {"writable-run-sock", "writable-tmp", "writable-cache", "tmp-extra"}


def test_a_sidecar_of_a_store_can_mount_its_volume() -> None:
    rendered = render(store(sidecars=(extra("backup", writable=("/data",)),)))
    mounts = rendered.get_init_containers(STATEFUL_SET)["backup"]["volumeMounts"]
    assert {"name": "data", "mountPath": "/data"} in mounts
    assert "writable-data" not in {volume["name"] for volume in rendered.get_pod(STATEFUL_SET)["volumes"]}


def test_a_shared_volume_keeps_the_node_and_the_group_of_its_store() -> None:
    shared = application.SharedVolume("/srv/media", store="db", read_only=True)
    rendered = render(service(shared_volumes=(shared,)), store(user=999))
    pod = rendered.get_pod()
    assert {"name": "shared-data-db", "persistentVolumeClaim": {"claimName": "data-db-0"}} in pod["volumes"]
    mount = {"name": "shared-data-db", "mountPath": "/srv/media", "readOnly": True}
    assert mount in rendered.get_container()["volumeMounts"]
    (required,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] == "db"
    assert (pod["securityContext"]["fsGroup"], pod["securityContext"]["supplementalGroups"]) == (999, [999, 10001])
    affinity = rendered.get_pod(STATEFUL_SET)["affinity"]["podAffinity"]
    (preferred,) = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
    assert preferred["podAffinityTerm"]["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] == "web"
