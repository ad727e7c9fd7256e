"""Converts networks. Services on one network may call each other; a cluster opens the declared calls only."""

import re
from collections.abc import Iterator

from seaway.compose.importer import key_reader, plan
from seaway.compose.loader import scalars

_PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_PRIVATE_DOMAINS = (".internal", ".local", ".lan", ".corp", ".intra", ".intranet", ".home", ".private")
_SCHEME_PORTS = {"postgres": "5432", "postgresql": "5432", "mysql": "3306", "redis": "6379", "amqp": "5672"}
_LINKS = "links between its services"


def convert(service: plan.ServicePlan) -> None:
    """The calls of a service, and its egress."""
    keys, builder = service.keys, service.builder
    others = sorted(other.dns_name for other in service.list_callable())
    location = keys.locate("networks") if keys.has("networks") else builder.location
    if others:
        builder.set("calls", others, location)
        # Compose sets no such variables, and an application may read REDIS_URL for something else.
        builder.set("linkVariables", False, location)  # noqa: FBT003 - a field
    if service.aliases:
        key = "container_name" if keys.get_text("container_name") in service.aliases else "networks"
        builder.set("aliases", service.aliases, keys.locate(key))
    names = ", ".join(others)
    if service.is_passive_server():
        message = f"calls the services that it names: {names}" if names else "calls no service"
    else:
        message = f"calls services with a port on the same network: {names}" if names else "no service to call"
    _convert_attachments(service, message)
    definitions = service.document.enter("networks")
    internal = [definitions.enter(name).is_true("internal") for name in service.networks]
    if internal and all(internal):
        builder.set("egress", [], location)
    elif keys.get_text("network_mode") == "none":
        builder.set("egress", [], keys.locate("network_mode"))
    _allow_private_addresses(service)
    _convert_links(service)


def _allow_private_addresses(service: plan.ServicePlan) -> None:
    """Hosts outside of the application may have private addresses, such as a managed database."""
    own_names = {name for other in service.plans.values() for name in other.list_host_names()}
    hosts: dict[str, str] = {}
    ports: set[str] = set()
    for name, node in service.keys.get_scalars("environment").items():
        for scheme, host, port in _find_hosts(name, node.text):
            is_web = scheme in ("http", "https") and not host.endswith(_PRIVATE_DOMAINS)
            if host not in own_names and not is_web and scalars.parse_address(host) is None:
                hosts[host] = name
                ports.add(port or _SCHEME_PORTS.get(scheme, ""))
    if not hosts or service.builder.has("egress"):
        return
    for address in _PRIVATE_RANGES:
        for port in sorted(ports) if all(ports) else [""]:
            _allow_egress(service, f"{address}:{port}" if port else address)
    names = ", ".join(f"{host} ({name})" for host, name in hosts.items())
    message = f"may reach private addresses, because they may be those of {names}"
    service.keys.note("approximated", message, "write its address into `egress`", into="egress")


def _find_hosts(name: str, text: str) -> Iterator[tuple[str, str, str]]:
    """Scheme, host name and port of URLs, and of a variable such as DB_HOST."""
    for match in re.finditer(r"([a-z][a-z0-9+.-]*)://(?:[^/@\s]*@)?([\w-]+(?:\.[\w-]+)+)(?::([0-9]+))?", text):
        yield match[1].partition("+")[0], match[2].lower(), match[3] or ""
    match = re.fullmatch(r"([\w-]+(?:\.[\w-]+)+)(?::([0-9]+))?", text)
    if (
        match
        and re.search(r"(HOST|HOSTNAME|SERVER|ADDR|ADDRESS|ENDPOINT|BROKERS?|SERVERS)$", name)
        and "VIRTUAL" not in name
    ):
        yield "", match[1].lower(), match[2] or ""


def _convert_attachments(service: plan.ServicePlan, message: str) -> None:
    keys = service.keys
    for name, network in keys.enter_mapping("networks"):
        if not network.mapping.pairs:
            keys.keep(("networks", name), message, into="calls")
        for key, alias in network.list_entries("aliases"):
            if alias.lower() in (service.dns_name, *service.aliases):
                network.keep(key, f"aliases: {alias.lower()}", into="aliases")
            else:
                message = f"called by its own name: {alias} is {_explain_alias(service, alias)}"
                network.approximate(key, f"{message}; the environment of others is changed", into="calls")
        addresses = "ipv4_address ipv6_address link_local_ips mac_address"
        network.drop(addresses, "the cluster assigns addresses, and they change", "call it by its name")
        network.drop("priority gw_priority driver_opts interface_name", "a pod has one network")


