"""What an application becomes, one decision a test."""

import dataclasses
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from seaway.manifests import names, objects, yaml_writer
from seaway.model import application, settings
from tests import golden

STACK = settings.Settings(stack="test", context="test")
BUILD = application.Build(context="./web")
IMAGE = objects.Image(reference="registry.example.com/shop/web@sha256:1", content="ctx-1")
SECRETS = {
    "KEY": objects.SecretValue(fingerprint="f1", value="a2V5"),
    "TOKEN": objects.SecretValue(fingerprint="f2", value="dG9r"),
}


def service(name: str = "web", **fields: Any) -> application.Service:
    return application.Service(name, **({"build": BUILD, "port": 8000} | fields))


def store(**fields: Any) -> application.Store:
    volume = application.Volume(path="/data", size="1Gi")
    return application.Store("db", **({"image": "postgres:17", "port": 5432, "volume": volume} | fields))


def made(
    *services: application.Service,
    stores: tuple[application.Store, ...] = (),
    jobs: tuple[application.Job, ...] = (),
    stack: settings.Settings = STACK,
    image: objects.Image = IMAGE,
    secrets: dict[str, objects.SecretValue] = SECRETS,
) -> dict[str, objects.ReleaseObject]:
    app = application.Application("shop", services=services, stores=stores, jobs=jobs)
    images = {each.name: image for each in services if each.build}
    found = objects.objects(app, stack, images, secrets)
    assert len({each.key for each in found}) == len(found), "two objects with one key"
    return {each.key: each for each in found}


def spec(found: dict[str, objects.ReleaseObject], key: str) -> dict[str, Any]:
    return found[key].manifest["spec"]


def pod(found: dict[str, objects.ReleaseObject], key: str = "Deployment/web") -> dict[str, Any]:
    return spec(found, key)["template"]["spec"]


def container(found: dict[str, objects.ReleaseObject], key: str = "Deployment/web") -> dict[str, Any]:
    (one,) = pod(found, key)["containers"]
    return one


def only(found: dict[str, objects.ReleaseObject], kind: str) -> objects.ReleaseObject:
    (one,) = (each for each in found.values() if each.kind == kind)
    return one


# Names and labels


def test_every_object_says_whose_it_is() -> None:
    found = made(service(), stores=(store(),))
    for each in found.values():
        labels = each.manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "shop", each.key
        assert labels["app.kubernetes.io/managed-by"] == "seaway", each.key
        assert labels["seaway/stack"] == "test", each.key
        assert labels.get("app.kubernetes.io/name") == each.owner, each.key


def test_selectors_pick_their_own_pods_and_say_nothing_that_may_change() -> None:
    found = made(service(), service("api"), stores=(store(),))
    selector = {"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop"}
    assert spec(found, "Deployment/web")["selector"] == {"matchLabels": selector}
    assert spec(found, "Service/web")["selector"] == selector
    assert spec(found, "PodDisruptionBudget/web")["selector"] == {"matchLabels": selector}
    labels = spec(found, "Deployment/web")["template"]["metadata"]["labels"]
    assert selector.items() <= labels.items()
    assert not selector.items() <= spec(found, "Deployment/api")["template"]["metadata"]["labels"].items()


def test_long_names_are_cut_with_a_hash() -> None:
    one, two = "a" * 60 + "-one", "a" * 60 + "-two"
    assert names.shorten_name("short") == "short"
    assert len(names.shorten_name(one)) == 63
    assert names.shorten_name(one) != names.shorten_name(two)
    long = dataclasses.replace(store(), name="d" * 60)
    found = made(stores=(long,))
    assert len(only(found, "StatefulSet").name) == 52
    assert only(found, "Service").name == "d" * 60, "the address that links use is the name itself"


@pytest.mark.parametrize(
    ("path", "slug"), [("/var/run/postgresql", "var-run-postgresql"), ("/a-b", "a-b-"), ("/A", "a-"), ("/a_b", "a-b-")]
)
def test_slug_keeps_paths_apart(path: str, slug: str) -> None:
    assert names.slugify_path(path).startswith(slug)
    assert names.slugify_path(path) not in {names.slugify_path(other) for other in ("/a/b", "/a", "/b")}


# The namespace


