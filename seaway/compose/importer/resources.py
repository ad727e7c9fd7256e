"""How many pods, how big, where: `deploy`, and the older keys that say the same."""

import re
from collections.abc import Callable

from seaway.compose.importer import amounts, images, key_reader, service_builder
from seaway.kubernetes.api import quantity

MEMORY = "256Mi"
"""For a program that nobody says the size of. Docker has no limit; the model's own default is for what is measured."""

LEAST = "100m"
_CONSTRAINT = re.compile(r"\s*([\w.\-/]+)\s*(==|!=)\s*(.+?)\s*")
_LABELS = {
    "node.hostname": "kubernetes.io/hostname",
    "node.platform.arch": "kubernetes.io/arch",
    "node.platform.os": "kubernetes.io/os",
}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
UNLIMITED = {
    "blkio_config": "the weight of disks",
    "cpu_count": "Windows' count of processors",
    "cpu_percent": "Windows' share of processors",
    "cpu_period": "the period of a share",
    "cpu_quota": "the quota of a period",
    "cpu_rt_period": "real-time scheduling",
    "cpu_rt_runtime": "real-time scheduling",
    "cpu_shares": "a weight without a unit",
    "cpuset": "the choice of processors",
    "mem_swappiness": "swapping",
    "memswap_limit": "swapping",
    "oom_kill_disable": "the end of what takes too much memory",
    "oom_score_adj": "the order in which a full node ends programs",
    "pids_limit": "the number of processes",
    "storage_opt": "the size of a container's layer",
    "ulimits": "limits of a process",
}


def convert(one: key_reader.Part, made: service_builder.Draft, image: str | None) -> None:
    """What is set aside, and the limits."""
    deploy = one.inner("deploy")
    limits, asked = deploy.inner("resources").inner("limits"), deploy.inner("resources").inner("reservations")
    most = _first(amounts.cpu, (limits, "cpus"), (one, "cpus"))
    least = _first(amounts.cpu, (asked, "cpus"))
    if most:
        made.put(("resources", "cpuLimit"), most[0], most[1].place(most[2]))
        most[1].kept(most[2], f"cpuLimit: {most[0]}", into="resources.cpuLimit")
        if least is None and quantity.parse(most[0]) < quantity.parse(LEAST):
            made.put(("resources", "cpu"), most[0], most[1].place(most[2]))
    if least:
        made.put(("resources", "cpu"), least[0], least[1].place(least[2]))
        least[1].kept(least[2], f"cpu: {least[0]}", into="resources.cpu")
    _memory(one, made, limits, asked, image)
    for key, what in UNLIMITED.items():
        one.dropped(key, f"{what}: the node's business")
    for each in (limits, asked):
        each.dropped("pids", "the number of processes is the node's business")
        each.dropped("generic_resources", "what a swarm calls so, a cluster does not have", "use `gpus`")
    _devices(one, asked, made)
    for each in (one, limits, asked):
        for key in ("cpus", "memory", "mem_limit", "mem_reservation"):
            each.dropped(key, "another key says it, or it says nothing")


Read = Callable[[str | None], str | None]


def _first(read: Read, *keys: tuple[key_reader.Part, str]) -> tuple[str, key_reader.Part, str] | None:
    """The first of some keys that says an amount: it, and where it was said."""
    return next(((amount, each, key) for each, key in keys if (amount := read(each.text(key)))), None)


def _memory(
    one: key_reader.Part,
    made: service_builder.Draft,
    limits: key_reader.Part,
    asked: key_reader.Part,
    image: str | None,
) -> None:
    most = _first(amounts.size, (limits, "memory"), (one, "mem_limit"))
    least = _first(amounts.size, (asked, "memory"), (one, "mem_reservation"))
    if most:
        made.put(("resources", "memory"), most[0], most[1].place(most[2]))
        most[1].kept(most[2], f"memory: {most[0]}", into="resources.memory")
        if least:
            same = least[0] == most[0]
            how = (
                "" if same else f"{most[0]} is set aside, which is the limit: a pod never depends on what others leave"
            )
            (least[1].kept(least[2]) if same else least[1].approximated(least[2], how, into="resources.memory"))
        return
    size = _heap(one) or images.memory(image) or MEMORY
    if least and quantity.parse(least[0]) > quantity.parse(size):
        size = least[0]
    made.put(("resources", "memory"), size, least[1].place(least[2]) if least else made.place)
    remedy = "say deploy.resources.limits.memory"
    if least:
        how = f"{size} is set aside, and is the limit too: a pod never depends on what others leave"
        least[1].approximated(least[2], how, remedy, into="resources.memory")
    else:
        one.noted("added", f"may use {size} of memory; compose has no limit", remedy, into="resources.memory")


def _heap(one: key_reader.Part) -> str | None:
    """Twice what Java is told that its heap may be: the rest is code, threads and buffers."""
    texts = [node.text for node in one.scalars("environment").values()]
    texts += [*(one.texts("command") or []), *(one.texts("entrypoint") or [])]
    found = [amounts.size(said[1]) for text in texts if (said := re.search(r"-Xmx([0-9]+[kKmMgG])\b", text))]
    sizes = [quantity.parse(size) for size in found if size]
    return quantity.size(2 * max(sizes)) if sizes else None


DRIVERS = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "intel": "gpu.intel.com/i915"}
"""What the device plugins of the makers call their processors."""


