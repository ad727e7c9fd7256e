"""The modules of the one-node cluster, without a cluster."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from dev import project
from dev.cluster import (
    __main__,
    certificates,
    client,
    components,
    forwarder,
    images,
    machine,
    network,
    node,
    processes,
    supervisor,
    toolchain,
)
from dev.cluster import layout as layouts


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> layouts.Layout:
    """A layout with its sockets in a folder that does not need root."""
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setattr(layouts.Layout, "run", property(lambda _: run))
    monkeypatch.setattr(components.shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    monkeypatch.setattr(toolchain, "find_program", lambda name: Path("/cache") / name)
    layout = layouts.Layout(root=tmp_path, number=7)
    layout.logs.mkdir(parents=True)
    return layout


def test_names_are_short_and_of_one_checkout() -> None:
    first, second = (layouts.Layout(root=Path(path)) for path in ("/home/a/shop", "/home/b/shop"))
    assert {first.name, first.interface, str(first.run)}.isdisjoint({second.name, second.interface, str(second.run)})
    deep = layouts.Layout(root=Path("/" + "folder/" * 40))
    assert len(deep.interface) <= 15
    assert len(f"{deep.run}/kubelet/pod-resources/kubelet.sock") <= 107


def test_address_pair_overlaps_no_route(layout: layouts.Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    first = int(layout.digest, 16) % 256
    routes: list[dict[str, str]] = [{"dst": "default"}, {"dst": f"10.200.{first}.2", "dev": "other"}]
    monkeypatch.setattr(network, "_run_ip", lambda *_: routes)
    assert network.choose_number(layout) == (first + 1) % 256
    routes[:] = [{"dst": "10.0.0.0/8", "dev": "vpn"}]
    with pytest.raises(layouts.CannotRunError, match=r"10\.200\.0\.0/16: every address pair is in use.*VPN"):
        network.choose_number(layout)


def test_only_the_clusters_firewall_rules_are_removed(layout: layouts.Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = f'-A POSTROUTING -s {layout.network} -m comment --comment "{layout.name}" -j MASQUERADE'
    rules = (
        f"-P POSTROUTING ACCEPT\n-A POSTROUTING -s 10.200.8.0/30 -m comment --comment seaway-00000000 -j X\n{rule}\n"
    )
    commands: list[tuple[str, ...]] = []

    def run(*command: str) -> str:
        commands.append(command)
        return rules if "nat" in command and "-S" in command else ""

    monkeypatch.setattr(network, "run", run)
    monkeypatch.setattr(network, "FORWARDING_WAS_OFF_FILE", layout.run / "none")
    network.disconnect(layout)
    deletions = [command for command in commands if "-D" in command]
    assert len(deletions) == 1
    assert deletions[0][4:] == ("-D", *rule.replace('"', "").split()[1:])


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("iptables"), reason="requires root and iptables")
def test_nothing_but_responses_is_forwarded_to_a_cluster(layout: layouts.Layout, tmp_path: Path) -> None:
    """Also where the policy is ACCEPT, and from another checkout's cluster. The rules disappear again."""
    script = """
import dataclasses, pathlib, sys
from dev.cluster import layout as layouts, network
network.FORWARDING_WAS_OFF_FILE = pathlib.Path(sys.argv[1], "none")
first, second = (layouts.Layout(root=pathlib.Path(sys.argv[1], name), number=n) for n, name in enumerate("ab", 1))
for layout in (first, second):
    network.run("unshare", "--net", "sh", "-c", f"sleep 60 >&- 2>&- & echo $! >{sys.argv[1]}/pid")
    network.connect(layout, int(pathlib.Path(sys.argv[1], "pid").read_text()))
for rule in network.run("iptables", "-S", "FORWARD").splitlines():
    print(rule.replace(first.interface, "FIRST").replace(second.interface, "SECOND"))
for layout in (first, second):
    network.disconnect(layout)
    assert layout.name not in network.run("iptables-save")
"""
    command = [
        "unshare",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        sys.executable,
        "-c",
        script,
        str(tmp_path),
    ]
    env = os.environ | {"PYTHONPATH": str(project.ROOT)}
    printed = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    rules = [re.sub(r" -m comment --comment \S+| -m conntrack", "", rule) for rule in printed.splitlines()]
    assert rules == [
        "-P FORWARD ACCEPT",
        *(
            rule
            for cluster in ("SECOND", "FIRST")
            for rule in (
                f"-A FORWARD -o {cluster} --ctstate RELATED,ESTABLISHED -j ACCEPT",
                f"-A FORWARD -i {cluster} ! -o sw+ -j ACCEPT",
                f"-A FORWARD -o {cluster} -j DROP",
            )
        ),
    ]


