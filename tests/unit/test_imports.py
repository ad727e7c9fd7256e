"""The core stands without Pulumi: checking and rendering must not pay for it, nor need it."""

import subprocess
import sys

import pytest

HEAVY = {"pulumi", "pulumi_kubernetes", "pulumi_docker", "pulumi_docker_build", "grpc", "google.protobuf"}
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module({package!r})
found = [module.name for module in pkgutil.walk_packages(package.__path__, {package!r} + ".")]
assert found, "the package has no modules"
for name in found:
    importlib.import_module(name)
print("\\n".join(sys.modules))
"""


@pytest.mark.parametrize("package", ["seaway.model", "seaway.manifests", "seaway.images"])
def test_the_core_imports_no_pulumi(package: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL.format(package=package)], capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    assert package in loaded
    assert not loaded & HEAVY
