"""``seaway port-forward``: connects a port of this machine to a port of a store or service. Needs only a kubeconfig.

The address to connect to is printed to stdout, messages to stderr. Each connection goes to a pod that runs at its
start: after a pod is replaced, the next connection goes to the new pod.
"""

import argparse
import asyncio
import contextlib
import errno
import re
from collections.abc import Mapping, Sequence

from seaway import errors
from seaway.cli import command, connection, pod_choice, stack, terminal
from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import client, snapshot, streams
from seaway.model.defaults import image_profiles

HOST = "127.0.0.1"

READY_SECONDS = 10
"""How long a new connection waits for a ready pod, before it goes to one that only runs."""

RETRY_SECONDS = 60
"""How long it waits for a pod that runs."""

HALF_CLOSE_SECONDS = 2
"""How long a pod may answer after the client has sent its last byte: the end itself cannot be passed on."""

_CLIENTS: Mapping[str, str] = {
    "postgres": "psql -h {host} -p {port} -U {POSTGRES_USER} {POSTGRES_DB}",
    "mysql": "mysql -h {host} -P {port} -u {MYSQL_USER} -p {MYSQL_DATABASE}",
    "mariadb": "mariadb -h {host} -P {port} -u {MARIADB_USER} -p {MARIADB_DATABASE}",
    "redis": "redis-cli -h {host} -p {port}",
    "valkey": "valkey-cli -h {host} -p {port}",
    "mongo": "mongosh mongodb://{host}:{port}",
}
"""The client of a server, by a part of the name of its image."""

