"""Converts networks. Services on one network may call each other; a cluster opens the declared calls only."""

import re
from collections.abc import Iterator, Mapping

from seaway.compose.importer import key_reader, plan
from seaway.compose.loader import scalars
from seaway.model import ingress_hosts

_PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_PRIVATE_DOMAINS = (".internal", ".local", ".lan", ".corp", ".intra", ".intranet", ".home", ".private")
_SCHEME_PORTS = {
    "http": "80",
    "https": "443",
    "postgres": "5432",
    "postgresql": "5432",
    "mysql": "3306",
    "redis": "6379",
    "amqp": "5672",
}
_HOST_KEY = (
    r"(?i:(?<!set[-_])(?<!collation[-_])(?:host|hostname|hosts|servers?|addr|address|endpoints?|brokers?|data source))"
)
"""The end of a key whose value is a host; ``--character-set-server`` of MySQL is none."""
_OWN_VARIABLE = re.compile(r"VIRTUAL|LETSENCRYPT|LISTEN|BIND|ALLOWED|TRUSTED|^HOST(NAME)?$", re.IGNORECASE)
"""Variables with the names and addresses of the service itself."""

_HOST_NAME = re.compile(rf"{ingress_hosts.LABEL}(\.{ingress_hosts.LABEL})*")
MAX_NAMESERVERS = 3
"""https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-dns-config"""

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
    if service.builder.has("egress"):
        return
    private: dict[str, str] = {}
    machine: dict[str, str] = {}
    web: dict[str, str] = {}
    ports: set[str] = set()
    for source, scheme, host, port in _find_outer_hosts(service):
        if address := scalars.parse_address(host):
            if address.is_private and not address.is_loopback and not address.is_unspecified:
                _allow_egress(service, f"{address}/{address.max_prefixlen}{f':{port}' if port else ''}")
        elif host.endswith(".docker.internal"):
            machine[host] = source
        elif scheme in ("http", "https") and "." in host and not host.endswith(_PRIVATE_DOMAINS):
            web[host] = source
        else:
            private[host] = source
            ports.add(port or _SCHEME_PORTS.get(scheme, ""))
    hint = "write its address into `egress`"
    for address_range in _PRIVATE_RANGES if private else ():
        for port in sorted(ports) if all(ports) else [""]:
            _allow_egress(service, f"{address_range}:{port}" if port else address_range)
    if machine:
        message = f"names the Docker host, and a cluster has many hosts: {_format_hosts(machine)}"
        service.keys.note("approximated", message, "write the address of a machine, and add it to `egress`")
    if private:
        message = f"may reach private addresses, because they may be those of {_format_hosts(private)}"
        service.keys.note("approximated", message, hint, into="egress")
    if web and (not private or all(ports)):
        message = f"may reach public addresses only: {_format_hosts(web)}"
        service.keys.note("added", message, f"if one is private, {hint}", into="egress")


def _format_hosts(sources: Mapping[str, str]) -> str:
    return ", ".join(f"{host} ({source})" for host, source in sources.items())


def _find_outer_hosts(service: plan.ServicePlan) -> Iterator[tuple[str, str, str, str]]:
    """Source, scheme, name or address, and port of the hosts in variables and commands that are no services."""
    own_names = {name.lower() for other in service.plans.values() for name in other.host_names}
    routes = " ".join(text for other in service.plans.values() for text in other.labels.values())
    texts = {name: node.text for name, node in service.keys.get_scalars("environment").items()}
    for source, text in {**texts, "command": " ".join(service.list_command_texts())}.items():
        for scheme, host, port in _find_hosts(source, text):
            is_own = host in own_names or host.startswith("localhost") or f"`{host}`" in routes
            if not is_own and not _OWN_VARIABLE.search(source):
                yield source, scheme, host, port


def _find_hosts(name: str, text: str) -> Iterator[tuple[str, str, str]]:
    """Scheme, host and port of URLs, of connection strings, and of a list in a variable such as DB_HOST."""
    for match in re.finditer(r"([a-z][a-z0-9+.-]*)://(?:[^/@\s]*@)?([\w.,:-]+)", text):
        for host in match[2].split(","):
            yield from _parse_host(match[1].partition("+")[0], host)
    for match in re.finditer(rf"(?:{_HOST_KEY})\s*=\s*(?:tcp:)?([\w.-]+(?:[:,][0-9]+)?)(?=[;,\s]|$)", text):
        yield from _parse_host("", match[1].replace(",", ":"))
    if re.search(rf"(?:{_HOST_KEY})$", name):
        for host in re.split(r"[,;\s]+", text):
            yield from _parse_host("", host)


def _parse_host(scheme: str, text: str) -> Iterator[tuple[str, str, str]]:
    match = re.fullmatch(r"([\w-]+(?:\.[\w-]+)*)(?::([0-9]+))?", text)
    if match and re.search("[a-z.]", match[1], re.IGNORECASE):
        yield scheme, match[1].lower(), match[2] or ""


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
        if not _HOST_NAME.fullmatch(name.lower()):
            keys.drop(key, f"{name} is not a valid DNS name", "use a-z, 0-9, - and dots")
            continue
        aliases.setdefault(str(address), []).append(name.lower())
        if address.is_private:
            _allow_egress(service, f"{address}/{address.max_prefixlen}")
        keys.keep(key, "hostAliases of the pod", into="raw")
    if aliases:
        pod["hostAliases"] = [{"ip": ip, "hostnames": names} for ip, names in aliases.items()]
    config: dict[str, object] = {}
    servers: list[str] = []
    for key, text in keys.list_entries("dns"):
        address = scalars.parse_address(text.strip("[]"))
        if address is None or len(servers) == MAX_NAMESERVERS:
            keys.drop(key, f"is not an IP address, or a pod has {MAX_NAMESERVERS} name servers already")
            continue
        servers.append(str(address))
        message = "replaces the cluster's DNS, so that names of the cluster are not found"
        keys.approximate(key, message, "remove it", into="raw")
        _allow_egress(service, f"{address}/{address.max_prefixlen}:53")
    if servers:
        config["nameservers"] = servers
        pod["dnsPolicy"] = "None"
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
