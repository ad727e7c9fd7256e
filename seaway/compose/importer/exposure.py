"""How a service is reached: its ports here, and from outside."""

from seaway.compose.importer import key_reader, plan, ports, service_builder

EXPOSURE = "pulumi config set seaway:exposure"


def convert(each: plan.Plan, made: service_builder.Draft) -> None:
    """Its ports, each with a name, and whether it is reachable from outside."""
    one, main = each.entry, each.main
    if each.kind == "jobs":
        one.dropped("ports", "nobody calls a job")
        one.dropped("expose", "nobody calls a job")
    elif main is not None:
        made.put(("port",), main.number, main.place)
        if main.protocol != ("tcp" if each.kind == "stores" else "http"):
            made.put(("protocol",), main.protocol, main.place)
        if main.source.startswith(("ports.", "expose.")):
            if main.source.startswith("ports.") and _outside(each, main):
                made.put(("expose",), True, one.place(main.source))  # noqa: FBT003 - a value that is written
            one.kept(main.source, into="port") if main.source.startswith("expose.") else None
        else:
            one.noted("added", f"port {main.number}: {main.source}", "say it with `expose:`", into="port")
    if each.kind != "jobs":
        _others(each, made)
    _said(one)


def _said(one: key_reader.Part) -> None:
    """What else its keys say."""
    for said in one.items("ports"):
        said.kept("target")
        if ports.number_of(said.text("target")) is None:
            said.dropped("target", "is no number of a port", "write each port of a range")
        for key in ("protocol", "app_protocol", "name"):
            said.kept(key)
        said.kept("mode") if said.text("mode") == "ingress" else said.dropped("mode", "no port of a host is taken")
        said.dropped("published", "another entry says it", "remove it")
        if (host := said.text("host_ip")) is not None and (ports.loopback(host) or host in ("0.0.0.0", "::")):  # noqa: S104
            said.kept("host_ip", "of that host only" if ports.loopback(host) else "on every address")
        said.dropped("host_ip", "no address of a host is taken", "remove it")
    for number, text in enumerate(one.texts("expose") or []):
        if not ports.span(text.partition("/")[0]):
            one.dropped(f"expose.{number}", f"is no range of up to {ports.MOST} ports", "write each of them")
        one.kept(f"expose.{number}")


def _others(each: plan.Plan, made: service_builder.Draft) -> None:
    """The ports beside the main one; or, where there is none at all, all of them."""
    one, main = each.entry, each.main
    taken: set[str] = set()
    for other in each.listens:
        if main is not None and (other.number, other.protocol == "udp") == (main.number, main.protocol == "udp"):
            continue
        name = ports.named(other, taken)
        taken.add(name)
        path = ("ports", name)
        out = other.source.startswith("ports.") and _outside(each, other, into=".".join(path))
        body = {"port": other.number, "protocol": other.protocol, **({"expose": True} if out else {})}
        made.put(path, other.number if other.protocol == "tcp" and not out else body, other.place)
        if other.source.startswith(("ports.", "expose.")):
            key = other.source if other.source.startswith("expose.") else f"{other.source}.target"
            one.kept(key, into=".".join(path))
        else:
            one.noted("added", f"port {other.number}: {other.source}", "say it with `expose:`", into=".".join(path))
    if main is None and not taken:
        made.put(("allPorts",), True, made.place)  # noqa: FBT003 - a value that is written
        how = "says no port: whoever calls it reaches all of them"
        one.noted("added", how, "say it with `expose:`", into="allPorts")


def _outside(each: plan.Plan, port: ports.Port, into: str = "expose") -> bool:
    """Whether a port that is published, were it on any free port of the host, is reachable from outside, too."""
    key, told = f"{port.source}.published", f"port {port.published} of a host"
    if port.published is None:
        key, told = f"{port.source}.target", "any free port of a host"
    if port.loopback or port.number in ports.DEBUGGERS:
        forward = f"kubectl port-forward service/{each.label} {port.published or port.number}:{port.number}"
        why = f"{told} was for that host only" if port.loopback else f"{port.number} is the port of a debugger"
        each.entry.approximated(key, f"not exposed: {why}", forward)
        return False
    if port.published is None:
        each.entry.kept(
            key, "expose: true; which port of a host was Docker's choice, and is the environment's here", into=into
        )
        return True
    ways = "nodePort or loadBalancer"
    if into == "expose" and port.protocol in ("http", "grpc"):
        ways = f"ingress, {ways}"
    how = f"expose: true, and not {told}: how it is reached is the environment's business"
    each.entry.approximated(key, how, f"{EXPOSURE} {ways}", into=into)
    return True
