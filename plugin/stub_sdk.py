"""Makes the engine's messages importable without the rest of the Pulumi SDK.

``import pulumi`` takes 0.6 s and 10 MB, in a process that every preview starts and waits for. The plugin needs only the
generated messages. So the packages above them are registered as folders, and their own code does not run.
"""

import importlib.util
import sys
import types
from pathlib import Path


def install_stubs() -> None:
    """Make ``pulumi.runtime.proto`` importable alone. Call it before the first import of pulumi in the process."""
    spec = importlib.util.find_spec("pulumi")
    if spec is None or spec.origin is None:
        raise SystemExit(f"the package pulumi is not installed for {sys.executable}; run: pulumi install")
    folder = Path(spec.origin).parent
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        package = types.ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
