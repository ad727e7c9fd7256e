"""Companions, ports, questions, pods of every node, jobs of every kind and disks: what each becomes."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from seaway.manifests import objects
from seaway.model import application, settings
from seaway.model.defaults import resolve

STACK = settings.Settings(stack="test", context="test")
IMAGES = {"web": objects.Image(reference="registry.example.com/shop/web@sha256:1", content="ctx-1")}
SECRETS = {"KEY": objects.SecretValue(fingerprint="f1", value="a2V5")}
CLOSED = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def service(name: str = "web", **fields: Any) -> application.Service:
    return application.Service(name, **({"build": application.Build(context="./web"), "port": 8000} | fields))


def store(**fields: Any) -> application.Store:
    volume = application.Volume(path="/data", size="1Gi")
    return application.Store("db", **({"image": "db:1", "port": 5432, "volume": volume} | fields))


def job(**fields: Any) -> application.Job:
    said: dict[str, Any] = {"image": "report:1"} | fields
    return application.Job("report", **said)


def made(
    *services: application.Service, stack: settings.Settings = STACK, **kinds: Any
) -> Mapping[str, objects.ReleaseObject]:
    app = resolve.resolve_users(application.Application("shop", services=services, **kinds))
    found = objects.objects(app, stack, IMAGES, SECRETS)
    assert len({each.key for each in found}) == len(found), "two objects with one key"
    return {each.key: each for each in found}


def pod(found: Mapping[str, objects.ReleaseObject], key: str = "Deployment/web") -> dict[str, Any]:
    return found[key].manifest["spec"]["template"]["spec"]


def first(found: Mapping[str, objects.ReleaseObject], key: str = "Deployment/web") -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in pod(found, key)["initContainers"]}


def test_sidecars_start_before_the_inits_that_may_use_them() -> None:
    web = service(
        init=(application.ExtraContainer("wait", command=("wait",)), application.ExtraContainer("copy")),
        sidecars=(application.ExtraContainer("proxy", image="envoy:1"),),
    )
    found = first(made(web))
    assert list(found) == ["proxy", "wait", "copy"]
    assert [each.get("restartPolicy") for each in found.values()] == ["Always", None, None]
    assert found["wait"]["command"] == ["wait"]


def test_a_companion_runs_its_own_image_or_another_services_or_that_of_its_pod() -> None:
    beside = (
        application.ExtraContainer("own"),
        application.ExtraContainer("other", uses="web"),
        application.ExtraContainer("public", image="envoy:1"),
    )
    found = made(service(), service("api", build=None, image="api:1", sidecars=beside))
    assert {name: each["image"] for name, each in first(found, "Deployment/api").items()} == {
        "own": "api:1",
        "other": IMAGES["web"].reference,
        "public": "envoy:1",
    }
    mirrored = settings.Settings(
        stack="test", context="test", image_overrides={"envoy:1": "mirror.example.com/envoy:1"}
    )
    web = service(sidecars=(application.ExtraContainer("public", image="envoy:1"),))
    assert first(made(web, stack=mirrored))["public"]["image"] == "mirror.example.com/envoy:1"


def test_a_companion_is_as_closed_as_the_main_container_and_may_be_another_user() -> None:
    beside = (application.ExtraContainer("own"), application.ExtraContainer("public", image="envoy:1", user=101))
    found = first(made(service(user=5000, sidecars=beside)))
    assert found["own"]["securityContext"] == CLOSED
    assert found["public"]["securityContext"] == {"runAsUser": 101, "runAsGroup": 101} | CLOSED


def test_a_companion_has_its_own_environment_and_the_pods_links() -> None:
    web = service(calls=("api",), env={"A": "1"}, sidecars=(application.ExtraContainer("own", env={"API_PORT": "7"}),))
    found = first(made(web, service("api", build=None, image="api:1", port=81)))
    assert {one["name"]: one["value"] for one in found["own"]["env"]} == {
        "API_URL": "http://api:81",
        "API_HOST": "api",
        "API_PORT": "7",
    }


def test_the_secrets_of_a_pod_are_one_object_and_each_container_sees_its_own() -> None:
    web = service(sidecars=(application.ExtraContainer("own", secrets=(application.Secret("KEY", env=True),)),))
    found = made(web)
    (name,) = [each.name for each in found.values() if each.kind == "Secret"]
    (variable,) = first(found)["own"]["env"]
    assert variable == {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": name, "key": "KEY"}}}
    assert "env" not in pod(found)["containers"][0]


def test_a_path_is_one_folder_in_a_pod_but_tmp_is_everybodys_own() -> None:
    web = service(
        writable=("/run/sock",), sidecars=(application.ExtraContainer("own", writable=("/run/sock", "/cache")),)
    )
    found = made(web)
    mounts = {
        each["name"]: {one["mountPath"]: one["name"] for one in each["volumeMounts"]}
        for each in (*pod(found)["containers"], *pod(found)["initContainers"])
    }
    assert mounts == {
        "web": {"/run/sock": "writable-run-sock", "/tmp": "writable-tmp"},
        "own": {"/run/sock": "writable-run-sock", "/cache": "writable-cache", "/tmp": "tmp-own"},
    }
    assert {one["name"] for one in pod(found)["volumes"]} == {
        "writable-run-sock", "writable-tmp", "writable-cache", "tmp-own",
    }  # fmt: skip


def test_a_backup_beside_a_store_sees_its_disk() -> None:
    found = made(stores=(store(sidecars=(application.ExtraContainer("backup", writable=("/data",)),)),))
    mounts = first(found, "StatefulSet/db")["backup"]["volumeMounts"]
    assert {"name": "data", "mountPath": "/data"} in mounts
    assert "writable-data" not in {one["name"] for one in pod(found, "StatefulSet/db")["volumes"]}


def test_files_of_two_containers_are_two_objects_even_with_neighbours_of_like_names() -> None:
    files = (application.File("/a", content="x"),)
    found = made(
        service(files=files, sidecars=(application.ExtraContainer("own", files=files),)),
        service("web-own", build=None, image="api:1", files=files),
    )
    names = [each.name for each in found.values() if each.kind == "ConfigMap"]
    assert sorted(name.rpartition("-")[0] for name in names) == ["web-config", "web-own-config", "web-own-config"]
    volumes = {one["name"]: one for one in pod(found)["volumes"] if "configMap" in one}
    assert set(volumes) == {"config", "config-own"}
    (mount,) = [one for one in first(found)["own"]["volumeMounts"] if "subPath" in one]
    assert mount == {"name": "config-own", "mountPath": "/a", "subPath": "a", "readOnly": True}


def test_a_sidecar_is_asked_only_where_it_can_be() -> None:
    beside = (
        application.ExtraContainer("silent"),
        application.ExtraContainer("port", port=9000),
        application.ExtraContainer("path", port=9001, health=application.Health.shorthand("/up")),
        application.ExtraContainer("told", health=application.Health.shorthand(("ask",))),
    )
    found = first(made(service(sidecars=beside)))
    assert "startupProbe" not in found["silent"]
    assert found["port"]["readinessProbe"]["tcpSocket"] == {"port": 9000}
    assert found["port"]["ports"] == [{"containerPort": 9000, "protocol": "TCP"}]
    assert found["path"]["livenessProbe"]["httpGet"] == {"path": "/up", "port": 9001}
    assert found["told"]["startupProbe"]["exec"] == {"command": ["ask"]}


def test_another_companion_is_another_version_and_another_job() -> None:
    def version(image: str) -> tuple[str | None, str]:
        beside = (application.ExtraContainer("own", image=image),)
        found = made(service(sidecars=beside), jobs=(job(init=beside),))
        return found["Deployment/web"].version, next(each.name for each in found.values() if each.kind == "Job")

    assert version("a:1") == version("a:1")
    assert {*version("a:1")}.isdisjoint(version("a:2"))


def test_ports_are_called_the_same_in_the_container_and_in_the_service() -> None:
    ports = (application.Port("metrics", port=9090), application.Port("dns", port=53, protocol="udp"))
    found = made(service(ports=ports, protocol="grpc"))
    assert pod(found)["containers"][0]["ports"] == [
        {"name": "main", "containerPort": 8000, "protocol": "TCP"},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "metrics", "containerPort": 9090, "protocol": "TCP"},
    ]
    assert found["Service/web"].manifest["spec"]["ports"] == [
        {"name": "main", "port": 8000, "targetPort": "main", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"},
        {"name": "dns", "port": 53, "targetPort": "dns", "protocol": "UDP"},
        {"name": "metrics", "port": 9090, "targetPort": "metrics", "protocol": "TCP"},
    ]
    assert pod(found)["securityContext"]["sysctls"], "53 is below 1024"


def test_a_worker_may_have_ports_of_its_own() -> None:
    found = made(service(port=None, ports=(application.Port("metrics", port=9090),)))
    assert [one["name"] for one in found["Service/web"].manifest["spec"]["ports"]] == ["metrics"]
    assert "readinessProbe" not in pod(found)["containers"][0]


@pytest.mark.parametrize(
    ("ask", "question"),
    [
        ("grpc", {"grpc": {"port": 8000}}),
        ("grpc:shop.v1.Cart", {"grpc": {"port": 8000, "service": "shop.v1.Cart"}}),
        ("tcp", {"tcpSocket": {"port": "main"}}),
        (None, {"tcpSocket": {"port": "main"}}),
    ],
)
def test_a_grpc_service_is_asked(ask: str | None, question: dict[str, Any]) -> None:
    web = service(protocol="grpc", health=application.Health(readiness=ask))
    (container,) = pod(made(web))["containers"]
    assert container["readinessProbe"].items() >= question.items()


def test_nobody_can_ask_a_datagram() -> None:
    found = made(service(protocol="udp", port=53))
    assert "readinessProbe" not in pod(found)["containers"][0]
    assert found["Deployment/web"].manifest["spec"]["minReadySeconds"] == 5


def test_the_working_folder() -> None:
    beside = (application.ExtraContainer("own", working_dir="/srv"),)
    found = made(service(working_dir="/app", sidecars=beside))
    assert (pod(found)["containers"][0]["workingDir"], first(found)["own"]["workingDir"]) == ("/app", "/srv")


def test_one_pod_on_every_node() -> None:
    found = made(service(daemon_set=True))
    spec = found["DaemonSet/web"].manifest["spec"]
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert "topologySpreadConstraints" not in spec["template"]["spec"]
    assert "PodDisruptionBudget/web" not in found
    assert (found["DaemonSet/web"].phase, found["DaemonSet/web"].deadline) == (objects.Phase.service, 300)
    assert "Deployment/web" not in found


def test_steps_end_with_the_jobs_after_the_services() -> None:
    jobs = (
        application.Job("migrate", image="m:1"),
        application.Job("warm", image="m:1", run="after-rollout"),
        application.Job("report", image="m:1", schedule="0 3 * * *"),
        application.Job("repair", image="m:1", run="on-demand"),
    )
    found = made(service(), stores=(store(),), jobs=jobs)
    steps = objects.group_by_step(found.values())
    assert {step: [each.owner for each in ones] for step, ones in steps.items()} == {
        "stores": ["db"],
        "jobs": ["migrate"],
        "services": ["repair", "report", "web"],
        "late-jobs": ["warm"],
    }
    assert [each.owner for each in steps["services"] if each.deadline is not None] == ["web"], "nothing to wait for"
    (warm,) = steps["late-jobs"]
    assert warm.manifest["metadata"]["annotations"]["seaway/run"] == "after-rollout"


def test_a_job_by_the_clock() -> None:
    report = job(
        schedule="30 3 * * *",
        time_zone="Europe/Berlin",
        starting_deadline=60,
        concurrency_policy="replace",
        history_limit=1,
        tries=3,
    )
    manifest = made(jobs=(report,))["CronJob/report"].manifest
    template = manifest["spec"].pop("jobTemplate")
    assert manifest["spec"] == {
        "schedule": "30 3 * * *",
        "timeZone": "Europe/Berlin",
        "suspend": False,
        "startingDeadlineSeconds": 60,
        "concurrencyPolicy": "Replace",
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 1,
    }
    assert (template["spec"]["backoffLimit"], template["spec"]["activeDeadlineSeconds"]) == (2, 600)
    assert template["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert template["metadata"]["labels"] == manifest["metadata"]["labels"]


def test_a_job_that_only_people_start() -> None:
    spec = made(jobs=(job(run="on-demand"),))["CronJob/report"].manifest["spec"]
    assert (spec["suspend"], spec["schedule"]) == (True, "0 0 31 2 *")


def test_a_name_leaves_room_for_that_of_its_runs() -> None:
    name = "a" * 60
    (cron_job,) = [
        each
        for each in made(jobs=(application.Job(name, image="r:1", run="on-demand"),)).values()
        if each.kind == "CronJob"
    ]
    assert (len(cron_job.name), cron_job.owner) == (52, name)


def test_more_disks_of_one_store() -> None:
    wal = application.Volume(path="/wal", size="2Gi", storage_class="fast")
    stack = settings.Settings(stack="test", context="test", storage_class="standard")
    found = made(stores=(store(volumes={"wal": wal}, retain=False),), stack=stack)
    spec = found["StatefulSet/db"].manifest["spec"]
    assert [(one["metadata"]["name"], one["spec"]["storageClassName"]) for one in spec["volumeClaimTemplates"]] == [
        ("data", "standard"),
        ("wal", "fast"),
    ]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Delete", "whenScaled": "Retain"}
    mounts = {one["mountPath"]: one["name"] for one in spec["template"]["spec"]["containers"][0]["volumeMounts"]}
    assert (mounts["/data"], mounts["/wal"]) == ("data", "wal")
    plain = made(stores=(store(),))["StatefulSet/db"].manifest["spec"]["volumeClaimTemplates"][0]["spec"]
    assert "storageClassName" not in plain


def test_a_store_is_reached_from_outside_by_a_second_service() -> None:
    """A headless Service opens no port, and the name of a store must stay the address of its pod."""
    one = store(publish=True, ports=(application.Port("web", port=81), application.Port("api", port=82, publish=True)))
    assert "Service/db-outside" not in made(stores=(one,))
    found = made(stores=(one,), stack=dataclasses.replace(STACK, publish="nodePort"))
    assert found["Service/db"].manifest["spec"]["clusterIP"] == "None"
    outside = found["Service/db-outside"]
    assert (outside.owner, outside.manifest["spec"]["type"]) == ("db", "NodePort")
    assert [each["name"] for each in outside.manifest["spec"]["ports"]] == ["main", "api"]
    assert outside.manifest["spec"]["selector"] == found["Service/db"].manifest["spec"]["selector"]


def test_an_image_as_it_is() -> None:
    """Its own user and its own files, for what nobody knows more of."""
    found = pod(made(service(user=None, security="baseline", writable=("/",))))
    assert found["securityContext"] == {
        "fsGroup": 10001,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert found["containers"][0]["securityContext"] == {"readOnlyRootFilesystem": False}
    assert [each["mountPath"] for each in found["containers"][0]["volumeMounts"]] == ["/tmp"]


def test_a_question_is_asked_as_it_is_said() -> None:
    found = pod(made(service(health=application.Health(readiness="/r", interval=30, timeout=10, retries=5))))
    asked = found["containers"][0]["readinessProbe"]
    assert (asked["periodSeconds"], asked["timeoutSeconds"], asked["failureThreshold"]) == (30, 10, 5)


def test_a_link_may_give_no_variables() -> None:
    found = made(service(calls=("db",), link_variables=False), stores=(store(),))
    assert "env" not in pod(found)["containers"][0]


def test_a_disk_is_shared_on_the_node_of_its_store() -> None:
    """And belongs to the store's group, as long as it is shared."""
    share = application.SharedVolume("/srv/media", store="db", read_only=True)
    found = pod(made(service(shared_volumes=(share,)), stores=(store(user=999),)))
    assert {"name": "shared-data-db", "persistentVolumeClaim": {"claimName": "data-db-0"}} in found["volumes"]
    assert {"name": "shared-data-db", "mountPath": "/srv/media", "readOnly": True} in found["containers"][0][
        "volumeMounts"
    ]
    (term,) = found["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] == "db"
    assert (found["securityContext"]["fsGroup"], found["securityContext"]["supplementalGroups"]) == (999, [999, 10001])
    both = made(service(shared_volumes=(share,)), stores=(store(user=999),))
    (preferred,) = pod(both, "StatefulSet/db")["affinity"]["podAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    assert preferred["podAffinityTerm"]["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] == "web"


def test_ports_that_nobody_wrote() -> None:
    found = made(service(calls=("legacy",)), service("legacy", image="x:1", port=None, all_ports=True))
    assert found["Service/legacy"].manifest["spec"]["clusterIP"] == "None"
    assert "ports" not in found["Service/legacy"].manifest["spec"]


def test_a_store_that_speaks_http_is_led_to() -> None:
    ingress = settings.Ingress(hosts={"db": ("wiki.example.com",)})
    stack = dataclasses.replace(STACK, publish="ingress", ingress=ingress)
    found = made(stores=(store(publish=True, protocol="http"),), stack=stack)
    backend = found["Ingress/db"].manifest["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "db-outside", "port": {"name": "main"}}
    assert found["Service/db-outside"].manifest["spec"]["type"] == "ClusterIP"
