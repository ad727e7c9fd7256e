"""`raw` in the finished manifests: it wins, and it is part of versions and names."""

from typing import Any

import pytest

from seaway.model import application, settings
from seaway.model.validate import raw
from tests import golden
from tests.support import diagnostics
from tests.support.rendering import DEPLOYMENT, job, render, service


def pods(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def test_it_can_add_a_container_and_a_volume() -> None:
    patch = pods(
        containers=[{"name": "web", "tty": True}, {"name": "beside", "image": "busybox"}],
        volumes=[{"name": "host", "emptyDir": {"medium": "Memory"}}],
    )
    pod = render(service(image="nginx", raw={"Deployment": patch})).get_pod()
    web, beside = pod["containers"]
    assert (web["image"], web["tty"], beside) == ("nginx", True, {"name": "beside", "image": "busybox"})
    assert [volume["name"] for volume in pod["volumes"]] == ["writable-tmp", "host"]


def test_another_patch_is_another_version() -> None:
    patches = (
        {},
        {"Deployment": {"spec": {"minReadySeconds": 9}}},
        {"Deployment": pods(containers=[{"name": "beside", "image": "a"}])},
        {"Deployment": pods(containers=[{"name": "beside", "image": "b"}])},
    )
    assert len({render(service(raw=patch))[DEPLOYMENT].version for patch in patches}) == 4


def test_a_job_with_another_patch_is_another_job() -> None:
    def get_name(**patch: Any) -> str:
        return render(job(raw=patch)).get_only("Job").name

    completions, host = {"spec": {"completions": 2}}, pods(hostname="a")
    assert len({get_name(), get_name(Job=completions), get_name(Job=host)}) == 3
    assert get_name() == get_name(Job={}) == get_name(ServiceAccount={"metadata": {"labels": {"a": "b"}}})
    assert render(job(raw={"Job": completions})).get_only("Job").manifest["spec"]["completions"] == 2


def test_a_field_that_is_missing_after_the_merge_is_an_error(wording: Any) -> None:
    patch = pods(volumes=[{"name": "host", "hostPath": {"type": "Directory"}}])
    errors = diagnostics.catch(lambda: render(service(raw={"Deployment": patch})))
    path = "raw.Deployment.spec.template.spec.volumes.1.hostPath.path"
    assert diagnostics.summarize(errors) == [f"web: {path}: missing-value"]
    assert [str(diagnostic) for diagnostic in errors] == wording


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_it_is_offered_for_every_kind_of_object(example: str) -> None:
    """The model lists the kinds of a workload, and the manifests have them: both must agree."""
    app = golden.load_example(example)
    rendered = golden.build_objects(example)
    for workload in app.get_workloads().values():
        kinds = {one.kind for one in rendered if one.owner == workload.name}
        assert kinds <= set(raw.list_kinds(workload)), workload.name


def test_it_is_not_offered_for_other_kinds() -> None:
    web = service(
        publish=True,
        scale=application.Scale(max=3),
        secrets=(application.Secret("KEY"),),
        files=(application.File("/a", content="a"),),
        kubernetes_api={"pods": ("get",)},
    )
    ingress = settings.Ingress(hosts={"web": ("shop.example.com",)})
    rendered = {
        **render(web, publish="ingress", ingress=ingress),
        **render(web, publish="gateway", ingress=ingress, gateway=settings.Gateway(class_name="traefik")),
    }
    assert sorted({one.kind for one in rendered.values() if one.owner is not None}) == raw.list_kinds(web)
