"""The one-node cluster's parts that need neither root nor Linux's namespaces."""

import asyncio
import contextlib
import json
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
    """A checkout's layout with its sockets in a folder that needs no root."""
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setattr(layouts.Layout, "run", property(lambda _: run))
    monkeypatch.setattr(components.shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    monkeypatch.setattr(toolchain, "find_program", lambda name: Path("/cache") / name)
    made = layouts.Layout(root=tmp_path, number=7)
    made.logs.mkdir(parents=True)
    return made


def test_two_checkouts_share_no_name() -> None:
    one, other = (layouts.Layout(root=Path(path)) for path in ("/home/a/shop", "/home/b/shop"))
    assert {one.name, one.interface, str(one.run)}.isdisjoint({other.name, other.interface, str(other.run)})


def test_names_are_short_enough_however_deep_the_checkout_lies() -> None:
    deep = layouts.Layout(root=Path("/" + "folder/" * 40))
    assert len(deep.interface) <= 15
    assert len(f"{deep.run}/kubelet/pod-resources/kubelet.sock") <= 107


def test_the_address_pair_is_one_that_no_route_overlaps(
    layout: layouts.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = int(layout.digest, 16) % 256
    routes: list[dict[str, str]] = [{"dst": "default"}, {"dst": f"10.200.{first}.2", "dev": "other"}]
    monkeypatch.setattr(network, "_run_ip", lambda *_: routes)
    assert network.choose_number(layout) == (first + 1) % 256


def test_a_network_that_takes_the_whole_range_is_named(layout: layouts.Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_run_ip", lambda *_: [{"dst": "10.0.0.0/8", "dev": "vpn"}])
    with pytest.raises(layouts.CannotRunError, match=r"10\.200\.0\.0/16: every address pair is taken.*VPN"):
        network.choose_number(layout)


def test_only_our_own_firewall_rules_are_removed(layout: layouts.Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = f'-A POSTROUTING -s {layout.network} -m comment --comment "{layout.name}" -j MASQUERADE'
    listed = (
        f"-P POSTROUTING ACCEPT\n-A POSTROUTING -s 10.200.8.0/30 -m comment --comment seaway-00000000 -j X\n{ours}\n"
    )
    ran: list[tuple[str, ...]] = []

    def run(*command: str) -> str:
        ran.append(command)
        return listed if "nat" in command and "-S" in command else ""

    monkeypatch.setattr(network, "run", run)
    monkeypatch.setattr(network, "FORWARDING_WAS_OFF_FILE", layout.run / "none")
    network.disconnect(layout)
    deleted = [command for command in ran if "-D" in command]
    assert len(deleted) == 1
    assert deleted[0][4:] == ("-D", *ours.replace('"', "").split()[1:])


def test_a_reused_process_id_is_never_killed() -> None:
    with subprocess.Popen(["sleep", "60"]) as somebody:
        process = processes.find_process(somebody.pid)
        assert process
        processes.kill(processes.Process(pid=process.pid, started=process.started - 1))
        with pytest.raises(subprocess.TimeoutExpired):
            somebody.wait(0.2)
        processes.kill(process)
        assert somebody.wait(5) == -9
    assert not process.is_alive


def test_recorded_processes_are_read_back(layout: layouts.Layout) -> None:
    assert processes.load(layout) == {}
    processes.save(layout, init=processes.Process(pid=1, started=2))
    assert processes.load(layout) == {"init": processes.Process(pid=1, started=2)}


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_kubelets_certificate_names_the_nodes_address(layout: layouts.Layout) -> None:
    certificates.write(layout)
    made = certificate(layout.pki / "kubelet.crt")
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert layout.address in map(str, names.get_values_for_type(x509.IPAddress))
    assert made.subject.rfc4514_string() == "CN=system:node:seaway,O=system:nodes"
    made.verify_directly_issued_by(certificate(layout.pki / "ca.crt"))
    with pytest.raises(ValueError, match="Issuer"):
        made.verify_directly_issued_by(certificate(layout.pki / "etcd-ca.crt"))


def test_every_component_has_a_key_of_its_own_that_only_its_owner_reads(layout: layouts.Layout) -> None:
    certificates.write(layout)
    keys = [path for path in layout.pki.iterdir() if path.suffix == ".key"]
    assert len({path.read_bytes() for path in keys}) == len(keys) == len(certificates.IDENTITIES) + 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)


def test_authorities_outlive_a_restart_and_certificates_follow_the_address(layout: layouts.Layout) -> None:
    certificates.write(layout)
    kept, replaced = ((layout.pki / name).read_bytes() for name in ("ca.crt", "etcd.crt"))
    certificates.write(layout)
    assert (layout.pki / "ca.crt").read_bytes() == kept
    assert (layout.pki / "etcd.crt").read_bytes() != replaced


def test_the_kubeconfig_has_the_constant_context_and_port(layout: layouts.Layout) -> None:
    certificates.write(layout)
    made = yaml.safe_load(layout.kubeconfig.read_text())
    assert made["current-context"] == "seaway-dev"
    assert made["clusters"][0]["cluster"]["server"] == "https://10.200.7.2:6443"


def test_the_table_starts_each_component_after_earlier_ones(layout: layouts.Layout) -> None:
    table = components.list_components(layout)
    names = [entry.name for entry in table]
    assert names[0] == "etcd"
    for position, entry in enumerate(table):
        assert set(entry.depends_on) <= set(names[:position]), entry.name
        assert "$" not in " ".join((*entry.command, entry.ready_check, entry.address))
        assert entry.ready_check.startswith(("http://", "https://", "unix:"))


def test_a_missing_program_is_named_with_the_way_out(layout: layouts.Layout, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_an_images_name_follows_its_content(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("one")
    image = images.Image(name="tool", files={"/tool": program}, entrypoint="/tool")
    first = image.reference
    assert image.reference == first
    program.write_text("two")
    assert image.reference != first


def test_a_machine_that_is_not_linux_is_told_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine.platform, "system", lambda: "Darwin")
    assert __main__.main(["check"]) == 2
    assert "Darwin: the one-node cluster needs Linux; use any other cluster (README)" in capsys.readouterr().out
    with pytest.raises(layouts.CannotRunError, match="Darwin"):
        node.up(Path("/nowhere"), print)


def test_without_root_it_is_told_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.platform, "system", lambda: "Linux")
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    assert machine.find_problems() == [
        "not root: namespaces and mounts need it; run with sudo, or use any other cluster (README)"
    ]


@pytest.mark.parametrize(
    ("root", "wrong"),
    [
        ("/home/me/my shop", "cannot hold this path; move the checkout"),
        ("/run/user/1000/shop", "a /run and a /var/log of its own; move the checkout"),
    ],
)
def test_a_checkout_at_a_place_that_cannot_work_is_told(root: str, wrong: str) -> None:
    (problem,) = layouts.find_path_problems(Path(root))
    assert problem.startswith(f"{root}: ")
    assert wrong in problem


def test_an_ordinary_place_is_fine() -> None:
    assert layouts.find_path_problems(Path("/home/me.too/src/seaway-2_x")) == []


def test_status_of_a_cluster_that_is_down_is_not_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "ROOT", tmp_path)
    assert __main__.main(["status"]) == 1
    assert "`make cluster-up` starts it" in capsys.readouterr().out
    assert __main__.main(["stop", "etcd"]) == 1
    assert "the cluster is down" in capsys.readouterr().err


def component(name: str, layout: layouts.Layout, program: str, *after: str) -> components.Component:
    command = (sys.executable, "-c", program)
    return components.Component(
        name=name, command=command, ready_check=f"unix:{layout.run}/{name}", address="", depends_on=after
    )


LISTENS = "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind({path!r}); s.listen(); time.sleep(60)"


@contextlib.asynccontextmanager
async def supervised(layout: layouts.Layout, *table: components.Component) -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components, "list_components", lambda _: table)
        task = asyncio.create_task(supervisor.Supervisor(layout, 0).run())
        try:
            yield
        finally:
            for entry in table:
                await ask(layout, "stop", entry.name)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def ask(layout: layouts.Layout, verb: str, name: str | None = None) -> dict[str, Any]:
    for _ in range(15_000):
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return await asyncio.to_thread(client.send_command, layout, verb, name)
        await asyncio.sleep(0.02)
    raise AssertionError("the supervisor does not answer")


async def until(layout: layouts.Layout, name: str, state: str) -> dict[str, Any]:
    for _ in range(6_000):
        rows: list[dict[str, Any]] = (await ask(layout, "status"))["components"]
        row = next(entry for entry in rows if entry["name"] == name)
        if row["state"] == state:
            return row
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} never became {state}: {row}")


