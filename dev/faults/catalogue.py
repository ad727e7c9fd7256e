"""All faults, and the application that they are injected into."""

import yaml

from dev import project
from dev.faults import changes, cluster_faults, injections, program_faults
from dev.faults.fault import SLOW_START, Fault

REJECTED = (
    Fault(
        cause=None,
        injected="`image: Web:2`: an invalid image name",
        change=changes.change_image("Web:2"),
        rejected="image reference",
    ),
    Fault(cause=None, injected="`user: 0`: root", change=changes.change_web(user=0), rejected="root"),
)

CRASH_ONCE = """
import os, runpy, sys
if not os.path.exists("/tmp/once"):
    open("/tmp/once", "w").close()
    sys.exit("no database yet")
runpy.run_path("web.py", run_name="__main__")
"""

HEALING = (
    Fault(
        cause=None,
        injected="one crash, then it runs (the database was not ready)",
        change=changes.change_program(CRASH_ONCE),
    ),
    Fault(
        cause=None,
        injected="no room for 15 seconds (a node pool grows)",
        change=changes.change_web(env={"TITLE": "Later"}),
        around=injections.taint_node,
    ),
)

FAULTS = (*REJECTED, *cluster_faults.CLUSTER_FAULTS, *program_faults.PROGRAM_FAULTS, *HEALING)


NOT_INJECTED = {
    "image-name-invalid": "the name is refused before the rollout",
    "runs-as-root": "the user is refused before the rollout",
    "image-pull": "a layer that the registry has lost, or a full disk of the node",
    "container-not-created": "a container runtime that fails",
    "sandbox-failed": "a network plugin that fails",
    "not-created": "while the controllers are down, Pulumi's Kubernetes provider waits for them, and no rollout begins",
    "stuck-store": "Kubernetes replaces the pods of stores without waiting (`podManagementPolicy: Parallel`)",
    **dict.fromkeys(
        ("gateway-missing", "gateway-class", "gateway-reference", "gateway-certificate", "gateway-no-controller"),
        "tests/e2e/test_gateway.py has Gateways, and here no controller serves them",
    ),
    **dict.fromkeys(
        ("route-no-listener", "route-not-allowed", "route-host", "route-backend", "route-refused"),
        "tests/e2e/test_gateway.py has Gateways, and here no controller serves them",
    ),
    "gateway-not-programmed": "a cloud that creates no load balancer",
    "volume-not-mounted": "a disk that stays attached to a node that failed",
}
"""Causes without a fault, and why. The fix of most is on the node."""


def prepare_shop(shop: project.Project) -> None:
    """Prepare the application: a service with a lower Pod Security level, and a short deadline."""
    file = shop.folder / "app" / "app.yaml"
    app = yaml.safe_load(file.read_text())
    app["services"]["worker"]["security"] = "baseline"
    app["services"]["web"]["health"] = SLOW_START
    file.write_text(yaml.safe_dump(app, sort_keys=False))


def prepare_web(shop: project.Project) -> None:
    """Reduce the application to web."""
    file = shop.folder / "app" / "app.yaml"
    web = yaml.safe_load(file.read_text())["services"]["web"]
    del web["calls"]
    app = {"name": "shop", "services": {"web": web | {"health": SLOW_START}}}
    file.write_text(yaml.safe_dump(app, sort_keys=False))
