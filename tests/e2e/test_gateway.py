"""Requests through a Gateway of the stack and through one of another team, with certificates of an own authority.

The tests share a stack and run in the order of the file. Each leaves the stack healthy.
"""

import datetime
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dev import prober, project
from dev.cluster import node

pytestmark = [pytest.mark.cluster, pytest.mark.optional]

STACK, SHARED, HOST = "gateway", "gateway-infra", "gate.example.test"
NAMESPACE = f"gate-{STACK}"
SMALL = {"resources": {"cpu": "10m"}}
APP = {
    "name": "gate",
    "services": {
        name: {"build": "./web", "port": 8000, "publish": True, "scale": 1, "env": {"NAME": name}, **SMALL}
        for name in ("web", "api")
    },
}
SERVER = """\
import http.server, os, signal, sys

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["NAME"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""
PUBLIC = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: public, namespace: {namespace}}}
spec:
  gatewayClassName: seaway
  listeners:
    - {{name: http, port: 80, protocol: HTTP, allowedRoutes: {{namespaces: {{from: All}}}}}}
    - name: https
      port: 443
      protocol: HTTPS
      hostname: {host}
      tls: {{certificateRefs: [{{name: shop}}]}}
      allowedRoutes: {{namespaces: {{from: All}}}}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of an authority, beside a certificate of the host that it has signed."""
    folder = tmp_path_factory.mktemp("tls")
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in ("Test authority", HOST)]
    now = datetime.datetime.now(datetime.UTC)
    extensions = (x509.BasicConstraints(ca=True, path_length=0), x509.SubjectAlternativeName([x509.DNSName(HOST)]))
    for file, key, name, extension in zip(("ca.crt", "tls.crt"), keys, names, extensions, strict=True):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=True)
        builder = builder.not_valid_before(now - datetime.timedelta(minutes=5))
        signed = builder.not_valid_after(now + datetime.timedelta(days=1)).sign(keys[0], hashes.SHA256())
        (folder / file).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    text = keys[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "tls.key").write_bytes(text)
    return folder / "ca.crt"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, authority: Path) -> Iterator[project.Project]:
    """The stack, whose certificate is in another namespace. It is not deployed yet."""
    source = tmp_path_factory.mktemp("source")
    (source / "web").mkdir()
    dockerfile = (project.ROOT / "examples" / "smallest" / "web" / "Dockerfile").read_text()
    (source / "web" / "Dockerfile").write_text(dockerfile)
    (source / "web" / "server.py").write_text(SERVER)
    (source / "app.yaml").write_text(yaml.safe_dump(APP))
    checkout = project.Project.create(
        tmp_path_factory.mktemp("gate"),
        application=source,
        stack=STACK,
        publish="gateway",
        gateway={"className": "seaway", "headers": {"api": {"X-Version": "2"}}},
        ingress={
            "hosts": {"web": [HOST], "api": [HOST, f"{HOST}/api"]},
            "tlsSecret": f"{SHARED}/shop",
            "namespace": "kube-system",
        },
        rolloutTimeout=60,
    )
    files = [f"--{kind}={authority.with_name(f'tls.{suffix}')}" for kind, suffix in (("cert", "crt"), ("key", "key"))]
    checkout.kubectl("create", "namespace", SHARED)
    checkout.kubectl("create", "secret", "tls", "shop", "-n", SHARED, *files)
    yield checkout
    checkout.pulumi("cancel", "--yes", STACK)
    checkout.destroy()
    checkout.kubectl("delete", "namespace", SHARED, "--wait=false")


def apply(checkout: project.Project, text: str) -> None:
    file = checkout.folder / "manifest.yaml"
    file.write_text(text)
    checkout.kubectl("apply", "-f", str(file))


def configure(checkout: project.Project, **settings: Any) -> None:
    document = yaml.safe_load(checkout.stack_file.read_text())
    document["config"] |= {f"seaway:{name}": setting for name, setting in settings.items()}
    checkout.stack_file.write_text(yaml.safe_dump(document))


def check_cluster(checkout: project.Project) -> str:
    """What `seaway check --cluster` says is missing."""
    result = checkout.seaway("check", "--cluster", "--stack", STACK, "--json")
    rows = json.loads(result.stdout)["requirements"]
    return " ".join(row["message"] for row in rows if row["state"] == "missing")


def ask(authority: Path, path: str = "/", *, scheme: str = "https", **headers: str) -> httpx.Response:
    """The answer of the host; its certificate is checked."""
    server, trusted = node.find_layout(project.ROOT).address, ssl.create_default_context(cafile=str(authority))
    with httpx.Client(verify=trusted, timeout=5) as client:
        extensions = {"sni_hostname": HOST}
        return client.get(f"{scheme}://{server}{path}", headers={"Host": HOST, **headers}, extensions=extensions)


def check_answers(authority: Path) -> None:
    """The page, the service behind a header, and the redirect."""

    def read_page() -> str | None:
        try:
            return ask(authority).text
        except httpx.TransportError:
            return None

    prober.wait_until(lambda: read_page() == "web", seconds=30)
    version = {"X-Version": "2"}
    answers = [ask(authority, "/api"), ask(authority, **version), ask(authority, "/api/x", **version)]
    assert [answer.text for answer in answers] == ["web", "api", "api"]
    redirect = ask(authority, "/x?y=1", scheme="http")
    assert (redirect.status_code, redirect.headers["location"]) == (301, f"https://{HOST}/x?y=1")


def test_a_certificate_of_another_namespace_needs_a_grant(gate: project.Project) -> None:
    """The hint of the cause has one, and the next run succeeds."""
    assert "no ReferenceGrant" in check_cluster(gate)
    failed = gate.up(check=False)
    assert failed.exit_code != 0
    assert "seaway help gateway-reference" in failed.output, failed.output
    section = gate.seaway("help", "gateway-reference").stdout
    grant = section.partition("```yaml\n")[2].partition("```")[0]
    apply(gate, grant.replace("CERTIFICATES", SHARED).replace("NAMESPACE", NAMESPACE))
    gate.up()


def test_own_gateway_routes_by_host_path_and_header(gate: project.Project, authority: Path) -> None:
    check_answers(authority)
    assert gate.read_outputs()["services"]["web"]["address"] == f"https://{HOST}/"
    status = gate.seaway("status", "--stack", STACK)
    assert f"https://{HOST}/api" in status.stdout.split(), status.output
    drift = gate.seaway("status", "--stack", STACK, "--drift")
    assert drift.exit_code == 0, drift.output
    gate.preview("--expect-no-changes")


def test_wrong_listener_of_another_gateway_has_its_cause(gate: project.Project, authority: Path) -> None:
    """Then the routes attach to the right one, and the stack's own Gateway is gone."""
    apply(gate, PUBLIC.format(namespace=SHARED, host=HOST))
    gateway = {"name": "public", "namespace": SHARED, "headers": {"api": {"X-Version": "2"}}, "httpListener": "http"}
    ingress = {"hosts": {"web": [HOST], "api": [HOST, f"{HOST}/api"]}, "namespace": "kube-system"}
    configure(gate, gateway=gateway | {"listener": "secure"}, ingress=ingress)
    assert "has no listener secure" in check_cluster(gate)
    failed = gate.up(check=False)
    assert failed.exit_code != 0
    assert "seaway help route-no-listener" in failed.output, failed.output
    configure(gate, gateway=gateway | {"listener": "https"})
    gate.up()
    assert not gate.get_objects("gateways", "-n", NAMESPACE)["items"]
    check_answers(authority)
    assert gate.read_outputs()["services"]["web"]["address"] == f"https://{HOST}/"
