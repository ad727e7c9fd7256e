"""`seaway test` on the real cluster: it passes a good application, and finds planted defects."""

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from dev import kubectl, project
from dev.cluster import images

pytestmark = pytest.mark.cluster

STACK = "e2e"
NAMESPACE = f"tried-{STACK}"
BARE = images.list_images()["coredns"].reference
"""An image without a shell."""

SERVER = """\
import http.server, os, signal, sys, threading, time

class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(float(os.environ["DELAY"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("", 8000), Page)
if os.environ["DROPS"] == "yes":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
else:
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
"""
SERVICE = """image: python:3.12-slim
    command: [python3, /srv/server.py]
    files: {/srv/server.py: server.py}
    port: 8000
    resources: {cpu: 10m}"""
APP = f"""\
name: tried
services:
  web:
    {SERVICE}
    publish: true
    calls: [api]
    env: {{DELAY: "0", DROPS: "no"}}
  api:
    {SERVICE}
    calls: [db]
    env: {{DELAY: "0.2", DROPS: "yes"}}
    preStopDelay: 0
    security: baseline
    slo: {{p99: 50ms}}
  bare:
    image: "{BARE}"
    args: [-dns.port, "1053"]
    user: 65532
    scale: 1
    resources: {{cpu: 10m}}
stores:
  db:
    {SERVICE}
    volume: {{path: /data, size: 16Mi}}
    env: {{DELAY: "0", DROPS: "no"}}
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("tried")
    checkout = project.Project.create(
        folder, application=project.ROOT / "examples" / "smallest", stack=STACK, publish="nodePort", quota=True
    )
    (folder / "app" / "app.yaml").write_text(APP)
    (folder / "app" / "server.py").write_text(SERVER)
    kubectl.run("delete", "namespace", NAMESPACE, "--ignore-not-found")
    try:
        checkout.up()
        yield checkout
    finally:
        kubectl.delete_namespaces(NAMESPACE)


def run_test(tried: project.Project, *words: str) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """The report, and the outcomes by workload and code; the worst of several."""
    result = tried.seaway("test", "--stack", STACK, "--json", *words)
    report = json.loads(result.stdout)
    assert result.exit_code == (0 if report["passed"] else 1)
    outcomes: dict[tuple[str, str], str] = {}
    for known in report["results"]:
        key = known["workload"], known["code"]
        outcomes[key] = known["outcome"] if outcomes.get(key) != "failed" else "failed"
    return report, outcomes


def test_rows_without_disturbance(tried: project.Project) -> None:
    """This cluster enforces no network policies: that is a failed row."""
    report, outcomes = run_test(tried, "--junit", str(tried.folder / "results.xml"))
    print(json.dumps(report, indent=1))
    assert {row["row"]: row["passed"] for row in report["rows"]} == {"communication": False, "security": True}
    assert outcomes["web", "open-link"] == outcomes["db", "dns"] == "passed"
    assert outcomes["db", "closed-link"] == "failed"
    assert outcomes["api", "capabilities"] == "declared"
    assert not [key for key, outcome in outcomes.items() if outcome == "skipped"]
    assert "bare:1053 (not declared)" in {known["subject"] for known in report["results"]}
    suites = ElementTree.parse(tried.folder / "results.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["communication", "security"]
    assert len(suites.findall(".//failure")) == sum(known["outcome"] == "failed" for known in report["results"])


def test_root_container_is_found(tried: project.Project) -> None:
    container = {"name": "api", "securityContext": {"runAsUser": 0, "readOnlyRootFilesystem": False}}
    patch = json.dumps({"spec": {"template": {"spec": {"containers": [container]}}}})
    tried.kubectl("patch", "deployment", "api", "-n", NAMESPACE, "--type=strategic", "-p", patch)
    tried.kubectl("rollout", "status", "deployment/api", "-n", NAMESPACE, "--timeout=120s")
    printed = tried.seaway("test", "--stack", STACK, "--only", "security")
    assert printed.exit_code == 1
    failed = [line.split(";")[0] for line in printed.stdout.splitlines() if line.startswith("failed ")]
    assert failed == [
        "failed root-user: api: it runs as root",
        "failed root-file-system: api: its root file system is writable",
    ]


def test_disturbance_finds_dropped_requests(tried: project.Project) -> None:
    """web answers while it is replaced. api ends at SIGTERM with requests in flight; it is measured from its caller."""
    words = ("--disturb", "--only", "availability,performance", "--seconds", "3", "--connections", "8")
    report, outcomes = run_test(tried, *words)
    print(json.dumps(report, indent=1))
    assert outcomes == {
        ("web", "load"): "passed",
        ("web", "pod-deleted"): "passed",
        ("web", "restarted"): "passed",
        ("api", "load"): "failed",
        ("api", "pod-deleted"): "failed",
        ("api", "restarted"): "failed",
    }, report
    hints = {(known["workload"], known["code"]): known["hint"] for known in report["results"]}
    assert "SIGTERM" in hints["api", "restarted"]
    messages = {(known["workload"], known["code"]): known["message"] for known in report["results"]}
    assert "from this machine, at http://" in messages["web", "load"]
    assert "slo.p99" in messages["api", "load"]
    assert "from a pod of web" in messages["api", "load"]


def test_a_stack_that_refuses_disturbance(tried: project.Project) -> None:
    tried.kubectl("annotate", "namespace", NAMESPACE, "seaway/test-disturb=false")
    try:
        result = tried.seaway("test", "--stack", STACK, "--disturb")
    finally:
        tried.kubectl("annotate", "namespace", NAMESPACE, "seaway/test-disturb-")
    assert result.exit_code == 2
    assert "seaway/test-disturb: false" in " ".join(result.stderr.split())
