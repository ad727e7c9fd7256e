"""Many rollouts in a row, deleted pods and evictions, under a constant load from outside: no request may fail.

Two probers send requests to `examples/shop`, whose page asks a second service and the database: one keeps its
connections, the other opens one for each request. The last run is written to docs/reliability.md.
"""

import argparse
import collections
import dataclasses
import datetime
import itertools
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dev import prober, project

PAGE = project.ROOT / "docs" / "reliability.md"
NAMESPACE = "shop-soak"
REPLICATED = ("web", "api")
"""The services with two pods. A store and a service with one pod have an interruption, which their checks announce."""

KEEP_ALIVE = (
    (
        '    """Sends JSON or HTML."""\n',
        '    """Sends JSON or HTML, and keeps connections until it ends."""\n\n'
        '    protocol_version = "HTTP/1.1"\n    timeout = 5\n    is_ending = threading.Event()\n',
    ),
    (
        "        self.end_headers()\n",
        "        if self.is_ending.is_set():\n"
        '            self.send_header("Connection", "close")\n        self.end_headers()\n',
    ),
    (
        "lambda *_: threading.Thread(target=server.shutdown).start()",
        "lambda *_: (handler.is_ending.set(), threading.Thread(target=server.shutdown).start())",
    ),
)
"""Changes of the example's server, which speaks HTTP/1.0: texts, and what replaces them."""


@dataclasses.dataclass(slots=True)
class Soak:
    """A stack under load, and what was done to it."""

    shop: project.Project
    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter[str])
    seconds: dict[str, list[float]] = dataclasses.field(default_factory=lambda: collections.defaultdict(list))

    def change(self, kind: str, number: int) -> None:
        """Change the application in one way, and roll it out."""
        CHANGES[kind](self.shop, number)
        self._measure(f"rollout: {kind}", self.shop.up)

    def delete_pod(self, service: str) -> None:
        """Delete a pod of a service, and wait until another one has replaced it."""
        pod = self._list_pods(service)[0]
        self._measure("pod deleted", lambda: self._remove(service, ("delete", "pod", pod, "--wait=false"), pod))

    def evict_all(self) -> None:
        """Evict each pod of the replicated services, as a drain of their nodes does."""
        for service in REPLICATED:
            for pod in self._list_pods(service):
                path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
                metadata = {"name": pod, "namespace": NAMESPACE}
                with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                    json.dump({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}, file)
                    file.flush()
                    words = ("create", "--raw", path, "-f", file.name)
                    self._measure("pod evicted", lambda: self._remove(service, words, pod))  # noqa: B023 - called here

    def _remove(self, service: str, words: Sequence[str], pod: str) -> None:
        # The budget refuses an eviction until the pod of the one before is replaced.
        prober.wait_until(lambda: self.shop.kubectl(*words, "-n", NAMESPACE, check=False).exit_code == 0, seconds=60)
        prober.wait_until(lambda: pod not in self._list_pods(service), seconds=60)
        self.shop.kubectl("rollout", "status", f"deployment/{service}", "-n", NAMESPACE, "--timeout=120s")

    def _list_pods(self, service: str) -> list[str]:
        """The names of the pods that do not end yet."""
        pods = self.shop.get_objects("pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={service}")["items"]
        return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def _measure(self, kind: str, act: Callable[[], object]) -> None:
        start = time.monotonic()
        act()
        self.counts[kind] += 1
        self.seconds[kind].append(time.monotonic() - start)


def change_image(shop: project.Project, number: int) -> None:
    for service in REPLICATED:
        with (shop.folder / "app" / service / f"{service}.py").open("a") as program:
            program.write(f"# {number}\n")


def change_config(shop: project.Project, number: int) -> None:
    _update_web(shop, env={"TITLE": f"Shop {number}"})


def change_secret(shop: project.Project, number: int) -> None:
    shop.set_secret("SESSION_KEY", f"key-{number}")


def change_scale(shop: project.Project, number: int) -> None:
    web = yaml.safe_load((shop.folder / "app" / "app.yaml").read_text())["services"]["web"]
    _update_web(shop, scale=5 - web.get("scale", 2))


def _update_web(shop: project.Project, **fields: object) -> None:
    file = shop.folder / "app" / "app.yaml"
    app = yaml.safe_load(file.read_text())
    app["services"]["web"] |= fields
    file.write_text(yaml.safe_dump(app, sort_keys=False))


CHANGES = {"image": change_image, "config": change_config, "secret": change_secret, "scale": change_scale}


