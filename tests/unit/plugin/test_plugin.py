"""The provider plugin as a process with a port and gRPC."""

import base64
import signal
import socket
import string
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

import seaway
from plugin import values
from tests.support import apiserver
from tests.unit.plugin import engine

SECRET = "urn:pulumi:dev::seaway::seaway:index:Application$seaway:index:GeneratedSecret::guestbook/TOKEN"
CLUSTER = "urn:pulumi:dev::seaway::seaway:index:Cluster::cluster"


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_its_features_and_version(plugin: engine.Plugin) -> None:
    answer = plugin.stub.Configure(provider_pb2.ConfigureRequest(args=values.encode({"context": "work"})))
    assert answer.acceptSecrets
    assert answer.supportsPreview
    assert plugin.stub.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="x")).accept_secrets
    assert plugin.stub.GetPluginInfo(empty_pb2.Empty()).version == seaway.__version__


def test_the_sdk_is_not_imported() -> None:
    code = "from plugin import stub_sdk; stub_sdk.install_stubs(); import plugin.server, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=engine.ROOT, capture_output=True, text=True, check=True)
    assert "pulumi.runtime.proto" in run.stdout.split()
    assert "pulumi.output" not in run.stdout.split()


def test_inputs_are_checked(plugin: engine.Plugin) -> None:
    assert engine.check(plugin, SECRET, name="TOKEN", length=24) == []
    assert engine.check(plugin, SECRET, name="TOKEN", length="24", size=3) == [
        "unknown input size",
        "length must be int, got str",
    ]
    assert engine.check(plugin, SECRET, name="TOKEN") == ["length must be int, got nothing"]
    assert engine.check(plugin, CLUSTER, context=values.UNKNOWN) == []


