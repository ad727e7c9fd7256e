"""What a link (``calls``) gives to the containers of the pod that calls."""

from collections.abc import Mapping

from seaway.model import application

_SCHEMES: Mapping[application.Protocol, str] = {
    "http": "http://",
    # A gRPC client takes a name to resolve, and this one in any language. With http:// in front it takes none.
    # https://github.com/grpc/grpc/blob/master/doc/naming.md
    "grpc": "dns:///",
    "tcp": "tcp://",
    "udp": "udp://",
}

LinkTarget = application.Service | application.Store


def get_variables(app: application.Application, caller: application.WorkloadSpec) -> Mapping[str, str]:
    """Environment variables for everything that ``caller`` calls; what a container says in its ``env`` wins over them.

    ``calls: [api]`` gives ``API_URL=http://api:8000``, ``API_HOST=api`` and ``API_PORT=8000``, and for each other port
    one more: ``API_METRICS_PORT=9090``. A store's URL is ``tcp://db:5432``: its protocol is its own business.
    """
    targets = {one.name: one for one in (*app.services, *app.stores)}
    return {
        name: value
        for called in caller.calls
        if called in targets
        for name, value in get_target_variables(targets[called]).items()
    }


def get_target_variables(target: LinkTarget) -> Mapping[str, str]:
    """The variables of a link to a service or store; without a port it has none."""
    url = _format_url(target)
    if url is None:
        return {}
    prefix = _format_prefix(target.name)
    named = {f"{prefix}_{_format_prefix(port.name)}_PORT": str(port.port) for port in target.ports}
    return {f"{prefix}_URL": url, f"{prefix}_HOST": target.name, f"{prefix}_PORT": str(target.port), **named}


def find_url(app: application.Application, name: str) -> str | None:
    """Where a service or store answers, ``http://api:8000``; None: it takes no requests."""
    return next((_format_url(one) for one in (*app.services, *app.stores) if one.name == name), None)


def _format_url(target: LinkTarget) -> str | None:
    if target.port is None:
        return None
    return f"{_SCHEMES[target.protocol]}{target.name}:{target.port}"


def _format_prefix(name: str) -> str:
    return name.upper().replace("-", "_")
