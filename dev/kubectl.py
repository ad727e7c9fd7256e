"""kubectl on the one-node cluster, outside a project."""

import json
import os
import subprocess
from typing import Any

from dev import environment

CONTROLLERS = "deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs"


def run(*arguments: str, stdin: Any = None, timeout: float = 120) -> str:
    """Run kubectl and return its output. ``stdin`` is a text, or an object that is sent as JSON.

    Raises AssertionError with its stderr.
    """
    result = subprocess.run(
        ["kubectl", "--context", "seaway-dev", *arguments],
        env={**os.environ, **environment.format_variables()},
        input=stdin if stdin is None or isinstance(stdin, str) else json.dumps(stdin),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if result.returncode:
        raise AssertionError(result.stderr)
    return result.stdout


def delete_namespaces(*names: str) -> None:
    """Delete namespaces, if they exist, without `pulumi destroy`. They disappear shortly after the call."""
    for name in names:
        empty_namespace(name)
    run("delete", "namespace", *names, "--ignore-not-found", "--wait=false")


def empty_namespace(name: str) -> None:
    """Delete the pods of a namespace and their controllers with a short grace period.

    The namespace controller checks a namespace with pods again after half of their grace period: 31 s with a store.
    https://github.com/kubernetes/kubernetes/blob/v1.33.0/pkg/controller/namespace/namespace_controller.go
    """
    run("delete", f"{CONTROLLERS},pods", "--all", "--namespace", name, "--grace-period=1")