_ENV_DEFAULTS = {"POSTGRES_USER": "postgres", "MYSQL_USER": "root", "MARIADB_USER": "root"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", metavar="SERVICE", help="a store or service")
    help_text = "port of the pod, by number or name, or LOCAL:REMOTE [the main port; the same local port if it is free]"
    parser.add_argument("port", nargs="?", metavar="PORT", type=parse_ports, help=help_text)
    stack.add_option(parser)


def parse_ports(text: str) -> tuple[int | None, str]:
    """Local and remote port of ``REMOTE`` or ``LOCAL:REMOTE``."""
    match = re.fullmatch(r"(?:(\d{1,5}):)?(\d{1,5}|[a-z][a-z0-9-]*)", text)
    numbers = [int(number) for number in match.groups() if number and number.isdigit()] if match else [0]
    if match is None or not all(0 < number < 2**16 for number in numbers):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; write for example 5432, 15432:5432 or main")
    return int(match[1]) if match[1] else None, match[2]


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    return terminal.run(lambda _: _forward(target, arguments))


async def _forward(target: stack.TargetStack, arguments: argparse.Namespace) -> int:
    local, remote = arguments.port or (None, None)
    async with connection.connect(target) as cluster:
        pod = await pod_choice.choose_pod(cluster, target, arguments.service)
        container = unstructured.find_container(pod, arguments.service)
        port = find_port(container, arguments.service, remote)
        forwarder = Forwarder(cluster, target, arguments.service, port)
        server = await _listen(forwarder, local, port)
        actual: int = server.sockets[0].getsockname()[1]
        for line in describe_connection(pod, container, actual):
            print(line, flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()  # `async with server` waits for its clients, from Python 3.12 on
    return command.SUCCESS


def find_port(container: snapshot.Object, owner: str, remote: str | None) -> int:
    """The number of a port, of which the number or the name is given; None: the main port."""
    if remote and remote.isdigit():
        return int(remote)
    ports = {port.get("name") or str(port["containerPort"]): port for port in unstructured.get_list(container, "ports")}
    port = ports.get(remote or "main")
    if port is None or port.get("protocol") == "UDP":
        known = f"its ports are: {', '.join(ports)}" if ports else "it declares no port: name its number"
        raise command.UsageError(f"{owner} has no TCP port {remote or 'main'}; {known}")
    return port["containerPort"]


async def _listen(forwarder: "Forwarder", local: int | None, remote: int) -> asyncio.Server:
    """Listen at a local port; without a number at the same, at 10000 more, or at any free one."""
    choices = (local,) if local else (*((remote,) if remote >= 1024 else ()), remote % 10_000 + 10_000, 0)
    for choice in choices:
        try:
            return await asyncio.start_server(forwarder.handle, HOST, choice)
        except OSError as error:
            if choice == choices[-1] or error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise command.UsageError(f"cannot listen at {HOST}:{choice}: {error.strerror}") from error
    raise AssertionError


class Forwarder:
    """Connects clients to a port of the pod that runs at the moment."""

    def __init__(self, cluster: client.KubeClient, target: stack.TargetStack, owner: str, port: int) -> None:
        self._cluster = cluster
        self._target = target
        self._owner = owner
        self._port = port
        self._pod = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client to its end; failures are reported, and end only this connection."""
        try:
            await self._connect(reader, writer)
        except (errors.Unavailable, pod_choice.NoPodError) as error:
            command.report(f"connection to {self._owner}: {error}")
        except OSError:
            pass  # the client is gone
        finally:
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pod = unstructured.get_name(await self._wait_for_pod())
        if self._pod not in {"", pod}:
            command.report(f"connecting to pod {pod} now")
        self._pod = pod
        async with streams.open_port(self._cluster, self._target.namespace, pod, self._port) as stream:
            output = asyncio.create_task(_write_output(stream, writer))
            source = asyncio.create_task(_send_input(stream, reader))
            try:
                await asyncio.wait((output, source), return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait((output,), timeout=HALF_CLOSE_SECONDS)
                if output.done():
                    output.result()
            finally:
                output.cancel()
                source.cancel()

    async def _wait_for_pod(self) -> snapshot.Object:
        for second in range(RETRY_SECONDS):
            with contextlib.suppress(pod_choice.NoPodError):
                pod = await pod_choice.choose_pod(self._cluster, self._target, self._owner)
                if unstructured.is_pod_ready(pod) or second >= READY_SECONDS:
                    pod_choice.report_unready(self._target, pod)
                    return pod
            await asyncio.sleep(1)
        return await pod_choice.choose_pod(self._cluster, self._target, self._owner)


async def _send_input(stream: streams.Stream, reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(errors.Unavailable, OSError):
        while chunk := await reader.read(streams.CHUNK_BYTES):
            await stream.send(0, chunk)


async def _write_output(stream: streams.Stream, writer: asyncio.StreamWriter) -> None:
    opened: set[int] = set()
    async for channel, content in stream.receive():
        if channel not in opened:
            opened.add(channel)  # the number of the port
        elif channel == 0:
            writer.write(content)
            await writer.drain()
        else:
            raise errors.Unavailable(content.decode(errors="replace").strip())


def describe_connection(pod: snapshot.Object, container: snapshot.Object, port: int) -> list[str]:
    """The line to connect with, and where the passwords are."""
    env = {variable["name"]: variable.get("value") or "" for variable in unstructured.get_list(container, "env")}
    if unstructured.list_http_ports(container):  # also an exporter or a console of a database
        return [f"curl http://{HOST}:{port}/"]
    image = image_profiles.split_image_name(container["image"])[0].rpartition("/")[2]
    template = next((line for part, line in _CLIENTS.items() if part in image), None)
    if template is None:
        return [f"{HOST}:{port}"]
    known = dict.fromkeys(re.findall(r"{([A-Z_]+)}", template), "") | _ENV_DEFAULTS | env
    passwords = [f"password: key {key} of Secret {secret}" for secret, key in _list_passwords(pod, container)]
    return [template.format_map({**known, "host": HOST, "port": port}).strip(), *passwords]


def _list_passwords(pod: snapshot.Object, container: snapshot.Object) -> Sequence[tuple[str, str]]:
    """Secret and key of each password that the container has."""
    references = [
        unstructured.get_mapping(variable, "valueFrom", "secretKeyRef")
        for variable in unstructured.get_list(container, "env")
    ]
    pairs = [(reference["name"], reference["key"]) for reference in references if reference]
    for volume in unstructured.get_list(pod, "spec", "volumes"):
        for source in unstructured.get_list(volume, "projected", "sources"):
            files = unstructured.get_list(source, "secret", "items")
            pairs += [(source["secret"]["name"], file["key"]) for file in files]
    return sorted({pair for pair in pairs if "PASS" in pair[1].upper()})
