"""The plan on fake machines, installed programs, and the progress lines."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster import addons, compiler, installed, layout, packages, parts, progress, toolchain

PYTHON_HOST = parts.find_part("pulumi-language-python")
KUBERNETES = parts.find_part("pulumi-resource-kubernetes")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine with only Go and all Debian packages. `bin` is on PATH, `home` is the home folder."""
    for name in ("bin", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    monkeypatch.delenv(compiler.VIEW, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(packages, "list_missing", lambda: ())
    monkeypatch.setattr(toolchain, "find_space_hints", list)
    go = compiler.Go(program=Path("/go"), version="go1.99.0", platform="linux/amd64")
    monkeypatch.setattr(compiler, "find_go", lambda: go)
    installed.find_installed.cache_clear()
    installed.find_pulumi.cache_clear()
    yield tmp_path
    installed.find_installed.cache_clear()
    installed.find_pulumi.cache_clear()


def program(path: Path, text: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def install_pulumi(folder: Path) -> Path:
    """Install an official release: the CLI and its Python host in one folder."""
    for name in PYTHON_HOST.programs:
        program(folder / name)
    return program(folder / "pulumi", "echo v3.300.1")


def list_states() -> dict[str, str]:
    return {row.part: row.state for row in toolchain.make_plan().rows}


def test_empty_machine_compiles_all_parts(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = toolchain.make_plan()
    assert {row.state for row in plan.rows} == {"compile"}
    assert plan.minutes == pytest.approx(sum(part.minutes for part in parts.REQUIRED))
    assert plan.problems == ()
    assert toolchain.run_command(toolchain.build_parser().parse_args(["plan", "--json"])) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["part"] for row in printed["rows"]] == [part.name for part in parts.REQUIRED]
    assert printed["minutes"] == pytest.approx(plan.minutes)


def test_the_table(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "list_missing", lambda: (packages.PACKAGES[0],))
    monkeypatch.setattr(packages, "check_installable", lambda _: None)
    pulumi = install_pulumi(machine / "bin")
    out = io.StringIO()
    toolchain.print_plan(toolchain.make_plan(), out)
    lines = out.getvalue().splitlines()
    assert f"  pulumi                        3.259.0   installed  {pulumi}" in lines
    assert "  etcd                          3.6.13    compile    about 60 s" in lines
    assert "Debian packages to install: containerd (removes no package, starts no service)" in lines
    assert lines[-1].startswith("To compile once: 8 of 10 parts, at most ")
    assert "\x1b" not in out.getvalue()


def test_optional_parts_are_compiled_only_on_request(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert toolchain.run_command(toolchain.build_parser().parse_args(["plan", "--all", "--json"])) == 0
    rows = [row["part"] for row in json.loads(capsys.readouterr().out)["rows"]]
    assert rows == [part.name for part in parts.PARTS]
    assert "traefik" in set(rows) - {part.name for part in parts.REQUIRED}
    assert "traefik" not in addons.list_addons()
    folder = compiler.build_folder(parts.find_part("traefik")) / "bin"
    folder.mkdir(parents=True)
    (folder / "traefik").touch()
    assert "traefik" in addons.list_addons()
    assert [path.name for path in addons.list_manifests()] == [
        "coredns.yaml",
        "local-path-provisioner.yaml",
        "traefik.yaml",
    ]
    assert [path.name for path in addons.list_missing_manifests()] == [
        "kube-network-policies.yaml",
        "metrics-server.yaml",
    ]
    assert addons.list_network_commands() == []
    assert addons.list_definitions() == addons.list_late_manifests() == []
    definitions = parts.find_part("gateway-api")
    (compiler.build_folder(definitions) / "bin").mkdir(parents=True)
    for name in definitions.programs:
        (compiler.build_folder(definitions) / "bin" / name).touch()
    assert [path.name for path in addons.list_definitions()] == [*definitions.programs]
    assert addons.list_late_manifests()[0].is_file()


def test_part_in_the_cache_is_not_compiled_again(machine: Path) -> None:
    folder = compiler.build_folder(parts.find_part("etcd")) / "bin"
    folder.mkdir(parents=True)
    (folder / "etcd").touch()
    assert list_states()["etcd"] == "built"
    assert toolchain.find_program("etcd") == folder / "etcd"


def test_error_of_a_missing_program_has_the_command(machine: Path) -> None:
    with pytest.raises(
        layout.CannotRunError, match=r"etcd is not compiled: run `python3 -m dev.cluster.toolchain build`"
    ):
        toolchain.find_program("etcd")
    with pytest.raises(KeyError, match="unknown program 'etcdd'; known programs: pause, "):
        toolchain.find_program("etcdd")


def test_older_or_incomplete_pulumi_is_not_used_and_has_a_hint(machine: Path) -> None:
    old = program(machine / "bin" / "pulumi", "echo v3.180.0")
    plan = toolchain.make_plan()
    assert list_states()["pulumi"] == "compile"
    assert plan.hints == (f"{old} has version v3.180.0, older than 3.259: not used; upgrade it to avoid compiling it",)
    pulumi = program(machine / "bin" / "pulumi", "echo v3.300.1")
    installed.find_pulumi.cache_clear()
    installed.find_installed.cache_clear()
    plan = toolchain.make_plan()
    assert list_states()["pulumi"] == "compile"
    assert plan.hints[0] == f"{pulumi} has no Python host in its folder: not used; install the complete Pulumi release"


def test_new_pulumi_is_used_with_its_python_host(machine: Path) -> None:
    pulumi = install_pulumi(machine / "opt")
    (machine / "bin" / "pulumi").symlink_to(pulumi)
    assert (list_states()["pulumi"], list_states()["pulumi-language-python"]) == ("installed", "installed")
    assert toolchain.find_program("pulumi") == machine / "bin" / "pulumi"
    assert toolchain.find_program("pulumi-language-python") == pulumi.with_name("pulumi-language-python")
    assert [folder.parent.name.rpartition("-")[0] for folder in toolchain.list_bin_folders()] == [
        "buildkit",
        "kubernetes",
    ]


def test_compiled_pulumi_on_path_does_not_count_as_installed(machine: Path) -> None:
    compiled = program(compiler.build_folder(parts.find_part("pulumi")) / "bin" / "pulumi", "echo v3.259.0")
    (machine / "bin" / "pulumi").symlink_to(compiled)
    assert list_states()["pulumi"] == "built"


def test_plugins_of_the_required_version_are_found(machine: Path) -> None:
    plugins = machine / "home" / ".pulumi" / "plugins"
    program(plugins / "resource-kubernetes-v4.20.0" / KUBERNETES.name)
    assert list_states()[KUBERNETES.name] == "compile"
    plugin = program(plugins / "resource-kubernetes-v4.25.0" / KUBERNETES.name)
    (plugins / "resource-kubernetes-v4.25.0.partial").touch()  # Pulumi's mark of an interrupted download
    installed.find_installed.cache_clear()
    assert list_states()[KUBERNETES.name] == "compile"
    (plugins / "resource-kubernetes-v4.25.0.partial").unlink()
    installed.find_installed.cache_clear()
    assert toolchain.find_program(KUBERNETES.name) == plugin


def test_plugin_on_path_is_used_and_has_a_hint(machine: Path) -> None:
    plugin = program(machine / "bin" / KUBERNETES.name)
    assert toolchain.find_program(KUBERNETES.name) == plugin
    assert "so Pulumi uses it with any version (4.25.0 is required)" in toolchain.make_plan().hints[0]


def test_plugins_are_linked_repeatedly_under_the_names_of_pulumi(machine: Path) -> None:
    for part in parts.PARTS:
        if part.kind == "plugin":
            program(compiler.build_folder(part) / "bin" / part.name)
    for _ in range(2):
        links = toolchain.link_plugins(machine / "own")
    assert [str(link.relative_to(machine / "own" / "plugins")) for link in links] == [
        "resource-docker-build-v0.0.22/pulumi-resource-docker-build",
        "resource-kubernetes-v4.25.0/pulumi-resource-kubernetes",
    ]
    assert all(link.resolve() == toolchain.find_program(link.name) for link in links)
    assert len(list((machine / "own" / "plugins").rglob("*"))) == 4


def test_missing_go_is_a_problem_of_the_plan_and_exits_with_2(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> compiler.Go:
        raise layout.CannotRunError("Go is missing")

    monkeypatch.setattr(compiler, "find_go", missing)
    assert toolchain.make_plan().problems == ("Go is missing",)
    monkeypatch.setattr("sys.argv", ["toolchain", "plan"])
    assert toolchain.main() == 2
    assert capsys.readouterr().err == "error: Go is missing\n"


def test_each_part_has_a_module_with_sums_and_a_unique_name() -> None:
    names = [name for part in parts.PARTS for name in part.programs]
    assert len(names) == len(set(names))
    for part in parts.PARTS:
        assert (part.folder / "go.mod").is_file(), part.name
        if part.name != "pause":  # it requires only Go
            assert (part.folder / "go.sum").is_file(), part.name
    assert {path.parent.name for path in parts.MODULES.glob("*/go.mod")} == {part.name for part in parts.PARTS}


class Clock:
    """A clock that a test sets."""

    time = 0.0

    def __call__(self) -> float:
        return self.time


def test_log_has_first_and_last_line_and_a_line_every_30_seconds() -> None:
    out, clock = io.StringIO(), Clock()
    shown = progress.Progress(2, out=out, now=clock)
    shown.start("etcd 3.6", 60, "pulumi")
    for second in range(1, 71):
        clock.time = second
        shown.tick()
    shown.finish()
    assert out.getvalue().splitlines() == [
        "[1/2] etcd 3.6: compiling, about 1:00",
        "[1/2] etcd 3.6: 0:30 of about 1:00, next: pulumi",
        "[1/2] etcd 3.6: 1:00 of about 1:00, next: pulumi",
        "[1/2] etcd 3.6: compiled in 1:10",
    ]


def test_terminal_has_one_live_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out, clock = Terminal(), Clock()
    shown = progress.Progress(1, out=out, now=clock)
    shown.start("etcd 3.6", 60, None)
    clock.time = 1
    shown.tick()
    shown.finish()
    assert out.getvalue().count("\n") == 1
    assert "\r\x1b[K[1/1] etcd 3.6: 0:01 of about 1:00, the last one" in out.getvalue()
