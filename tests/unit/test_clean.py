"""`make clean` without a cluster: what it refuses, removes and measures."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from dev import clean, project
from dev.cluster import packages, remains
from seaway.review import disks

UID = "9cbe60ef-ed60-48ad-8d04-cf77e5544850"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a stopped cluster and a link to another environment; the cache is in the same folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(remains, "remove_shared", lambda: None)
    monkeypatch.delenv(clean.ACCEPT_VARIABLE, raising=False)
    root = tmp_path / "checkout"
    (root / ".seaway" / "cluster" / "volumes").mkdir(parents=True)
    (root / ".seaway" / "cluster" / "registry").write_bytes(b"x" * 3_000_000)
    (root / ".seaway" / "env").write_text("export X=1\n")
    (root / "seaway" / "__pycache__").mkdir(parents=True)
    (tmp_path / "environment").mkdir()
    (root / ".venv").symlink_to(tmp_path / "environment")
    (root / "README.md").write_text("yours")
    (tmp_path / "cache" / "seaway" / "toolchain").mkdir(parents=True)
    return root


def test_variable_is_that_of_the_plugin() -> None:
    assert clean.ACCEPT_VARIABLE == disks.ACCEPT_VARIABLE


def test_volume_with_data_is_refused_unless_it_is_accepted(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volumes = checkout / ".seaway" / "cluster" / "volumes"
    (volumes / f"pvc-{UID}_shop-dev_empty-db-0").mkdir()
    assert clean.find_refusals(checkout, with_caches=False) == []
    (volumes / f"pvc-{UID}_shop-dev_data-db-0").mkdir()
    (volumes / f"pvc-{UID}_shop-dev_data-db-0" / "base").touch()
    (refusal,) = clean.find_refusals(checkout, with_caches=False)
    assert "make clean SEAWAY_ACCEPT_DATA_LOSS=shop-dev/data-db-0\n" in refusal
    monkeypatch.setenv(clean.ACCEPT_VARIABLE, "shop-dev/data-other-0")
    assert clean.find_refusals(checkout, with_caches=False) == [refusal]
    monkeypatch.setenv(clean.ACCEPT_VARIABLE, "shop-dev/data-db-0")
    assert clean.find_refusals(checkout, with_caches=False) == []


@pytest.mark.parametrize(("context", "is_refused"), [("seaway-dev", False), ("prod-cluster", True)])
def test_state_of_a_stack_in_another_cluster_is_refused(checkout: Path, context: str, *, is_refused: bool) -> None:
    file = checkout / ".seaway" / "state" / ".pulumi" / "stacks" / "seaway" / "prod.json"
    file.parent.mkdir(parents=True)
    resources = [
        {"type": "pulumi:pulumi:Stack"},
        {"type": "pulumi:providers:kubernetes", "inputs": {"context": context}},
    ]
    file.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "prod", "latest": {"resources": resources}}}))
    refusals = clean.find_refusals(checkout, with_caches=False)
    assert [("stack prod" in text, "pulumi stack export --stack prod" in text) for text in refusals] == [
        (True, True)
    ] * is_refused
    file.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "prod", "latest": None}}))
    assert clean.find_refusals(checkout, with_caches=False) == []


def test_only_created_files_are_removed(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, others = checkout.parent / "kubeconfig123", checkout.parent / "kubeconfig456"
    os.mkfifo(checkout.parent / "kubeconfig789")  # by another user: reading it would not end
    mine.write_text(f"    certificate-authority: {checkout}/.seaway/cluster/pki/ca.crt\n")
    others.write_text("    certificate-authority: /another/.seaway/cluster/pki/ca.crt\n")
    clean.clean(checkout, with_caches=False)
    assert sorted(path.name for path in checkout.iterdir()) == ["README.md", "seaway"]
    assert list((checkout / "seaway").iterdir()) == []
    assert (checkout.parent / "environment").is_dir(), "the target of a link is not removed"
    assert (others.exists(), mine.exists()) == (True, False)
    assert (checkout.parent / "cache" / "seaway" / "toolchain").is_dir()
    output = capsys.readouterr().out
    assert "removed       3 MB  the cluster" in output
    assert "make clean ALL=1" in output
    clean.clean(checkout, with_caches=False)
    output = capsys.readouterr().out
    assert "removed" not in output.replace("Not removed", "")
    assert "in all        0 MB" in output


def test_caches_are_removed_on_request(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = checkout.parent / "cache" / "seaway" / "toolchain" / "logs" / "packages.log"
    log.parent.mkdir()
    log.write_text("Setting up runc (1.1.5) ...\nSetting up libgpgme11:amd64 (1.18) ...\n")
    clean.clean(checkout, with_caches=True)
    assert list((checkout.parent / "cache" / "seaway").iterdir()) == []
    output = capsys.readouterr().out
    assert "apt-get purge libgpgme11 runc" in output
    assert "ALL=1" not in output
    assert packages.read_recorded(log) == []


def test_hard_links_count_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1_000_000)
    os.link(tmp_path / "a", tmp_path / "b")
    part = clean.Part(name="files", paths=(tmp_path,), renewal="")
    assert 1_000_000 <= part.measure() < 1_100_000


@pytest.mark.parametrize("target", ["cluster-down", "down"])
def test_where_nothing_is_left_make_creates_nothing_to_stop_it(tmp_path: Path, target: str) -> None:
    (tmp_path / "Makefile").write_bytes((project.ROOT / "Makefile").read_bytes())
    result = subprocess.run(["make", target], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout == "this checkout has no cluster\n"
    assert [file.name for file in tmp_path.iterdir()] == ["Makefile"]