def server(name: str, layout: layouts.Layout, *after: str) -> components.Component:
    path = str(layout.run / name)
    program = f"import os; os.path.exists({path!r}) and os.unlink({path!r}); " + LISTENS.format(path=path)
    return component(name, layout, program, *after)


def test_a_killed_component_is_started_again(layout: layouts.Layout) -> None:
    async def scenario() -> None:
        async with supervised(layout, server("one", layout)):
            first = await until(layout, "one", "ready")
            await ask(layout, "kill", "one")
            second = await until(layout, "one", "ready")
            assert second["pid"] != first["pid"]
            assert second["restarts"] == 1

    asyncio.run(scenario())


def test_a_stopped_component_stays_stopped_until_it_is_started(layout: layouts.Layout) -> None:
    async def scenario() -> None:
        async with supervised(layout, server("one", layout)):
            await until(layout, "one", "ready")
            assert (await ask(layout, "stop", "one"))["pid"] is None
            await asyncio.sleep(0.5)
            row = await until(layout, "one", "stopped")
            assert row["restarts"] == 0
            assert (await ask(layout, "start", "one"))["state"] == "ready"

    asyncio.run(scenario())


def test_a_component_waits_for_those_that_it_needs(layout: layouts.Layout) -> None:
    async def scenario() -> None:
        never = component("never", layout, "import time; time.sleep(60)")
        async with supervised(layout, never, server("second", layout, "never")):
            await until(layout, "never", "starting")
            await until(layout, "second", "waiting")

    asyncio.run(scenario())


