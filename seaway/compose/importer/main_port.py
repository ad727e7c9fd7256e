"""Chooses the main port of each service. Kubernetes needs it to find a service by name; compose does not.

A service that states no port listens on the port that others call, that its image is known for, that its Dockerfile
exposes, or that its environment, labels or healthcheck name. EXPOSE does not count for a service that runs its own
command: a worker shares the image of web, and listens on no port.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from seaway.compose.importer import images, naming, plan, ports

Texts = Mapping[str, Sequence[tuple[str, str]]]
"""By service, texts that may name other services, each with a description of its source."""

_DATA_FOLDER_PORTS = {"/var/lib/postgresql/data": 5432, "/var/lib/mysql": 3306, "/data/db": 27017}
"""Databases in images with other names."""


def choose_main_ports(plans: Mapping[str, plan.ServicePlan]) -> None:
    texts = {name: list(_list_texts(service)) for name, service in plans.items()}
    for service in plans.values():
        if service.kind != "jobs":
            _choose_main_port(service, texts)


def _choose_main_port(service: plan.ServicePlan, texts: Texts) -> None:
    called = _find_called_ports(service, {name: texts[name] for name in texts if name != service.name})
    profile = service.profile
    known = profile.ports if profile is not None and service.runs_default_server() else ()
    known_source = f"the default port of {images.get_short_name(service.base_image or '')}"
    main = ports.choose_main(service.listening_ports)
    own = next((port for port in service.listening_ports if known and port.number == known[0]), None)
    if own is not None:
        service.main_port = own
    elif known and profile and not profile.http and main and not _is_named(service, main.number):
        service.main_port = _make_port(service, known[0], known_source)
    elif main is not None and not (main.number in ports.DEBUGGER_PORTS and called):
        service.main_port = main
    elif known and service.build is None and (not called or known[0] in called):
        service.main_port = _make_port(service, known[0], known_source)
    elif called:
        service.main_port = _make_port(service, *next(iter(called.items())))
    elif service.stage is not None and service.stage.ports and not service.has_own_command():
        source = f"exposed by {service.stage.exposed_in}"
        service.main_port = _make_port(service, service.stage.ports[0], source)
    elif known:
        service.main_port = _make_port(service, known[0], known_source)
    elif guess := _guess_port(service):
        service.main_port = _make_port(service, *guess)
    _add_called_ports(service, called)
    if service.main_port is not None:
        # A service listens on its own address too: Kafka advertises it to its clients.
        _add_called_ports(service, _find_called_ports(service, {service.name: texts[service.name]}))


def _is_named(service: plan.ServicePlan, number: int) -> bool:
    """Whether its command or environment has the number: its server may listen on another port."""
    return any(re.search(rf"(?<![0-9]){number}(?![0-9])", text) for text in service.list_texts())


def _make_port(service: plan.ServicePlan, number: int, source: str) -> ports.Port:
    protocol = ports.guess_protocol(number, None, None, service.profile)
    return ports.Port(number=number, protocol=protocol, location=service.keys.mapping.location, source=source)


def _add_called_ports(service: plan.ServicePlan, called: Mapping[int, str]) -> None:
    """Docker opens every port, so the ports that others call are open too."""
    known = {port.number for port in service.listening_ports if port.protocol != "udp"}
    known |= {service.main_port.number} if service.main_port is not None else set[int]()
    service.listening_ports += [
        _make_port(service, number, source) for number, source in called.items() if number not in known
    ]


def _list_texts(service: plan.ServicePlan) -> Iterator[tuple[str, str]]:
    """Environment, commands and mounted files."""
    keys, project = service.keys, service.project
    yield from ((f"{service.name}'s {key}", node.text) for key, node in keys.get_scalars("environment").items())
    for key in ("command", "entrypoint"):
        yield from ((f"{service.name}'s {key}", text) for text in keys.get_texts(key) or [])
    yield from ((name, text) for name in service.list_files() if (text := project.find_text(name)))
    for config in keys.enter_sequence("configs"):
        source = config.get_text("source") or ""
        definition = service.document.enter("configs").enter(source)
        text = definition.get_text("content") or project.find_text(definition.get_text("file") or "")
        yield f"the config {source}", text or ""


def _find_called_ports(service: plan.ServicePlan, texts: Texts) -> dict[int, str]:
    """The ports of a service in texts of others, with their source: ``http://api:8000``, or API_HOST and API_PORT."""
    names = service.list_host_names()
    sources: dict[int, str] = {}
    implied: dict[int, str] = {}
    for name in sorted(texts):
        for source, text in sorted(texts[name]):
            for number, is_explicit in naming.find_called_ports(text, names):
                (sources if is_explicit else implied).setdefault(number, f"named by {source}")
    for name in sorted(texts):
        env = service.plans[name].keys.get_scalars("environment")
        for key, node in env.items():
            port_key = re.sub(r"HOST(NAME)?$", "PORT", key)
            if port_key != key and port_key in env and node.text in names:
                number = ports.parse_number(env[port_key].text)
                if number:
                    sources.setdefault(number, f"named by {name}'s {port_key}")
    return dict(sorted((sources or implied).items()))


def _guess_port(service: plan.ServicePlan) -> tuple[int, str] | None:
    env = service.keys.get_scalars("environment")
    for name in ("PORT", "VIRTUAL_PORT"):
        if name in env and (number := ports.parse_number(env[name].text)):
            return number, f"the variable {name}"
    for name, text in service.labels.items():
        if re.fullmatch(r"traefik\.http\.services\..*\.loadbalancer\.server\.port", name):
            number = ports.parse_number(text)
            return (number, f"the label {name}") if number else None
    for mount in service.mounts:
        if (number := _DATA_FOLDER_PORTS.get(mount.target)) and not service.has_own_command():
            return number, f"the usual port of a database with its data in {mount.target}"
    test = " ".join(service.keys.enter("healthcheck").get_texts("test") or [])
    match = re.search(r"(?:localhost|127\.0\.0\.1):([0-9]{2,5})(?![0-9])", test)
    number = ports.parse_number(match[1]) if match else None
    return (number, "the port of its healthcheck") if number else None
