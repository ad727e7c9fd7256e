"""Whether what a converter made runs: applied to the checkout's cluster, ready, and answering on what is published."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev import environment, project
from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import nodes
from tests.compose import projects, tools
from tests.support import namespaces

SECONDS = 60
"""For all to be ready. The images are there."""

Objects = Sequence[Mapping[str, Any]]


def outcome(server: httpx.Client, name: str, tool: str, files: Sequence[Path]) -> str:
    """ "yes", or what came in between: a file, or objects, or pods, or an answer."""
    made = tools.run(tool, files)
    if made.refused or made.crashed or not made.objects:
        return "no objects"
    home, wanted = f"{name}-{tool}", published(files)
    env = environment.prepare_environment()
    try:
        _apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}}, home, env)
        said = _apply({"apiVersion": "v1", "kind": "List", "items": list(_own(made.objects, home))}, home, env)
        if said:
            return f"not applied: {said}"
        end = time.monotonic() + SECONDS
        while lacking := [*_lacking(server, home), *_silent(server, home, wanted)]:
            if time.monotonic() > end:
                return "; ".join(lacking)
            time.sleep(1)
        return "yes"
    finally:
        namespaces.remove(home)


def published(files: Sequence[Path]) -> Mapping[str, set[int]]:
    """By service: the ports of its container that it publishes, and that speak TCP."""
    root = nodes.to_plain(
        loader.load(files, within=roots.Root(files[0].parent), profiles=["*"], environment=projects.ENVIRONMENT).root
    )
    found = {
        name: {
            int(port["target"]) for port in one.get("ports", ()) if port["protocol"] == "tcp" and "published" in port
        }
        for name, one in root["services"].items()
    }
    return {name: ports for name, ports in found.items() if ports}


def _own(objects: Objects, home: str) -> Iterator[Mapping[str, Any]]:
    """As they are applied: in that namespace, and with the images of this cluster."""
    config: Mapping[str, Any] = yaml.safe_load((project.ROOT / "Pulumi.dev.yaml").read_text())["config"]
    text = json.dumps([one for one in objects if one["kind"] != "Namespace"])
    for image, other in config["seaway:imageOverrides"].items():
        text = text.replace(json.dumps(image), json.dumps(other))
    for one in json.loads(text):
        one["metadata"]["namespace"] = home
        yield one


def _apply(one: Mapping[str, Any], home: str, env: Mapping[str, str]) -> str:
    """What kubectl says against it."""
    file = environment.STATE / f"applied-{home}.json"
    file.write_text(json.dumps(one))
    words = ("kubectl", "--context", "seaway-dev", "apply", "--filename", str(file))
    done = project.run_command(*words, cwd=project.ROOT, env=env)
    file.unlink()
    # What it says stands on a page, where no path of this machine belongs.
    return done.stderr.strip().splitlines()[0].replace(str(file), file.name) if done.exit_code else ""


def _lacking(server: httpx.Client, home: str) -> Iterator[str]:
    """The workloads that are not ready."""
    for path, ready in (
        ("apps/v1/namespaces/{}/deployments", "availableReplicas"),
        ("apps/v1/namespaces/{}/statefulsets", "readyReplicas"),
        ("batch/v1/namespaces/{}/jobs", "succeeded"),
    ):
        for each in server.get(f"/apis/{path.format(home)}").json()["items"]:
            wanted = 1 if ready == "succeeded" else each["spec"].get("replicas", 1)
            if each["status"].get(ready, 0) < wanted:
                yield f"{path.rpartition('/')[2]} {each['metadata']['name']}: not ready"
    for each in server.get(f"/api/v1/namespaces/{home}/pods").json()["items"]:
        alone = not each["metadata"].get("ownerReferences")
        states = {one["type"]: one["status"] for one in each["status"].get("conditions", ())}
        if alone and each["status"]["phase"] != "Succeeded" and states.get("Ready") != "True":
            yield f"pod {each['metadata']['name']}: not ready"


def _silent(server: httpx.Client, home: str, wanted: Mapping[str, set[int]]) -> Iterator[str]:
    """The services of which no published port answers at a Service."""
    ports = {number for each in wanted.values() for number in each}
    answered: set[int] = set()
    pods: Objects = server.get(f"/api/v1/namespaces/{home}/pods").json()["items"]
    for each in server.get(f"/api/v1/namespaces/{home}/services").json()["items"]:
        for port in each["spec"].get("ports", ()):
            if (number := _target(each, port, pods)) in ports:
                path = f"/api/v1/namespaces/{home}/services/{each['metadata']['name']}:{port['port']}/proxy/"
                if server.get(path).status_code not in (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE):
                    answered.add(number)
    yield from (f"{name}: no published port answers" for name, ports in wanted.items() if not ports & answered)


def _target(service: Mapping[str, Any], port: Mapping[str, Any], pods: Objects) -> int:
    """The port of the container that one of a Service leads to; 0 where no pod has one of that name."""
    target = port.get("targetPort", port["port"])
    chosen = (service["spec"].get("selector") or {}).items()
    named = {
        one.get("name"): one["containerPort"]
        for pod in pods
        if chosen <= pod["metadata"].get("labels", {}).items()
        for container in pod["spec"]["containers"]
        for one in container.get("ports", ())
    }
    return target if isinstance(target, int) else named.get(target, 0)
