"""Converts `ports` and `expose`: the ports of a service, and which of them are published."""

from collections.abc import Iterator

from seaway.compose.importer import key_reader, plan, ports

PUBLISH_COMMAND = "pulumi config set seaway:publish"


def convert(service: plan.ServicePlan) -> None:
    keys, builder = service.keys, service.builder
    if service.kind == "jobs":
        keys.drop("ports expose", "jobs have no ports")
        return
    used = dict(_set_ports(service))
    for path, port in used.items():
        if not port.source.startswith(("ports.", "expose.")):
            keys.note("added", f"port {port.number}: {port.source}", "state it with `expose:`", into=path)
    if not used:
        builder.set("allPorts", True)  # noqa: FBT003 - a field
        message = "states no port: its callers can reach every port"
        keys.note("added", message, "state it with `expose:`", into="allPorts")
    by_source = {port.source: (path, port) for path, port in reversed(used.items())}
    for number, entry in enumerate(keys.enter_sequence("ports")):
        path, port = by_source.get(f"ports.{number}", ("", None))
        _convert_entry(service, entry, path, port)
    for key, text in keys.list_entries("expose"):
        if ports.parse_range(text.partition("/")[0]):
            keys.keep(key, into=by_source[key][0] if key in by_source else "")
        else:
            keys.drop(key, f"is not a range of at most {ports.MAX_RANGE} ports", "write each port")


def _set_ports(service: plan.ServicePlan) -> Iterator[tuple[str, ports.Port]]:
    """Set the main port, then the others by name. Yields the path of each."""
    builder, main = service.builder, service.main_port
    if main is not None:
        builder.set("port", main.number, main.location)
        if main.protocol != ("tcp" if service.kind == "stores" else "http"):
            builder.set("protocol", main.protocol, main.location)
        if _is_published(main):
            builder.set("publish", True, main.location)  # noqa: FBT003 - a field
        yield "port", main
    names: set[str] = set()
    for port in service.listening_ports:
        if main is None or port.transport != main.transport:
            name = ports.choose_name(port, names)
            names.add(name)
            fields = {"port": port.number, "protocol": port.protocol}
            fields |= {"publish": True} if _is_published(port) else {}
            plain = port.protocol == "tcp" and not _is_published(port)
            builder.set(("ports", name), port.number if plain else fields, port.location)
            yield f"ports.{name}", port


def _is_published(port: ports.Port) -> bool:
    return port.source.startswith("ports.") and not port.loopback_only and port.number not in ports.DEBUGGER_PORTS


def _convert_entry(service: plan.ServicePlan, entry: key_reader.KeyReader, path: str, port: ports.Port | None) -> None:
    if port is not None:
        _convert_host_port(service, entry, path, port)
    elif ports.parse_number(entry.get_text("target")) is None:
        entry.drop("target", "is not a valid port", "write each port of a range")
        entry.drop("published", "its target is not a valid port")
    else:
        entry.keep("target")
        entry.drop("published", "another entry has the same port")
    entry.keep("protocol app_protocol name")
    entry.drop("mode", "Seaway uses no port of a host", kept={"ingress": ""})
    if ports.is_loopback(entry.get_text("host_ip") or ""):
        entry.keep("host_ip", "that host only")
    else:
        every = dict.fromkeys(("0.0.0.0", "::"), "every address")  # noqa: S104
        entry.drop("host_ip", "Seaway uses no address of a host", kept=every)


def _convert_host_port(service: plan.ServicePlan, entry: key_reader.KeyReader, path: str, port: ports.Port) -> None:
    key, host_port = "target", "any free host port"
    if port.host_port is not None:
        key, host_port = "published", f"host port {port.host_port}"
        entry.keep("target", into="" if path == "port" else path)
    into = "publish" if path == "port" else path
    if not _is_published(port):
        reason = f"{host_port} is open to that host only"
        if not port.loopback_only:
            reason = f"{port.number} is a debugger port"
        target = f"service/{service.dns_name} {port.host_port or port.number}:{port.number}"
        entry.approximate(key, f"not published: {reason}", f"kubectl port-forward {target}")
    elif port.host_port is None:
        entry.keep(key, "publish: true; the environment selects the host port", into=into)
    else:
        methods = "nodePort or loadBalancer"
        if path == "port" and port.protocol in ("http", "grpc"):
            methods = f"ingress, gateway, {methods}"
        message = f"publish: true instead of {host_port}: the environment decides how it is reachable"
        entry.approximate(key, message, f"{PUBLISH_COMMAND} <method>: {methods}", into=into)