def test_process_with_a_reused_id_is_never_killed() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        process = processes.find_process(other.pid)
        assert process
        processes.kill(processes.Process(pid=process.pid, started=process.started - 1))
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.2)
        processes.kill(process)
        assert other.wait(5) == -9
    assert not process.is_alive


def test_recorded_processes_are_read_back(layout: layouts.Layout) -> None:
    assert processes.load(layout) == {}
    processes.save(layout, init=processes.Process(pid=1, started=2))
    assert processes.load(layout) == {"init": processes.Process(pid=1, started=2)}


def load_certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_certificates(layout: layouts.Layout) -> None:
    certificates.write(layout)
    certificate = load_certificate(layout.pki / "kubelet.crt")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert layout.address in map(str, names.get_values_for_type(x509.IPAddress))
    assert certificate.subject.rfc4514_string() == "CN=system:node:seaway,O=system:nodes"
    certificate.verify_directly_issued_by(load_certificate(layout.pki / "ca.crt"))
    with pytest.raises(ValueError, match="Issuer"):
        certificate.verify_directly_issued_by(load_certificate(layout.pki / "etcd-ca.crt"))
    keys = [path for path in layout.pki.iterdir() if path.suffix == ".key"]
    assert len({path.read_bytes() for path in keys}) == len(keys) == len(certificates.IDENTITIES) + 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)


def test_authorities_survive_a_restart_and_certificates_are_renewed(layout: layouts.Layout) -> None:
    certificates.write(layout)
    authority, certificate = ((layout.pki / name).read_bytes() for name in ("ca.crt", "etcd.crt"))
    certificates.write(layout)
    assert (layout.pki / "ca.crt").read_bytes() == authority
    assert (layout.pki / "etcd.crt").read_bytes() != certificate


def test_kubeconfig_has_the_constant_context_and_port(layout: layouts.Layout) -> None:
    certificates.write(layout)
    kubeconfig = yaml.safe_load(layout.kubeconfig.read_text())
    assert kubeconfig["current-context"] == "seaway-dev"
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://10.200.7.2:6443"


def test_components_depend_only_on_earlier_components(layout: layouts.Layout) -> None:
    table = components.list_components(layout)
    names = [component.name for component in table]
    assert names[0] == "etcd"
    for position, component in enumerate(table):
        assert set(component.depends_on) <= set(names[:position]), component.name
        assert "$" not in " ".join((*component.command, component.ready_check, component.address))
        assert component.ready_check.startswith(("http://", "https://", "unix:"))


def test_missing_program_has_a_hint(layout: layouts.Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components.shutil, "which", lambda name, path=None: None)
    with pytest.raises(layouts.CannotRunError, match=r"^containerd: not installed; `make up` installs it"):
        components.list_components(layout)


def test_configuration_files_are_well_formed(layout: layouts.Layout) -> None:
    components.write_config(layout, pause="seaway.local/pause:1", mtu=1400)
    config = layout.data / "config"
    containerd = tomllib.loads((config / "containerd.toml").read_text())
    assert containerd["plugins"]["io.containerd.grpc.v1.cri"]["sandbox_image"] == "seaway.local/pause:1"
    assert json.loads((config / "cni/10-seaway.conflist").read_text())["plugins"][0]["mtu"] == 1400
    assert tomllib.loads((config / "buildkitd.toml").read_text())["registry"][layouts.REGISTRY]["http"] is True
    assert tomllib.loads((config / f"registries/{layouts.REGISTRY}/hosts.toml").read_text())["host"]
    kubelet = yaml.safe_load((config / "kubelet.yaml").read_text())
    assert kubelet["cgroupRoot"] == f"/{layout.name}"
    assert yaml.safe_load((config / "registry.yaml").read_text())["storage"]["delete"] == {"enabled": False}


def test_image_name_depends_on_its_content(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("one")
    image = images.Image(name="tool", files={"/tool": program}, entrypoint="/tool")
    first = image.reference
    assert image.reference == first
    program.write_text("two")
    assert image.reference != first


def test_machine_that_cannot_run_it_has_a_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine.platform, "system", lambda: "Darwin")
    assert __main__.main(["check"]) == 2
    assert "Darwin: the one-node cluster requires Linux; use another cluster (README)" in capsys.readouterr().out
    with pytest.raises(layouts.CannotRunError, match="Darwin"):
        node.up(Path("/nowhere"), print)
    monkeypatch.setattr(machine.platform, "system", lambda: "Linux")
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    assert machine.find_problems() == [
        "not root: namespaces and mounts require root; run with sudo, or use another cluster (README)"
    ]


@pytest.mark.parametrize(
    ("root", "text"),
    [
        ("/home/me/my shop", "cannot contain this path; use a path of letters and digits"),
        ("/run/user/1000/shop", "its own /run and /var/log; move the checkout"),
        ("/home/me.too/src/seaway-2_x", ""),
    ],
)
def test_unsupported_path_of_the_checkout_is_reported(root: str, text: str) -> None:
    problems = layouts.find_path_problems(Path(root))
    assert [problem.startswith(f"{root}: ") and text in problem for problem in problems] == [True] * bool(text)


