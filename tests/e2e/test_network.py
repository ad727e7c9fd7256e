"""Enforced network policies, and requests by host name through a real ingress controller.

The tests share a stack and run in the order of the file. Each leaves the stack healthy.
"""

import contextlib
import dataclasses
import datetime
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dev import prober, project
from dev.cluster import node

pytestmark = [pytest.mark.cluster, pytest.mark.optional]

STACK = "network"
NAMESPACE = f"net-{STACK}"
HOST, PLAIN = "shop.example.test", "plain.example.test"
PUBLIC = "198.51.100.7"
"""An address for documentation. On this machine's end of the cluster's link, it represents the internet.
https://www.rfc-editor.org/rfc/rfc5737"""

APP = """\
name: net
services:
  web: {{build: ./web, port: 8000, ports: {{admin: 8001}}, publish: true, calls: [{calls}], scale: 1}}
  api: {{build: ./web, port: 8000, ports: {{admin: 8001}}, calls: [db], egress: ["{private}/32:{port}"], scale: 1}}
  alone: {{build: ./web, port: 8000, egress: [], scale: 1}}
stores:
  db: {{build: ./web, port: 8000, volume: {{path: /data, size: 16Mi}}}}
jobs:
  prepare: {{build: ./web, calls: [db], command: [python3, probe.py, --wait, "db:8000"]}}
"""

SERVER = """\
import http.server, signal, socket, sys, threading

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = socket.gethostname().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

servers = [http.server.ThreadingHTTPServer(("", port), Page) for port in (8000, 8001)]
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
for server in servers:
    threading.Thread(target=server.serve_forever, daemon=True).start()
signal.pause()
"""

PROBE = """\
import concurrent.futures, json, socket, sys, time

def reach(target):
    host, _, port = target.rpartition(":")
    try:
        address = socket.gethostbyname(host)
    except OSError:
        return "no name"
    try:
        with socket.create_connection((address, int(port)), timeout=4):
            return "open"
    except TimeoutError:
        return "closed"
    except OSError as error:
        return str(error)

targets = [one for one in sys.argv[1:] if one != "--wait"]
until = time.monotonic() + (30 if "--wait" in sys.argv else 0)
while True:
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = dict(zip(targets, pool.map(reach, targets)))
    if time.monotonic() >= until or set(found.values()) == {"open"}:
        break
print(json.dumps(found))
sys.exit("--wait" in sys.argv and set(found.values()) != {"open"})
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Outside:
    """A listener on this machine, at a private address and at the address of the internet."""

    private: str
    port: int
    other: int


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    here = node.find_layout(project.ROOT)
    with contextlib.ExitStack() as stack:
        subprocess.run(["ip", "address", "add", f"{PUBLIC}/32", "dev", here.interface], check=True)
        stack.callback(subprocess.run, ["ip", "address", "del", f"{PUBLIC}/32", "dev", here.interface], check=True)
        # The kernel accepts connections into the queue, so no response is necessary.
        listening = [stack.enter_context(socket.create_server(("0.0.0.0", 0))) for _ in range(2)]
        port, other = (listener.getsockname()[1] for listener in listening)
        yield Outside(here.host_address, port, other)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> Iterator[project.Project]:
    source = tmp_path_factory.mktemp("source")
    (source / "web").mkdir()
    dockerfile = (project.ROOT / "examples" / "smallest" / "web" / "Dockerfile").read_text()
    (source / "web" / "Dockerfile").write_text(dockerfile.replace("COPY server.py ./", "COPY server.py probe.py ./"))
    (source / "web" / "server.py").write_text(SERVER)
    (source / "web" / "probe.py").write_text(PROBE)
    write(source, outside, calls="api")
    ingress = {"hosts": {"web": [HOST, f"{PLAIN}/below"]}, "tlsSecret": "shop-tls", "namespace": "kube-system"}
    checkout = project.Project.create(
        tmp_path_factory.mktemp("net"), application=source, stack=STACK, publish="ingress", ingress=ingress
    )
    checkout.up()
    yield checkout
    checkout.pulumi("cancel", "--yes", STACK)
    checkout.destroy()


def write(folder: Path, outside: Outside, *, calls: str) -> None:
    (folder / "app.yaml").write_text(APP.format(calls=calls, private=outside.private, port=outside.port))


def list_reached(net: project.Project, caller: str, *targets: str) -> dict[str, str]:
    """Return the result of connections from a pod by target."""
    pod = f"statefulset/{caller}" if caller == "db" else f"deployment/{caller}"
    result = net.kubectl("exec", "-n", NAMESPACE, pod, "--", "python3", "probe.py", *targets)
    return json.loads(result.stdout)


def test_policies_are_enforced_and_all_pods_start(net: project.Project) -> None:
    """Probes from the node and a job's connection to its store work: otherwise `up` would have failed."""
    assert {policy["metadata"]["name"].rpartition("-")[0] for policy in list_policies(net)} == {
        "default",
        "web",
        "api",
        "alone",
        "db",
        "prepare",
    }
    net.preview("--expect-no-changes")