def test_the_addresses_of_published_workloads(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    labels = {"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop", "seaway/stack": "dev"}
    spec = {"type": "NodePort", "ports": [{"name": "main", "port": 8000, "nodePort": 30080}]}
    api.put("v1", "Service", "shop-dev", "web", labels=labels, spec=spec)
    api.put("v1", "Node", "", "one", status={"addresses": [{"type": "InternalIP", "address": "10.0.0.7"}]})
    rules = [{"host": "shop.example.com", "http": {"paths": [{"path": "/"}]}}]
    api.put("networking.k8s.io/v1", "Ingress", "shop-dev", "web", labels=labels, spec={"rules": rules})
    for publish, expected in (("nodePort", ""), ("ingress", " http://shop.example.com/")):
        args = values.encode({"namespace": "shop-dev", "application": "shop", "stack": "dev", "publish": publish})
        answer = plugin.stub.Invoke(provider_pb2.InvokeRequest(tok="seaway:index:getAddresses", args=args))
        assert values.decode(getattr(answer, "return")) == {"web": f"10.0.0.7:30080{expected}"}
    with pytest.raises(grpc.RpcError, match="the plugin seaway has no function seaway:index:other"):
        plugin.stub.Invoke(provider_pb2.InvokeRequest(tok="seaway:index:other", args=args))


def test_the_provider_needs_a_context(plugin: engine.Plugin) -> None:
    answer = plugin.stub.CheckConfig(provider_pb2.CheckRequest(news=values.encode({"cluster": "x"})))
    assert [failure.reason for failure in answer.failures] == [
        "cluster is not an input of the provider seaway",
        "no cluster is configured: pulumi config set seaway:context NAME",
    ]


def test_a_secret_is_unknown_in_a_preview_and_generated_once(plugin: engine.Plugin) -> None:
    previewed = engine.create(plugin, SECRET, preview=True, name="TOKEN", length=24)["value"]
    assert isinstance(previewed, values.Secret)
    assert previewed.value is values.UNKNOWN
    first, second = (engine.create(plugin, SECRET, name="TOKEN", length=24)["value"] for _ in range(2))
    assert isinstance(first, values.Secret)
    assert isinstance(first.value, str)
    assert len(first.value) == 24
    assert set(first.value) <= set(string.ascii_letters + string.digits)
    assert first != second


def test_a_lost_state_keeps_generated_values(own_plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """A new value could not be written, and no database knows it. A rotation in an existing state is not undone."""
    inputs = {"context": "seaway-dev", "namespaces": "shop-dev"}
    own_plugin.stub.CheckConfig(provider_pb2.CheckRequest(news=values.encode(inputs)))
    labels = {"app.kubernetes.io/managed-by": "seaway", "seaway/stack": "dev"}
    for name, number, text, own in (
        ("older", 1, "OLDER567", labels),
        ("newer", 2, "NEWER567", labels),
        ("foreign", 3, "FOREIGN8", {}),
        ("invalid", 4, "$$$$$$$$", labels),
    ):
        key = "BAD" if name == "invalid" else "TOKEN"
        data = {key: base64.b64encode(text.encode()).decode()}
        created = {"creationTimestamp": f"2026-01-0{number}T00:00:00Z"}
        api.put("v1", "Secret", "shop-dev", name, metadata=created, labels=own, data=data)

    def generate(name: str = "TOKEN", length: int = 8) -> object:
        secret = engine.create(own_plugin, SECRET, name=name, length=length)["value"]
        return secret.value if isinstance(secret, values.Secret) else None

    assert generate() != "NEWER567"
    engine.create(own_plugin, CLUSTER, context="seaway-dev")
    assert generate() == "NEWER567"
    assert generate(length=9) != "NEWER567"
    assert generate("BAD") != "$$$$$$$$"
    assert generate("OTHER") is not None


def test_a_short_secret_is_refused(plugin: engine.Plugin) -> None:
    text = plugin.get_refusal(lambda: engine.create(plugin, SECRET, preview=True, name="TOKEN", length=7))
    assert text == "length must be at least 8 characters, got 7 [invalid-length]"


def test_another_length_makes_another_secret(plugin: engine.Plugin) -> None:
    recorded = engine.create(plugin, SECRET, name="TOKEN", length=24)
    assert engine.diff(plugin, SECRET, recorded, name="TOKEN", length=24) is None
    olds, news = values.encode(recorded), values.encode({"name": "TOKEN", "length": 32})
    changed = plugin.stub.Diff(provider_pb2.DiffRequest(id="TOKEN", urn=SECRET, olds=olds, news=news))
    assert list(changed.replaces) == ["length"]


def test_a_refresh_keeps_the_secret(plugin: engine.Plugin) -> None:
    recorded = engine.create(plugin, SECRET, name="TOKEN", length=24)
    request = provider_pb2.ReadRequest(id="TOKEN", urn=SECRET, properties=values.encode(recorded))
    answer = plugin.stub.Read(request)
    assert (answer.id, values.decode(answer.properties)) == ("TOKEN", recorded)
    deleted = provider_pb2.DeleteRequest(id="TOKEN", urn=SECRET, properties=values.encode(recorded))
    assert plugin.stub.Delete(deleted) == empty_pb2.Empty()


def test_the_guard_records_the_cluster(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    recorded = engine.create(plugin, CLUSTER, context="seaway-dev")
    assert recorded == {"context": "seaway-dev", "uid": "uid-1"}
    assert set(api.requests) == {("/api/v1/namespaces/kube-system", None)}, "like kubectl: no token without TLS"
    assert engine.diff(plugin, CLUSTER, recorded, context="seaway-dev") is None
    assert engine.diff(plugin, CLUSTER, recorded, context="work") == ["context"]


def test_another_cluster_under_the_same_context_is_refused(
    plugin: engine.Plugin, api: apiserver.ApiServer, wording: object
) -> None:
    recorded = engine.create(plugin, CLUSTER, context="seaway-dev")
    api.uid = "uid-2"
    text = plugin.get_refusal(lambda: engine.diff(plugin, CLUSTER, recorded, context="seaway-dev"))
    assert text.endswith("[other-cluster]")
    assert [text.replace(api.url, "http://cluster")] == wording
    request = provider_pb2.ReadRequest(id="uid-1", urn=CLUSTER, properties=values.encode(recorded))
    assert plugin.stub.Read(request).id == "", "a refresh must remove the old cluster"


def test_a_closed_port_is_one_line(start: engine.Start, kubeconfig: engine.Kubeconfig) -> None:
    server = f"https://127.0.0.1:{closed_port()}"
    running = start(kubeconfig(server))
    assert running.get_refusal(lambda: engine.configure(running, context="seaway-dev")) == (
        f'cannot reach the cluster of context "seaway-dev" ({server}: connection refused);'
        " start it with make cluster-up, or choose another: pulumi config set seaway:context NAME"
    )
    assert "is it running? Or choose another" in running.get_refusal(lambda: engine.configure(running, context="work"))


def test_a_cluster_that_does_not_answer_times_out(
    reads: engine.Start, api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig
) -> None:
    api.blocked_until = threading.Event()
    running = reads(kubeconfig(api.url))
    text = running.get_refusal(lambda: engine.configure(running, context="work", timeout=0.5))
    assert f"({api.url}: no answer within 0.5 s)" in text


REFUSED = 'the cluster of context "work" ({url}) refused the credentials of the kubeconfig: '


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, f"{REFUSED}401 Unauthorized"),
        (403, f"{REFUSED}403 Forbidden"),
        (503, "it answered 503 Service Unavailable"),
    ],
)
def test_an_answer_that_is_an_error(
    reads: engine.Start, api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig, status: int, text: str
) -> None:
    api.status = status
    running = reads(kubeconfig(api.url))
    refusal = running.get_refusal(lambda: engine.configure(running, context="work"))
    assert text.format(url=api.url) in refusal
    assert "\n" not in refusal