def _explain_alias(service: plan.ServicePlan, alias: str) -> str:
    """Why it is not one of the names of a service."""
    owners = [other.dns_name for other in service.plans.values() if alias.lower() in (other.dns_name, *other.aliases)]
    return f"a name of {owners[0]}" if owners else "not a DNS label"


def _convert_links(service: plan.ServicePlan) -> None:
    keys, plans = service.keys, service.plans
    for key, text in keys.list_entries("links"):
        name, _, alias = text.partition(":")
        if name not in plans or plans[name].kind == "jobs":
            keys.drop(key, f"{name} is not a service that can be called")
        elif alias in ("", name) or alias not in service.renames.hosts:
            keys.keep(key, f"calls: {plans[name].dns_name}", into="calls")
        else:
            keys.approximate(key, f"calls: {plans[name].dns_name}; variables and files use this name", into="calls")
    keys.drop("external_links", "is outside this file", "add its address to `egress`")


def convert_definitions(document: key_reader.KeyReader) -> None:
    for name, network in document.enter_mapping("networks"):
        if not network.mapping.pairs:
            document.keep(("networks", name), _LINKS)
        network.keep("name", "only Docker uses this name")
        internal = "egress is closed for services on no other network"
        network.keep("internal", internal if network.is_true("internal") else "")
        common = dict.fromkeys((None, "bridge", "overlay", "default"), _LINKS)
        network.drop("driver", "pods use the cluster's network", kept=common)
        for key in ("driver_opts", "ipam", "attachable", "enable_ipv4", "enable_ipv6", "labels"):
            message = "pods use the cluster's network and addresses"
            options = network.enter(key).mapping.pairs
            for option in options:
                network.drop((key, option), message)
            if not options:
                network.drop(key, message)
        message = "its other members are outside the application"
        network.drop("external", message, "add its address to `egress`", kept={"false": ""})


def convert_hosts(service: plan.ServicePlan) -> None:
    """`extra_hosts` and DNS settings."""
    keys, pod = service.keys, service.builder.pod_spec
    aliases: dict[str, list[str]] = {}
    for key, host in keys.list_entries("extra_hosts"):
        name, _, text = host.partition("=")
        address = scalars.parse_address(text.strip("[]"))
        if address is None:
            keys.drop(key, f"{text} is the Docker host, and a cluster has many hosts", "write its address")
            continue
        aliases.setdefault(str(address), []).append(name)
        if address.is_private:
            _allow_egress(service, f"{address}/{address.max_prefixlen}")
        keys.keep(key, "hostAliases of the pod", into="raw")
    if aliases:
        pod["hostAliases"] = [{"ip": ip, "hostnames": names} for ip, names in aliases.items()]
    config: dict[str, object] = {}
    if servers := keys.get_texts("dns"):
        config["nameservers"] = servers
        pod["dnsPolicy"] = "None"
        message = "replaces the cluster's DNS, so that names of the cluster are not found"
        keys.approximate("dns", message, "remove it", into="raw")
        for server in servers:
            if address := scalars.parse_address(server.strip("[]")):
                _allow_egress(service, f"{address}/{address.max_prefixlen}:53")
    if domains := keys.get_texts("dns_search"):
        config["searches"] = domains
        keys.keep("dns_search", "dnsConfig of the pod", into="raw")
    if options := keys.get_texts("dns_opt"):
        parts = [text.partition(":") for text in options]
        config["options"] = [{"name": name, **({"value": option} if option else {})} for name, _, option in parts]
        keys.keep("dns_opt", "dnsConfig of the pod", into="raw")
    if config:
        pod["dnsConfig"] = config


def _allow_egress(service: plan.ServicePlan, address: str) -> None:
    """Add to a list. A closed egress stays closed."""
    if "egress" not in service.builder.fields:
        service.builder.append("egress", "internet")
    if isinstance(service.builder.fields["egress"], list):
        service.builder.append("egress", address)
