"""`seaway exec`, `run` and `port-forward` on the real cluster, in an application with a database.

The tests share a stack. Each leaves it healthy, and no pod behind.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev import kubectl, prober, project
from dev.cluster import images
from seaway.manifests import names
from tests.support import pty_process, running

pytestmark = pytest.mark.cluster

STACK = "e2e"
NAMESPACE = f"verbs-{STACK}"
BARE = images.list_images()["coredns"].reference
"""An image without a shell: one program, that serves, or prints its version and ends."""

DUMP_BYTES = 50 * 2**20
LONG_RUN = ("run", "web", "--", "sh", "-c", "echo ready; sleep 600")

APP = f"""\
name: verbs
services:
  web:
    image: python:3.12-slim
    command: [python3, -m, http.server, "8000", --directory, /usr/share]
    port: 8000
    resources: {{cpu: 10m}}
    calls: [db]
    env: {{GREETING: hello}}
    secrets: [POSTGRES_PASSWORD]
  bare:
    image: "{BARE}"
    args: [-dns.port, "1053"]
    user: 65532
    scale: 1
    resources: {{cpu: 10m}}
    env: {{GREETING: hello}}
    secrets: [POSTGRES_PASSWORD]
stores:
  db:
    image: postgres:17
    port: 5432
    resources: {{cpu: 10m}}
    volume: {{path: /var/lib/postgresql/data, size: 1Gi}}
    secrets: {{POSTGRES_PASSWORD: {{generate: 32}}}}
jobs:
  report: {{uses: web, command: [python3, -c, "print(input()); raise SystemExit(3)"], run: on-demand}}
  version: {{image: "{BARE}", args: [-version], user: 65532, run: on-demand}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("verbs")
    checkout = project.Project.create(
        folder, application=project.ROOT / "examples" / "smallest", stack=STACK, publish="none", quota=True
    )
    (folder / "app" / "app.yaml").write_text(APP)
    # A namespace of an earlier run that is still terminating accepts no objects.
    kubectl.run("delete", "namespace", NAMESPACE, "--ignore-not-found")
    try:
        checkout.up()
        yield checkout
    finally:
        kubectl.delete_namespaces(NAMESPACE)


@pytest.fixture(autouse=True)
def no_pod_is_left(shop: project.Project) -> Iterator[None]:
    yield
    assert list_one_off_pods(shop) == []


def seaway(
    checkout: project.Project, *words: str, stdin: bytes = b"", seconds: float = 120
) -> subprocess.CompletedProcess[bytes]:
    line = [sys.executable, "-m", "seaway.cli", *words]
    return subprocess.run(
        line, cwd=checkout.folder, env=checkout.env, input=stdin, capture_output=True, check=False, timeout=seconds
    )


def run_sql(checkout: project.Project, text: str) -> str:
    result = seaway(checkout, "exec", "db", "--", "psql", "-qAt", "-U", "postgres", "-c", text)
    assert result.returncode == 0, result.stderr
    return result.stdout.decode().strip()


def list_one_off_pods(checkout: project.Project) -> list[dict[str, Any]]:
    return checkout.get_objects("pods", "-n", NAMESPACE, "-l", names.ONE_OFF_LABEL)["items"]


def count_processes(checkout: project.Project, marker: str) -> int:
    """Return how many processes in the containers of web have a word in their command line, apart from this search."""
    script = (
        "import glob\n"
        f"marker = {marker!r}.encode()[::-1]\n"
        "print(sum(marker[::-1] in open(f, 'rb').read() for f in glob.glob('/proc/[0-9]*/cmdline')) - 1)"
    )
    pods = checkout.get_objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=web")["items"]
    words = [("exec", "-n", NAMESPACE, pod["metadata"]["name"], "--", "python3", "-c", script) for pod in pods]
    return sum(int(checkout.kubectl(*line).stdout) for line in words)


def test_output_input_and_exit_code_of_a_command(shop: project.Project) -> None:
    script = 'cat; echo "$GREETING"; echo oh >&2; exit 3'
    result = seaway(shop, "exec", "web", "--", "sh", "-c", script, stdin=b"\0\xff\n")
    assert (result.returncode, result.stdout, result.stderr) == (3, b"\0\xff\nhello\n", b"oh\n")


def test_dump_is_restored_byte_for_byte(shop: project.Project, tmp_path: Path) -> None:
    dump = ("exec", "db", "--", "pg_dump", "-U", "postgres", "--restrict-key=test", "-t", "big", "postgres")
    row = "repeat(md5(number::text), 32)"
    run_sql(shop, f"create table big as select {row} from generate_series(1, {DUMP_BYTES // 1024}) number")
    first = seaway(shop, *dump).stdout
    assert len(first) > DUMP_BYTES
    run_sql(shop, "drop table big")
    restore = ("exec", "db", "--", "psql", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "postgres")
    assert seaway(shop, *restore, stdin=first).returncode == 0
    assert seaway(shop, *dump).stdout == first
    run_sql(shop, "drop table big")


def test_shell_at_a_terminal(shop: project.Project) -> None:
    """It has the size of the terminal, follows its changes, and gets Ctrl-C; then the terminal is as before."""
    with pty_process.start("exec", "web", cwd=shop.folder, env=shop.env, columns=91, lines=33) as shell:
        shell.write("stty size\n")
        shell.wait_for("33 91")
        assert shell.is_raw()
        shell.resize(101, 44)
        prober.wait_until(lambda: has_size(shell, "44 101"), seconds=20)
        shell.write("sleep 1234; echo interrupted\n")
        shell.wait_for("interrupted")
        # The shell may not have started the program yet, and ignores the first Ctrl-C then.
        prober.wait_until(lambda: ends_with_ctrl_c(shell), seconds=30)
        shell.write("exit 5\n")
        assert shell.process.wait(timeout=60) == 5
        assert not shell.is_raw()


def ends_with_ctrl_c(shell: pty_process.PtyProcess) -> bool:
    shell.write("\x03")
    shell.write("echo $((40 + 2))\n")
    with contextlib.suppress(AssertionError):
        shell.wait_for("42", seconds=2)
        return True
    return False


def has_size(shell: pty_process.PtyProcess, size: str) -> bool:
    shell.write("stty size\n")
    with contextlib.suppress(AssertionError):
        shell.wait_for(size, seconds=1)
        return True
    return False


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "INT"), (signal.SIGTERM, "TERM"), (signal.SIGHUP, "HUP")])
def test_signal_is_passed_on(shop: project.Project, number: signal.Signals, name: str) -> None:
    script = f'trap "echo caught {name}; exit 7" {name}; echo ready; while :; do sleep 0.1; done'
    with running.run_seaway("exec", "web", "--", "sh", "-c", script, cwd=shop.folder, env=shop.env) as process:
        process.stdout.wait_for_text("ready", seconds=60)
        process.process.send_signal(number)
        process.stdout.wait_for_text(f"caught {name}", seconds=60)
        assert process.process.wait(timeout=60) == 7


