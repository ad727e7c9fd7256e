"""The tests of `make test` see only the required parts of the toolchain, also on a machine with all parts."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dev import environment
from dev.cluster import addons, compiler, installed, layout, parts, toolchain

OPTIONAL = tuple(part for part in parts.PARTS if part.optional)
PROGRAMS = [name for part in OPTIONAL for name in part.programs]


def fill(cache: Path) -> None:
    """Fill a cache with every part. The variable XDG_CACHE_HOME names its parent folder."""
    for part in parts.PARTS:
        folder = cache / compiler.build_folder(part).name / "bin"
        folder.mkdir(parents=True)
        for name in part.programs:
            (folder / name).write_text("#!/bin/sh\n")
            (folder / name).chmod(0o755)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a machine with every part, without a view, and with the optional programs on PATH."""
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(compiler.VIEW, raising=False)
    installed.find_installed.cache_clear()
    installed.find_pulumi.cache_clear()
    fill(compiler.cache_folder())
    yield compiler.cache_folder()
    installed.find_installed.cache_clear()
    installed.find_pulumi.cache_clear()


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", *words]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(line, cwd=environment.ROOT, env=env | variables, capture_output=True, text=True, check=False)


def test_view_has_only_the_required_parts_of_a_full_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(toolchain.is_available(part) for part in parts.PARTS)
    view = toolchain.make_view()
    assert view == toolchain.make_view()
    monkeypatch.setenv(compiler.VIEW, str(view))
    assert [part for part in parts.PARTS if toolchain.is_available(part)] == list(parts.REQUIRED)
    assert {path.name for path in view.iterdir()} == {compiler.build_folder(part).name for part in parts.REQUIRED}
    assert addons.list_addons() == ["coredns", "local-path-provisioner"]
    assert not set(PROGRAMS) & {path.name for folder in toolchain.list_bin_folders() for path in folder.iterdir()}
    for part in parts.REQUIRED:
        if part.kind == "cluster":  # other parts may be installed on this machine
            assert toolchain.find_program(part.programs[0]).resolve().is_relative_to(cache.resolve())
    assert list(cache.glob(".making-*")) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_optional_program_is_missing_in_a_view_and_in_child_processes(
    cache: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although it is compiled, and another one is on PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "fresh"))
    with pytest.raises(layout.CannotRunError) as fresh:
        toolchain.find_program(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
    assert toolchain.find_program(name)
    monkeypatch.setenv(compiler.VIEW, str(toolchain.make_view()))
    with pytest.raises(layout.CannotRunError) as in_view:
        toolchain.find_program(name)
    part = parts.find_part_of_program(name).name
    assert str(in_view.value) == str(fresh.value)
    assert str(in_view.value).startswith(f"{name} is not compiled: run `python3 -m dev.cluster.toolchain build {part}")
    result = run("dev.cluster.toolchain", "path", name)
    assert (result.returncode, result.stderr) == (2, f"error: {in_view.value}\n")


def test_link_of_a_part_works_as_soon_as_the_part_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make test` on a new machine runs the unit tests before it compiles."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(compiler.VIEW, raising=False)
    monkeypatch.setenv(compiler.VIEW, str(toolchain.make_view()))
    assert not any(toolchain.is_available(part) for part in parts.PARTS)
    fill(compiler.cache_folder())
    assert [part for part in parts.PARTS if toolchain.is_available(part)] == list(parts.REQUIRED)


def test_view_compiles_no_part(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiler.VIEW, str(toolchain.make_view()))
    for part in OPTIONAL:
        with pytest.raises(layout.CannotRunError, match=f"{part.name} cannot be compiled here: {compiler.VIEW} names "):
            compiler.build_part(part, tick=lambda: None, note=lambda _: None)


def test_view_is_empty_without_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> compiler.Go:
        raise layout.CannotRunError("Go is missing")

    monkeypatch.setattr(compiler, "find_go", missing)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert list(toolchain.make_view().iterdir()) == []


def test_these_tests_see_no_optional_part() -> None:
    """In this process and its children, with the cache of this machine."""
    for name in PROGRAMS:
        with pytest.raises(layout.CannotRunError, match="is not compiled: run"):
            toolchain.find_program(name)
    seen = run("dev.cluster.toolchain", "plan", "--all", "--json")
    rows = {line.split('"')[3] for line in seen.stdout.splitlines() if '"part"' in line}
    assert rows == {part.name for part in parts.PARTS}
    assert [toolchain.inspect_part(part).state for part in OPTIONAL] == ["compile"] * len(OPTIONAL)
    results = [run("dev.cluster.toolchain", "path", part.programs[0]) for part in OPTIONAL[:2]]
    assert [result.returncode for result in results] == [2, 2]


@pytest.mark.parametrize(
    ("option", "seen", "tests"), [((), parts.REQUIRED, ["plain", "alone"]), (("--optional",), parts.PARTS, ["marked"])]
)
def test_pytest_chooses_the_view(
    cache: Path, tmp_path: Path, option: tuple[str, ...], seen: tuple[parts.Part, ...], tests: list[str]
) -> None:
    """On a machine with every part, with and without xdist, in the tests and in their child processes."""
    names = [part.name for part in seen]
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers = optional\n  cluster\npythonpath = {environment.ROOT}\n")
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tests.support.optional"]\n')
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent(f"""
        import subprocess, sys, pytest
        PRINT = "from dev.cluster import parts, toolchain as t; "
        PRINT += "print(*(p.name for p in parts.PARTS if t.is_available(p)))"
        def seen():
            line = [sys.executable, "-c", PRINT]
            return subprocess.run(line, cwd={str(environment.ROOT)!r}, capture_output=True, text=True).stdout.split()
        @pytest.mark.cluster
        def test_plain():
            assert seen() == {names}
        def test_alone():
            assert seen() == []
        @pytest.mark.optional
        def test_marked():
            assert seen() == {names}
        """)
    )
    for more in ([], ["-n", "1"]):
        result = run(
            "pytest", "-v", *option, *more, "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)
        )
        assert result.returncode == 0, result.stdout
        assert f"{len(tests)} passed" in result.stdout
        assert all(f"test_{name}" in result.stdout for name in tests)
