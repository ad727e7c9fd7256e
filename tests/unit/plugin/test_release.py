"""The records of releases in the cluster: written, verified, and deleted when they are old."""

import base64
import contextlib
import copy
import dataclasses
import gzip
import json
import random
import re
import string
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from plugin import release, values
from seaway.model import application, settings
from seaway.project import environments, release_lock
from seaway.release import record, record_store, stack_state, stored_record
from seaway.syntax import yaml_writer
from tests import golden
from tests.support import apiserver
from tests.unit.plugin import engine

URN = "urn:pulumi:dev::seaway::seaway:index:Application$seaway:index:Release::release"
STACK = settings.Settings(stack="test", context="seaway-dev")
NAMESPACE = "shop-test"


def build_record(*, level: str = "info", digest: str | None = None, text: str = "") -> record.ReleaseRecord:
    app = golden.load_example("shop")
    files = (application.File("/etc/a", content=text),) if text else ()
    web = dataclasses.replace(app.services[0], env={"LOG_LEVEL": level}, files=files)
    images, secrets = golden.make_inputs(app)
    if digest:
        images |= {"web": dataclasses.replace(images["web"], reference=f"registry.example.com/web@sha256:{digest}")}
    app = dataclasses.replace(app, services=(web, *app.services[1:]))
    return record.ReleaseRecord.create(environments.Environment.create(app, STACK), images, secrets)


def build_inputs(release_record: record.ReleaseRecord) -> dict[str, object]:
    written = {
        "namespace": NAMESPACE,
        "release": release_record.id,
        "record": release_record.to_plain(),
        "provenance": {"revision": "abc"},
    }
    return {**written, "format": 1}


def config_maps(api: apiserver.ApiServer) -> dict[str, Any]:
    _, listed = api.answer(record_store.get_path(NAMESPACE))
    return {shop["metadata"]["name"]: shop for shop in listed["items"]}


def test_it_writes_the_record_and_the_current_release(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    shop = build_record()
    outputs = engine.create(plugin, URN, **build_inputs(shop))
    assert outputs["release"] == shop.id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(outputs["since"]))
    maps = config_maps(api)
    assert set(maps) == {"release-current", f"release-{shop.id}"}
    assert maps["release-current"]["data"] == {"id": shop.id, "previous": "", "since": outputs["since"]}
    stored = maps[f"release-{shop.id}"]
    assert stored["immutable"] is True
    assert stored["metadata"]["labels"] == {
        "app.kubernetes.io/name": "release",
        "app.kubernetes.io/instance": NAMESPACE,
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/managed-by": "seaway",
        "seaway/stack": "test",
        "seaway/release": shop.id,
    }
    assert stored["data"]["format"] == "2"
    assert (
        record.ReleaseRecord.decode(
            release_lock.parse_content(stored["data"]["release.yaml"].encode(), "release.yaml")[1]
        ).id
        == shop.id
    )
    listed = json.loads(gzip.decompress(base64.b64decode(stored["binaryData"]["manifests.json.gz"])))
    assert [manifest["kind"] for manifest in listed["items"]].count("Deployment") == 3
    assert "fieldManager=seaway" in next(path for path, _ in api.requests if "release-current?" in path)