def test_command_ends_when_seaway_is_killed(shop: project.Project) -> None:
    marker = "marker_of_this_command"
    script = f"import time; print('ready', flush=True); {marker} = time.sleep(600)"
    with running.run_seaway("exec", "web", "--", "python3", "-c", script, cwd=shop.folder, env=shop.env) as process:
        process.stdout.wait_for_text("ready", seconds=60)
        assert count_processes(shop, marker) == 1
        process.process.kill()
    prober.wait_until(lambda: count_processes(shop, marker) == 0, seconds=60)


def test_image_without_a_shell(shop: project.Project) -> None:
    """Its own programs run; a shell runs in an ephemeral container, under the namespace's rules; it is no drift."""
    assert seaway(shop, "exec", "bare", "--", "/coredns", "-version").stdout.startswith(b"CoreDNS")
    missing = seaway(shop, "exec", "bare", "--", "ls")
    assert (missing.returncode, missing.stdout) == (127, b"")
    script = 'echo "$GREETING"; cat "$POSTGRES_PASSWORD_FILE"; echo; ls /proc/1/root/coredns; exit 4\n'
    result = seaway(shop, "exec", "bare", stdin=script.encode())
    assert result.returncode == 4, result.stderr
    greeting, password, program = result.stdout.decode().splitlines()
    assert (greeting, len(password), program) == ("hello", 32, "/proc/1/root/coredns")
    [pod] = shop.get_objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=bare")["items"]
    prober.wait_until(lambda: is_debug_container_ended(shop, pod["metadata"]["name"]), seconds=60)
    assert shop.seaway("status").exit_code == 0
    assert shop.seaway("status", "--drift").exit_code == 0


def is_debug_container_ended(checkout: project.Project, pod: str) -> bool:
    [status] = checkout.get_objects("pod", pod, "-n", NAMESPACE)["status"]["ephemeralContainerStatuses"]
    return "terminated" in status["state"]