def test_namespace_is_restricted_unless_a_container_needs_baseline() -> None:
    def enforced(found: dict[str, objects.ReleaseObject]) -> str:
        return found["Namespace/shop-test"].manifest["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]

    assert enforced(made(service())) == "restricted"
    assert enforced(made(service(), stores=(store(security="baseline"),))) == "baseline"


def test_baseline_drops_only_what_restricted_adds() -> None:
    found = made(service(security="baseline"))
    assert container(found)["securityContext"] == {"readOnlyRootFilesystem": True}
    assert "runAsNonRoot" not in pod(found)["securityContext"]
    assert pod(found)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


# Pods


def test_user_owns_the_process_and_its_volumes() -> None:
    security = pod(made(service(user=999)))["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (999, 999, 999)


def test_low_port_needs_no_root() -> None:
    assert pod(made(service(port=80)))["securityContext"]["sysctls"] == [
        {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    ]
    assert "sysctls" not in pod(made(service(port=8080)))["securityContext"]


def test_writable_folders_are_empty_bounded_and_tmp_is_one() -> None:
    found = made(service(writable=("/var/cache/nginx", "/tmp")))
    assert container(found)["volumeMounts"] == [
        {"name": "writable-tmp", "mountPath": "/tmp"},
        {"name": "writable-var-cache-nginx", "mountPath": "/var/cache/nginx"},
    ]
    assert pod(found)["volumes"] == [
        {"name": "writable-tmp", "emptyDir": {"sizeLimit": "256Mi"}},
        {"name": "writable-var-cache-nginx", "emptyDir": {"sizeLimit": "256Mi"}},
    ]


def test_env_has_secrets_first_then_links_and_own_values() -> None:
    env = {"URL": "postgres://$(KEY)@db", "DB_HOST": "elsewhere"}
    found = made(service(env=env, calls=("db",), secrets=(application.Secret("KEY", env=True),)), stores=(store(),))
    name = only(found, "Secret").name
    assert container(found)["env"] == [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": name, "key": "KEY"}}},
        {"name": "DB_HOST", "value": "elsewhere"},
        {"name": "DB_PORT", "value": "5432"},
        {"name": "DB_URL", "value": "tcp://db:5432"},
        {"name": "URL", "value": "postgres://$(KEY)@db"},
    ]


def test_the_last_words_of_a_program_that_fails_stand_in_the_status_of_its_pod() -> None:
    assert container(made(service()))["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_command_and_args_only_where_they_are_said() -> None:
    assert not {"command", "args"} & container(made(service())).keys()
    said = container(made(service(command=("run",), args=("-v",))))
    assert (said["command"], said["args"]) == (["run"], ["-v"])


@pytest.mark.parametrize(
    ("ask", "question"),
    [
        ("/healthz", {"httpGet": {"path": "/healthz", "port": "main"}}),
        (("pg_isready",), {"exec": {"command": ["pg_isready"]}}),
        (None, {"tcpSocket": {"port": "main"}}),
    ],
)
def test_probes_ask_what_health_says(ask: str | tuple[str, ...] | None, question: dict[str, Any]) -> None:
    found = container(made(service(health=application.Health(readiness=ask, liveness=ask, start_period=7))))
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert question.items() <= found[probe].items(), probe
    assert found["startupProbe"]["periodSeconds"] * found["startupProbe"]["failureThreshold"] == 7


def test_a_start_does_not_wait_for_what_readiness_needs() -> None:
    found = container(made(service(health=application.Health(readiness="/readyz", liveness="/healthz"))))
    assert found["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert found["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_a_service_without_port_has_no_probes_no_service_and_nothing_to_drain() -> None:
    found = made(service(port=None))
    assert not {"startupProbe", "livenessProbe", "readinessProbe", "lifecycle", "ports"} & container(found).keys()
    assert "Service/web" not in found


def test_a_pod_that_nobody_asks_must_run_a_while_to_count() -> None:
    """Ready from its first moment, a program that ends at once would pass for a healthy one."""
    assert spec(made(service(port=None)), "Deployment/web")["minReadySeconds"] == 5
    asked = made(service(port=None, health=application.Health(readiness=("true",))))
    assert "minReadySeconds" not in spec(asked, "Deployment/web")
    assert "minReadySeconds" not in spec(made(service()), "Deployment/web")


def test_pods_leave_the_load_balancers_before_they_stop() -> None:
    found = made(service(), stores=(store(),))
    assert container(found)["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert pod(found)["terminationGracePeriodSeconds"] == 5 + 25
    assert "lifecycle" not in container(found, "StatefulSet/db")


# Workloads


def test_rollout_never_lowers_the_capacity() -> None:
    deployment = spec(made(service()), "Deployment/web")
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": "25%"}


@pytest.mark.parametrize(("startup", "deadline"), [(60, 300), (240, 300), (241, 301), (600, 660)])
def test_a_slow_start_has_its_time(startup: int, deadline: int) -> None:
    health = application.Health(start_period=startup)
    found = made(service(health=health), stores=(store(health=health),))
    assert found["Deployment/web"].deadline == found["StatefulSet/db"].deadline == deadline
    assert spec(found, "Deployment/web")["progressDeadlineSeconds"] == deadline
    less = made(service(), stack=dataclasses.replace(STACK, rollout_timeout=33))
    assert less["Deployment/web"].deadline == 120, "never less than its own start needs"


def test_workloads_are_recorded_and_not_waited_for() -> None:
    """Their deletion is, so not skipAwait."""
    found = made(service(), stores=(store(),), jobs=(job(),))
    for each in found.values():
        annotations = each.manifest["metadata"].get("annotations", {})
        waits = annotations.get("pulumi.com/waitFor") == "jsonpath={.metadata.uid}"
        assert waits == (each.kind in {"Deployment", "StatefulSet", "Job"}), each.key
        assert "pulumi.com/skipAwait" not in annotations or each.kind == "Service"
        assert (each.deadline is not None) == (each.version is not None) == waits, each.key


def test_a_version_is_another_one_when_the_spec_changes() -> None:
    def version(one: application.Service | None = None, image: objects.Image = IMAGE) -> str | None:
        return made(one or service(), image=image)["Deployment/web"].version

    same = version()
    assert version(image=objects.Image(reference=object(), content="ctx-1")) == same, "unknown in a preview"
    changes = {
        "image": version(image=objects.Image(reference=IMAGE.reference, content="ctx-2")),
        "env": version(service(env={"A": "1"})),
        "files": version(service(files=(application.File("/etc/a", content="1"),))),
        "secrets": version(service(secrets=(application.Secret("KEY"),))),
        "scale": version(service(scale=application.Scale(min=3))),
    }
    assert len({same, *changes.values()}) == 6, changes


def test_services_that_wait_have_later_turns() -> None:
    found = made(
        service("a", depends_on=("b",)),
        service("b", depends_on=("c",)),
        service("c"),
        stores=(store(),),
        jobs=(job(uses="c"),),
    )
    steps = objects.group_by_step(found.values())
    assert {step: [one.key.partition("-")[0] for one in ones] for step, ones in steps.items()} == {
        "stores": ["StatefulSet/db"],
        "jobs": ["Job/migrate"],
        "services": ["Deployment/c"],
        "services-2": ["Deployment/b"],
        "services-3": ["Deployment/a"],
    }
    assert list(steps) == ["stores", "jobs", "services", "services-2", "services-3"]
    assert list(objects.group_by_step(made(service()).values())) == ["services"], "no step without workloads"


def test_links_order_nothing() -> None:
    found = made(service("a", calls=("b",)), service("b", calls=("a",)))
    assert {each.order for each in found.values()} == {0}


def test_every_object_has_its_identity_in_the_cluster() -> None:
    found = made(service())
    identities = sorted(each.identity for each in found.values())
    assert [re.sub("-[0-9a-f]{10}$", "-<hash>", each) for each in identities] == [
        "apps/v1/Deployment/shop-test/web",
        "networking.k8s.io/v1/NetworkPolicy/shop-test/default-deny",
        "networking.k8s.io/v1/NetworkPolicy/shop-test/web-<hash>",
        "policy/v1/PodDisruptionBudget/shop-test/web",
        "v1/Namespace//shop-test",
        "v1/Service/shop-test/web",
        "v1/ServiceAccount/shop-test/web",
    ]


def test_disruption_budget_only_where_a_pod_can_be_spared() -> None:
    one, two = application.Scale(min=1), application.Scale(min=2)
    assert "PodDisruptionBudget/web" not in made(service(scale=one))
    budget = spec(made(service(scale=two)), "PodDisruptionBudget/web")
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_scaling_does_not_roll_the_pods() -> None:
    one, nine = made(service(scale=application.Scale(min=1))), made(service(scale=application.Scale(min=9)))
    assert pod(one) == pod(nine)
    assert spec(nine, "Deployment/web")["replicas"] == 9


def test_store_keeps_its_disk() -> None:
    found = made(stores=(store(),))
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    claim["spec"]["resources"] = {"requests": {"storage": "1Gi"}}
    stateful = spec(found, "StatefulSet/db")
    assert stateful["volumeClaimTemplates"] == [claim]
    assert stateful["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert stateful["serviceName"] == found["Service/db"].name
    assert spec(found, "Service/db")["clusterIP"] == "None"
    assert {"name": "data", "mountPath": "/data"} in container(found, "StatefulSet/db")["volumeMounts"]


@pytest.mark.parametrize(
    ("exposure", "expose", "kind"),
    [
        ("clusterIP", True, "ClusterIP"),
        ("nodePort", True, "NodePort"),
        ("loadBalancer", True, "LoadBalancer"),
        ("nodePort", False, "ClusterIP"),
    ],
)
def test_exposure_is_the_environments_business(exposure: settings.PublishMode, expose: bool, kind: str) -> None:
    found = made(service(publish=expose), stack=dataclasses.replace(STACK, publish=exposure))
    assert spec(found, "Service/web")["type"] == kind
    assert "nodePort" not in spec(found, "Service/web")["ports"][0]


def test_services_are_not_waited_for() -> None:
    annotations = made(service())["Service/web"].manifest["metadata"]["annotations"]
    assert annotations["pulumi.com/skipAwait"] == "true"


def test_what_somebody_edited_by_hand_is_no_conflict() -> None:
    for each in made(service(), stores=(store(),), jobs=(job(),)).values():
        forced = each.manifest["metadata"].get("annotations", {}).get("pulumi.com/patchForce") == "true"
        assert forced == (each.kind != "Namespace"), each.key


# Jobs


def job(**fields: Any) -> application.Job:
    return application.Job("migrate", **({"uses": "web", "build": BUILD, "command": ("migrate",)} | fields))


def job_name(one: application.Job, **fields: Any) -> str:
    return only(made(service(), jobs=(one,), **fields), "Job").name


def test_job_runs_the_image_that_it_uses_and_never_twice() -> None:
    found = made(service(), jobs=(job(),))
    one = only(found, "Job")
    assert one.manifest["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE.reference
    assert one.manifest["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert one.manifest["spec"]["backoffLimit"] == 1
    assert "ttlSecondsAfterFinished" not in one.manifest["spec"]
    assert len(one.name) <= 63


def test_job_has_its_own_time() -> None:
    one = only(made(service(), jobs=(job(timeout=5),)), "Job")
    assert one.manifest["spec"]["activeDeadlineSeconds"] == 5
    assert one.deadline == 65, "Kubernetes ends it first, and says why"
    assert only(made(service(), jobs=(job(),)), "Job").name == one.name, "more time is no reason to run again"


def test_job_is_another_one_when_what_it_does_changes() -> None:
    same = job_name(job())
    rebuilt = objects.Image(reference="registry.example.com/shop/web@sha256:2", content="ctx-1")
    assert job_name(job(), image=rebuilt) == same, "the digest is not known in a preview"
    other = objects.Image(reference=IMAGE.reference, content="ctx-2")
    changes = {
        "image": job_name(job(), image=other),
        "command": job_name(job(command=("migrate", "--all"))),
        "env": job_name(job(env={"A": "1"})),
        "files": job_name(job(files=(application.File("/etc/a", content="1"),))),
    }
    assert len({same, *changes.values()}) == 5, changes


# Configuration and secrets


def config_name(content: str) -> str:
    return only(made(service(files=(application.File("/etc/a.ini", content=content),))), "ConfigMap").name


def test_config_is_called_after_its_content() -> None:
    assert config_name("1") == config_name("1") != config_name("2")
    found = made(service(files=(application.File("/etc/web/a.ini", content="x = 1\n"),)))
    made_map = only(found, "ConfigMap")
    assert made_map.manifest["immutable"] is True
    assert made_map.is_retained
    assert made_map.manifest["data"] == {"etc_web_a.ini": "x = 1\n"}
    assert {"name": "config", "mountPath": "/etc/web/a.ini", "subPath": "etc_web_a.ini", "readOnly": True} in container(
        found
    )["volumeMounts"]
    assert {"name": "config", "configMap": {"name": made_map.name}} in pod(found)["volumes"]
    assert not found["Deployment/web"].is_retained


def test_paths_that_look_alike_stay_apart() -> None:
    files = tuple(application.File(path, content=path) for path in ("/a/b", "/a_b", "/a+b"))
    assert sorted(only(made(service(files=files)), "ConfigMap").manifest["data"].values()) == ["/a+b", "/a/b", "/a_b"]


def test_a_file_that_was_not_read_is_no_empty_file() -> None:
    with pytest.raises(ValueError, match=r"web: the text of /etc/a was not read"):
        made(service(files=(application.File("/etc/a", source="a"),)))


def test_secret_name_depends_on_the_fingerprint_and_not_on_the_value() -> None:
    def name(fingerprint: str, value: Any) -> str:
        given = {"KEY": objects.SecretValue(fingerprint=fingerprint, value=value)}
        return only(made(service(secrets=(application.Secret("KEY"),)), secrets=given), "Secret").name

    unknown = object()  # what an Output is to this code: it flows through and is never looked at
    assert name("f1", unknown) == name("f1", "a2V5") != name("f2", "a2V5")


def test_secret_values_are_in_secret_data_only() -> None:
    found = made(service(secrets=(application.Secret("KEY"), application.Secret("TOKEN"))))
    secret = only(found, "Secret")
    assert secret.manifest["data"] == {"KEY": "a2V5", "TOKEN": "dG9r"}
    assert secret.manifest["immutable"] is True
    assert secret.is_retained
    others = [each.manifest for each in found.values() if each is not secret]
    assert "a2V5" not in json.dumps(others)
    assert "a2V5" not in repr(SECRETS)
    text = yaml_writer.dump_objects(found.values())
    assert "a2V5" not in text
    assert "KEY: (secret)" in text


def test_missing_secrets_are_named_together() -> None:
    with pytest.raises(LookupError, match="web: no value for A, B"):
        made(service(secrets=(application.Secret("B"), application.Secret("A"), application.Secret("KEY"))))


# Images


def test_substitute_takes_the_place_of_an_image_but_not_of_its_name_in_hashes() -> None:
    local = dataclasses.replace(STACK, image_overrides={"postgres:17": "registry.example.com/postgres:17"})
    found = made(stores=(store(),), stack=local)
    assert container(found, "StatefulSet/db")["image"] == "registry.example.com/postgres:17"
    one = application.Job("load", image="postgres:17")
    with_substitute, without = only(made(jobs=(one,), stack=local), "Job"), only(made(jobs=(one,)), "Job")
    assert with_substitute.name == without.name


def test_the_digest_of_what_is_taken_is_part_of_hashes() -> None:
    """A job that ran with one image runs again with another, wherever that one comes from."""

    def name(image: str, instead: str | None = None) -> str:
        stack = dataclasses.replace(STACK, image_overrides={"postgres:17": instead} if instead else {})
        found = made(jobs=(application.Job("load", image=image),), stack=stack)
        one = only(found, "Job")
        assert container(found, one.key)["image"] == (instead or image)
        return one.name

    one, two = (f"sha256:{number:064}" for number in (1, 2))
    loose, pinned = name("postgres:17"), name(f"postgres:17@{one}")
    assert len({loose, pinned, name(f"postgres:17@{two}")}) == 3
    # The application's pin is not that of the image that the environment takes instead.
    assert name(f"postgres:17@{one}", "mirror/postgres:17") == loose
    assert name(f"postgres:17@{two}", f"mirror/postgres:17@{one}") == pinned


def test_an_image_that_is_not_known_yet_only_flows_through() -> None:
    unknown = object()
    found = made(service(), jobs=(job(),), image=objects.Image(reference=unknown, content="ctx-1"))
    assert container(found)["image"] is unknown
    assert [each.key for each in found.values()] == [each.key for each in made(service(), jobs=(job(),)).values()]


def test_a_build_without_image_is_named() -> None:
    with pytest.raises(LookupError, match="web: it is built, but no image was given"):
        objects.objects(application.Application("shop", services=(service(),)), STACK, {}, {})


# All of it


def test_order_of_keys_changes_nothing() -> None:
    def text(turn: int) -> str:
        env = dict(list({"A": "1", "B": "2", "C": "3"}.items())[::turn])
        secrets = (application.Secret("KEY"), application.Secret("TOKEN"))[::turn]
        files = (application.File("/a", content="1"), application.File("/b", content="2"))[::turn]
        web = service(env=env, secrets=secrets, files=files, writable=("/x", "/y")[::turn], calls=("api", "db")[::turn])
        services = (web, service("api"))[::turn]
        return yaml_writer.dump_objects(
            made(*services, stores=(store(),), secrets=dict(list(SECRETS.items())[::turn])).values()
        )

    assert text(1) == text(-1)


def test_another_process_makes_the_same() -> None:
    code = "from tests import golden; print(golden.format_manifests('shop'), end='')"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=golden.ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {golden.format_manifests("shop")}


def test_foundation_comes_first_and_the_namespace_before_all() -> None:
    found = list(made(service(), stores=(store(),), jobs=(job(),)).values())
    assert found[0].kind == "Namespace"
    assert [each.phase for each in found] == sorted(each.phase for each in found)
    assert [each.kind for each in found if each.phase is not objects.Phase.foundation] == [
        "StatefulSet",
        "Job",
        "Deployment",
    ]