def test_a_program_that_cannot_start_is_tried_less_and_less_and_says_why(layout: layouts.Layout) -> None:
    async def scenario() -> None:
        broken = components.Component(name="broken", command=("/no/program",), ready_check="unix:/none", address="")
        async with supervised(layout, broken):
            begun = time.monotonic()
            while (await until(layout, "broken", "restarting"))["restarts"] < 3:
                await asyncio.sleep(0.02)
            assert time.monotonic() - begun > 0.4  # it began after 0, 0.2 and 0.6 s

    asyncio.run(scenario())
    assert "/no/program: No such file or directory" in (layout.logs / "broken.log").read_text()


def test_an_unknown_component_is_named_with_those_that_exist(layout: layouts.Layout) -> None:
    async def scenario() -> None:
        async with supervised(layout, server("one", layout)):
            answer = await ask(layout, "stop", "etdc")
            assert answer == {"error": "etdc: no such component; there are one"}

    asyncio.run(scenario())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_page_is_forwarded_and_a_taken_port_is_replaced(
    layout: layouts.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The cluster's end is this machine's loopback here, so the node port itself is taken: by the page.
    monkeypatch.setattr(layouts.Layout, "address", "127.0.0.1")
    node_port = free_port()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"page:" + await reader.read())
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", node_port):
            serving = forwarder.Forwarder(layout)
            port = await serving.open_port(str(node_port))
            assert port != node_port
            assert await serving.open_port(str(node_port)) == port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello")
            writer.write_eof()
            assert await reader.read() == b"page:hello"
            writer.close()
            for each in serving.servers.values():
                each.close()
            assert forwarder.Forwarder(layout).ports == {str(node_port): port}

    asyncio.run(scenario())
