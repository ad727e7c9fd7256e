"""Networks: who shares one may call each other. A cluster opens what is called, and nothing else."""

import ipaddress
from collections.abc import Mapping

from seaway.compose.importer import key_reader, plan, service_builder
from seaway.syntax import nodes


def convert(
    service: plan.ServicePlan,
    builder: service_builder.ServiceBuilder,
    plans: Mapping[str, plan.ServicePlan],
    document: key_reader.KeyReader,
) -> None:
    """The links of a service, and what it may reach outside."""
    one = service.keys
    others = sorted(plan.list_callable(service, plans), key=lambda other: other.dns_name)
    place = one.locate("networks") if one.has("networks") else builder.location
    if others:
        builder.set(("calls",), [other.dns_name for other in others], place)
        builder.set(("linkVariables",), False, place)  # noqa: FBT003 - compose gives none, and REDIS_URL may mean another
    names = ", ".join(other.dns_name for other in others)
    how = f"calls what shares the network and has a port: {names}" if names else "nothing to call shares the network"
    if plan.is_passive_server(service):
        how = f"calls what it names: {names}" if names else "is called, and calls nobody"
    for name, said in one.enter_mapping("networks"):
        _convert_attachment(one, said, name, how)
    if one.get_text("network_mode") == "none":
        builder.set(("egress",), [], one.locate("network_mode"))
    declared = dict(document.enter_mapping("networks"))
    if service.networks and all(name in declared and declared[name].is_true("internal") for name in service.networks):
        builder.set(("egress",), [], place)
    for number, text in enumerate(one.get_texts("links") or []):
        name, _, alias = text.partition(":")
        key = f"links.{number}"
        if name not in plans or plans[name].kind == "jobs":
            one.drop(key, f"{name} is nothing that can be called")
        elif alias in ("", name):
            one.keep(key, f"calls: {plans[name].dns_name}", into="calls")
        else:
            one.approximate(key, f"calls: {plans[name].dns_name}; variables and files say so", into="calls")
    one.drop("external_links", "is outside of this file", "name it in `egress`, by its address")


def _convert_attachment(keys: key_reader.KeyReader, network: key_reader.KeyReader, name: str, message: str) -> None:
    if not network.mapping.pairs:
        keys.keep(f"networks.{name}", message, into="calls")
        return
    network.approximate("aliases", "called by its own name; the environment of the others says so", into="calls")
    for key in ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address"):
        network.drop(key, "a pod's address is the cluster's business, and changes", "call it by its name")
    for key in ("priority", "gw_priority", "driver_opts", "interface_name"):
        network.drop(key, "a pod has one network")


def convert_definitions(document: key_reader.KeyReader) -> None:
    """The networks of the document."""
    for name, said in document.enter_mapping("networks"):
        if not said.mapping.pairs:
            document.keep(f"networks.{name}", "links between those that share it")
            continue
        said.keep("name", "only Docker's own name for it")
        internal = "who is in no other network reaches nothing outside: egress is closed"
        said.keep("internal", internal if said.is_true("internal") else "")
        if said.get_text("driver") in (None, "bridge", "overlay", "default"):
            said.keep("driver", "links between those that share it")
        said.drop("driver", "a pod has the cluster's network")
        for key in ("driver_opts", "ipam", "attachable", "enable_ipv4", "enable_ipv6", "labels"):
            for inner in (said.enter(key).mapping.pairs or {"": None}) if said.has(key) else ():
                at = f"{key}.{inner}" if inner else key
                said.drop(at, "a pod has the cluster's network, and its addresses")
        if said.get_text("external") == "false":
            said.keep("external")
        why = "what else is on it is outside of this application"
        said.drop("external", why, "name it in `egress`, by its address")


def convert_hosts(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> None:
    """Names that a container knows by itself, and whom it asks for others."""
    aliases: dict[str, list[str]] = {}
    for key, name, text in _parse_hosts(keys):
        address = _parse_address(text)
        if address is None:
            keys.drop(key, f"{text} is the machine that Docker runs on, and a cluster has many", "name its address")
            continue
        aliases.setdefault(str(address), []).append(name)
        if address.is_private:
            _allow_egress(builder, f"{address}/{address.max_prefixlen}", keys)
        keys.keep(key, "hostAliases of the pod", into="raw")
    if aliases:
        builder.pod_spec["hostAliases"] = [{"ip": ip, "hostnames": names} for ip, names in aliases.items()]
    config: dict[str, object] = {}
    if servers := keys.get_texts("dns"):
        config["nameservers"] = servers
        builder.pod_spec["dnsPolicy"] = "None"
        how = "asks them and not the cluster, whose names it does not find then"
        keys.approximate("dns", how, "remove it", into="raw")
        for server in servers:
            if address := _parse_address(server):
                _allow_egress(builder, f"{address}/{address.max_prefixlen}:53", keys)
    if searched := keys.get_texts("dns_search"):
        config["searches"] = searched
        keys.keep("dns_search", "dnsConfig of the pod", into="raw")
    if options := keys.get_texts("dns_opt"):
        pairs = [text.partition(":") for text in options]
        config["options"] = [{"name": name, **({"value": value} if value else {})} for name, _, value in pairs]
        keys.keep("dns_opt", "dnsConfig of the pod", into="raw")
    if config:
        builder.pod_spec["dnsConfig"] = config


def _allow_egress(builder: service_builder.ServiceBuilder, text: str, keys: key_reader.KeyReader) -> None:
    if "egress" not in builder.fields:
        builder.append_unique("egress", "internet", keys.mapping.location)
    if isinstance(builder.fields["egress"], list):
        builder.append_unique("egress", text, keys.mapping.location)


def _parse_hosts(keys: key_reader.KeyReader) -> list[tuple[str, str, str]]:
    """Key, name and address: of ``name: address``, or of a list of ``name=address``."""
    found: list[tuple[str, str, str]] = []
    for name, entry in nodes.get_pairs(keys.mapping, "extra_hosts").items():
        listed = entry.node.items if isinstance(entry.node, nodes.SequenceNode) else (entry.node,)
        texts = [each.text for each in listed if isinstance(each, nodes.ScalarNode)]
        key = f"extra_hosts.{name}"
        found += [(f"{key}.{number}" if len(texts) > 1 else key, name, text) for number, text in enumerate(texts)]
    if found:
        return found
    for number, text in enumerate(keys.get_texts("extra_hosts") or []):
        name, _, address = text.partition("=") if "=" in text else text.partition(":")
        found.append((f"extra_hosts.{number}", name, address))
    return found


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
