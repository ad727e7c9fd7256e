"""The table of kinds: paths of the API, and pod templates; and the text of a request."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seaway.kubernetes.api import json_text, kinds

DEPLOYMENT = {"kind": "Deployment", "spec": {"template": {"spec": {}}}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (kinds.build_path("Namespace", name="x"), "/api/v1/namespaces/x"),
        (kinds.build_path("ConfigMap", "shop-dev", "x"), "/api/v1/namespaces/shop-dev/configmaps/x"),
        (kinds.build_path("Deployment", "shop-dev", "x"), "/apis/apps/v1/namespaces/shop-dev/deployments/x"),
        (kinds.build_path("Job", "shop-dev"), "/apis/batch/v1/namespaces/shop-dev/jobs"),
        (kinds.build_path("Pod"), "/api/v1/pods"),
        (kinds.build_log_path("shop-dev", "web-0"), "/api/v1/namespaces/shop-dev/pods/web-0/log"),
        (kinds.join_path("example.com/v1", "gadgets", "shop-dev"), "/apis/example.com/v1/namespaces/shop-dev/gadgets"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert path == expected


def test_pod_templates() -> None:
    assert kinds.find_pod_template(DEPLOYMENT) == {"spec": {}}
    assert kinds.find_pod_template({"spec": {"jobTemplate": DEPLOYMENT}}, "CronJob") == {"spec": {}}
    assert kinds.find_pod_template({"kind": "Service", "spec": {}}) is None
    assert kinds.find_pod_template({"kind": "Gadget", "spec": {"template": {}}}) is None


def test_exactly_the_workload_kinds_and_replica_sets_have_a_pod_template() -> None:
    assert {name for name, kind in kinds.KINDS.items() if kind.pod_template} == {*kinds.WORKLOAD_KINDS, "ReplicaSet"}


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))))
def test_json_is_yaml_too(texts: dict[str, str]) -> None:
    r"""``\ud83d\ude00`` is an error in YAML, and a line separator is a blank."""
    text = json_text.format_json(texts)
    assert json.loads(text) == texts
    assert "\\ud8" not in text
    assert yaml.safe_load(text) == texts
    assert json_text.format_json({"a": "😀\u2028\x85\ufeff\\é"}) == '{"a": "😀\\u2028\\u0085\\ufeff\\\\é"}'
