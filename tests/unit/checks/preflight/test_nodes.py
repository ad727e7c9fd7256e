"""What the pods require of the nodes: labels, taints, sizes, and enough of them."""

from typing import Any

import pytest

from seaway.checks.preflight import nodes, requirement
from seaway.model import application
from tests.unit.checks import checked_app
from tests.unit.checks.preflight import answers
from tests.unit.checks.preflight.answers import build_node

TAINT = {"key": "dedicated", "value": "batch", "effect": "NoSchedule"}
SOFT_TAINT = {"key": "old", "effect": "PreferNoSchedule"}
NOT_READY = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}


def evaluate(
    code: str, *live_nodes: dict[str, Any], pods: tuple[dict[str, Any], ...] = (), **web: Any
) -> requirement.Outcome:
    """The outcome of a requirement of `web`, beside a store and two jobs."""
    context = answers.build_context(checked_app.build_app(web={"sidecars": (), "init": (), **web}), checked_app.STACK)
    changed = {nodes.NODES_PATH: {"items": list(live_nodes)}, nodes.PODS_PATH: {"items": list(pods)}}
    return answers.evaluate_all(context, changed)[code]


def pod(cpu: str, namespace: str = "other", phase: str = "Running") -> dict[str, Any]:
    container = {"resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"namespace": namespace}, "spec": {"containers": [container]}, "status": {"phase": phase}}


FIT = "fitting-node: web"
ARM = build_node("arm", platform="linux/arm64")
CASES: dict[str, tuple[str, str, list[dict[str, Any]], dict[str, Any]]] = {
    "none ready": ("node-platform", "missing", [build_node("a") | NOT_READY, build_node("b", unschedulable=True)], {}),
    "arm": ("node-platform", "missing", [ARM], {}),
    "mixed": ("node-platform", "warning", [ARM, build_node("b")], {}),
    "none ready to fit": (FIT, "missing", [build_node("a") | NOT_READY], {}),
    "label": (FIT, "missing", [build_node("a")], {"node_selector": {"disk": "ssd"}}),
    "taint": (FIT, "missing", [build_node("a", taints=[TAINT, SOFT_TAINT])], {}),
    "tolerated": (
        FIT,
        "present",
        [build_node("a", taints=[TAINT]), build_node("b")],
        {"tolerations": ("dedicated=batch:NoSchedule",)},
    ),
    "another toleration": (
        FIT,
        "missing",
        [build_node("a", taints=[TAINT])],
        {"tolerations": ("dedicated=web:NoSchedule",)},
    ),
    "too large": (
        FIT,
        "missing",
        [build_node("a", cpu="2"), build_node("b", cpu="1500m")],
        {"resources": application.Resources(cpu="4")},
    ),
    "no accelerator": (FIT, "missing", [build_node("a")], {"resources": application.Resources(gpu=answers.GPU)}),
    "cpu here, memory there": (
        FIT,
        "missing",
        [build_node("a", cpu="8", memory="1Gi"), build_node("b", cpu="1", memory="8Gi")],
        {"resources": application.Resources(cpu="4", memory="4Gi")},
    ),
    "one node": ("node-spread", "warning", [build_node("a")], {}),
    "no zones": ("node-spread", "present", [build_node("a"), build_node("b")], {}),
    "required spread": (
        "node-spread",
        "missing",
        [build_node("a"), build_node("b", taints=[TAINT])],
        {"spread": "require"},
    ),
    "full": ("free-capacity", "missing", [build_node("a", cpu="400m")], {"scale": application.Scale(min=2)}),
    "full at maximum scale": ("free-capacity", "warning", [build_node("a", cpu="1")], {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_requirement(case: str, wording: object) -> None:
    code, state, live_nodes, web = CASES[case]
    outcome = evaluate(code, *live_nodes, **web)
    assert outcome.state == state
    assert [answers.format_outcome(outcome)] == wording


def test_pods_of_others_use_capacity(wording: object) -> None:
    """The application's own pods are counted as declared, and a pod that has ended uses nothing."""
    node = build_node("a", cpu="4")
    own, ended = pod("3", namespace="shop-test"), pod("3", phase="Succeeded")
    outcomes = [evaluate("free-capacity", node, pods=pods) for pods in ((own, ended), (pod("3500m"), own))]
    assert [outcome.state for outcome in outcomes] == ["present", "warning"]
    assert [*map(answers.format_outcome, outcomes)] == wording
