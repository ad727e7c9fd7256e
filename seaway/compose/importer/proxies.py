"""Converts the labels of Traefik and the variables of nginx-proxy: the hosts, paths and ports of a published service.

https://doc.traefik.io/traefik/reference/routing-configuration/http/routing/rules-and-priority/
https://github.com/nginx-proxy/nginx-proxy/tree/main/docs
"""

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence

from seaway.compose.importer import exposure, key_reader, plan
from seaway.model import ingress_hosts
from seaway.syntax import diagnosis

TRAEFIK = "traefik."
_SERVER_PORT = re.compile(r"traefik\.(http|tcp)\.services\..+\.loadbalancer\.server\.port", re.IGNORECASE)
_RULE = re.compile(r"traefik\.(http|tcp)\.routers\..+\.rule", re.IGNORECASE)
_TOKEN = re.compile(r"\|\||&&|[!()]|(?P<name>\w+)\((?P<texts>(?:`[^`]*`|\"[^\"]*\"|'[^']*'|[^)`\"'])*)\)")
_MAX_RULE = 1000
"""Characters; longer rules, and those with more than ``_MAX_BRACKETS``, are not read."""
_MAX_BRACKETS = 100

Condition = tuple[str, tuple[str, ...]]
"""A matcher and its texts: ``("Host", ("a.example.com",))``; an empty name for what no ingress can check."""


def list_ports(service: plan.ServicePlan) -> Iterator[tuple[int, str, bool]]:
    """The ports to which a proxy sends requests, each with its source, and whether it speaks HTTP."""
    env = service.keys.get_scalars("environment")
    if "VIRTUAL_HOST" in env and "VIRTUAL_PORT" in env and env["VIRTUAL_PORT"].text.isdecimal():
        yield int(env["VIRTUAL_PORT"].text), "the variable VIRTUAL_PORT", True
    if is_enabled(service):
        for name, text in service.labels.items():
            if (match := _SERVER_PORT.fullmatch(name)) and text.isdecimal():
                yield int(text), f"the label {name}", match[1] == "http"


def is_enabled(service: plan.ServicePlan) -> bool:
    """Whether Traefik routes to it."""
    names = [name for name in service.labels if name.lower().startswith(TRAEFIK)]
    return bool(names) and service.labels.get("traefik.enable", "true").lower() == "true"


def convert_labels(service: plan.ServicePlan, keys: key_reader.KeyReader) -> None:
    """The labels of Traefik on a service or its `deploy`."""
    number = 0
    main = service.main_port
    is_routed = is_enabled(service) and main is not None and service.kind != "jobs"
    for name, node in keys.get_scalars("labels").items():
        key = ("labels", name)
        rule, port = _RULE.fullmatch(name), _SERVER_PORT.fullmatch(name)
        if not name.lower().startswith(TRAEFIK):
            continue
        if not is_routed or main is None:
            keys.drop(key, "no port of it is known to Traefik" if is_enabled(service) else "switched off")
        elif name == "traefik.enable":
            _publish(service, node.location)
            hint = f"{exposure.PUBLISH_COMMAND} ingress"
            keys.approximate(key, "published; the environment decides how", hint, into="publish")
        elif rule and rule[1] == "http":
            addresses, is_exact = read_rule(node.text)
            approximate_addresses(service, keys, key, addresses, is_exact=is_exact, first=number)
            number += len(addresses)
        elif rule:
            _publish(service, node.location)
            hint = f"{exposure.PUBLISH_COMMAND} <method>: nodePort or loadBalancer"
            keys.approximate(key, "published on a port of its own", hint, into="publish")
        elif port and node.text == str(main.number):
            keys.keep(key, "the main port", into="port")
        elif port:
            keys.approximate(key, f"an ingress leads to the main port {main.number}", "write two services")
        else:
            hint = "set seaway:ingress.issuer, seaway:ingress.annotations or what the controller has for it"
            keys.drop(key, "a setting of the proxy: the environment has an ingress", hint)


