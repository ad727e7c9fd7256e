"""Which services roll out before which: what `after` says, and nothing else."""

from collections.abc import Iterable, Iterator, Mapping

from seaway.model import application


def get_order(services: Iterable[application.Service]) -> Mapping[str, int]:
    """For each service the number of its turn: 0 for one that waits for none, else one more than the last it waits for.

    Takes services that the rules have passed: without circles.
    """
    after = {service.name: service.depends_on for service in services}
    found: dict[str, int] = {}

    def turn(name: str) -> int:
        if name not in found:
            found[name] = max((turn(other) + 1 for other in after[name]), default=0)
        return found[name]

    return {name: turn(name) for name in after}


def find_cycles(services: Iterable[application.Service]) -> Iterator[tuple[str, ...]]:
    """Services that wait for each other, as ``(a, b, a)``, until each of them is in one circle; in the file's order.

    One that waits for itself is no circle: that is told by itself.
    """
    yield from find_name_cycles(
        {service.name: [name for name in service.depends_on if name != service.name] for service in services}
    )


def find_name_cycles(after: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, ...]]:
    """The same of any names that wait for others."""
    done: set[str] = set()
    for name in after:
        if name not in done and (path := _find_shortest_cycle(name, after)):
            done.update(path)
            yield path


def _find_shortest_cycle(name: str, after: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """The shortest way from a service to itself."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    for way in ways:
        for step in after.get(way[-1], ()):
            if step == name:
                return (*way, name)
            if step not in seen:
                seen.add(step)
                ways.append((*way, step))
    return None
