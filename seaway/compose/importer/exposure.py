"""How a service is reached: its ports here, and from outside."""

from seaway.compose.importer import key_reader, plan, ports, service_builder

PUBLISH_COMMAND = "pulumi config set seaway:publish"


def convert(service: plan.ServicePlan, builder: service_builder.ServiceBuilder) -> None:
    """Its ports, each with a name, and whether it is reachable from outside."""
    one, main = service.keys, service.main_port
    if service.kind == "jobs":
        one.drop("ports", "nobody calls a job")
        one.drop("expose", "nobody calls a job")
    elif main is not None:
        builder.set(("port",), main.number, main.place)
        if main.protocol != ("tcp" if service.kind == "stores" else "http"):
            builder.set(("protocol",), main.protocol, main.place)
        if main.source.startswith(("ports.", "expose.")):
            if main.source.startswith("ports.") and _publish_port(service, main):
                builder.set(("expose",), True, one.locate(main.source))  # noqa: FBT003 - a value that is written
            one.keep(main.source, into="port") if main.source.startswith("expose.") else None
        else:
            one.note("added", f"port {main.number}: {main.source}", "say it with `expose:`", into="port")
    if service.kind != "jobs":
        _convert_other_ports(service, builder)
    _convert_port_keys(one)


def _convert_port_keys(keys: key_reader.KeyReader) -> None:
    """What else its keys say."""
    for said in keys.enter_sequence("ports"):
        said.keep("target")
        if ports.parse_number(said.get_text("target")) is None:
            said.drop("target", "is no number of a port", "write each port of a range")
        for key in ("protocol", "app_protocol", "name"):
            said.keep(key)
        said.keep("mode") if said.get_text("mode") == "ingress" else said.drop("mode", "no port of a host is taken")
        said.drop("published", "another entry says it", "remove it")
        if (host := said.get_text("host_ip")) is not None and (ports.is_loopback(host) or host in ("0.0.0.0", "::")):  # noqa: S104
            said.keep("host_ip", "of that host only" if ports.is_loopback(host) else "on every address")
        said.drop("host_ip", "no address of a host is taken", "remove it")
    for number, text in enumerate(keys.get_texts("expose") or []):
        if not ports.parse_range(text.partition("/")[0]):
            keys.drop(f"expose.{number}", f"is no range of up to {ports.MAX_RANGE} ports", "write each of them")
        keys.keep(f"expose.{number}")


def _convert_other_ports(service: plan.ServicePlan, builder: service_builder.ServiceBuilder) -> None:
    """The ports beside the main one; or, where there is none at all, all of them."""
    one, main = service.keys, service.main_port
    taken: set[str] = set()
    for other in service.listening_ports:
        if main is not None and (other.number, other.protocol == "udp") == (main.number, main.protocol == "udp"):
            continue
        name = ports.choose_name(other, taken)
        taken.add(name)
        path = ("ports", name)
        out = other.source.startswith("ports.") and _publish_port(service, other, into=".".join(path))
        body = {"port": other.number, "protocol": other.protocol, **({"publish": True} if out else {})}
        builder.set(path, other.number if other.protocol == "tcp" and not out else body, other.place)
        if other.source.startswith(("ports.", "expose.")):
            key = other.source if other.source.startswith("expose.") else f"{other.source}.target"
            one.keep(key, into=".".join(path))
        else:
            one.note("added", f"port {other.number}: {other.source}", "say it with `expose:`", into=".".join(path))
    if main is None and not taken:
        builder.set(("allPorts",), True, builder.location)  # noqa: FBT003 - a value that is written
        how = "says no port: whoever calls it reaches all of them"
        one.note("added", how, "say it with `expose:`", into="allPorts")


def _publish_port(service: plan.ServicePlan, port: ports.Port, into: str = "expose") -> bool:
    """Whether a port that is published, were it on any free port of the host, is reachable from outside, too."""
    key, told = f"{port.source}.published", f"port {port.host_port} of a host"
    if port.host_port is None:
        key, told = f"{port.source}.target", "any free port of a host"
    if port.loopback_only or port.number in ports.DEBUGGER_PORTS:
        forward = f"kubectl port-forward service/{service.dns_name} {port.host_port or port.number}:{port.number}"
        why = f"{told} was for that host only" if port.loopback_only else f"{port.number} is the port of a debugger"
        service.keys.approximate(key, f"not exposed: {why}", forward)
        return False
    if port.host_port is None:
        service.keys.keep(
            key, "publish: true; which port of a host was Docker's choice, and is the environment's here", into=into
        )
        return True
    ways = "nodePort or loadBalancer"
    if into == "expose" and port.protocol in ("http", "grpc"):
        ways = f"ingress, {ways}"
    how = f"publish: true, and not {told}: how it is reached is the environment's business"
    service.keys.approximate(key, how, f"{PUBLISH_COMMAND} {ways}", into=into)
    return True
