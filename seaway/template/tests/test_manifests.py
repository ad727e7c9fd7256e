"""The manifests of the stack dev, from the files of this project only."""

import json
import subprocess
import sys

COMMAND = [sys.executable, "-m", "seaway.cli", "render", "--stack", "dev", "--json"]


def test_every_container_has_a_memory_limit():
    manifests = json.loads(subprocess.run(COMMAND, check=True, stdout=subprocess.PIPE).stdout)["items"]
    pods = [manifest["spec"]["template"]["spec"] for manifest in manifests if "template" in manifest.get("spec", {})]
    containers = [container for pod in pods for container in pod["containers"]]
    assert containers
    for container in containers:
        assert "memory" in container["resources"]["limits"], container["name"]
