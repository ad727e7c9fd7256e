"""The environment variables that a link (``calls``) sets in the containers of the calling pod."""

from collections.abc import Collection, Mapping

from seaway.model import application, external

_SCHEMES: Mapping[application.Protocol, str] = {
    "http": "http://",
    # gRPC clients in all languages accept this target. They do not accept http://.
    # https://github.com/grpc/grpc/blob/master/doc/naming.md
    "grpc": "dns:///",
    "tcp": "tcp://",
    "udp": "udp://",
}


def get_variables(app: application.Application, caller: application.WorkloadSpec) -> Mapping[str, str]:
    """The variables of all links of a workload. The ``env`` of a container replaces them.

    ``calls: [api]`` gives ``API_URL=http://api:8000``, ``API_HOST=api`` and ``API_PORT=8000``, and for each further
    port a variable such as ``API_METRICS_PORT=9090``. The URL of a store is ``tcp://db:5432``: Seaway does not know
    its protocol. An external store has its own host and port in the same variables.
    """
    variables: dict[str, str] = {}
    targets = {target.name: target for target in (*app.services, *app.stores)}
    for name in caller.calls:
        variables |= get_target_variables(targets[name]) if name in targets else {}
    return variables


def get_target_variables(workload: application.ServiceOrStore) -> Mapping[str, str]:
    """The variables of a link to a workload; empty if it has no port."""
    url = _format_url(workload)
    if url is None:
        return {}
    prefix = format_prefix(workload.name)
    further = {f"{prefix}_{format_prefix(port.name)}_PORT": str(port.port) for port in workload.ports}
    address = external.find_address(workload)
    host = (address.host or external.UNKNOWN_HOST) if address else workload.name
    return {f"{prefix}_URL": url, f"{prefix}_HOST": host, f"{prefix}_PORT": str(workload.port), **further}


def list_program_variables(app: application.Application, caller: application.WorkloadSpec) -> Collection[str]:
    """The variables of links to external stores whose host the Pulumi program gives: no release has their values."""
    if not caller.link_variables:
        return ()
    prefixes = [format_prefix(name) for name in external.list_unknown_hosts(app) if name in caller.calls]
    return get_variables(app, caller).keys() & {f"{prefix}_{part}" for prefix in prefixes for part in ("HOST", "URL")}


def find_url(app: application.Application, name: str) -> str | None:
    """The URL of a service or store for its callers, ``http://api:8000``; None: it has no port."""
    return next((_format_url(target) for target in (*app.services, *app.stores) if target.name == name), None)


def _format_url(workload: application.ServiceOrStore) -> str | None:
    if workload.port is None:
        return None
    return f"{_SCHEMES[workload.protocol]}{external.format_address(workload)}"


def format_prefix(name: str) -> str:
    """The prefix of the variables of a link to a workload with this name."""
    return name.upper().replace("-", "_")
