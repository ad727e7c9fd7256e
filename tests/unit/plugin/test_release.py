"""The record of a release in the cluster: written once all is healthy, told apart, tidied up."""

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
from seaway.files import roots
from seaway.model import application, settings
from seaway.project import load, release_lock
from seaway.release import record, record_store, stack_state, stored_record
from seaway.syntax import yaml_writer
from tests import golden
from tests.support import apiserver
from tests.unit.plugin import engine

URN = "urn:pulumi:dev::seaway::seaway:index:Application$seaway:index:Release::release"
STACK = settings.Settings(stack="test", context="seaway-dev")
NAMESPACE = "shop-test"


def made(*, level: str = "info", digest: str | None = None, text: str = "") -> record.ReleaseRecord:
    app = load.load_application(golden.ROOT / "examples" / "shop" / "app.yaml", root=roots.Root(golden.ROOT))
    files = (application.File("/etc/a", content=text),) if text else ()
    web = dataclasses.replace(app.services[0], env={"LOG_LEVEL": level}, files=files)
    images, secrets = golden.make_inputs(app)
    if digest:
        images |= {"web": dataclasses.replace(images["web"], reference=f"registry.example.com/web@sha256:{digest}")}
    return record.ReleaseRecord.create(
        dataclasses.replace(app, services=(web, *app.services[1:])), STACK, images, secrets
    )


def inputs(one: record.ReleaseRecord) -> dict[str, object]:
    written = {"namespace": NAMESPACE, "release": one.id, "record": one.to_plain(), "provenance": {"revision": "abc"}}
    return {**written, "format": 1}


def config_maps(api: apiserver.ApiServer) -> dict[str, Any]:
    _, listed = api.answer(record_store.get_path(NAMESPACE))
    return {one["metadata"]["name"]: one for one in listed["items"]}


def test_it_writes_the_record_and_the_pointer(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    one = made()
    outputs = engine.create(plugin, URN, **inputs(one))
    assert outputs["release"] == one.id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(outputs["since"]))
    found = config_maps(api)
    assert set(found) == {"release-current", f"release-{one.id}"}
    assert found["release-current"]["data"] == {"id": one.id, "previous": "", "since": outputs["since"]}
    kept = found[f"release-{one.id}"]
    assert kept["immutable"] is True
    assert kept["metadata"]["labels"] == {
        "app.kubernetes.io/name": "release",
        "app.kubernetes.io/instance": NAMESPACE,
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/managed-by": "seaway",
        "seaway/stack": "test",
        "seaway/release": one.id,
    }
    assert kept["data"]["format"] == "1"
    assert (
        record.ReleaseRecord.decode(
            release_lock.parse_content(kept["data"]["release.yaml"].encode(), "release.yaml")[1]
        ).id
        == one.id
    )
    listed = json.loads(gzip.decompress(base64.b64decode(kept["binaryData"]["manifests.json.gz"])))
    assert [each["kind"] for each in listed["items"]].count("Deployment") == 3
    assert "fieldManager=seaway" in next(path for path, _ in api.requests if "release-current?" in path)


