"""Whether the declared links are open, and everything else is closed: tried from the pods of the application."""

import asyncio
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from seaway import errors
from seaway.acceptance import deployment, links, probe, results
from seaway.kubernetes.cluster import client

CONNECT_SECONDS = 2
"""After which a connection counts as closed: a policy usually drops its packets."""

_KUBERNETES = "kubernetes.default.svc"
_NOT_ENFORCED = "the cluster does not enforce network policies; install a network plugin that does"
_DRIFT_HINT = "the policies in the cluster may not be those of the release: seaway status --drift"

_IMAGE_HINT = "its image needs bash, or the nc of busybox: pulumi config set seaway:debugImage <image>"

_CLOSED_CODES = ("closed-link", "metadata-service", "other-namespace", "api-server")

_LOOPBACK = re.compile(r"(0{16}FFFF0000)?[0-9A-F]{6}7F|0{24}01000000")
"""127.0.0.0/8, also in IPv6, and ::1 in /proc/net: words of four bytes, the last byte first."""

_NETWORK_SCRIPT = """\
echo "api $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"
while read -r key address _; do [ "$key" = nameserver ] && echo "dns $address"; done </etc/resolv.conf
for table in /proc/net/tcp /proc/net/tcp6; do
  [ -r "$table" ] && while read -r _ address _ state _; do [ "$state" = 0A ] && echo "listen $address"; done <"$table"
done
exit 0"""
"""Prints the addresses of the API server and of DNS, and where the pod listens (state 0A).
https://docs.kernel.org/networking/proc_net_tcp.html"""

