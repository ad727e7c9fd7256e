"""Parsing of `pulumi preview --json`: from a real cluster, and where it fails."""

import json
from typing import Any

import pytest

from seaway.review import change, disks, pulumi_preview, summary
from tests.unit.review import previews

OLD, NEW = "ctx-1aad5ce00e6c", "ctx-02f60c71653a"


def parse_changes(name: str) -> dict[str, change.ObjectChange]:
    preview = pulumi_preview.parse(previews.read_captured(name))
    return {each.diff.title: each for each in summary.create_changes(preview.object_diffs, preview.images)}


def test_an_image_has_its_tags_and_the_changed_files() -> None:
    preview = pulumi_preview.parse(previews.read_captured("image"))
    repository = "registry.localhost:5000/shop/web"
    assert preview.images == (
        change.ImageDiff(name="web", repository=repository, old=OLD, new=NEW, why="web.py changed"),
    )
    assert parse_changes("image")["Deployment/web"].fields == (
        change.FieldDiff(
            path="spec.template.spec.containers[web].image", old=f"{repository}:{OLD}", new=f"{repository}:{NEW}"
        ),
    )
    assert preview.warnings == preview.errors == ()


def test_a_job_has_the_image_of_the_service_that_it_uses() -> None:
    """Its container has another name: the repository matches."""
    template = {"spec": {"containers": [{"name": "migrate", "image": "reg:5000/shop/api@sha256:1"}]}}
    after = {"spec": {"containers": [{"name": "migrate", "image": previews.UNKNOWN}]}}
    pair = change.ObjectDiff(
        kind="Job", name="migrate-1", old={"spec": {"template": template}}, new={"spec": {"template": after}}
    )
    image = change.ImageDiff(name="api", repository="reg:5000/shop/api", old="ctx-1", new="ctx-2")
    (field,) = change.compare_fields(pair, [image])
    assert (field.old, field.new) == ("reg:5000/shop/api:ctx-1", "reg:5000/shop/api:ctx-2")
    (field,) = change.compare_fields(pair, [])
    assert field.new == "(known after the update)"


def test_a_configuration_is_one_change_of_its_text() -> None:
    preview = parse_changes("config")
    assert list(preview) == ["Deployment/worker", "ConfigMap/worker-config-c12eb1967e"]
    (text,) = preview["ConfigMap/worker-config-c12eb1967e"].fields
    assert text.path == "data[etc_shop_worker.ini]"
    assert text.new == text.old.replace("[worker]", "# another\n[worker]")


def test_no_value_of_a_secret_is_ever_shown() -> None:
    preview = parse_changes("secret")
    assert {title: each.diff.owner for title, each in preview.items()} == {
        "Deployment/web": "web",
        "Secret/web-secrets-123b3e2af1": "web",
    }
    (reference,) = preview["Deployment/web"].fields
    assert (reference.old, reference.new) == ("web-secrets-77f6967296", "web-secrets-123b3e2af1")


@pytest.mark.parametrize(
    "value", ["aGVtbGljaA==", {"4dabf18193072939515e22adb298388d": "1b47", "value": "aGVtbGljaA=="}]
)
def test_an_unmarked_secret_is_hidden_too(value: Any) -> None:
    old: dict[str, Any] = {"kind": "Secret", "metadata": {"name": "s"}, "data": {"A": "old", "GONE": "heimlich"}}
    new = old | {"data": {"A": value, "CAME": value}, "stringData": {"B": "heimlich"}}
    pair = change.ObjectDiff(kind="Secret", name="s", old=old, new=new)
    preview = change.compare_fields(pair, [])
    assert [(field.path, field.old, field.new) for field in preview] == [
        ("data.A", "(secret)", "(secret)"),
        ("data.CAME", None, "(secret)"),
        ("data.GONE", "(secret)", None),
        ("stringData", None, "(secret)"),
    ]


def test_secrets_inside_other_objects_are_hidden() -> None:
    marked = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "heimlich"}
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "heimlich", "team": "a"}
    new = {"spec": {"token": marked, "list": ["[secret]", previews.UNKNOWN], "meta": {"x": applied}}}
    pair = change.ObjectDiff(kind="Queue", name="q", old={"spec": {"token": "(was)"}}, new=new)
    assert [(field.path, field.new) for field in change.compare_fields(pair, [])] == [
        ("spec.list", ["(secret)", "(known after the update)"]),
        ("spec.meta", {"x": {"team": "a"}}),
        ("spec.token", "(secret)"),
    ]


