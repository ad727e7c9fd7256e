"""Every cause on the real cluster, without Pulumi: the messages of the kubelet, the registry and the API server must be
parsed. Then some hints, with `pulumi up`: each is carried out as it is written, and the rollout succeeds.
``python -m dev.faults`` does that for every cause, and under load.
"""

import asyncio
import dataclasses
import datetime
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dev import environment, kubectl, project
from dev.faults import catalogue, changes, cures, fault, program_faults, watched_run
from seaway.kubernetes.cluster import client, reflector
from seaway.rollout import evidence, health, target, workload_health

pytestmark = pytest.mark.cluster

NAMESPACE = "causes-e2e"
STRICT = "causes-strict-e2e"
FULL = "causes-full-e2e"
IMAGE = "registry.localhost:5000/base/python:3.11-bookworm"
SECONDS = 400
SLEEP = ["sleep", "3600"]
ONCE = ["sh", "-c", "test -e /tmp/once && exec sleep 3600; touch /tmp/once; exit 1"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A workload and its expected cause. None: the rollout must complete."""

    cause: str | None
    fatal: bool = True
    container: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    spec: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    kind: target.Kind = "Deployment"
    namespace: str = NAMESPACE


def variable(kind: str, name: str, key: str) -> dict[str, Any]:
    return {"command": SLEEP, "env": [{"name": "A", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key}}}]}


CASES = {
    "healthy": Case(cause=None, container={"command": SLEEP}),
    "one-crash": Case(cause=None, container={"command": ONCE}),
    "no-image": Case(cause="image-not-found", container={"image": "registry.localhost:5000/nobody/nothing:1"}),
    "bad-name": Case(cause="image-name-invalid", container={"image": "Web:2"}),
    "no-registry": Case(cause="registry-unreachable", fatal=False, container={"image": "127.0.0.1:5998/web:1"}),
    "no-host": Case(cause="registry-unreachable", container={"image": "registry.invalid/web:1"}),
    "no-secret": Case(cause="config-missing", container=variable("secret", "nobody", "KEY")),
    "no-key": Case(cause="config-missing", container=variable("configMap", "there", "KEY")),
    "no-file": Case(
        cause="config-missing",
        container={"command": SLEEP, "volumeMounts": [{"name": "files", "mountPath": "/files"}]},
        spec={"volumes": [{"name": "files", "configMap": {"name": "nobody"}}]},
    ),
    "root": Case(cause="runs-as-root", container={"command": SLEEP, "securityContext": {"runAsNonRoot": True}}),
    "no-program": Case(cause="command-not-found", fatal=False, container={"command": ["/no/such/program"]}),
    "exits": Case(cause="crash-loop", container={"command": ["sh", "-c", "echo cannot start; exit 3"]}),
    "read-only": Case(
        cause="not-writable",
        container={
            "command": ["sh", "-c", "echo starting; touch /srv/state"],
            "terminationMessagePolicy": "FallbackToLogsOnError",  # as in all manifests of Seaway
            "securityContext": {"readOnlyRootFilesystem": True},
        },
    ),
    "chown": Case(
        cause="needs-rights",
        container={
            "command": ["sh", "-c", "chown 1 /tmp"],
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": {"runAsUser": 10001},
        },
    ),
    "memory": Case(
        cause="out-of-memory",
        container={
            "command": ["python3", "-c", "data = bytearray(10**9)"],
            "resources": {"limits": {"memory": "32Mi"}},
        },
    ),
    "no-room": Case(
        cause="unschedulable",
        fatal=False,
        container={"command": SLEEP, "resources": {"requests": {"cpu": "100"}}},
    ),
    "no-volume": Case(
        cause="volume-unbound",
        fatal=False,
        container={"command": SLEEP},
        spec={"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "unprovided"}}]},
    ),
    "not-ready": Case(
        cause="not-ready",
        fatal=False,
        container={"command": SLEEP, "readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 1}},
    ),
    "no-account": Case(cause="service-account", container={"command": SLEEP}, spec={"serviceAccountName": "nobody"}),
    "failed-job": Case(cause="job-failed", container={"command": ["sh", "-c", "exit 2"]}, kind="Job"),
    "strict": Case(cause="pod-security", container={"command": SLEEP}, namespace=STRICT),
    "full": Case(cause="quota", container={"command": SLEEP}, namespace=FULL),
}


def manifest(name: str, case: Case) -> dict[str, Any]:
    labels = {"app": name}
    mounts = [*case.container.get("volumeMounts", ()), {"name": "tmp", "mountPath": "/tmp"}]
    container = {"name": "main", "image": IMAGE, **case.container, "volumeMounts": mounts}
    volumes = [*case.spec.get("volumes", ()), {"name": "tmp", "emptyDir": {}}]
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container], **case.spec, "volumes": volumes}
    meta = {"name": name, "namespace": case.namespace}
    if case.kind == "Job":
        spec = {
            "backoffLimit": 0,
            "template": {"metadata": {"labels": labels}, "spec": pod | {"restartPolicy": "Never"}},
        }
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "minReadySeconds": 5, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def namespace(name: str, level: str) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@pytest.fixture(scope="module")
def start_time() -> Iterator[datetime.datetime]:
    """Apply all workloads, and return the time."""
    homes = [
        namespace(NAMESPACE, "privileged"),
        namespace(STRICT, "restricted"),
        namespace(FULL, "baseline"),
    ]
    here = {"namespace": NAMESPACE}
    more = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "there", **here}, "data": {"other": "1"}},
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "unprovided", **here},
            "spec": {
                "storageClassName": "nobody",
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "full", "namespace": FULL},
            "spec": {"hard": {"pods": "0"}},
        },
    ]
    kubectl.run("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": homes})
    try:
        now = datetime.datetime.now(datetime.UTC)
        more += [manifest(name, case) for name, case in CASES.items()]
        kubectl.run("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": more})
        yield now
    finally:
        kubectl.run("delete", "namespace", *(home["metadata"]["name"] for home in homes), "--wait=false")


@pytest.fixture(scope="module")
def observations(start_time: datetime.datetime) -> dict[str, tuple[float, workload_health.WorkloadHealth]]:
    """Return the first expected health of each workload with its seconds, or the last health at the deadline."""
    last: dict[str, tuple[float, workload_health.WorkloadHealth]] = {}
    result: set[str] = set()

    async def watch() -> None:
        cluster = client.KubeClient(context="seaway-dev", timeout=10)
        start = time.monotonic()
        try:
            while len(result) < len(CASES) and time.monotonic() - start < SECONDS:
                homes = sorted({case.namespace for case in CASES.values()})
                indexes = {home: evidence.ObjectIndex(await reflector.read_snapshot(cluster, home)) for home in homes}
                elapsed = time.monotonic() - start
                for name in CASES.keys() - result:
                    case = CASES[name]
                    rollout = target.Target(kind=case.kind, name=name, owner=name, deadline=600)
                    last[name] = (
                        elapsed,
                        health.assess_workload(rollout, indexes[case.namespace], elapsed=elapsed, started=start_time),
                    )
                    if is_expected(case, last[name][1]):
                        result.add(name)
                await asyncio.sleep(1)
        finally:
            await cluster.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(environment.KUBECONFIG))
        asyncio.run(watch())
    return last


def is_expected(case: Case, health: workload_health.WorkloadHealth) -> bool:
    if case.cause is None:
        return health.state == "complete"
    state = "failed" if case.fatal else "progressing"
    return health.state == state and [finding.cause for finding in health.findings] == [case.cause]


@pytest.mark.parametrize("name", CASES)
def test_rollout_has_its_cause(
    observations: dict[str, tuple[float, workload_health.WorkloadHealth]], name: str
) -> None:
    seconds, health = observations[name]
    assert is_expected(CASES[name], health), f"after {seconds:.0f} s: {health}"
    print(f"{name}: {seconds:.0f} s: {health.summary}")


def test_rollout_that_heals_does_not_fail(
    observations: dict[str, tuple[float, workload_health.WorkloadHealth]],
) -> None:
    heals = {name for name, case in CASES.items() if case.cause is None or not case.fatal}
    assert {name for name in heals if observations[name][1].state == "failed"} == set()


def expect_link(app: changes.Application, folder: Path) -> None:
    """Let web read the variable of a link to another service, which it does not declare."""
    app["services"]["api"] = dict(app["services"]["web"])
    changes.change_source(changes.build_server("('', 8000)", "", "os.environ['API_HOST']"))(app, folder)


HINTS = [
    injected
    for injected in program_faults.PROGRAM_FAULTS
    if injected.cause in {"connection-refused", "probe-status"} or "beside its own code" in injected.injected
] + [
    fault.Fault(
        cause="crash-loop",
        injected="no `calls`",
        change=expect_link,
        hint=rf"add (api) to services\.web\.calls {fault.LINE}: that sets API_HOST",
        cure=cures.set_web(calls="[{1}]"),
    )
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    """A stack with the service web, and the default deadline."""
    folder: Path = tmp_path_factory.mktemp("faults")
    checkout = project.Project.create(folder, application=project.ROOT / "examples" / "shop", stack="faults")
    catalogue.prepare_web(checkout)
    try:
        checkout.up()
        yield checkout
    finally:
        checkout.destroy()


@pytest.mark.parametrize("injected", HINTS, ids=lambda injected: injected.injected)
def test_a_hint_that_is_carried_out_cures_the_rollout(shop: project.Project, injected: fault.Fault) -> None:
    """The cause is printed while the rollout still waits, and the user stops it then."""
    assert injected.cause is not None
    before = cures.read_files(shop)
    fault.inject_fault(shop, injected)
    run = watched_run.run_up(shop, stop_at=["fix: "])
    hint = run.find_hint(injected.cause)
    assert hint is not None, run.output
    assert run.exit_code
    cured = fault.carry_out(shop, injected, hint)
    cures.restore(shop, before)
    assert cured.exit_code == 0, f"{hint}\n{cured.output}"


COMPOSE = """\
name: shop
services:
  web:
    build: ./web
    command: [python3, fault.py]
    ports:
      - "8080:8000"
"""
PROGRAM = """\
import seaway as sw

web = sw.Service(
    "web",
    build="./web",
    command=["python3", "fault.py"],
    port=8000,
)
application = sw.Application("shop", services=[web])
"""


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("compose.yaml", COMPOSE, r"services\.web\.ports \((app/compose\.yaml):(\d+)\)"),
        ("app.py", PROGRAM, r'port of Service "web" \((app/app\.py):(\d+)\)'),
    ],
)
def test_a_hint_has_the_words_of_the_file(shop: project.Project, file: str, text: str, words: str) -> None:
    """The wrong port is in the line that the hint names."""
    before, settings = cures.read_files(shop), shop.stack_file.read_text()
    (shop.folder / "app" / file).write_text(text)
    program = changes.build_server("('', 5000)", "Running on http://0.0.0.0:5000")
    (shop.folder / "app" / "web" / "fault.py").write_text(program)
    shop.pulumi("config", "set", "--stack", shop.stack, "seaway:app", f"app/{file}", check=True)
    run = watched_run.run_up(shop, stop_at=["fix: "])
    hint = run.find_hint("connection-refused")
    assert hint is not None, run.output
    match = re.match(rf"set the port in {words} to (\d+),", hint)
    assert match, hint
    path, number = shop.folder / match[1], int(match[2])
    lines = path.read_text().splitlines()
    lines[number - 1 :] = [line.replace("8000", match[3]) for line in lines[number - 1 :]]
    path.write_text("\n".join(lines) + "\n")
    cured = shop.up(check=False)
    cures.restore(shop, before)
    shop.stack_file.write_text(settings)
    assert cured.exit_code == 0, f"{hint}\n{cured.output}"
