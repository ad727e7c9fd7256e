"""Import the engine's messages without the SDK around them.

``import pulumi`` runs the whole SDK: 0.6 s and 10 MB in a process that every preview starts and waits
for, of which this plugin needs the generated messages only. So the packages above them are made
known as bare folders, and their own code is not run.
"""

import importlib.util
import sys
import types
from pathlib import Path


def install_stubs() -> None:
    """Make ``pulumi.runtime.proto`` importable alone. For a process of its own, before its first import of pulumi."""
    spec = importlib.util.find_spec("pulumi")
    if spec is None or spec.origin is None:
        raise SystemExit("the package pulumi is not installed for this Python: pip install -r requirements.txt")
    folder = Path(spec.origin).parent
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        package = types.ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