_CONNECT_SCRIPT = f"""\
try() {{
  case $1 in
    name) if command -v getent; then timeout 10 getent hosts "$2"
      else case $(timeout 10 nc -w 1 "$2" 443 -e /bin/true 2>&1 || echo $?) in
        *"bad address"*|124|143) return 1 ;; esac; fi ;;
    *) if command -v bash; then timeout {CONNECT_SECONDS} bash -c ': </dev/tcp/$0/$1' "$1" "$2"
      else nc -w {CONNECT_SECONDS} "$1" "$2" -e /bin/true; fi ;;
  esac
}}
command -v bash >/dev/null || command -v nc >/dev/null || exit 127
count=0
while read -r host port && [ "$host" != {probe.END_LINE} ]; do
  ( if try "$host" "$port"; then echo "$host $port open" >&3; else echo "$host $port closed" >&3; fi ) \\
    3>&1 >/dev/null 2>&1 </dev/null &
  count=$((count + 1)); [ $((count % 16)) -eq 0 ] && wait
done
wait"""
"""Tries the connections on its input, 16 at once. Not every busybox has `nc -z`, but all have `-e`;
the `nslookup` of busybox does not search in the domains of the pod."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Network:
    """What a pod sees."""

    endpoint: links.Endpoint
    api: tuple[str, int]
    dns: str


async def run(tested: deployment.Deployment, probes: Mapping[str, probe.Probe]) -> list[results.Result]:
    """Try all connections. ``probes``: beside the main container of each workload, by its name."""
    networks: dict[str, _Network] = {}
    tried: list[results.Result] = []
    for name, own_probe in probes.items():
        try:
            networks[name] = await _read_network(tested, name, own_probe)
        except errors.Unavailable as error:
            tried.append(results.fail("communication", name, "no-probe", str(error)))
    endpoints = {name: network.endpoint for name, network in networks.items()}
    api_addresses = await _find_api_addresses(tested.cluster)

    async def try_all(name: str) -> list[results.Result]:
        outside = _describe_outside(tested, name, networks[name], api_addresses)
        try:
            return await _try_connections(tested, name, probes[name], endpoints, outside)
        except errors.Unavailable as error:
            return [results.fail("communication", name, "no-probe", str(error), _IMAGE_HINT)]

    for several in await asyncio.gather(*map(try_all, networks)):
        tried += several
    return list(_explain(tried))


async def _read_network(tested: deployment.Deployment, name: str, own_probe: probe.Probe) -> _Network:
    words = [line.split() for line in await own_probe.run(_NETWORK_SCRIPT)]
    api = next((found for found in words if found[0] == "api" and len(found) == 3), ["api", _KUBERNETES, "443"])
    dns = next((found[1] for found in words if found[0] == "dns"), "")
    ports = {port for key, address, *_ in words if key == "listen" and (port := parse_listener(address))}
    address = tested.pods[name]["status"]["podIP"]
    return _Network(endpoint=links.Endpoint(address=address, ports=ports), api=(api[1], int(api[2])), dns=dns)


def parse_listener(address: str) -> int | None:
    """The port of a listening socket, as ``0100007F:1F90``; None: it is on the loopback interface."""
    host, _, port = address.partition(":")
    return None if _LOOPBACK.fullmatch(host) else int(port, 16)


async def _find_api_addresses(cluster: client.KubeClient) -> Sequence[str]:
    """The addresses behind the Service of the API server; empty if they may not be read."""
    path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    try:
        slices = await cluster.get(path, labelSelector="kubernetes.io/service-name=kubernetes")
    except errors.Unavailable:
        return ()
    return [
        address
        for item in slices["items"]
        for endpoint in item.get("endpoints") or ()
        for address in endpoint["addresses"]
    ]


def _describe_outside(
    tested: deployment.Deployment, name: str, network: _Network, api_addresses: Sequence[str]
) -> links.Outside:
    return links.Outside(
        api_server=network.api[0],
        api_port=network.api[1],
        is_api_server_on_node=tested.pods[name]["status"].get("hostIP") in api_addresses,
        dns_server=network.dns,
    )


async def _try_connections(
    tested: deployment.Deployment,
    name: str,
    own_probe: probe.Probe,
    endpoints: Mapping[str, links.Endpoint],
    outside: links.Outside,
) -> list[results.Result]:
    workload = tested.workloads[name]
    connections = list(links.list_connections(tested.environment, workload, endpoints, outside))
    lines = [f"name {_KUBERNETES}", *(f"{known.host} {known.port}" for known in connections)]
    printed = await own_probe.run(_CONNECT_SCRIPT, lines)
    states = {(words[0], words[1]): words[2] for line in printed if len(words := line.split()) == 3}
    resolved = states.get(("name", _KUBERNETES)) == "open"
    return [
        _judge_name(name, resolved=resolved),
        *(judge(name, known, states.get((known.host, str(known.port)))) for known in connections),
    ]


def _judge_name(name: str, *, resolved: bool) -> results.Result:
    message = "" if resolved else f"{name} cannot resolve {_KUBERNETES}"
    hint = "" if resolved else "the DNS server of the cluster does not answer its pods: kubectl get pods -n kube-system"
    outcome = "passed" if resolved else "failed"
    return results.Result(
        row="communication", workload=name, code="dns", subject=_KUBERNETES, outcome=outcome, message=message, hint=hint
    )


def judge(name: str, tried: links.Connection, state: str | None) -> results.Result:
    """The result of a connection. ``state``: ``open`` or ``closed``; None: it was not tried."""
    message, hint = "", ""
    if state is None:
        message, hint = f"the probe of {name} did not try {tried.subject}", "run it again"
    elif tried.is_open and state == "closed":
        message = f"{name} cannot connect to {tried.subject} within {CONNECT_SECONDS} s, which it calls"
        hint = _DRIFT_HINT if tried.code == "open-link" else "allow it in the firewall of the target"
    elif not tried.is_open and state == "open":
        message = f"{name} can connect to {tried.subject}, but no declaration opens it"
        hint = _DRIFT_HINT
    return results.Result(
        row="communication",
        workload=name,
        code=tried.code,
        subject=tried.subject,
        outcome="failed" if message else "passed",
        message=message,
        hint=hint,
    )


def _explain(tried: Iterable[results.Result]) -> Iterator[results.Result]:
    """The results; if all pods are open to each other, the hint is about the cluster."""
    tried = list(tried)
    closed = [result for result in tried if result.code == "closed-link"]
    if not closed or any(result.outcome == "passed" for result in closed):
        yield from tried
        return
    for result in tried:
        is_open = result.outcome == "failed" and result.code in _CLOSED_CODES
        yield dataclasses.replace(result, hint=_NOT_ENFORCED) if is_open else result