def main(arguments: Sequence[str]) -> int:
    """Run the soak and write the page. Returns 1 if a request failed."""
    parser = argparse.ArgumentParser(prog="python -m dev.soak", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=100, help="number of rollouts [100]")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the changes [1]")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page to write [docs/reliability.md]")
    options = parser.parse_args(arguments)
    project.ensure_base_images()
    with tempfile.TemporaryDirectory() as folder:
        shop = project.Project.create(
            Path(folder), application=project.ROOT / "examples" / "shop", stack=NAMESPACE.partition("-")[2]
        )
        try:
            prepare(shop)
            shop.up()
            result = run(Soak(shop), options.rollouts, random.Random(options.seed))  # noqa: S311 - an order, no secret
        finally:
            shop.pulumi("cancel", "--yes", shop.stack)
            shop.destroy()
    options.out.write_text(format_page(result))
    print(format_page(result))
    return 1 if any(load["failures"] for load in result["loads"].values()) else 0


def prepare(shop: project.Project) -> None:
    """Give the page a secret, and let both servers keep their connections."""
    for service in REPLICATED:
        for old, new in KEEP_ALIVE:
            shop.replace_text(f"app/{service}/server.py", old, new)
    _update_web(shop, secrets=["SESSION_KEY"])
    change_secret(shop, 0)


def run(soak: Soak, rollouts: int, order: random.Random) -> dict[str, Any]:
    """Do everything, and return the result: a JSON object."""
    address = soak.shop.read_address(NAMESPACE)
    start, limit = time.monotonic(), 60.0 * (rollouts + 10)
    loads = {
        "keeps its connections": prober.Prober(address, limit=limit),
        "a connection for each request": prober.Prober(address, keep_alive=False, limit=limit),
    }
    kept, fresh = loads.values()
    with kept, fresh:
        for number, kind in enumerate(itertools.islice(_list_kinds(order), rollouts), start=1):
            soak.change(kind, number)
            if number % 5 == 0:
                soak.delete_pod(REPLICATED[number // 5 % 2])
            if number % 25 == 0 or number == rollouts:
                soak.evict_all()
            failed = len(kept.failures) + len(fresh.failures)
            print(f"{number} of {rollouts} rollouts, {kind}: {failed} failed requests", flush=True)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "versions": {tool: _read_version(soak.shop, tool) for tool in ("pulumi", "kubernetes")},
        "minutes": (time.monotonic() - start) / 60,
        "events": {kind: {"count": soak.counts[kind], "seconds": soak.seconds[kind]} for kind in sorted(soak.counts)},
        "loads": {
            name: {"answered": load.answered, "failures": load.failures, "longest_pause": load.longest_pause}
            for name, load in loads.items()
        },
    }


def _list_kinds(order: random.Random) -> Iterator[str]:
    while True:
        yield from order.sample(list(CHANGES), len(CHANGES))


def _read_version(shop: project.Project, tool: str) -> str:
    if tool == "pulumi":
        return shop.pulumi("version", check=True).stdout.strip()
    return json.loads(shop.kubectl("version", "-o", "json").stdout)["serverVersion"]["gitVersion"]


TEXT = """# Measured availability

`make soak` writes this page. It deploys `examples/shop` to the one-node cluster and changes it many times in a row with
`pulumi up`, deletes pods, and evicts each pod that a PodDisruptionBudget protects, while two probers outside of the
cluster request the page of `web`, which asks `api`, which asks the database. A request that fails once is a failure;
only a client that finds its kept connection closed by the server sends the request again, as all HTTP clients do.
A longest pause is the time between two answers.

Last run: {date}, {minutes:.0f} minutes, {machine}, Pulumi {pulumi}, Kubernetes {kubernetes}.

| what was done | times | median | slowest |
| --- | --- | --- | --- |
{events}
| load: a client that | requests | failed | longest pause |
| --- | --- | --- | --- |
{loads}
Stores, and services with `scale: 1`, are interrupted when their pod is replaced; the checks AVL-01 and AVL-02 say so.
What a failed rollout does to requests is in [failures.md](failures.md).
"""


def format_page(result: Mapping[str, Any]) -> str:
    """The page of a result of ``run``."""
    events = "".join(
        f"| {kind} | {event['count']} | {statistics.median(event['seconds']):.1f} s | {max(event['seconds']):.1f} s |\n"
        for kind, event in result["events"].items()
    )
    loads = "".join(
        f"| {name} | {load['answered'] + len(load['failures'])} | {len(load['failures'])} | "
        f"{load['longest_pause']:.1f} s |\n"
        for name, load in result["loads"].items()
    )
    facts = {name: result[name] for name in ("date", "minutes", "machine")}
    return TEXT.format(events=events, loads=loads, **facts, **result["versions"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
