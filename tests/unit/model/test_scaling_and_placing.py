# ruff: noqa: E501 - a message stands in one line, as it is printed
"""The rules about numbers of pods, resources and nodes: what passes, what fails, and the exact words."""

from collections.abc import Callable

import pytest

from seaway.model import scheduling

Said = Callable[..., list[str]]


def web(body: str) -> str:
    return f"name: shop\nservices:\n  web:\n    image: nginx\n    port: 80\n    {body}\n"


def resources(body: str) -> str:
    return web(f"resources: {{{body}}}")


PASSES = [
    web("scale: {min: 1, max: 2}"),
    web("scale: {min: 2, max: 10, cpu: 70%, memory: 80%}"),
    web("scale: {max: 3, cpu: 400%, memory: 90%}"),
    web("scale: {max: 5, cpu: 181%}\n    resources: {cpu: 100m, cpuLimit: 200m}"),
    web("spread: require\n    preStopDelay: 0\n    stopGracePeriod: 1\n    priorityClass: high-priority.v2"),
    web("nodeSelector: {disk: ssd, example.com/kind: web_1, empty: ''}"),
    web("tolerations: [dedicated=batch:NoSchedule, 'spot:NoExecute', 'a/b=:PreferNoSchedule']"),
    resources("cpuLimit: 100m"),
    resources("cpu: 0.5, cpuLimit: 2, disk: 10Gi"),
    resources("gpu: 2"),
    resources("gpu: {count: 1, resource: amd.com/gpu}"),
    resources("tpu: {count: 4, accelerator: tpu-v5-lite-podslice, topology: 2x4}"),
    "name: shop\nstores:\n  db: {image: p, port: 1, volume: {path: /d, size: 1Gi}, stopGracePeriod: 600, priorityClass: a}\n",
]


@pytest.mark.parametrize("text", PASSES)
def test_passes(said: Said, text: str) -> None:
    assert said(text) == []