def list_policies(net: project.Project) -> list[dict[str, Any]]:
    return net.get_objects("networkpolicies", "-n", NAMESPACE)["items"]


@pytest.mark.parametrize(
    ("caller", "opened", "closed"),
    [
        ("web", {"api:8000", "api:8001"}, {"db:8000", "alone:8000"}),
        ("api", {"db:8000"}, {"web:8000", "alone:8000"}),
        ("db", set(), {"web:8000", "api:8000", "alone:8000"}),
        ("alone", set(), {"web:8000", "web:8001", "api:8000", "db:8000"}),
    ],
)
def test_pod_reaches_only_declared_dependencies(
    net: project.Project, caller: str, opened: set[str], closed: set[str]
) -> None:
    """The names of closed targets are resolved: every pod may use DNS."""
    results = list_reached(net, caller, *opened, *closed)
    assert results == {**dict.fromkeys(opened, "open"), **dict.fromkeys(closed, "closed")}


def test_outside_is_reachable_only_as_declared(net: project.Project, outside: Outside) -> None:
    public, private = f"{PUBLIC}:{outside.port}", f"{outside.private}:{outside.port}"
    other = f"{outside.private}:{outside.other}"
    assert list_reached(net, "web", public, private) == {public: "open", private: "closed"}
    assert list_reached(net, "alone", public, private) == {public: "closed", private: "closed"}
    assert list_reached(net, "api", public, private, other) == {public: "closed", private: "open", other: "closed"}


def test_another_namespace_reaches_no_service(net: project.Project) -> None:
    stranger = f"{NAMESPACE}-stranger"
    image = net.get_objects("deployment", "web", "-n", NAMESPACE)["spec"]["template"]["spec"]["containers"][0]["image"]
    net.kubectl("create", "namespace", stranger)
    try:
        net.kubectl("run", "probe", "-n", stranger, f"--image={image}", "--restart=Never", "--", "sleep", "600")
        net.kubectl("wait", "-n", stranger, "--for=condition=Ready", "pod/probe", "--timeout=60s")
        targets = [f"{name}.{NAMESPACE}:8000" for name in ("web", "api", "alone", "db")]
        result = net.kubectl("exec", "-n", stranger, "probe", "--", "python3", "probe.py", *targets)
        assert json.loads(result.stdout) == dict.fromkeys(targets, "closed")
    finally:
        net.kubectl("delete", "namespace", stranger, "--wait=false")


