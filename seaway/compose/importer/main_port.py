"""Chooses the main port of each service. Kubernetes needs it to find a service by name; compose does not.

A service that states no port listens on the port that others call, that its image is known for, that its Dockerfile
exposes, or that its environment, labels or healthcheck name. EXPOSE does not count for a service that runs its own
command: a worker shares the image of web, and listens on no port.
"""

import dataclasses
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from seaway.compose.importer import commands, images, naming, plan, ports, proxies

Texts = Mapping[str, Sequence[tuple[str, str]]]
"""By service, texts that may name other services, each with a description of its source."""


def collect_texts(plans: Mapping[str, plan.ServicePlan]) -> Texts:
    return {name: list(_list_texts(service)) for name, service in plans.items()}


def is_called(service: plan.ServicePlan, texts: Texts) -> bool:
    """Whether a text of another service calls a port of a service."""
    return bool(_find_called_ports(service, {name: texts[name] for name in texts if name != service.name}))


def choose_main_ports(plans: Mapping[str, plan.ServicePlan]) -> None:
    texts = collect_texts(plans)
    for service in plans.values():
        if service.kind != "jobs":
            _choose_main_port(service, texts)


def _choose_main_port(service: plan.ServicePlan, texts: Texts) -> None:
    called = _find_called_ports(service, {name: texts[name] for name in texts if name != service.name})
    server = service.server
    known = server.ports if server is not None else ()
    known_source = f"the default port of {images.get_short_name(service.base_image or '') or 'its database'}"
    proxied = list(proxies.list_ports(service))
    _add_called_ports(service, {number: source for number, source, _ in proxied})
    main = ports.choose_main(_list_bound_ports(service) or service.listening_ports)
    web = _find_web_port(service, main, called)
    own = next((port for port in service.listening_ports if known and port.number == known[0]), None)
    if proxied:
        number, _, is_http = proxied[0]
        service.main_port = next(port for port in service.listening_ports if port.transport == (number, False))
        if not is_http:
            service.main_port = dataclasses.replace(service.main_port, protocol="tcp")
    elif own is not None:
        service.main_port = own
    elif known and server and not server.http and main and not _is_named(service, main.number):
        service.main_port = _make_port(service, known[0], known_source)
    elif web is not None:
        service.main_port = _make_port(service, web, called[web])
    elif main is not None and not (main.number in ports.DEBUGGER_PORTS and called):
        service.main_port = main
    elif known and service.build is None and (not called or known[0] in called):
        service.main_port = _make_port(service, known[0], known_source)
    elif called:
        service.main_port = _make_port(service, *next(iter(called.items())))
    elif service.stage is not None and service.stage.ports and not _is_worker(service, service.stage):
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


def _list_bound_ports(service: plan.ServicePlan) -> list[ports.Port]:
    """Its ports that its settings or its healthcheck name with an address of its own: it surely listens there."""
    texts = [*service.list_texts(), service.health_test]
    pattern = r"(?:^|(?<=[\s=/\"'(]))(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1?\]|\*)?:([0-9]+)(?![0-9.:])"
    numbers = {int(number) for text in texts for number in re.findall(pattern, text)}
    return [port for port in service.listening_ports if port.number in numbers and port.protocol != "udp"]


def _find_web_port(service: plan.ServicePlan, main: ports.Port | None, called: Mapping[int, str]) -> int | None:
    """A port of HTTP that others call, of a service that states only ports of other protocols."""
    if main is None or main.protocol in ("http", "grpc") or main.number in called:
        return None
    return next((number for number in called if ports.guess_protocol(number, None, None, None) == "http"), None)


def _is_worker(service: plan.ServicePlan, stage: images.Stage) -> bool:
    """Whether it shares the EXPOSE of a server: it has another command than the service that states the port."""
    if service.has_own_command() or commands.is_worker(service.list_command_words()):
        return True
    siblings = [
        other
        for other in service.plans.values()
        if other.stage and other.stage.exposed_in == stage.exposed_in and other.stage.command != stage.command
    ]
    return any(port.number in stage.ports for other in siblings for port in other.listening_ports)


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
    files = [*service.list_files(), *_list_copied_files(service)]
    yield from ((name, text) for name in files if (text := project.find_text(name)))
    for config in keys.enter_sequence("configs"):
        source = config.get_text("source") or ""
        definition = service.document.enter("configs").enter(source)
        text = definition.get_text("content") or project.find_text(definition.get_text("file") or "")
        yield f"the config {source}", text or ""


def _list_copied_files(service: plan.ServicePlan) -> Iterator[str]:
    """The files that the Dockerfile of a proxy copies: its configuration names other services."""
    if service.stage is None or service.build_context is None or not service.is_proxy():
        return
    for copied, _ in service.stage.copies:
        path = posixpath.normpath(posixpath.join(service.build_context, copied))
        files = service.project.list_files(path, text_only=True)
        yield from ([f"{path}/{file}" for file in files] or [path])


def _find_called_ports(service: plan.ServicePlan, texts: Texts) -> dict[int, str]:
    """The ports of a service in texts of others, with their source: ``http://api:8000``, or API_HOST and API_PORT."""
    names = service.host_names
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
    if "PORT" in env and (number := ports.parse_number(env["PORT"].text)):
        return number, "the variable PORT"
    if "VIRTUAL_HOST" in env:
        return 80, "the default port of nginx-proxy"
    match = re.search(r"(?:localhost|127\.0\.0\.1):([0-9]{2,5})(?![0-9])", service.health_test)
    number = ports.parse_number(match[1]) if match else None
    return (number, "the port of its healthcheck") if number else None