TAINT = "write key=value:Effect or key:Effect; the effects are NoSchedule, PreferNoSchedule, NoExecute"
LABEL = "use letters, digits, -, _ and ., 63 at most, a letter or digit first and last"
FAILS = {
    "no pods": (web("scale: {min: 0, max: 3}"), "6:13: services.web.scale.min: 0 pods serve nobody; write 1 or more"),
    "max is min": (web("scale: {min: 3, max: 3}"), "6:21: services.web.scale.max: 3 is not more than min, which is 3; write more, or leave max out for a fixed number"),
    "max below the default": (web("scale: {max: 1}"), "6:13: services.web.scale.max: 1 is not more than min, which is 2; write more, or leave max out for a fixed number"),
    "cpu without max": (web("scale: {cpu: 70%}"), '6:13: services.web.scale.cpu: "70%" is for an autoscaler, and without max there is none; add `max:`, or remove it'),
    "memory without max": (web("scale: {memory: 70%}"), '6:13: services.web.scale.memory: "70%" is for an autoscaler, and without max there is none; add `max:`, or remove it'),
    "no percentage": (web("scale: {max: 3, cpu: 0.7}"), '6:21: services.web.scale.cpu: "0.7" is no percentage of what is set aside; write it as 70%'),
    "nothing": (web("scale: {max: 3, memory: 0%}"), '6:21: services.web.scale.memory: "0%" is no percentage of what is set aside; write it as 70%'),
    "memory that is never used": (web("scale: {max: 3, memory: 95%}"), "6:21: services.web.scale.memory: 95% is never passed by a tenth, which is what starts pods, since resources.memory is the limit; write 90% at most"),
    "cpu that is never used": (web("scale: {max: 5, cpu: 182%}\n    resources: {cpu: 100m, cpuLimit: 200m}"), "6:21: services.web.scale.cpu: 182% is never passed by a tenth, which is what starts pods, since resources.cpuLimit is the limit; write 181% at most"),
    "drain": (web("preStopDelay: -1"), "6:5: services.web.preStopDelay: -1 is no time to wait; write seconds, or 0 for none"),
    "grace": (web("stopGracePeriod: 0"), "6:5: services.web.stopGracePeriod: 0 is no time to end; write the seconds from SIGTERM to SIGKILL, 1 at least"),
    "grace of a store": ("name: shop\nstores:\n  db: {image: p, port: 1, volume: {path: /d, size: 1Gi}, stopGracePeriod: 0}\n", "3:58: stores.db.stopGracePeriod: 0 is no time to end; write the seconds from SIGTERM to SIGKILL, 1 at least"),
    "priority": (web("priorityClass: High Prio"), '6:5: services.web.priorityClass: "High Prio" is no name of a PriorityClass; write one that `kubectl get priorityclasses` lists'),
    "label": (web("nodeSelector: {a b: c}"), '6:13: services.web.nodeSelector.a b: "a b" is no name of a label; write it as disk or example.com/disk, with letters, digits, -, _ and .'),
    "label's domain": (web("nodeSelector: {A_B/c: d}"), '6:13: services.web.nodeSelector.A_B/c: "A_B/c" is no name of a label; write it as disk or example.com/disk, with letters, digits, -, _ and .'),
    "value": (web("nodeSelector: {disk: -ssd}"), f'6:13: services.web.nodeSelector.disk: "-ssd" is no value of a label; {LABEL}'),
    "taint": (web("tolerations: [batch]"), f'6:17: services.web.tolerations.0: "batch" is no taint; {TAINT}'),
    "effect": (web("tolerations: ['a=b:Never']"), f'6:17: services.web.tolerations.0: "a=b:Never" is no taint; {TAINT}'),
    "taint's value": (web("tolerations: ['a=-:NoSchedule']"), f'6:17: services.web.tolerations.0: "a=-:NoSchedule" is no taint; {TAINT}'),
    "limit": (resources("cpuLimit: lots"), '6:17: services.web.resources.cpuLimit: "lots" is no amount of CPU; write cores, as 0.5, or thousandths of one, as 500m'),
    "low limit": (resources("cpu: 200m, cpuLimit: 0.1"), "6:28: services.web.resources.cpuLimit: 0.1 is less than cpu, which is 200m; write as much or more, or leave it out for no limit"),
    "disk": (resources("disk: 1"), '6:17: services.web.resources.disk: "1" is no amount of bytes with a unit; write it as 1Gi (Ki, Mi, Gi or Ti)'),
    "no gpu": (resources("gpu: 0"), "6:17: services.web.resources.gpu: 0 is none; write 1 or more, or remove gpu"),
    "no tpu": (resources("tpu: {count: 0, accelerator: a, topology: 1x1}"), "6:23: services.web.resources.tpu.count: 0 is none; write 1 or more, or remove tpu"),
    "gpu's name": (resources("gpu: {resource: gpu}"), '6:23: services.web.resources.gpu.resource: "gpu" is no name of a device; write it as nvidia.com/gpu or amd.com/gpu'),
    "tpu's node": (resources("tpu: {count: 1, accelerator: a b, topology: 1x1}"), '6:33: services.web.resources.tpu.accelerator: "a b" is no kind of node; write it as tpu-v5-lite-podslice'),
    "tpu's topology": (resources("tpu: {count: 1, accelerator: a, topology: '8'}"), '6:49: services.web.resources.tpu.topology: "8" is no arrangement of chips; write it as 2x4 or 2x2x1'),
    "both": (resources("gpu: 1, tpu: {count: 1, accelerator: a, topology: 1x1}"), "6:25: services.web.resources.tpu: is asked for beside a gpu, and no node has both; keep one of them"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FAILS.values(), ids=FAILS)
def test_fails(said: Said, text: str, expected: str) -> None:
    assert said(text) == [f"app/app.yaml:{expected}"]


def test_a_limit_that_is_far_too_low(said: Said) -> None:
    scale = "6:21: services.web.scale.cpu: 70% is never passed by a tenth, which is what starts pods, since resources.cpuLimit is the limit; raise the limit"
    limit = "7:28: services.web.resources.cpuLimit: 10m is less than cpu, which is 10; write as much or more, or leave it out for no limit"
    text = web("scale: {max: 5, cpu: 70%}\n    resources: {cpu: '10', cpuLimit: 10m}")
    assert said(text) == [f"app/app.yaml:{one}" for one in (scale, limit)]


def test_companions_are_held_to_the_same(said: Said) -> None:
    assert said(web("sidecars: {proxy: {image: x, resources: {disk: 1}}}")) == [
        'app/app.yaml:6:46: services.web.sidecars.proxy.resources.disk: "1" is no amount of bytes with a unit;'
        " write it as 1Gi (Ki, Mi, Gi or Ti)"
    ]


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
def test_toleration(text: str, expected: dict[str, str] | None) -> None:
    assert scheduling.parse_toleration(text) == expected
