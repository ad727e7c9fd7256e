"""Properties of every application: any input becomes objects or diagnostics, and the order of keys does not matter.

The reference has every field, so the inputs are the reference with some parts replaced or removed.
"""

import copy
import datetime
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dev import schema as maker
from seaway.checks import all_checks, engine
from seaway.explain import workload
from seaway.kubernetes.api import schema
from seaway.manifests import objects, preview, yaml_writer
from seaway.project import environments
from seaway.syntax import diagnosis, nodes, yaml_parser

DOCS = Path(__file__).parents[3] / "docs"
STACK_VALUES = {
    "seaway:context": "test",
    "seaway:registry": "registry.example.com",
    "seaway:publish": "ingress",
    "seaway:ingress": {"hosts": {"web": ["shop.example.com", "example.com/shop"]}, "issuer": "letsencrypt"},
    "seaway:storageClass": "standard",
    "seaway:imagePullSecrets": ["registry"],
    "seaway:secrets": {name: {"secure": "x"} for name in ("PAYMENT_TOKEN", "LICENCE", "NPM_TOKEN")},
    "seaway:overlay": {"services": {"web": {"env": {"LOG_LEVEL": "debug"}}}},
}
STRANGE_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 70000, 10**30, 0.5),
    *("", " ", "a", "web", "-a", "a/b", "/", "/x", "~", "*", "=", "ß\n"),
    *("grpc", "tcp:", "1Gi", "1e3", "100%", "0755", "$(X)", "${X}", "\u0000", "x" * 300, [], {}, [[]], [None], [{}]),
    *({"": 1}, {"a": {"b": []}}, {"web": None}, ["web", "web"], {"a.b": "c"}, "internet", "10.0.0.0/33", "@daily"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("project")
    (project / "app").mkdir()
    shutil.copytree(DOCS / "reference", project / "app" / "reference")
    return project


@pytest.fixture(scope="module")
def reference() -> Any:
    return nodes.to_plain(yaml_parser.parse((DOCS / "reference.yaml").read_bytes(), "reference.yaml"))


def render(folder: Path, app: Any, stack: Any) -> tuple[environments.Environment, list[objects.ReleaseObject]]:
    """The environment and objects of these files. They are JSON, which is YAML too."""
    (folder / "app" / "app.yaml").write_text(json.dumps(app))
    (folder / "Pulumi.dev.yaml").write_text(json.dumps({"config": stack}))
    environment = environments.load_environment(folder, "dev", check_ids=all_checks.IDS)
    return environment, preview.render_objects(environment, preview.find_images(environment))


def change_part(document: Any, by: random.Random) -> Any:
    """The document with one part removed, copied from elsewhere in it, or replaced by a strange value."""
    changed = copy.deepcopy(document)
    parts = list(list_parts(changed))
    parent, key = by.choice(parts)
    match by.randrange(4):
        case 0:
            del parent[key]
        case 1:
            other_parent, other_key = by.choice(parts)
            parent[key] = copy.deepcopy(other_parent[other_key]) if other_parent is not parent else None
        case _:
            parent[key] = by.choice(STRANGE_VALUES)
    return changed


def list_parts(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every part of a document: its parent, and its key there."""
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, child in pairs:
        yield document, key
        yield from list_parts(child)


def shuffle_keys(document: Any, by: random.Random) -> Any:
    if isinstance(document, dict):
        keys = list(document)
        by.shuffle(keys)
        return {key: shuffle_keys(document[key], by) for key in keys}
    return [shuffle_keys(child, by) for child in document] if isinstance(document, list) else document


def test_the_objects_of_the_reference_match_the_api_schema(folder: Path, reference: Any) -> None:
    bounded = copy.deepcopy(reference)
    del bounded["services"]["node-logs"]  # a DaemonSet has no maximum, so it cannot have a quota
    grpc = copy.deepcopy(reference)
    grpc["services"]["rpc"] = {"image": "x/rpc:1", "port": 9000, "protocol": "grpc", "publish": True}
    hosts = {**STACK_VALUES["seaway:ingress"]["hosts"], "rpc": ["rpc.example.com"]}
    gateway = {"publish": "gateway", "gateway": {"className": "x"}, "ingress": {"hosts": hosts, "tlsSecret": "a/b"}}
    rendered = [
        *render(folder, reference, STACK_VALUES)[1],
        *render(folder, bounded, STACK_VALUES | {"seaway:quota": True})[1],
        *render(folder, grpc, STACK_VALUES | {f"seaway:{key}": setting for key, setting in gateway.items()})[1],
    ]
    assert {one.key: list(schema.check_object(one.kind, one.manifest)) for one in rendered} == {
        one.key: [] for one in rendered
    }
    assert {one.kind for one in rendered} >= set(maker.KINDS) - {"PersistentVolumeClaim"}


# Without shrinking: a failure prints the files, and a person reduces them faster.
@settings(max_examples=40, deadline=None, phases=[Phase.generate])
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_any_input_becomes_objects_or_diagnostics(
    folder: Path, reference: Any, by: random.Random, changes: int
) -> None:
    app, stack = reference, STACK_VALUES
    for _ in range(changes):
        if by.random() < 0.8:
            app = change_part(app, by)
        else:
            stack = change_part(stack, by)
    try:
        environment, rendered = render(folder, app, stack)
    except diagnosis.InvalidInput as error:
        assert all(diagnostic.code and diagnostic.message for diagnostic in error.diagnostics)
        return
    assert yaml_writer.dump_objects(rendered)
    assert engine.run_checks(environment, rendered, datetime.date(2026, 1, 1))
    for service in environment.app.get_workloads().values():
        assert workload.explain_workload(environment, service.name)


@settings(max_examples=5, deadline=None, phases=[Phase.generate], print_blob=False)
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(folder: Path, reference: Any, by: random.Random) -> None:
    expected = yaml_writer.dump_objects(render(folder, reference, STACK_VALUES)[1])
    assert yaml_writer.dump_objects(render(folder, reference, STACK_VALUES)[1]) == expected
    shuffled = render(folder, shuffle_keys(reference, by), shuffle_keys(STACK_VALUES, by))[1]
    assert yaml_writer.dump_objects(shuffled) == expected