def list_failures(net: project.Project) -> set[tuple[str, str, str]]:
    """Return the workload, the code and the target of each connection that `seaway test` reports."""
    result = net.seaway("test", "--stack", STACK, "--only", "communication", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == (0 if report["passed"] else 1)
    return {
        (known["workload"], known["code"], known["subject"])
        for known in report["results"]
        if known["outcome"] == "failed"
    }


def test_planted_links_and_missing_policies_are_found(net: project.Project, tmp_path: Path) -> None:
    assert list_failures(net) == set()
    ends = {"alone": {"egress": [{}], "policyTypes": ["Egress"]}, "db": {"ingress": [{}], "policyTypes": ["Ingress"]}}
    planted = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"planted-{name}", "namespace": NAMESPACE},
            "spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}, **spec},
        }
        for name, spec in ends.items()
    ]
    (tmp_path / "planted.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": planted}))
    [deleted] = [policy for policy in list_policies(net) if policy["metadata"]["name"].startswith("api-")]
    own = {key: deleted["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    (tmp_path / "api.json").write_text(json.dumps({**deleted, "metadata": own}))
    net.kubectl("apply", "-f", str(tmp_path / "planted.json"))
    net.kubectl("delete", "networkpolicy", "-n", NAMESPACE, own["name"])
    try:
        failures = list_failures(net)
    finally:
        net.kubectl("delete", "-f", str(tmp_path / "planted.json"))
        net.kubectl("create", "-f", str(tmp_path / "api.json"))
    links = {failure for failure in failures if failure[1] in ("open-link", "closed-link")}
    assert links == {
        ("alone", "closed-link", "db:8000"),
        ("alone", "closed-link", "db:8001 (not declared)"),
        ("api", "open-link", "db:8000"),
        ("web", "open-link", "api:8000"),
        ("web", "open-link", "api:8001"),
    }
    assert ("api", "dns", "kubernetes.default.svc") in failures


@pytest.fixture(scope="module")
def certificate(net: project.Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for both hosts in the stack's Secret. Clients trust the returned file."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName(PLAIN)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(builder.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "tls.key").write_bytes(text)
    files = [f"--cert={folder / 'tls.crt'}", f"--key={folder / 'tls.key'}"]
    net.kubectl("create", "secret", "tls", "shop-tls", "-n", NAMESPACE, *files)
    return folder / "tls.crt"


def test_published_service_answers_by_name_with_its_certificate(net: project.Project, certificate: Path) -> None:
    assert net.read_outputs()["services"]["web"]["address"] == f"https://{PLAIN}/below https://{HOST}/"
    trusted = ssl.create_default_context(cafile=str(certificate))
    server = node.find_layout(project.ROOT).address

    def ask(host: str, path: str = "/") -> httpx.Response | None:
        with contextlib.suppress(httpx.TransportError), httpx.Client(verify=trusted, timeout=5) as client:
            extensions = {"sni_hostname": host}
            return client.get(f"https://{server}{path}", headers={"Host": host}, extensions=extensions)
        return None

    answer = prober.wait_until(lambda: (response := ask(HOST)) and response.is_success and response, seconds=120)
    assert answer.text.startswith("web-")
    below, beside = ask(PLAIN, "/below/it"), ask(PLAIN)
    assert below
    assert below.text.startswith("web-")
    assert beside
    assert beside.status_code == 404
    plainly = httpx.get(f"http://{server}/", headers={"Host": HOST}, timeout=5)
    assert plainly.status_code == 404, "Traefik has no way to send it on that an Ingress could ask for"


def test_status_has_the_address_and_no_drift(net: project.Project) -> None:
    status = net.seaway("status", "--stack", STACK)
    assert f"https://{HOST}/" in status.stdout.split(), status.output
    drift = net.seaway("status", "--stack", STACK, "--drift")
    assert drift.exit_code == 0, drift.output


def test_node_port_answers_and_a_removed_link_is_closed(net: project.Project, outside: Outside) -> None:
    before = {policy["metadata"]["name"] for policy in list_policies(net)}
    net.pulumi("config", "set", "seaway:publish", "nodePort", "--stack", STACK, check=True)
    net.pulumi("config", "rm", "seaway:ingress", "--stack", STACK, check=True)
    write(net.folder / "app", outside, calls="")
    net.up()
    address = net.read_address(NAMESPACE)
    assert httpx.get(address, timeout=10).text.startswith("web-")
    assert list_reached(net, "web", "api:8000") == {"api:8000": "closed"}
    after = {policy["metadata"]["name"] for policy in list_policies(net)}
    assert {name.rpartition("-")[0] for name in before - after} == {"web", "api"}, "those of both ends, and no other"
    assert len(after) == len(before)
    assert not net.get_objects("ingresses", "-n", NAMESPACE)["items"]