def test_a_single_removal_and_addition_are_merged() -> None:
    def config(name: str, owner: str) -> dict[str, Any]:
        meta = {"name": name, "labels": {"app.kubernetes.io/name": owner}}
        return {"kind": "ConfigMap", "immutable": True, "metadata": meta, "data": {"a": name}}

    def pair(name: str, owner: str, *, new: bool) -> change.ObjectDiff:
        manifest = config(name, owner)
        return change.ObjectDiff(
            kind="ConfigMap", name=name, old=None if new else manifest, new=manifest if new else None
        )

    first, second, third = pair("a-1", "a", new=False), pair("a-2", "a", new=True), pair("a-3", "a", new=False)
    other = pair("b-1", "b", new=True)
    assert [(each.op, each.name) for each in change.merge_renamed([first, other, second])] == [
        ("added", "b-1"),
        ("changed", "a-2"),
    ]
    assert change.merge_renamed([first, second, third]) == [first, second, third]


def test_a_failed_preview_has_the_changes_so_far() -> None:
    preview = pulumi_preview.parse(previews.read_captured("volume"))
    assert [(each.op, each.kind, each.name) for each in preview.object_diffs] == [("replaced", "StatefulSet", "db")]
    assert preview.object_diffs[0].replace_paths == ("spec.volumeClaimTemplates[0].spec.resources.requests.storage",)
    assert "updates to statefulset spec" in preview.errors[0]
    assert preview.errors[1] == "preview failed"


@pytest.mark.parametrize("owner", ["db", None])
def test_a_growing_disk_is_a_change_without_an_outage(owner: str | None) -> None:
    line = disks.format_growth("shop-dev/data-db-0", owner, "1Gi", "2Gi")
    preview = pulumi_preview.parse(json.dumps({"diagnostics": [{"severity": "info", "message": f"info: {line}\n"}]}))
    (object_change,) = summary.create_changes(preview.object_diffs, ())
    assert (object_change.diff.title, object_change.diff.owner) == ("PersistentVolumeClaim/data-db-0", owner)
    (field,) = object_change.fields
    assert (field.path, field.old, field.new) == ("spec.resources.requests.storage", "1Gi", "2Gi")
    assert (object_change.diff.op, object_change.impact) == ("changed", change.Impact.NONE)


def test_warnings_and_unhealthy_workloads() -> None:
    diagnostics = [
        {"severity": "warning", "message": "warning: Deployment web was edited by hand\n"},
        {"severity": "info", "message": "info: web is not healthy now: 1/2 ready\n"},
        {"severity": "info", "message": "info: something else\n"},
        {"severity": "info#err", "message": "Traceback\n"},
    ]
    preview = pulumi_preview.parse(json.dumps({"steps": [], "diagnostics": diagnostics}))
    assert preview.warnings == ("Deployment web was edited by hand", "web is not healthy now: 1/2 ready")


def test_a_pinned_stack_has_its_images_in_the_record_only() -> None:
    def state(tag: str) -> dict[str, Any]:
        image = {"reference": "reg:5000/shop/web@sha256:1", "content": tag}
        return {"custom": True, "inputs": {"record": {"images": {"web": image}}}}

    urn = "urn:pulumi:prod::seaway::seaway:index:Application$seaway:index:Release::release"
    step = {"op": "update", "urn": urn, "oldState": state("ctx-1"), "newState": state("ctx-2")}
    assert pulumi_preview.parse(json.dumps({"steps": [step]})).images == (
        change.ImageDiff(name="web", repository="reg:5000/shop/web", old="ctx-1", new="ctx-2"),
    )


def test_a_resource_of_another_provider_is_a_change_too() -> None:
    urn = "urn:pulumi:prod::seaway::seaway:index:Application$aws:s3/bucket:Bucket::files"
    step = {"op": "delete", "urn": urn, "oldState": {"custom": True, "inputs": {"acl": "private"}}}
    assert previews.list_changes(json.dumps({"steps": [step]})) == [
        "removed aws:s3/bucket:Bucket/files: outage: Seaway does not know what depends on it"
    ]


@pytest.mark.parametrize("text", ["", "error: no stack", "[]", '"x"', '{"steps": [{}]}', '{"steps": {"a": 1}}'])
def test_invalid_previews(text: str) -> None:
    with pytest.raises(pulumi_preview.UnreadablePreview):
        pulumi_preview.parse(text)
