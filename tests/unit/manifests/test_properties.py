"""What holds for every application: whatever is written becomes objects or problems, and nothing depends on its order.

The reference has every field, so what is looked at is the reference with something wrong in it, or gone from it.
"""

import copy
import datetime
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from seaway.checks import engine, registry
from seaway.explain import workload
from seaway.kubernetes.api import schema
from seaway.manifests import objects, preview, yaml_writer
from seaway.project import environments
from seaway.syntax import diagnosis, nodes

DOCS = Path(__file__).parents[3] / "docs"
STACK = {
    "seaway:context": "test",
    "seaway:registry": "registry.example.com",
    "seaway:publish": "ingress",
    "seaway:ingress": {"hosts": {"web": ["shop.example.com", "example.com/shop"]}, "issuer": "letsencrypt"},
    "seaway:storageClass": "standard",
    "seaway:imagePullSecrets": ["registry"],
    "seaway:secrets": {name: {"secure": "x"} for name in ("PAYMENT_TOKEN", "LICENCE", "NPM_TOKEN")},
    "seaway:overlay": {"services": {"web": {"env": {"LOG_LEVEL": "debug"}}}},
}
STRANGE: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        70000,
        10**30,
        0.5,
        "",
        " ",
        "a",
        "web",
        "-a",
        "a/b",
        "/",
        "/x",
        "~",
        "*",
        "=",
        "ß\n",
    ),
    *("grpc", "tcp:", "1Gi", "1e3", "100%", "0755", "$(X)", "${X}", "\u0000", "x" * 300, [], {}, [[]], [None], [{}]),
    *({"": 1}, {"a": {"b": []}}, {"web": None}, ["web", "web"], {"a.b": "c"}, "internet", "10.0.0.0/33", "@daily"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("project")
    (made / "app").mkdir()
    shutil.copytree(DOCS / "reference", made / "app" / "reference")
    return made


@pytest.fixture(scope="module")
def reference() -> Any:
    return nodes.to_plain(nodes.parse((DOCS / "reference.yaml").read_bytes(), "reference.yaml"))


def deployed(folder: Path, app: Any, stack: Any) -> tuple[environments.Environment, list[objects.ReleaseObject]]:
    """Files, in which JSON is YAML too, and what they become."""
    (folder / "app" / "app.yaml").write_text(json.dumps(app))
    (folder / "Pulumi.dev.yaml").write_text(json.dumps({"config": stack}))
    one = environments.load_environment(folder, "dev", check_ids=registry.IDS)
    return one, preview.render_objects(one.app, one.settings, preview.find_images(one))


def changed(value: Any, by: random.Random) -> Any:
    """One part of it is strange, taken from elsewhere in it, or gone."""
    whole = copy.deepcopy(value)
    parts = list(places(whole))
    inside, key = by.choice(parts)
    match by.randrange(4):
        case 0:
            del inside[key]
        case 1:
            above, other = by.choice(parts)
            inside[key] = copy.deepcopy(above[other]) if above is not inside else None
        case _:
            inside[key] = by.choice(STRANGE)
    return whole


def places(value: Any) -> Any:
    """Every part as what it is in, and its key there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


def shuffled(value: Any, by: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        by.shuffle(keys)
        return {key: shuffled(value[key], by) for key in keys}
    return [shuffled(one, by) for one in value] if isinstance(value, list) else value


def test_the_reference_becomes_objects_that_the_api_knows(folder: Path, reference: Any) -> None:
    bounded = copy.deepcopy(reference)
    del bounded["services"]["node-logs"]  # nobody can say how many nodes there will be
    found = [*deployed(folder, reference, STACK)[1], *deployed(folder, bounded, STACK | {"seaway:quota": True})[1]]
    assert {each.key: list(schema.check_object(each.kind, each.manifest)) for each in found} == {
        each.key: [] for each in found
    }
    assert {each.kind for each in found} >= set(schema.list_kinds()) - {"PersistentVolumeClaim"}


# Without shrinking: what fails prints the files, which a person cuts down faster.
@settings(max_examples=40, deadline=None, phases=[Phase.generate])
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_whatever_is_written_becomes_objects_or_problems(
    folder: Path, reference: Any, by: random.Random, often: int
) -> None:
    app, stack = reference, STACK
    for _ in range(often):
        if by.random() < 0.8:
            app = changed(app, by)
        else:
            stack = changed(stack, by)
    try:
        one, found = deployed(folder, app, stack)
    except diagnosis.InvalidInput as error:
        assert str(error)
        return
    assert yaml_writer.dump_objects(found)
    assert engine.run_checks(one.app, one.settings, found, datetime.date(2026, 1, 1))
    for each in one.app.get_workloads().values():
        assert workload.explain_workload(one, each.name)


@settings(max_examples=5, deadline=None, phases=[Phase.generate], print_blob=False)
@given(st.randoms(use_true_random=False))
def test_no_order_of_keys_matters_and_twice_is_the_same(folder: Path, reference: Any, by: random.Random) -> None:
    expected = yaml_writer.dump_objects(deployed(folder, reference, STACK)[1])
    assert yaml_writer.dump_objects(deployed(folder, reference, STACK)[1]) == expected
    assert yaml_writer.dump_objects(deployed(folder, shuffled(reference, by), shuffled(STACK, by))[1]) == expected
