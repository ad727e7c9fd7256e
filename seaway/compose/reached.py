"""How a service is reached: its ports here, and from outside."""

from seaway.compose import draft, part, plan, ports


def convert(each: plan.Plan, made: draft.Draft) -> None:
    """Its ports, each with a name, and whether it is reachable from outside."""
    one, main = each.entry, each.main
    if each.kind == "jobs":
        one.dropped("ports", "nobody calls a job")
        one.dropped("expose", "nobody calls a job")
    elif main is not None:
        made.put(("port",), main.number, main.place)
        if each.kind == "services" and main.protocol != "http":
            made.put(("protocol",), main.protocol, main.place)
        if main.source.startswith(("ports.", "expose.")):
            _outside(each, made, main)
        else:
            one.noted("approximated", f"port {main.number}: {main.source}", "say it with `expose:`", into="port")
        taken: set[str] = set()
        for other in each.listens:
            if other is not main and (other.number, other.protocol == "udp") != (main.number, main.protocol == "udp"):
                name = ports.named(other, taken)
                taken.add(name)
                body = {"port": other.number, "protocol": other.protocol}
                made.put(("ports", name), other.number if other.protocol == "tcp" else body, other.place)
                _beside(one, other, name)
    for said in one.items("ports"):
        said.kept("target")
        _range(said)
        for key in ("protocol", "app_protocol", "name"):
            said.kept(key)
        said.kept("mode") if said.text("mode") == "ingress" else said.dropped("mode", "no port of a host is taken")
        said.dropped("published", "another entry says it", "remove it")
        said.dropped("host_ip", "no address of a host is taken", "remove it")
    for number, text in enumerate(one.texts("expose") or []):
        if "-" in text:
            one.dropped(f"expose.{number}", "is a range of ports", "write each of them")
        one.kept(f"expose.{number}")
    if each.main is None and each.kind == "services" and not one.has("ports"):
        one.noted("kept", "listens on no port that anybody knows of, so nobody can call it", "say it with `expose:`")


def _range(said: part.Part) -> None:
    if ports.number_of(said.text("target")) is None:
        said.dropped("target", "is no number of a port", "write each port of a range")


def _outside(each: plan.Plan, made: draft.Draft, main: ports.Port) -> None:
    one, at = each.entry, main.source
    if main.published is None:
        one.kept(at, into="port") if at.startswith("expose.") else None
        return
    key, told = f"{at}.published", f"port {main.published} of a host"
    forward = f"kubectl port-forward service/{each.label} {main.published}:{main.number}"
    if each.kind == "stores":
        one.dropped(key, f"a store is reached from the application only, and not on {told}", forward)
    elif main.loopback:
        one.approximated(key, f"not exposed: {told} was for that host only", forward)
    elif main.protocol in ("http", "grpc"):
        made.put(("expose",), True, one.place(key))  # noqa: FBT003 - a value that is written
        how = f"expose: true, and not {told}: how it is reached is the environment's business"
        one.approximated(key, how, "pulumi config set seaway:exposure ingress, nodePort or loadBalancer", into="expose")
    else:
        how = f"not exposed, since {main.number} is no port of HTTP; links lead to it"
        one.approximated(key, how, f"{forward}, or write `expose: true`")


def _beside(one: part.Part, other: ports.Port, name: str) -> None:
    into = f"ports.{name}"
    if other.source.startswith("expose."):
        one.kept(other.source, into=into)
    elif other.published is not None:
        one.kept(f"{other.source}.target", into=into)
        how = "for links only: one port of a service is reachable from outside"
        one.approximated(f"{other.source}.published", how, "kubectl port-forward", into=into)