def test_the_same_again_changes_nothing(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    one = made()
    outputs = engine.create(plugin, URN, **inputs(one))
    api.put("v1", "ConfigMap", NAMESPACE, "release-current", data={**config_maps(api)["release-current"]["data"]})
    assert engine.diff(plugin, URN, outputs, **inputs(one)) is None
    assert engine.create(plugin, URN, **inputs(one)) == outputs


def test_another_release_remembers_the_one_before(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    first, second = made(), made(level="debug")
    outputs = engine.create(plugin, URN, **inputs(first))
    changed = engine.diff(plugin, URN, outputs, **inputs(second))
    assert changed == ["record", "release"]
    outputs = engine.update(plugin, URN, outputs, **inputs(second))
    assert config_maps(api)["release-current"]["data"]["previous"] == first.id
    # Back again: what was before is now the other one.
    engine.update(plugin, URN, outputs, **inputs(first))
    assert config_maps(api)["release-current"]["data"]["id"] == first.id
    assert config_maps(api)["release-current"]["data"]["previous"] == second.id


def test_a_preview_touches_nothing_and_knows_no_digests(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    one = made()
    outputs = engine.create(plugin, URN, **inputs(one))
    before = config_maps(api)
    given = inputs(made(level="debug"))
    unbuilt = {**given, "record": {**one.to_plain(), "images": {"web": {"reference": values.UNKNOWN, "content": "c"}}}}
    assert engine.diff(plugin, URN, outputs, **unbuilt) == ["record", "release"]
    assert engine.update(plugin, URN, outputs, preview=True, **unbuilt)["since"] is values.UNKNOWN
    assert config_maps(api) == before


def test_somebody_elses_pointer_is_a_change(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    one = made()
    outputs = engine.create(plugin, URN, **inputs(one))
    edited = {"managedFields": [{"manager": "seaway"}, {"manager": "kubectl-edit"}]}
    api.put("v1", "ConfigMap", NAMESPACE, "release-current", data={"id": "other", "since": "x"}, metadata=edited)
    assert engine.diff(plugin, URN, outputs, **inputs(one)) == ["release"]
    # What they own is no conflict: it is made anew.
    engine.update(plugin, URN, outputs, **inputs(one))
    made_anew = config_maps(api)["release-current"]
    assert made_anew["data"]["id"] == one.id
    assert "managedFields" not in made_anew["metadata"]
    api.remove("v1", "ConfigMap", NAMESPACE, "release-current")
    assert engine.diff(plugin, URN, outputs, **inputs(one)) == ["release"]
    request = provider_pb2.ReadRequest(id="release-current", urn=URN, properties=values.encode(outputs))
    assert plugin.stub.Read(request).id == ""
    engine.update(plugin, URN, outputs, **inputs(one))
    assert plugin.stub.Read(request).id == "release-current"


def test_the_same_content_with_another_digest_replaces_the_record(
    plugin: engine.Plugin, api: apiserver.ApiServer
) -> None:
    outputs = engine.create(plugin, URN, **inputs(made()))
    rebuilt = made(digest="0" * 64)
    assert engine.diff(plugin, URN, outputs, **inputs(rebuilt)) == ["record"]
    after = engine.update(plugin, URN, outputs, **inputs(rebuilt))
    assert after["since"] == outputs["since"]
    assert "0" * 64 in config_maps(api)[f"release-{rebuilt.id}"]["data"]["release.yaml"]


def test_where_it_comes_from_is_told_once_and_is_no_change(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    one = made()
    outputs = engine.create(plugin, URN, **inputs(one))
    moved = inputs(one) | {"provenance": {"revision": "def", "dirty": True, "checks": {"IMG-01": "passed"}}}
    assert engine.diff(plugin, URN, outputs, **moved) is None
    engine.update(plugin, URN, outputs, **moved)
    assert config_maps(api)[f"release-{one.id}"]["data"]["provenance.yaml"] == "format: 1\nrevision: abc\n"
    wrong = inputs(made(level="debug")) | {"provenance": {"commit": "def"}}
    told = plugin.get_refusal(lambda: engine.update(plugin, URN, outputs, **wrong))
    assert "provenance: commit: is no key of a provenance" in told


def test_the_oldest_records_go_and_nothing_else(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """Only what the state knows is removed: anybody may give an object a label or a name."""
    for number in range(release.RETAINED_RELEASES + 4):
        name, day = f"release-fake{number:02}", f"2090-01-{number + 1:02}T00:00:00Z"
        labels = {"seaway/release": f"fake{number:02}"}
        api.put("v1", "ConfigMap", NAMESPACE, name, labels=labels, metadata={"creationTimestamp": day})
    many = [made(level=f"level-{number}") for number in range(release.RETAINED_RELEASES + 4)]
    api.put("v1", "ConfigMap", NAMESPACE, "web-1a2b", labels={"seaway/release": many[0].id})
    outputs = engine.create(plugin, URN, **inputs(many[0]))
    for one in many[1:]:
        outputs = engine.update(plugin, URN, outputs, **inputs(one))
    newest = [one.id for one in reversed(many)][: release.RETAINED_RELEASES + 2]
    assert list(history(outputs)) == newest
    there = set(config_maps(api))
    assert {f"release-{one.id}" for one in many} & there == {f"release-{id_}" for id_ in newest}
    assert "web-1a2b" in there
    assert len([name for name in there if name.startswith("release-fake")]) == release.RETAINED_RELEASES + 4


def test_a_forged_pointer_says_nothing_of_times(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    one = made()
    outputs = engine.create(plugin, URN, **inputs(one))
    api.put("v1", "ConfigMap", NAMESPACE, "release-current", data={"id": one.id, "since": "9999\x1b[2J evil"})
    outputs = engine.update(plugin, URN, outputs, **inputs(one))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(outputs["since"]))


@pytest.mark.parametrize("id_", ["../../../../../x", "a\x00b", "a/b", "A" * 12, "", "x" * 200])
def test_a_pointer_names_no_path(id_: str) -> None:
    assert record_store.parse_current({"data": {"id": id_, "previous": "", "since": ""}}) is None


def test_deleting_it_leaves_the_records(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    one = made()
    outputs = engine.create(plugin, URN, **inputs(one))
    request = provider_pb2.DeleteRequest(id="release-current", urn=URN, properties=values.encode(outputs))
    plugin.stub.Delete(request)
    plugin.stub.Delete(request)
    assert set(config_maps(api)) == {f"release-{one.id}"}


def test_another_namespace_is_another_resource(plugin: engine.Plugin) -> None:
    given = inputs(made())
    request = provider_pb2.DiffRequest(
        id="release-current", urn=URN, olds=values.encode(given), news=values.encode({**given, "namespace": "x"})
    )
    assert list(plugin.stub.Diff(request).replaces) == ["namespace"]


def history(outputs: Mapping[str, object]) -> dict[str, str]:
    """The SHA-256 of each record that the state vouches for."""
    return {one.release: one.sha256 for one in stack_state.parse_history(outputs)}


def test_the_state_vouches_for_what_was_written(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    first, second = made(), made(level="debug")
    outputs = engine.create(plugin, URN, **inputs(first))
    outputs = engine.update(plugin, URN, outputs, **inputs(second))
    assert list(history(outputs)) == [second.id, first.id], "newest first"
    for id_, sha256 in history(outputs).items():
        kept = config_maps(api)[f"release-{id_}"]
        assert stored_record.StoredRecord.join_parts([kept]).sha256 == sha256
        assert kept["data"]["sha256"] == sha256
    assert engine.diff(plugin, URN, outputs, **inputs(second)) is None


FORGERIES: Mapping[str, Callable[[dict[str, Any]], object]] = {
    "text": lambda one: one["data"].update({"release.yaml": one["data"]["release.yaml"] + "#"}),
    "provenance": lambda one: one["data"].update({"provenance.yaml": "revision: def\n"}),
    "manifests": lambda one: one["binaryData"].update({"manifests.json.gz": one["binaryData"]["jobs.json.gz"]}),
    "jobs": lambda one: one["binaryData"].update({"jobs.json.gz": one["binaryData"]["manifests.json.gz"]}),
    "rollout": lambda one: one["binaryData"].pop("rollout.json.gz"),
    "more": lambda one: one["data"].update({"more": "x"}),
    "format": lambda one: one["data"].update({"format": "2"}),
    "not base64": lambda one: one["binaryData"].update({"jobs.json.gz": "?"}),
    "parts": lambda one: one["data"].update({"parts": "2"}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_record_is_a_change_and_written_again(
    plugin: engine.Plugin, api: apiserver.ApiServer, forgery: str
) -> None:
    one = made()
    outputs = engine.create(plugin, URN, **inputs(one))
    true = copy.deepcopy(config_maps(api)[f"release-{one.id}"])
    forged = copy.deepcopy(true)
    FORGERIES[forgery](forged)
    # Whoever forges it can state the SHA-256 that fits.
    with contextlib.suppress(stored_record.UnreadableRecordError):
        forged["data"]["sha256"] = stored_record.StoredRecord.join_parts([forged]).sha256
    api.put("v1", "ConfigMap", NAMESPACE, f"release-{one.id}", data=forged["data"], binaryData=forged["binaryData"])
    assert engine.diff(plugin, URN, outputs, **inputs(one)) == ["release"]
    engine.update(plugin, URN, outputs, **inputs(one))
    again = config_maps(api)[f"release-{one.id}"]
    assert (again["data"], again["binaryData"]) == (true["data"], true["binaryData"])


def test_a_record_of_the_first_format_is_written_again(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """What was written before formats had numbers: its state has no history, and only `Release` is updated."""
    one = made()
    old = {key: value for key, value in inputs(one).items() if key != "format"} | {"since": "2026-01-01T00:00:00Z"}
    data = {"release.yaml": yaml_writer.format_yaml(one.to_plain()), "provenance.yaml": "{}\n"}
    api.put("v1", "ConfigMap", NAMESPACE, f"release-{one.id}", data=data, labels={"seaway/release": one.id})
    pointer = {"id": one.id, "previous": "", "since": "2026-01-01T00:00:00Z"}
    api.put("v1", "ConfigMap", NAMESPACE, "release-current", data=pointer)
    assert engine.diff(plugin, URN, old, **inputs(one)) == ["format"]
    outputs = engine.update(plugin, URN, old, **inputs(one))
    assert outputs["since"] == "2026-01-01T00:00:00Z"
    assert list(history(outputs)) == [one.id]
    assert engine.diff(plugin, URN, outputs, **inputs(one)) is None


def test_a_big_record_goes_on_in_further_config_maps(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    noise = "".join(random.Random(1).choices(string.ascii_letters, k=2_000_000))
    one = made(text=noise)
    outputs = engine.create(plugin, URN, **inputs(one))
    parts = [f"release-{one.id}", *(f"release-{one.id}.{number}" for number in range(1, 10))]
    there = [name for name in parts if name in config_maps(api)]
    assert len(there) > 2
    assert set(config_maps(api)) == {*there, "release-current"}
    for name in there:
        found = config_maps(api)[name]
        size = sum(map(len, found["data"].values())) + sum(
            len(base64.b64decode(value)) for value in found["binaryData"].values()
        )
        assert size < 1024 * 1024
        assert found["immutable"] is True
    again = stored_record.StoredRecord.join_parts([config_maps(api)[name] for name in there])
    assert again.sha256 == history(outputs)[one.id]
    assert again.decode_record("big").to_plain() == one.to_plain()
    assert [each.key for each in again.read_objects() or ()] == [each.key for each in one.render_objects()]
    assert engine.diff(plugin, URN, outputs, **inputs(one)) is None
    # One of its parts is missing; and all of them are replaced together.
    api.remove("v1", "ConfigMap", NAMESPACE, there[-1])
    assert engine.diff(plugin, URN, outputs, **inputs(one)) == ["release"]
    engine.update(plugin, URN, outputs, **inputs(one))
    assert set(config_maps(api)) == {*there, "release-current"}


def test_a_bomb_is_not_decompressed() -> None:
    bomb = gzip.compress(b"0" * (stored_record.MAX_BYTES + 2))
    with pytest.raises(stored_record.UnreadableRecordError, match="more than 256 MiB decompressed"):
        stored_record.unpack_manifests(bomb)


def test_a_record_that_is_none_is_refused(plugin: engine.Plugin) -> None:
    told = plugin.get_refusal(
        lambda: engine.create(plugin, URN, namespace=NAMESPACE, release="1", record={}, provenance={}, format=1)
    )
    assert told.startswith("release 1: application: is missing")
