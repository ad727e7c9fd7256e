"""What a container asks of its node, and the most that it gets."""

from seaway.checks import check, subject


@check.containers("RES-01", "A container asks for CPU", check.RELEASED)
def cpu(each: subject.Container) -> subject.Found:
    """Without a request the scheduler packs nodes blindly, and under load this container gets what is left."""
    yield from _unset(each, "requests", "cpu", f"set {each.field('resources.cpu')}, as 100m")


@check.containers("RES-03", "A container asks for memory", check.RELEASED)
def memory(each: subject.Container) -> subject.Found:
    """A node that runs out of memory first kills what has asked for none."""
    yield from _unset(each, "requests", "memory", f"set {each.field('resources.memory')}, as 128Mi")


@check.containers("RES-04", "A container's memory has a limit", check.RELEASED)
def memory_limit(each: subject.Container) -> subject.Found:
    """A leak then ends one container, and not its neighbours on the node."""
    yield from _unset(each, "limits", "memory", f"set {each.field('resources.memory')}, as 128Mi")


@check.containers("RES-05", "A container's disk is asked for, and has a limit", check.RELEASED)
def disk(each: subject.Container) -> subject.Found:
    """Logs and temporary files fill the node's disk, and a full disk evicts every pod on it."""
    for kind, size in (("requests", "64Mi"), ("limits", "1Gi")):
        yield from _unset(each, kind, "ephemeral-storage", f"set it, as {size}")


def _unset(each: subject.Container, kind: str, name: str, remedy: str) -> subject.Found:
    if name not in each.manifest.get("resources", {}).get(kind, {}):
        yield each.says(f"resources.{kind}.{name}", "is not set", remedy)