def test_an_unknown_context_lists_the_contexts(
    reads: engine.Start, kubeconfig: engine.Kubeconfig, shared: engine.Shared
) -> None:
    running = reads(kubeconfig("http://127.0.0.1:1"))
    assert running.get_refusal(lambda: engine.configure(running, context="prod")) == (
        f'{shared.kubeconfig} has no context "prod" (contexts: seaway-dev, work);'
        " choose another: pulumi config set seaway:context NAME"
    )


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("false", 'the credential program false of context "work" failed with exit code 1'),
        ("no-such-login", 'the credential program no-such-login of context "work" cannot be run'),
    ],
)
def test_a_credential_program_that_fails(
    reads: engine.Start, kubeconfig: engine.Kubeconfig, program: str, text: str
) -> None:
    login = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": program}
    running = reads(kubeconfig("https://127.0.0.1:1", {"exec": login}))
    refusal = running.get_refusal(lambda: engine.configure(running, context="work"))
    assert text in refusal
    assert "\n" not in refusal


def test_resources_need_a_configured_cluster(start: engine.Start, kubeconfig: engine.Kubeconfig) -> None:
    running = start(kubeconfig("http://127.0.0.1:1"))
    assert "is not configured yet" in running.get_refusal(lambda: engine.create(running, CLUSTER, context="work"))


def test_an_unknown_resource_is_named(plugin: engine.Plugin) -> None:
    urn = CLUSTER.replace("Cluster", "Rocket")
    assert (
        plugin.get_refusal(lambda: engine.check(plugin, urn)) == "the plugin seaway has no resource seaway:index:Rocket"
    )


def test_cancel_ends_a_wait_at_once(
    start: engine.Start, api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig
) -> None:
    api.blocked_until = threading.Event()
    running = start(kubeconfig(api.url))
    request = provider_pb2.ConfigureRequest(args=values.encode({"context": "work", "timeout": 3600}))
    waiting = running.stub.Configure.future(request)
    while not api.requests:
        time.sleep(0.01)
    running.stub.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.RpcError) as caught:
        waiting.result(timeout=300)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.CANCELLED, "interrupted")  # type: ignore[attr-defined]
    assert running.get_refusal(lambda: engine.configure(running, context="work")) == "interrupted", (
        "no new operation starts"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_after_a_signal(own_plugin: engine.Plugin, number: signal.Signals) -> None:
    own_plugin.process.send_signal(number)
    assert own_plugin.process.wait(timeout=300) == 0


def test_it_ends_when_the_engine_is_killed() -> None:
    start = f"subprocess.Popen(['{engine.EXECUTABLE}', 'x'])"
    code = f"import subprocess, time; print({start}.pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert int(parent.stdout.readline()) > 0, "it serves"
    parent.kill()
    parent.communicate(timeout=300)  # its output ends when the plugin has ended
    # Its pipe closes a moment before the process is gone.
    end = time.monotonic() + 300
    while running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not running(pid)


def running(pid: int) -> bool:
    """Whether a process exists and is not a zombie, which only waits for init to read its exit code."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