def test_the_same_release_changes_nothing(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    shop = build_record()
    outputs = engine.create(plugin, URN, **build_inputs(shop))
    api.put("v1", "ConfigMap", NAMESPACE, "release-current", data={**config_maps(api)["release-current"]["data"]})
    assert engine.diff(plugin, URN, outputs, **build_inputs(shop)) is None
    assert engine.create(plugin, URN, **build_inputs(shop)) == outputs


def test_another_release_has_the_previous_one(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    first, second = build_record(), build_record(level="debug")
    outputs = engine.create(plugin, URN, **build_inputs(first))
    changed = engine.diff(plugin, URN, outputs, **build_inputs(second))
    assert changed == ["record", "release"]
    outputs = engine.update(plugin, URN, outputs, **build_inputs(second))
    assert config_maps(api)["release-current"]["data"]["previous"] == first.id
    engine.update(plugin, URN, outputs, **build_inputs(first))
    assert config_maps(api)["release-current"]["data"]["id"] == first.id
    assert config_maps(api)["release-current"]["data"]["previous"] == second.id


def test_a_preview_changes_nothing_and_has_no_digests(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    shop = build_record()
    outputs = engine.create(plugin, URN, **build_inputs(shop))
    before = config_maps(api)
    unbuilt = {
        **build_inputs(build_record(level="debug")),
        "record": {**shop.to_plain(), "images": {"web": {"reference": values.UNKNOWN, "content": "c"}}},
    }
    assert engine.diff(plugin, URN, outputs, **unbuilt) == ["record", "release"]
    assert engine.update(plugin, URN, outputs, preview=True, **unbuilt)["since"] is values.UNKNOWN
    assert config_maps(api) == before


def test_an_edited_current_release_is_a_change(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    shop = build_record()
    outputs = engine.create(plugin, URN, **build_inputs(shop))
    edited = {"managedFields": [{"manager": "seaway"}, {"manager": "kubectl-edit"}]}
    api.put("v1", "ConfigMap", NAMESPACE, "release-current", data={"id": "other", "since": "x"}, metadata=edited)
    assert engine.diff(plugin, URN, outputs, **build_inputs(shop)) == ["release"]
    # The fields of the other manager are not a conflict: the object is created again.
    engine.update(plugin, URN, outputs, **build_inputs(shop))
    created = config_maps(api)["release-current"]
    assert created["data"]["id"] == shop.id
    assert "managedFields" not in created["metadata"]
    api.remove("v1", "ConfigMap", NAMESPACE, "release-current")
    assert engine.diff(plugin, URN, outputs, **build_inputs(shop)) == ["release"]
    request = provider_pb2.ReadRequest(id="release-current", urn=URN, properties=values.encode(outputs))
    assert plugin.stub.Read(request).id == ""
    engine.update(plugin, URN, outputs, **build_inputs(shop))
    assert plugin.stub.Read(request).id == "release-current"


def test_the_same_content_with_another_digest_replaces_the_record(
    plugin: engine.Plugin, api: apiserver.ApiServer
) -> None:
    outputs = engine.create(plugin, URN, **build_inputs(build_record()))
    rebuilt = build_record(digest="0" * 64)
    assert engine.diff(plugin, URN, outputs, **build_inputs(rebuilt)) == ["record"]
    after = engine.update(plugin, URN, outputs, **build_inputs(rebuilt))
    assert after["since"] == outputs["since"]
    assert "0" * 64 in config_maps(api)[f"release-{rebuilt.id}"]["data"]["release.yaml"]


def test_provenance_is_recorded_once_and_is_not_a_change(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    shop = build_record()
    outputs = engine.create(plugin, URN, **build_inputs(shop))
    moved = build_inputs(shop) | {"provenance": {"revision": "def", "dirty": True, "checks": {"IMG-01": "passed"}}}
    assert engine.diff(plugin, URN, outputs, **moved) is None
    engine.update(plugin, URN, outputs, **moved)
    assert config_maps(api)[f"release-{shop.id}"]["data"]["provenance.yaml"] == "format: 2\nrevision: abc\n"
    wrong = build_inputs(build_record(level="debug")) | {"provenance": {"commit": "def"}}
    text = plugin.get_refusal(lambda: engine.update(plugin, URN, outputs, **wrong))
    assert "provenance: commit: " in text
    assert "[unknown-key]" in text


def test_only_the_oldest_records_of_the_state_are_deleted(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """Records that the state does not know stay: anybody can give an object a label or a name."""
    for number in range(release.RETAINED_RELEASES + 4):
        name, day = f"release-fake{number:02}", f"2090-01-{number + 1:02}T00:00:00Z"
        labels = {"seaway/release": f"fake{number:02}"}
        api.put("v1", "ConfigMap", NAMESPACE, name, labels=labels, metadata={"creationTimestamp": day})
    many = [build_record(level=f"level-{number}") for number in range(release.RETAINED_RELEASES + 4)]
    api.put("v1", "ConfigMap", NAMESPACE, "web-1a2b", labels={"seaway/release": many[0].id})
    outputs = engine.create(plugin, URN, **build_inputs(many[0]))
    for shop in many[1:]:
        outputs = engine.update(plugin, URN, outputs, **build_inputs(shop))
    newest = [shop.id for shop in reversed(many)][: release.RETAINED_RELEASES + 2]
    assert list(history(outputs)) == newest
    there = set(config_maps(api))
    assert {f"release-{shop.id}" for shop in many} & there == {f"release-{id_}" for id_ in newest}
    assert "web-1a2b" in there
    assert len([name for name in there if name.startswith("release-fake")]) == release.RETAINED_RELEASES + 4


def test_the_time_of_a_forged_current_release_is_ignored(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    shop = build_record()
    outputs = engine.create(plugin, URN, **build_inputs(shop))
    api.put("v1", "ConfigMap", NAMESPACE, "release-current", data={"id": shop.id, "since": "9999\x1b[2J evil"})
    outputs = engine.update(plugin, URN, outputs, **build_inputs(shop))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(outputs["since"]))


@pytest.mark.parametrize("id_", ["../../../../../x", "a\x00b", "a/b", "A" * 12, "", "x" * 200])
def test_the_id_of_the_current_release_is_not_a_path(id_: str) -> None:
    assert record_store.parse_current({"data": {"id": id_, "previous": "", "since": ""}}) is None


def test_deleting_it_keeps_the_records(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    shop = build_record()
    outputs = engine.create(plugin, URN, **build_inputs(shop))
    request = provider_pb2.DeleteRequest(id="release-current", urn=URN, properties=values.encode(outputs))
    plugin.stub.Delete(request)
    plugin.stub.Delete(request)
    assert set(config_maps(api)) == {f"release-{shop.id}"}


def test_another_namespace_is_another_resource(plugin: engine.Plugin) -> None:
    declared = build_inputs(build_record())
    request = provider_pb2.DiffRequest(
        id="release-current", urn=URN, olds=values.encode(declared), news=values.encode({**declared, "namespace": "x"})
    )
    assert list(plugin.stub.Diff(request).replaces) == ["namespace"]


def history(outputs: Mapping[str, object]) -> dict[str, str]:
    """The SHA-256 of each record that the state vouches for."""
    return {shop.id: shop.sha256 for shop in stack_state.parse_history(outputs)}


def test_the_state_vouches_for_what_was_written(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    first, second = build_record(), build_record(level="debug")
    outputs = engine.create(plugin, URN, **build_inputs(first))
    outputs = engine.update(plugin, URN, outputs, **build_inputs(second))
    assert list(history(outputs)) == [second.id, first.id], "newest first"
    for id_, sha256 in history(outputs).items():
        stored = config_maps(api)[f"release-{id_}"]
        assert stored_record.StoredRecord.join_parts([stored]).sha256 == sha256
        assert stored["data"]["sha256"] == sha256
    assert engine.diff(plugin, URN, outputs, **build_inputs(second)) is None


FORGERIES: Mapping[str, Callable[[dict[str, Any]], object]] = {
    "text": lambda stored: stored["data"].update({"release.yaml": stored["data"]["release.yaml"] + "#"}),
    "provenance": lambda stored: stored["data"].update({"provenance.yaml": "revision: def\n"}),
    "manifests": lambda stored: stored["binaryData"].update(
        {"manifests.json.gz": stored["binaryData"]["jobs.json.gz"]}
    ),
    "jobs": lambda stored: stored["binaryData"].update({"jobs.json.gz": stored["binaryData"]["manifests.json.gz"]}),
    "rollout": lambda stored: stored["binaryData"].pop("rollout.json.gz"),
    "more": lambda stored: stored["data"].update({"more": "x"}),
    "format": lambda stored: stored["data"].update({"format": "9"}),
    "not base64": lambda stored: stored["binaryData"].update({"jobs.json.gz": "?"}),
    "parts": lambda stored: stored["data"].update({"parts": "2"}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_record_is_a_change_and_written_again(
    plugin: engine.Plugin, api: apiserver.ApiServer, forgery: str
) -> None:
    shop = build_record()
    outputs = engine.create(plugin, URN, **build_inputs(shop))
    true = copy.deepcopy(config_maps(api)[f"release-{shop.id}"])
    forged = copy.deepcopy(true)
    FORGERIES[forgery](forged)
    # A forger can also write the matching SHA-256.
    with contextlib.suppress(stored_record.UnreadableRecordError):
        forged["data"]["sha256"] = stored_record.StoredRecord.join_parts([forged]).sha256
    api.put("v1", "ConfigMap", NAMESPACE, f"release-{shop.id}", data=forged["data"], binaryData=forged["binaryData"])
    assert engine.diff(plugin, URN, outputs, **build_inputs(shop)) == ["release"]
    engine.update(plugin, URN, outputs, **build_inputs(shop))
    again = config_maps(api)[f"release-{shop.id}"]
    assert (again["data"], again["binaryData"]) == (true["data"], true["binaryData"])


def test_a_record_of_the_first_format_is_written_again(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """Written before formats had numbers: the state has no history, and only `Release` is updated."""
    shop = build_record()
    old = {key: value for key, value in build_inputs(shop).items() if key != "format"} | {
        "since": "2026-01-01T00:00:00Z"
    }
    data = {"release.yaml": yaml_writer.format_yaml(shop.to_plain()), "provenance.yaml": "{}\n"}
    api.put("v1", "ConfigMap", NAMESPACE, f"release-{shop.id}", data=data, labels={"seaway/release": shop.id})
    pointer = {"id": shop.id, "previous": "", "since": "2026-01-01T00:00:00Z"}
    api.put("v1", "ConfigMap", NAMESPACE, "release-current", data=pointer)
    assert engine.diff(plugin, URN, old, **build_inputs(shop)) == ["format"]
    outputs = engine.update(plugin, URN, old, **build_inputs(shop))
    assert outputs["since"] == "2026-01-01T00:00:00Z"
    assert list(history(outputs)) == [shop.id]
    assert engine.diff(plugin, URN, outputs, **build_inputs(shop)) is None


def test_a_large_record_uses_several_config_maps(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    noise = "".join(random.Random(1).choices(string.ascii_letters, k=2_000_000))
    shop = build_record(text=noise)
    outputs = engine.create(plugin, URN, **build_inputs(shop))
    parts = [f"release-{shop.id}", *(f"release-{shop.id}.{number}" for number in range(1, 10))]
    names = [name for name in parts if name in config_maps(api)]
    assert len(names) > 2
    assert set(config_maps(api)) == {*names, "release-current"}
    for name in names:
        part = config_maps(api)[name]
        size = sum(map(len, part["data"].values())) + sum(
            len(base64.b64decode(value)) for value in part["binaryData"].values()
        )
        assert size < 1024 * 1024
        assert part["immutable"] is True
    again = stored_record.StoredRecord.join_parts([config_maps(api)[name] for name in names])
    assert again.sha256 == history(outputs)[shop.id]
    assert again.decode_record("big").to_plain() == shop.to_plain()
    assert [live.key for live in again.read_objects() or ()] == [live.key for live in shop.render_objects()]
    assert engine.diff(plugin, URN, outputs, **build_inputs(shop)) is None
    # A missing part replaces all parts together.
    api.remove("v1", "ConfigMap", NAMESPACE, names[-1])
    assert engine.diff(plugin, URN, outputs, **build_inputs(shop)) == ["release"]
    engine.update(plugin, URN, outputs, **build_inputs(shop))
    assert set(config_maps(api)) == {*names, "release-current"}


def test_a_bomb_is_not_decompressed() -> None:
    bomb = gzip.compress(b"0" * (stored_record.MAX_BYTES + 2))
    with pytest.raises(stored_record.UnreadableRecordError, match="more than 256 MiB decompressed"):
        stored_record.unpack_manifests(bomb)


def test_an_invalid_record_is_refused(plugin: engine.Plugin) -> None:
    text = plugin.get_refusal(
        lambda: engine.create(plugin, URN, namespace=NAMESPACE, release="1", record={}, provenance={}, format=1)
    )
    assert text.startswith("release 1: application: is missing")


def test_a_stack_of_a_newer_version_is_not_recorded_in_the_older_format(plugin: engine.Plugin) -> None:
    declared = build_inputs(build_record())
    recorded = {**declared, "format": release_lock.FORMAT + 1}
    text = plugin.get_refusal(lambda: engine.diff(plugin, URN, recorded, **declared))
    assert text.splitlines()[0].endswith("[unsupported-format]")
