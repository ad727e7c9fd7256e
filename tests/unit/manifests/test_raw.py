"""`raw` in the finished objects: it is the last word, and part of what stands for an object."""

import dataclasses
from typing import Any

import pytest

from seaway.manifests import objects
from seaway.model import application, settings
from seaway.model.validate import raw
from seaway.syntax import diagnosis
from tests import golden

STACK = settings.Settings(stack="test", context="test")


def made(one: application.AnyWorkload) -> dict[str, objects.ReleaseObject]:
    kinds = {application.Service: "services", application.Store: "stores", application.Job: "jobs"}
    app = application.Application("shop", **{kinds[type(one)]: (one,)})  # pyright: ignore[reportArgumentType]
    return {each.kind: each for each in objects.objects(app, STACK, {}, {}) if each.owner is not None}


def service(**said: Any) -> dict[str, objects.ReleaseObject]:
    return made(application.Service("web", image="nginx", port=8000, raw=said))


def pods(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def test_it_is_merged_into_the_object_of_its_kind_alone() -> None:
    plain, said = service(), service(Deployment={"spec": {"minReadySeconds": 9, "strategy": {"type": "Recreate"}}})
    spec = said["Deployment"].manifest["spec"]
    assert spec["minReadySeconds"] == 9
    assert spec["strategy"]["type"] == "Recreate"
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, "what is not said stays"
    others = set(plain) - {"Deployment"}
    assert {kind: said[kind] for kind in others} == {kind: plain[kind] for kind in others}


def test_a_container_and_a_volume_more() -> None:
    said = service(
        Deployment=pods(
            containers=[{"name": "web", "tty": True}, {"name": "beside", "image": "busybox"}],
            volumes=[{"name": "host", "emptyDir": {"medium": "Memory"}}],
        )
    )
    spec = said["Deployment"].manifest["spec"]["template"]["spec"]
    web, beside = spec["containers"]
    assert (web["image"], web["tty"], beside) == ("nginx", True, {"name": "beside", "image": "busybox"})
    assert [volume["name"] for volume in spec["volumes"]] == ["writable-tmp", "host"]


def test_it_is_another_version_and_so_is_another_image_in_it() -> None:
    versions = {
        service(**said)["Deployment"].version
        for said in (
            {},
            {"Deployment": {"spec": {"minReadySeconds": 9}}},
            {"Deployment": pods(containers=[{"name": "beside", "image": "a"}])},
            {"Deployment": pods(containers=[{"name": "beside", "image": "b"}])},
        )
    }
    assert len(versions) == 4


def test_a_job_with_another_raw_is_another_job() -> None:
    def name(**said: Any) -> str:
        return made(application.Job("migrate", image="nginx", raw=said))["Job"].name

    one, two = {"spec": {"completions": 2}}, pods(hostname="a")
    assert len({name(), name(Job=one), name(Job=two)}) == 3
    assert name() == name(Job={}) == name(ServiceAccount={"metadata": {"labels": {"a": "b"}}})
    assert made(application.Job("migrate", image="nginx", raw={"Job": one}))["Job"].manifest["spec"]["completions"] == 2


def test_what_is_missing_after_the_merge_is_told() -> None:
    with pytest.raises(diagnosis.InvalidInput) as raised:
        service(Deployment=pods(volumes=[{"name": "host", "hostPath": {"type": "Directory"}}]))
    assert str(raised.value) == (
        "web: raw.Deployment.spec.template.spec.volumes.1.hostPath.path: is missing; HostPathVolumeSource needs it"
    )


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_raw_is_offered_for_every_kind_that_is_made(example: str) -> None:
    """The model says which kinds a workload becomes, and the manifests make them: two files that must agree."""
    app = golden.load_example(example)
    made = {one.name: set[str]() for one in app.get_workloads().values()}
    for each in golden.build_objects(example):
        if each.owner is not None:
            made[each.owner].add(each.kind)
    for one in app.get_workloads().values():
        assert made[one.name] <= set(raw.list_kinds(one)), one.name


def test_raw_knows_no_kind_that_nothing_makes() -> None:
    web = application.Service(
        "web",
        image="nginx",
        port=80,
        publish=True,
        scale=application.Scale(max=3),
        secrets=(application.Secret("KEY"),),
        files=(application.File("/a", content="a"),),
        kubernetes_api={"pods": ("get",)},
    )
    stack = dataclasses.replace(
        STACK, publish="ingress", ingress=settings.Ingress(hosts={"web": ("shop.example.com",)})
    )
    value = objects.SecretValue(fingerprint="f", value="")
    app = application.Application("shop", services=(web,))
    found = objects.objects(app, stack, {}, {"KEY": value})
    assert sorted({each.kind for each in found if each.owner is not None}) == raw.list_kinds(web)
