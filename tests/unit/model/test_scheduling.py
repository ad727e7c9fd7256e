"""Rules about the number of pods, resources and nodes."""

import pytest

from seaway.model import scheduling
from tests.unit.model import tables


def web(body: str) -> str:
    return f"name: shop\nservices:\n  web:\n    image: nginx\n    port: 80\n    {body}\n"


def resources(body: str) -> str:
    return web(f"resources: {{{body}}}")


VOLUME = "{path: /d, size: 1Gi}"
VALID = [
    web("scale: {min: 1, max: 2}"),
    web("scale: {min: 2, max: 10, cpu: 70%, memory: 80%}"),
    web("scale: {max: 3, cpu: 400%, memory: 90%}"),
    web("scale: {max: 5, cpu: 181%}\n    resources: {cpu: 100m, cpuLimit: 200m}"),
    web("spread: require\n    preStopDelay: 0\n    stopGracePeriod: 1\n    priorityClass: high-priority.v2"),
    web("nodeSelector: {disk: ssd, example.com/kind: web_1, empty: ''}"),
    web("tolerations: [dedicated=batch:NoSchedule, 'spot:NoExecute', 'a/b=:PreferNoSchedule']"),
    web("slo: {p99: 1.5s, errors: 0%}"),
    resources("cpuLimit: 100m"),
    resources("cpu: 0.5, cpuLimit: 2, disk: 10Gi"),
    resources("gpu: 2"),
    resources("gpu: {count: 1, resource: amd.com/gpu}"),
    resources("tpu: {count: 4, accelerator: tpu-v5-lite-podslice, topology: 2x4}"),
    f"name: shop\nstores:\n  db: {{image: p, volume: {VOLUME}, stopGracePeriod: 600, priorityClass: a}}\n",
]

INVALID = {
    "no pods": (web("scale: {min: 0, max: 3}"), "6:13: .scale.min: invalid-value"),
    "max equals min": (web("scale: {min: 3, max: 3}"), "6:21: .scale.max: conflicting-keys"),
    "max below the default": (web("scale: {max: 1}"), "6:13: .scale.max: conflicting-keys"),
    "cpu without max": (web("scale: {cpu: 70%}"), "6:13: .scale.cpu: no-effect"),
    "memory without max": (web("scale: {memory: 70%}"), "6:13: .scale.memory: no-effect"),
    "no percentage": (web("scale: {max: 3, cpu: 0.7}"), "6:21: .scale.cpu: invalid-percentage"),
    "zero percent": (web("scale: {max: 3, memory: 0%}"), "6:21: .scale.memory: invalid-percentage"),
    "unreachable memory target": (web("scale: {max: 3, memory: 95%}"), "6:21: .scale.memory: unreachable-target"),
    "unreachable cpu target": (
        web("scale: {max: 5, cpu: 182%}\n    resources: {cpu: 100m, cpuLimit: 200m}"),
        "6:21: .scale.cpu: unreachable-target",
    ),
    "slo latency": (web("slo: {p99: 300}"), "6:11: .slo.p99: invalid-latency"),
    "no slo latency": (web("slo: {p99: 0ms}"), "6:11: .slo.p99: invalid-latency"),
    "slo errors": (web("slo: {errors: 101%}"), "6:11: .slo.errors: invalid-percentage"),
    "pre-stop delay": (web("preStopDelay: -1"), "6:5: .preStopDelay: invalid-value"),
    "stop grace period": (web("stopGracePeriod: 0"), "6:5: .stopGracePeriod: invalid-value"),
    "stop grace period of a store": (
        "name: shop\nstores:\n  db: {image: p, port: 1, volume: {path: /d, size: 1Gi}, stopGracePeriod: 0}\n",
        "3:58: stores.db.stopGracePeriod: invalid-value",
    ),
    "priority class": (web("priorityClass: High Prio"), "6:5: .priorityClass: invalid-name"),
    "label name": (web("nodeSelector: {a b: c}"), "6:20: .nodeSelector.a b: invalid-label"),
    "label prefix": (web("nodeSelector: {A_B/c: d}"), "6:20: .nodeSelector.A_B/c: invalid-label"),
    "label value": (web("nodeSelector: {disk: -ssd}"), "6:20: .nodeSelector.disk: invalid-label"),
    "taint": (web("tolerations: [batch]"), "6:19: .tolerations.0: invalid-toleration"),
    "taint effect": (web("tolerations: ['a=b:Never']"), "6:19: .tolerations.0: invalid-toleration"),
    "taint value": (web("tolerations: ['a=-:NoSchedule']"), "6:19: .tolerations.0: invalid-toleration"),
    "invalid limit": (resources("cpuLimit: lots"), "6:17: .resources.cpuLimit: invalid-quantity"),
    "low limit": (resources("cpu: 200m, cpuLimit: 0.1"), "6:28: .resources.cpuLimit: conflicting-keys"),
    "disk": (resources("disk: 1"), "6:17: .resources.disk: invalid-quantity"),
    "no gpu": (resources("gpu: 0"), "6:17: .resources.gpu: invalid-value"),
    "no tpu": (
        resources("tpu: {count: 0, accelerator: a, topology: 1x1}"),
        "6:23: .resources.tpu.count: invalid-value",
    ),
    "gpu name": (resources("gpu: {resource: gpu}"), "6:23: .resources.gpu.resource: invalid-name"),
    "tpu accelerator": (
        resources("tpu: {count: 1, accelerator: a b, topology: 1x1}"),
        "6:33: .resources.tpu.accelerator: invalid-name",
    ),
    "tpu topology": (
        resources("tpu: {count: 1, accelerator: a, topology: '8'}"),
        "6:49: .resources.tpu.topology: invalid-value",
    ),
    "gpu and tpu": (
        resources("gpu: 1, tpu: {count: 1, accelerator: a, topology: 1x1}"),
        "6:25: .resources.tpu: conflicting-keys",
    ),
    "limit below the autoscaler's target": (
        web("scale: {max: 5, cpu: 70%}\n    resources: {cpu: '10', cpuLimit: 10m}"),
        "6:21: .scale.cpu: unreachable-target",
        "7:28: .resources.cpuLimit: conflicting-keys",
    ),
    "disk of a sidecar": (
        web("sidecars: {proxy: {image: x, resources: {disk: 1}}}"),
        "6:46: .sidecars.proxy.resources.disk: invalid-quantity",
    ),
}


test_valid_input_has_no_errors, test_invalid_input_is_reported = tables.build_tests(VALID, INVALID)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b:NoSchedule", {"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}),
        ("x.io/a=:NoExecute", {"key": "x.io/a", "operator": "Equal", "value": "", "effect": "NoExecute"}),
        ("a:PreferNoSchedule", {"key": "a", "operator": "Exists", "effect": "PreferNoSchedule"}),
        ("a", None),
        (":NoSchedule", None),
        ("a=b=c:NoSchedule", None),
        ("/a:NoSchedule", None),
    ],
)
def test_a_taint_becomes_a_toleration(text: str, expected: dict[str, str] | None) -> None:
    assert scheduling.parse_toleration(text) == expected