def test_run_has_the_release_but_not_the_traffic(shop: project.Project) -> None:
    """Environment, secrets and links are those of web. Its Service, budget and status do not see the pod."""
    script = (
        "import os, socket, time\n"
        "socket.create_connection((os.environ['DB_HOST'], int(os.environ['DB_PORT'])), 10).close()\n"
        "print(os.environ['GREETING'], len(open(os.environ['POSTGRES_PASSWORD_FILE']).read()), flush=True)\n"
        "input(); raise SystemExit(6)"
    )
    line = [sys.executable, "-m", "seaway.cli", "run", "web", "--", "python3", "-c", script]
    with subprocess.Popen(
        line, cwd=shop.folder, env=shop.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"hello 32\n"
        [pod] = list_one_off_pods(shop)
        prober.wait_until(lambda: count_ready_endpoints(shop) == 2, seconds=60)
        budget = shop.get_objects("poddisruptionbudget", "web", "-n", NAMESPACE)["status"]
        assert (budget["expectedPods"], budget["currentHealthy"], budget["disruptionsAllowed"]) == (2, 2, 1)
        [web] = [row for row in json.loads(shop.seaway("status", "--json").stdout)["workloads"] if row["name"] == "web"]
        assert (web["state"], web["ready"]) == ("complete", 2)
        assert shop.seaway("status", "--drift").exit_code == 0
        assert pod["metadata"]["name"] not in shop.seaway("logs", "--all", "--tail", "1").stdout
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.wait(timeout=60) == 6
    policies = shop.get_objects("networkpolicies", "-n", NAMESPACE, "-l", names.ONE_OFF_LABEL)["items"]
    prober.wait_until(lambda: not policies or not list_one_off_policies(shop), seconds=60)


def list_one_off_policies(checkout: project.Project) -> list[dict[str, Any]]:
    return checkout.get_objects("networkpolicies", "-n", NAMESPACE, "-l", names.ONE_OFF_LABEL)["items"]


def count_ready_endpoints(checkout: project.Project) -> int:
    selector = "kubernetes.io/service-name=web"
    slices = checkout.get_objects("endpointslices", "-n", NAMESPACE, "-l", selector)["items"]
    return sum(len(endpoint_slice["endpoints"] or ()) for endpoint_slice in slices)


def test_run_of_a_job(shop: project.Project) -> None:
    """With its own command, in an image with and without a shell."""
    result = seaway(shop, "run", "report", stdin=b"figures\n")
    assert (result.returncode, result.stdout) == (3, b"figures\n")
    result = seaway(shop, "run", "version")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(b"CoreDNS")
    missing = seaway(shop, "run", "version", "--", "ls")
    assert missing.returncode == 127, missing.stderr


def test_interrupted_run_leaves_no_pod(shop: project.Project) -> None:
    with running.run_seaway(*LONG_RUN, cwd=shop.folder, env=shop.env) as run:
        run.stdout.wait_for_text("ready", seconds=60)
        assert run.interrupt() == 130
    assert list_one_off_pods(shop) == []


def test_start_that_is_interrupted_twice_leaves_no_pod(shop: project.Project) -> None:
    with running.run_seaway("run", "web", "--", "sleep", "600", cwd=shop.folder, env=shop.env) as run:
        prober.wait_until(lambda: bool(list_one_off_pods(shop)), seconds=60)
        run.process.send_signal(signal.SIGTERM)
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(timeout=60) == 128 + signal.SIGTERM
    assert shop.get_objects("jobs", "-n", NAMESPACE, "-l", names.ONE_OFF_LABEL)["items"] == []
    prober.wait_until(lambda: not list_one_off_pods(shop), seconds=60)


def test_pod_ends_when_seaway_is_killed(shop: project.Project) -> None:
    with running.run_seaway(*LONG_RUN, cwd=shop.folder, env=shop.env) as run:
        run.stdout.wait_for_text("ready", seconds=60)
        run.process.kill()
    prober.wait_until(lambda: list_one_off_pods(shop)[0]["status"]["phase"] != "Running", seconds=60)
    [job] = shop.get_objects("jobs", "-n", NAMESPACE, "-l", names.ONE_OFF_LABEL)["items"]
    assert job["spec"]["ttlSecondsAfterFinished"] == 60, "then Kubernetes deletes it"
    shop.kubectl("delete", "job", job["metadata"]["name"], "-n", NAMESPACE)
    prober.wait_until(lambda: not list_one_off_pods(shop), seconds=60)


def test_quota_refuses_the_pod_at_once(shop: project.Project) -> None:
    quota = shop.get_objects("resourcequota", names.QUOTA_NAME, "-n", NAMESPACE)["spec"]["hard"]
    set_quota(shop, {**quota, "pods": "1"})
    try:
        result = seaway(shop, "run", "web", "--", "true")
    finally:
        set_quota(shop, quota)
    assert result.returncode == 1
    assert b"the quota seaway is full: " in result.stderr


def set_quota(checkout: project.Project, hard: dict[str, str]) -> None:
    patch = json.dumps({"spec": {"hard": hard}})
    checkout.kubectl("patch", "resourcequota", names.QUOTA_NAME, "-n", NAMESPACE, "--type=merge", "-p", patch)


def test_forwarded_port_follows_the_pod(shop: project.Project) -> None:
    """Several clients at once; after the pod is gone, the next client reaches the new one."""
    with running.run_seaway("port-forward", "web", cwd=shop.folder, env=shop.env) as forward:
        address = forward.stdout.wait_until(bool, seconds=60)[0]
        port = int(address.rpartition(":")[2].strip("/"))
        get = lambda _: httpx.get(f"http://127.0.0.1:{port}/", timeout=60, trust_env=False).status_code  # noqa: E731
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            assert set(clients.map(get, range(16))) == {200}
        shop.kubectl("delete", "pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=web", "--grace-period=1")
        assert get(0) == 200
        forward.stderr.wait_for_text("connecting to pod web-", seconds=60)
        assert forward.interrupt() == 130
    prober.wait_until(lambda: shop.seaway("status").exit_code == 0, seconds=120)


def test_forwarded_port_of_a_store(shop: project.Project) -> None:
    with running.run_seaway("port-forward", "db", "0:5432", cwd=shop.folder, env=shop.env) as refused:
        assert refused.process.wait(timeout=60) == 2
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        free = reserved.getsockname()[1]
    with running.run_seaway("port-forward", "db", f"{free}:main", cwd=shop.folder, env=shop.env) as forward:
        line, secret = forward.stdout.wait_until(lambda lines: len(lines) == 2, seconds=60)
        assert line == f"psql -h 127.0.0.1 -p {free} -U postgres"
        [name] = [name for name in secret.split() if name.startswith("db-secrets-")]
        assert shop.get_objects("secret", name, "-n", NAMESPACE)["data"]["POSTGRES_PASSWORD"]
        with socket.create_connection(("127.0.0.1", free), timeout=60) as server:
            server.sendall((8).to_bytes(4, "big") + (80877103).to_bytes(4, "big"))
            assert server.recv(1) in {b"N", b"S"}, "PostgreSQL's answer to a request for TLS"
        assert forward.interrupt() == 130


def test_missing_permission_is_named(shop: project.Project, tmp_path: Path) -> None:
    in_namespace = ("-n", NAMESPACE)
    shop.kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods", *in_namespace)
    shop.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={NAMESPACE}:default", *in_namespace
    )
    token = shop.kubectl("create", "token", "default", *in_namespace).stdout.strip()
    config = json.loads(shop.kubectl("config", "view", "--raw", "--flatten", "-o", "json").stdout)
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    reader = dataclasses.replace(shop, env={**shop.env, "KUBECONFIG": str(tmp_path / "kubeconfig")})
    for words, missing in (
        (("exec", "web", "--", "true"), b"the verb get on pods/exec is missing"),
        (("run", "web", "--", "true"), b"the verb list on "),
    ):
        result = seaway(reader, *words)
        assert result.returncode == 1
        assert missing in result.stderr
    shop.kubectl("delete", "rolebinding/reader", "role/reader", *in_namespace)


def test_pod_that_does_not_run_is_explained(shop: project.Project) -> None:
    shop.kubectl("scale", "deployment/bare", "-n", NAMESPACE, "--replicas=0")
    prober.wait_until(
        lambda: not shop.get_objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=bare")["items"], seconds=60
    )
    try:
        result = seaway(shop, "exec", "bare", "--", "/coredns", "-version")
        assert result.returncode == 2
        assert f"seaway status --stack {STACK}".encode() in result.stderr
    finally:
        shop.kubectl("scale", "deployment/bare", "-n", NAMESPACE, "--replicas=1")
