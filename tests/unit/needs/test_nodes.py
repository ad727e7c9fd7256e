# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Whether pods find a node: labels, taints, sizes, enough of them."""

from typing import Any

import pytest

from seaway.checks.preflight import nodes
from seaway.model import application
from tests.unit.checks import checked_app
from tests.unit.needs import answers

TAINT = {"key": "dedicated", "value": "batch", "effect": "NoSchedule"}
SOFT = {"key": "old", "effect": "PreferNoSchedule"}
DOWN = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}


def judged(what: str, *nodes_: dict[str, Any], pods: tuple[dict[str, Any], ...] = (), **web: Any) -> str:
    """What becomes of a need of `web`, which is all there is but for a store and two jobs."""
    one = answers.build_context(checked_app.build_app(web={"sidecars": (), "init": (), **web}), checked_app.STACK)
    found = answers.evaluate_all(
        one, {nodes.NODES_PATH: {"items": list(nodes_)}, nodes.PODS_PATH: {"items": list(pods)}}
    )
    return answers.format_outcome(found[what])


def pod(cpu: str, namespace: str = "other", phase: str = "Running") -> dict[str, Any]:
    container = {"resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"namespace": namespace}, "spec": {"containers": [container]}, "status": {"phase": phase}}


FIT = "a node that fits: web"
CASES: dict[str, tuple[str, tuple[dict[str, Any], ...], dict[str, Any], str]] = {
    "none": ("nodes", (answers.build_node("one") | DOWN, answers.build_node("two", unschedulable=True)), {}, "lacking: no node is ready; kubectl get nodes says why"),
    "arm": ("nodes", (answers.build_node("one", platform="linux/arm64"),), {}, "lacking: all run linux/arm64, and images are for linux/amd64; set seaway:platform"),
    "mixed": ("nodes", (answers.build_node("one", platform="linux/arm64"), answers.build_node("two")), {}, "warning: some run linux/arm64, and images are for linux/amd64; keep the pods on theirs: `nodeSelector: {kubernetes.io/arch: amd64}`"),
    "nobody ready": (FIT, (answers.build_node("one") | DOWN,), {}, "lacking: no node is ready; kubectl get nodes says why"),
    "label": (FIT, (answers.build_node("one"),), {"node_selector": {"disk": "ssd"}}, "lacking: no node has disk=ssd; label one, or change services.web.nodeSelector"),
    "taint": (FIT, (answers.build_node("one", taints=[TAINT, SOFT]),), {}, "lacking: every node keeps it away: dedicated=batch:NoSchedule; add it to services.web.tolerations"),
    "tolerated": (FIT, (answers.build_node("one", taints=[TAINT]), answers.build_node("two")), {"tolerations": ("dedicated=batch:NoSchedule",)}, "there: 2 of 2"),
    "tolerated for another": (FIT, (answers.build_node("one", taints=[TAINT]),), {"tolerations": ("dedicated=web:NoSchedule",)}, "lacking: every node keeps it away: dedicated=batch:NoSchedule; add it to services.web.tolerations"),
    "too large": (FIT, (answers.build_node("one", cpu="2"), answers.build_node("two", cpu="1500m")), {"resources": application.Resources(cpu="4")}, "lacking: a pod asks for 4 of cpu, and the largest node has 2; lower services.web.resources, or add a larger node"),
    "no accelerator": (FIT, (answers.build_node("one"),), {"resources": application.Resources(gpu=answers.GPU)}, "lacking: a pod asks for 1 of nvidia.com/gpu, and no node has any; lower services.web.resources, or add a larger node"),
    "cpu here, memory there": (FIT, (answers.build_node("one", cpu="8", memory="1Gi"), answers.build_node("two", cpu="1", memory="8Gi")), {"resources": application.Resources(cpu="4", memory="4Gi")}, "lacking: no one node has all that a pod asks for; lower services.web.resources, or add a larger node"),
    "one node": ("nodes to spread over", (answers.build_node("one"),), {}, "warning: one node takes all pods, and all are lost with it; add a node"),
    "no zones": ("nodes to spread over", (answers.build_node("one"), answers.build_node("two")), {}, "there: 2 nodes, of no zone"),
    "required": ("nodes to spread over", (answers.build_node("one"), answers.build_node("two", taints=[TAINT])), {"spread": "require"}, "lacking: 1 of kubernetes.io/hostname, and 2 are asked for: the rest of the pods waits; add nodes, or set services.web.spread to prefer"),
    "full": ("room", (answers.build_node("one", cpu="400m"),), {"scale": application.Scale(min=2)}, "lacking: 400m of cpu are free, and all pods ask for 500m; add nodes, or lower `scale.min` or `resources`"),
    "full at most": ("room", (answers.build_node("one", cpu="1"),), {}, "warning: 1 of cpu are free, and at their largest the pods ask for 1100m; add nodes, let the cluster add them, or lower `scale.max`"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_nodes(case: str) -> None:
    what, found, web, line = CASES[case]
    assert judged(what, *found, **web) == line


def test_others_need_room_too() -> None:
    """Those of this application are what is counted anyway, and a pod that has ended needs nothing."""
    one = answers.build_node("one", cpu="4")
    mine, over = pod("3", namespace="shop-test"), pod("3", phase="Succeeded")
    assert judged("room", one, pods=(mine, over)).startswith("there: at most 1100m of 4 cpu, ")
    assert judged("room", one, pods=(pod("3500m"), mine)) == (
        "warning: 500m of cpu are free, and at their largest the pods ask for 1100m;"
        " add nodes, let the cluster add them, or lower `scale.max`"
    )