def _devices(one: key_reader.Part, asked: key_reader.Part, made: service_builder.Draft) -> None:
    """Graphics processors, in either of the two ways; all that are asked for together."""
    total = 0
    for parent, key in ((asked, "devices"), (one, "gpus")):
        if parent.text(key) == "all":
            made.put(("resources", "gpu"), 1, parent.place(key))
            parent.approximated(key, "one, and not all of a node", "say a count", into="resources.gpu")
            continue
        for number, each in enumerate(parent.items(key)):
            kinds, count = each.texts("capabilities") or [], each.text("count") or "1"
            if key == "gpus" or any(kind == "gpu" or kind.startswith("nvidia") for kind in kinds):
                whole = int(count) if count.isdecimal() and int(count) else 1
                total += whole
                kind = DRIVERS.get(each.text("driver") or "nvidia")
                plain = kind in (None, DRIVERS["nvidia"])
                made.put(("resources", "gpu"), total if plain else {"count": total, "resource": kind}, each.table.place)
                each.kept("capabilities", "a graphics processor", into="resources.gpu")
                each.kept("driver", kind or "", into="resources.gpu") if kind else None
                for name in each.table.entries:
                    if name == "count" and count.isdecimal():
                        each.kept(name, f"{whole}", into="resources.gpu")
                    each.approximated(name, f"{whole} of whatever kind", into="resources.gpu")
            else:
                parent.refused(f"{key}.{number}", "a device is one machine's", "use `gpus`")


def deploy(one: key_reader.Part, made: service_builder.Draft, kind: str) -> None:
    """How many pods and how they change. What a job has of it is read with the job."""
    said = one.inner("deploy")
    number, parent, key = said.text("replicas"), said, "replicas"
    if number is None:
        number, parent, key = one.text("scale"), one, "scale"
    each_node = said.text("mode") == "global" or _label(one, "kompose.controller.type") == "daemonset"
    if kind == "services":
        if each_node:
            made.put(("eachNode",), True, said.place("mode"))  # noqa: FBT003 - a value that is written
            said.kept("mode", "eachNode", into="eachNode")
            parent.dropped(key, "one pod on every node")
        elif not _autoscaled(one, made):
            whole = int(number) if number and number.isdecimal() else 1
            made.put(("scale",), max(whole, 1), parent.place(key) if number else made.place)
            if whole:
                parent.kept(key, into="scale")
            else:
                parent.approximated(key, "1: a service runs", "leave it out, or give it a profile", into="scale")
    elif number is not None:
        (parent.kept(key) if number == "1" else parent.approximated(key, f"1: a {kind[:-1]} is one pod"))
    one.dropped("scale", "deploy.replicas says it")
    if each_node:
        said.approximated("mode", f"a {kind[:-1]} is one pod")
    said.kept("mode", f"a {kind[:-1]}", into="run" if kind == "jobs" else "")
    said.kept("replicas")
    said.approximated("endpoint_mode", "one address for all pods") if said.text("endpoint_mode") == "dnsrr" else None
    said.kept("endpoint_mode", "one address for all pods")
    _placement(said.inner("placement"), made, kind)
    for key in ("update_config", "rollback_config"):
        for name in said.inner(key).table.entries:
            how = "one pod more at a time, each healthy before the next; what fails changes nothing more"
            said.inner(key).approximated(name, how)
    said.dropped("labels", "labels of a swarm's service; nothing here reads them")


def _autoscaled(one: key_reader.Part, made: service_builder.Draft) -> bool:
    most = _label(one, "kompose.hpa.replicas.max")
    least = _label(one, "kompose.hpa.replicas.min") or "1"
    if most is None or not most.isdecimal() or not least.isdecimal() or int(most) <= max(int(least), 1):
        return False
    place = one.place("labels")
    made.put(("scale", "min"), max(int(least), 1), place)
    made.put(("scale", "max"), int(most), place)
    for name in ("cpu", "memory"):
        share = _label(one, f"kompose.hpa.{name}")
        if share and share.isdecimal():
            made.put(("scale", name), f"{share}%", place)
    one.inner("deploy").dropped("replicas", "an autoscaler chooses: kompose.hpa says so")
    return True


def _label(one: key_reader.Part, name: str) -> str | None:
    found = one.scalars("labels").get(name)
    return found.text if found else None


def _placement(said: key_reader.Part, made: service_builder.Draft, kind: str) -> None:
    for number, text in enumerate(said.texts("constraints") or []):
        key, found = f"constraints.{number}", _CONSTRAINT.fullmatch(text)
        name = found[1] if found else ""
        label = name.removeprefix("node.labels.") if name.startswith("node.labels.") else _LABELS.get(name)
        if found and found[2] == "==" and label:
            made.put(("nodes", label), _ARCHITECTURES.get(found[3], found[3]), said.place(key))
            said.kept(key, f"nodes with {label}", into="nodes")
        else:
            said.dropped(key, "nodes are chosen by labels that they have", "write `node.labels.<label> == <value>`")
    if said.text("max_replicas_per_node") == "1" and kind == "services":
        made.put(("spread",), "require", said.place("max_replicas_per_node"))
        said.kept("max_replicas_per_node", "spread: require", into="spread")
    said.approximated("max_replicas_per_node", "pods prefer different nodes; nobody counts them")
    said.approximated("preferences", "pods prefer different zones and nodes")


def platform(one: key_reader.Part, made: service_builder.Draft) -> None:
    """Nodes of an architecture."""
    parts = (one.text("platform") or "").split("/")
    if len(parts) > 1:
        made.put(("nodes", "kubernetes.io/arch"), _ARCHITECTURES.get(parts[1], parts[1]), one.place("platform"))
        how = "the nodes have it; what is built, is built for seaway:platform"
        one.approximated("platform", how, into="nodes") if one.has("build") else one.kept("platform", into="nodes")
    else:
        one.dropped("platform", "names no architecture", "write it as linux/amd64")
