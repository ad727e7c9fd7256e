"""``seaway check --cluster`` on the real cluster: met and missing requirements."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev import environment, project

pytestmark = pytest.mark.cluster


def run_check(folder: Path, **settings: Any) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code, and state and message of each requirement."""
    shutil.copytree(project.ROOT / "examples" / "shop", folder / "app")
    (folder / "Pulumi.yaml").write_text("name: seaway\nruntime: python\n")
    stack_settings = {"context": "seaway-dev", "registry": "registry.example.com"} | settings
    (folder / "Pulumi.dev.yaml").write_text(
        json.dumps({"config": {f"seaway:{key}": value for key, value in stack_settings.items()}})
    )
    result = subprocess.run(
        [Path(sys.executable).with_name("seaway"), "check", "--cluster", "--json", "--stack", "dev"],
        cwd=folder,
        env={**os.environ, **environment.format_variables()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not result.stderr
    return result.returncode, {
        requirement["title"]: (requirement["state"], requirement["message"])
        for requirement in json.loads(result.stdout)["requirements"]
    }


def test_met_requirements(tmp_path: Path) -> None:
    code, requirements = run_check(tmp_path)
    assert requirements["kubernetes version"] == ("present", "1.34")
    assert requirements["cluster dns"] == ("present", "k8s-app=kube-dns")
    assert requirements["storage class"] == ("present", "local-path, the default")
    assert requirements["fitting node"] == ("present", "1 of 1")
    assert requirements["node spread"][0] == "warning", "it has one node"
    lacking = {what: message for what, (state, message) in requirements.items() if state == "missing"}
    # Concurrent tests may have used the capacity.
    assert not {what: message for what, message in lacking.items() if what != "free capacity"}
    assert code == bool(lacking)


def test_missing_requirements(tmp_path: Path) -> None:
    ingress = {"hosts": {"web": ["shop.example.com"]}, "issuer": "letsencrypt", "className": "nobodys"}
    code, requirements = run_check(
        tmp_path, publish="ingress", ingress=ingress, storageClass="golden", imagePullSecrets=["nobody"]
    )
    assert code == 1
    assert requirements["cluster issuer"] == ("missing", "cert-manager is not installed")
    assert requirements["ingress class"][1].startswith("there is no IngressClass nobodys (existing: ")
    assert requirements["storage class"] == ("missing", "there is no StorageClass golden (existing: local-path)")
    assert requirements["existing secret nobody"] == ("missing", "it does not exist in shop-dev")
