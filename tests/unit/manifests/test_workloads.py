"""Deployments, DaemonSets, StatefulSets, jobs of every kind, and their Services."""

from typing import Any

import pytest

from seaway.manifests import inputs, objects
from seaway.model import application, settings
from tests.support.rendering import DEPLOYMENT, IMAGE, STATEFUL_SET, Rendered, extra, job, render, service, store


@pytest.mark.parametrize(("start_period", "deadline"), [(60, 300), (240, 300), (241, 301), (600, 660)])
def test_the_deadline_covers_a_slow_start(start_period: int, deadline: int) -> None:
    health = application.Health(start_period=start_period)
    rendered = render(service(health=health), store(health=health))
    assert rendered[DEPLOYMENT].deadline == rendered[STATEFUL_SET].deadline == deadline
    assert rendered.get_spec()["progressDeadlineSeconds"] == deadline


def test_the_deadline_is_never_shorter_than_the_start() -> None:
    assert render(service(), rollout_timeout=33)[DEPLOYMENT].deadline == 120


@pytest.mark.parametrize(
    ("mode", "is_published", "kind"),
    [
        ("none", True, "ClusterIP"),
        ("nodePort", True, "NodePort"),
        ("loadBalancer", True, "LoadBalancer"),
        ("nodePort", False, "ClusterIP"),
    ],
)
def test_the_environment_decides_how_a_service_is_published(
    mode: settings.PublishMode, *, is_published: bool, kind: str
) -> None:
    spec = render(service(publish=is_published, protocol="tcp"), publish=mode).get_spec("Service/web")
    assert spec["type"] == kind
    assert spec["ports"][0].get("appProtocol") == (None if kind == "ClusterIP" else "tcp")
    assert "nodePort" not in spec["ports"][0]


def test_a_service_with_unknown_ports_has_a_headless_service() -> None:
    rendered = render(service(calls=("legacy",)), service("legacy", image="x:1", port=None, all_ports=True))
    assert rendered.get_spec("Service/legacy")["clusterIP"] == "None"
    assert "ports" not in rendered.get_spec("Service/legacy")


def test_each_alias_is_a_service_of_the_same_pods() -> None:
    rendered = render(service(aliases=("old-web",)), store(aliases=("main-db",)))
    for name, alias, kind in (("web", "old-web", None), ("db", "main-db", "None")):
        assert rendered.get_spec(f"Service/{alias}") == rendered.get_spec(f"Service/{name}")
        assert rendered.get_spec(f"Service/{alias}").get("clusterIP") == kind
        assert rendered[f"Service/{alias}"].owner == name


def test_a_store_may_have_more_volumes() -> None:
    wal = application.Volume(path="/wal", size="2Gi", storage_class="fast")
    rendered = render(store(volumes={"wal": wal}, retain=False), storage_class="standard")
    spec = rendered.get_spec(STATEFUL_SET)
    claims = spec["volumeClaimTemplates"]
    assert [(claim["metadata"]["name"], claim["spec"]["storageClassName"]) for claim in claims] == [
        ("data", "standard"),
        ("wal", "fast"),
    ]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Delete", "whenScaled": "Retain"}
    mounts = rendered.get_container(STATEFUL_SET)["volumeMounts"]
    assert {"/data": "data", "/wal": "wal"}.items() <= {mount["mountPath"]: mount["name"] for mount in mounts}.items()


def test_a_published_store_has_a_second_service() -> None:
    """A headless Service opens no port, and the name of a store must stay the address of its pod."""
    ports = (application.Port("web", port=81), application.Port("api", port=82, publish=True))
    db = store(publish=True, ports=ports)
    assert "Service/db-outside" not in render(db)
    rendered = render(db, publish="nodePort")
    assert rendered.get_spec("Service/db")["clusterIP"] == "None"
    spec = rendered.get_spec("Service/db-outside")
    assert (rendered["Service/db-outside"].owner, spec["type"]) == ("db", "NodePort")
    assert [port["name"] for port in spec["ports"]] == ["main", "api"]
    assert spec["selector"] == rendered.get_spec("Service/db")["selector"]


def test_a_store_with_http_can_have_an_ingress() -> None:
    ingress = settings.Ingress(hosts={"db": ("wiki.example.com",)})
    rendered = render(store(publish=True, protocol="http"), publish="ingress", ingress=ingress)
    backend = rendered.get_spec("Ingress/db")["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "db-outside", "port": {"name": "main"}}
    assert rendered.get_spec("Service/db-outside")["type"] == "ClusterIP"


def render_job(image: inputs.Image = IMAGE, **fields: Any) -> objects.ReleaseObject:
    return render(service(), job(uses="web", **fields), image=image).get_only("Job")


def test_the_timeout_of_a_job_ends_it_before_its_deadline() -> None:
    migrate = render_job(timeout=5)
    assert migrate.manifest["spec"]["activeDeadlineSeconds"] == 5
    assert migrate.deadline == 65
    assert migrate.name == render_job().name, "another timeout is no reason to run again"


def test_a_changed_job_is_another_job() -> None:
    same = render_job().name
    rebuilt = inputs.Image(reference="registry.example.com/shop/web@sha256:2", content="ctx-1")
    assert render_job(rebuilt).name == same, "a preview does not know the digest"
    changed = (
        render_job(inputs.Image(reference=IMAGE.reference, content="ctx-2")),
        render_job(command=("migrate", "--all")),
        render_job(env={"A": "1"}),
        render_job(files=(application.File("/etc/a", content="1"),)),
        render_job(init=(extra(image="a:1"),)),
        render_job(init=(extra(image="a:2"),)),
    )
    assert len({same, *(migrate.name for migrate in changed)}) == 1 + len(changed)


def test_the_name_of_a_cron_job_leaves_room_for_its_runs() -> None:
    rendered: Rendered = render(job("a" * 60, run="on-demand"))
    cron_job = rendered.get_only("CronJob")
    assert (len(cron_job.name), cron_job.owner) == (52, "a" * 60)
