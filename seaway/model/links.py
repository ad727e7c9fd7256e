"""What a link (``calls``) gives to the container that calls."""

from collections.abc import Mapping

from seaway.model import application


def names(target: str) -> tuple[str, str, str]:
    """The variables of a link to ``target``: its URL, host and port."""
    prefix = target.upper().replace("-", "_")
    return f"{prefix}_URL", f"{prefix}_HOST", f"{prefix}_PORT"


def variables(app: application.Application, container: application.Container) -> Mapping[str, str]:
    """Environment variables for everything that ``container`` calls, without those that its own ``env`` sets.

    ``calls: [api]`` gives ``API_URL=http://api:8000``, ``API_HOST=api`` and ``API_PORT=8000``. A store's URL is
    ``tcp://db:5432``: its protocol is its own business. Takes an application that the rules have passed.
    """
    ports = _ports(app)
    found: dict[str, str] = {}
    for target in container.calls:
        scheme, port = ports[target]
        found |= zip(names(target), (f"{scheme}://{target}:{port}", target, str(port)), strict=True)
    return {name: value for name, value in found.items() if name not in container.env}


def address(app: application.Application, name: str) -> str | None:
    """Where a service or store answers, ``http://api:8000``; None: it takes no requests."""
    ports = _ports(app)
    return f"{ports[name][0]}://{name}:{ports[name][1]}" if name in ports else None


def _ports(app: application.Application) -> dict[str, tuple[str, int]]:
    """By name of what takes requests: the scheme of its address, and its port."""
    ports: dict[str, tuple[str, int]] = {store.name: ("tcp", store.port) for store in app.stores}
    return ports | {service.name: ("http", service.port) for service in app.services if service.port is not None}