def test_status_of_a_stopped_cluster_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "ROOT", tmp_path)
    assert __main__.main(["status"]) == 1
    assert "`make cluster-up` starts it" in capsys.readouterr().out
    assert __main__.main(["stop", "etcd"]) == 1
    assert "the cluster is stopped" in capsys.readouterr().err


def make_component(name: str, layout: layouts.Layout, program: str, *depends_on: str) -> components.Component:
    command = (sys.executable, "-c", program)
    return components.Component(
        name=name, command=command, ready_check=f"unix:{layout.run}/{name}", address="", depends_on=depends_on
    )


LISTENS = "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind({path!r}); s.listen(); time.sleep(60)"


@contextlib.asynccontextmanager
async def run_supervisor(layout: layouts.Layout, *table: components.Component) -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components, "list_components", lambda _: table)
        task = asyncio.create_task(supervisor.Supervisor(layout, 0).run())
        try:
            yield
        finally:
            for component in table:
                await send_command(layout, "stop", component.name)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def send_command(layout: layouts.Layout, command: str, name: str | None = None) -> dict[str, Any]:
    for _ in range(15_000):
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return await asyncio.to_thread(client.send_command, layout, command, name)
        await asyncio.sleep(0.02)
    raise AssertionError("the supervisor does not respond")


async def wait_for_state(layout: layouts.Layout, name: str, state: str) -> dict[str, Any]:
    for _ in range(6_000):
        rows: list[dict[str, Any]] = (await send_command(layout, "status"))["components"]
        row = next(row for row in rows if row["name"] == name)
        if row["state"] == state:
            return row
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} never became {state}: {row}")


def make_server(name: str, layout: layouts.Layout, *depends_on: str) -> components.Component:
    path = str(layout.run / name)
    program = f"import os; os.path.exists({path!r}) and os.unlink({path!r}); " + LISTENS.format(path=path)
    return make_component(name, layout, program, *depends_on)


def test_killed_component_is_restarted_and_a_stopped_one_stays_stopped(layout: layouts.Layout) -> None:
    async def scenario() -> None:
        async with run_supervisor(layout, make_server("one", layout)):
            first = await wait_for_state(layout, "one", "ready")
            await send_command(layout, "kill", "one")
            second = await wait_for_state(layout, "one", "ready")
            assert (second["pid"] != first["pid"], second["restarts"]) == (True, 1)
            response = await send_command(layout, "stop", "etdc")
            assert response == {"error": "etdc: unknown component; known components: one"}
            assert (await send_command(layout, "stop", "one"))["pid"] is None
            await asyncio.sleep(0.5)
            assert (await wait_for_state(layout, "one", "stopped"))["restarts"] == 1
            assert (await send_command(layout, "start", "one"))["state"] == "ready"

    asyncio.run(scenario())


def test_component_waits_for_its_dependencies(layout: layouts.Layout) -> None:
    async def scenario() -> None:
        never = make_component("never", layout, "import time; time.sleep(60)")
        async with run_supervisor(layout, never, make_server("second", layout, "never")):
            await wait_for_state(layout, "never", "starting")
            await wait_for_state(layout, "second", "waiting")

    asyncio.run(scenario())


def test_component_that_cannot_start_is_restarted_with_back_off_and_logs_the_reason(layout: layouts.Layout) -> None:
    async def scenario() -> None:
        broken = components.Component(name="broken", command=("/no/program",), ready_check="unix:/none", address="")
        async with run_supervisor(layout, broken):
            start = time.monotonic()
            while (await wait_for_state(layout, "broken", "restarting"))["restarts"] < 3:
                await asyncio.sleep(0.02)
            assert time.monotonic() - start > 0.4  # it started after 0, 0.2 and 0.6 s

    asyncio.run(scenario())
    assert "/no/program: No such file or directory" in (layout.logs / "broken.log").read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_page_is_forwarded_and_a_used_port_is_replaced(layout: layouts.Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    # The cluster's address is this machine's loopback here, so the page itself uses the node port.
    monkeypatch.setattr(layouts.Layout, "address", "127.0.0.1")
    node_port = free_port()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"page:" + await reader.read())
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", node_port):
            open_forwarder = forwarder.Forwarder(layout)
            port = await open_forwarder.open_port(str(node_port))
            assert port != node_port
            assert await open_forwarder.open_port(str(node_port)) == port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello")
            writer.write_eof()
            assert await reader.read() == b"page:hello"
            writer.close()
            for server in open_forwarder.servers.values():
                server.close()
            assert forwarder.Forwarder(layout).ports == {str(node_port): port}

    asyncio.run(scenario())
