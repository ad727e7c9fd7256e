"""Networks: who shares one may call each other. A cluster opens what is called, and nothing else."""

import ipaddress
from collections.abc import Mapping

from seaway.compose.importer import key_reader, plan, service_builder
from seaway.syntax import nodes


def convert(
    each: plan.Plan, made: service_builder.Draft, found: Mapping[str, plan.Plan], root: key_reader.Part
) -> None:
    """The links of a service, and what it may reach outside."""
    one = each.entry
    others = sorted(plan.reachable(each, found), key=lambda other: other.label)
    place = one.place("networks") if one.has("networks") else made.place
    if others:
        made.put(("calls",), [other.label for other in others], place)
        made.put(("linkVariables",), False, place)  # noqa: FBT003 - compose gives none, and REDIS_URL may mean another
    names = ", ".join(other.label for other in others)
    how = f"calls what shares the network and has a port: {names}" if names else "nothing to call shares the network"
    if plan.answers(each):
        how = f"calls what it names: {names}" if names else "is called, and calls nobody"
    for name, said in one.each("networks"):
        _entry(one, said, name, how)
    if one.text("network_mode") == "none":
        made.put(("egress",), [], one.place("network_mode"))
    declared = dict(root.each("networks"))
    if each.networks and all(name in declared and declared[name].true("internal") for name in each.networks):
        made.put(("egress",), [], place)
    for number, text in enumerate(one.texts("links") or []):
        name, _, alias = text.partition(":")
        key = f"links.{number}"
        if name not in found or found[name].kind == "jobs":
            one.dropped(key, f"{name} is nothing that can be called")
        elif alias in ("", name):
            one.kept(key, f"calls: {found[name].label}", into="calls")
        else:
            one.approximated(key, f"calls: {found[name].label}; variables and files say so", into="calls")
    one.dropped("external_links", "is outside of this file", "name it in `egress`, by its address")


def _entry(one: key_reader.Part, said: key_reader.Part, name: str, how: str) -> None:
    if not said.table.entries:
        one.kept(f"networks.{name}", how, into="calls")
        return
    said.approximated("aliases", "called by its own name; the environment of the others says so", into="calls")
    for key in ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address"):
        said.dropped(key, "a pod's address is the cluster's business, and changes", "call it by its name")
    for key in ("priority", "gw_priority", "driver_opts", "interface_name"):
        said.dropped(key, "a pod has one network")


def declared(root: key_reader.Part) -> None:
    """The networks of the document."""
    for name, said in root.each("networks"):
        if not said.table.entries:
            root.kept(f"networks.{name}", "links between those that share it")
            continue
        said.kept("name", "only Docker's own name for it")
        internal = "who is in no other network reaches nothing outside: egress is closed"
        said.kept("internal", internal if said.true("internal") else "")
        if said.text("driver") in (None, "bridge", "overlay", "default"):
            said.kept("driver", "links between those that share it")
        said.dropped("driver", "a pod has the cluster's network")
        for key in ("driver_opts", "ipam", "attachable", "enable_ipv4", "enable_ipv6", "labels"):
            for inner in (said.inner(key).table.entries or {"": None}) if said.has(key) else ():
                at = f"{key}.{inner}" if inner else key
                said.dropped(at, "a pod has the cluster's network, and its addresses")
        if said.text("external") == "false":
            said.kept("external")
        why = "what else is on it is outside of this application"
        said.dropped("external", why, "name it in `egress`, by its address")


def hosts(one: key_reader.Part, made: service_builder.Draft) -> None:
    """Names that a container knows by itself, and whom it asks for others."""
    aliases: dict[str, list[str]] = {}
    for key, name, text in _hosts(one):
        address = _address(text)
        if address is None:
            one.dropped(key, f"{text} is the machine that Docker runs on, and a cluster has many", "name its address")
            continue
        aliases.setdefault(str(address), []).append(name)
        if address.is_private:
            _egress(made, f"{address}/{address.max_prefixlen}", one)
        one.kept(key, "hostAliases of the pod", into="raw")
    if aliases:
        made.pod["hostAliases"] = [{"ip": ip, "hostnames": names} for ip, names in aliases.items()]
    config: dict[str, object] = {}
    if servers := one.texts("dns"):
        config["nameservers"] = servers
        made.pod["dnsPolicy"] = "None"
        how = "asks them and not the cluster, whose names it does not find then"
        one.approximated("dns", how, "remove it", into="raw")
        for server in servers:
            if address := _address(server):
                _egress(made, f"{address}/{address.max_prefixlen}:53", one)
    if searched := one.texts("dns_search"):
        config["searches"] = searched
        one.kept("dns_search", "dnsConfig of the pod", into="raw")
    if options := one.texts("dns_opt"):
        pairs = [text.partition(":") for text in options]
        config["options"] = [{"name": name, **({"value": value} if value else {})} for name, _, value in pairs]
        one.kept("dns_opt", "dnsConfig of the pod", into="raw")
    if config:
        made.pod["dnsConfig"] = config


def _egress(made: service_builder.Draft, text: str, one: key_reader.Part) -> None:
    if "egress" not in made.values:
        made.add("egress", "internet", one.table.place)
    if isinstance(made.values["egress"], list):
        made.add("egress", text, one.table.place)


def _hosts(one: key_reader.Part) -> list[tuple[str, str, str]]:
    """Key, name and address: of ``name: address``, or of a list of ``name=address``."""
    found: list[tuple[str, str, str]] = []
    for name, entry in nodes.inside(one.table, "extra_hosts").items():
        listed = entry.node.items if isinstance(entry.node, nodes.Items) else (entry.node,)
        texts = [each.text for each in listed if isinstance(each, nodes.Scalar)]
        key = f"extra_hosts.{name}"
        found += [(f"{key}.{number}" if len(texts) > 1 else key, name, text) for number, text in enumerate(texts)]
    if found:
        return found
    for number, text in enumerate(one.texts("extra_hosts") or []):
        name, _, address = text.partition("=") if "=" in text else text.partition(":")
        found.append((f"extra_hosts.{number}", name, address))
    return found


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