def _publish(service: plan.ServicePlan, location: diagnosis.SourceLocation) -> None:
    service.builder.set("publish", True, location)  # noqa: FBT003 - a field


def convert_virtual_host(service: plan.ServicePlan, text: str) -> None:
    """VIRTUAL_HOST of nginx-proxy, with VIRTUAL_PATH."""
    path = service.keys.get_scalars("environment").get("VIRTUAL_PATH")
    hosts = [host.partition(":")[0].strip() for host in text.split(",")]
    texts = [f"{host}{path.text if path else ''}" for host in hosts]
    addresses = [text for text in texts if ingress_hosts.parse_address(text)]
    is_exact = len(addresses) == len(texts)
    approximate_addresses(service, service.keys, ("environment", "VIRTUAL_HOST"), addresses, is_exact=is_exact)


def approximate_addresses(
    service: plan.ServicePlan,
    keys: key_reader.KeyReader,
    key: tuple[str, str],
    addresses: Sequence[str],
    *,
    is_exact: bool,
    first: int = 0,
) -> None:
    """Publish a service that a proxy published under these addresses. ``first``: the number of the first one."""
    _publish(service, keys.locate(key))
    message = f"published; the environment sets {', '.join(addresses) or 'its hosts'}"
    message += "" if is_exact else ", and an ingress checks no other condition"
    settings = " && ".join(
        f"pulumi config set --path 'seaway:ingress.hosts.{service.dns_name}[{number}]' {address}"
        for number, address in enumerate(map(shlex.quote, addresses) if addresses else ["<host>"], first)
    )
    keys.approximate(key, message, f"{exposure.PUBLISH_COMMAND} ingress && {settings}", into="publish")


def read_rule(rule: str) -> tuple[list[str], bool]:
    """The addresses of a rule, ``shop.example.com/api``, and whether they are all that it says."""
    addresses: list[str] = []
    is_short = len(rule) <= _MAX_RULE and rule.count("(") + rule.count("!") <= _MAX_BRACKETS
    alternatives = _Parser(rule).parse_alternatives() if is_short else []
    is_exact = bool(alternatives)
    for conditions in alternatives:
        hosts = [text for name, texts in conditions if name == "Host" for text in texts]
        paths = [text for name, texts in conditions if name in ("PathPrefix", "Path") for text in texts]
        texts = [f"{host}{path}" for host in hosts for path in paths or [""]]
        valid = [text for text in texts if ingress_hosts.parse_address(text)]
        addresses += valid
        is_exact &= bool(texts) and valid == texts and all(name in ("Host", "PathPrefix") for name, _ in conditions)
    return list(dict.fromkeys(addresses)), is_exact


class _Parser:
    """A rule as alternatives of conditions: ``Host(`a`) && (Path(`/b`) || Path(`/c`))`` has two."""

    def __init__(self, rule: str) -> None:
        self._tokens = list(_TOKEN.finditer(rule))

    def parse_alternatives(self) -> list[list[Condition]]:
        alternatives = self._parse_conjunction()
        while self._skip("||"):
            alternatives += self._parse_conjunction()
        return alternatives

    def _parse_conjunction(self) -> list[list[Condition]]:
        result = self._parse_condition()
        while self._skip("&&"):
            pairs = itertools.product(result, self._parse_condition())
            result = [[*left, *right] for left, right in itertools.islice(pairs, _MAX_RULE)]
        return result

    def _parse_condition(self) -> list[list[Condition]]:
        if self._skip("!"):
            self._parse_condition()
            return [[("", ())]]
        if self._skip("("):
            result = self.parse_alternatives()
            self._skip(")")
            return result
        if not self._tokens or not self._tokens[0]["name"]:
            return [[("", ())]]
        token = self._tokens.pop(0)
        texts = re.findall(r"`([^`]*)`|\"([^\"]*)\"|'([^']*)'", token["texts"])
        return [[(token["name"], tuple("".join(parts) for parts in texts))]]

    def _skip(self, text: str) -> bool:
        if self._tokens and self._tokens[0][0] == text:
            self._tokens.pop(0)
            return True
        return False
