# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Each check: content with a well-made application, and what it says of one that is not."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.checks import availability, engine, public, table
from seaway.manifests import objects, offline
from seaway.model import application, load, settings
from tests import golden
from tests.unit.checks import made

CONTAINER = "spec.template.spec.containers"
SEC = "securityContext"


def without(key: str) -> made.Edit:
    return lambda manifest: manifest.pop(key)


def setting(**fields: Any) -> made.Edit:
    return lambda manifest: manifest.update(fields)


def security(**fields: Any) -> made.Edit:
    return made.container(lambda one: one[SEC].update(fields))


def resource(kind: str, name: str) -> made.Edit:
    return made.container(lambda one: one["resources"][kind].pop(name))


def spec(**fields: Any) -> made.Edit:
    return lambda manifest: manifest["spec"].update(fields)


BASELINE = "remove `security: baseline` from services.web, or waive this check for it"
NO_POLICY = (
    "no network policy selects the pods; Seaway makes none yet: apply one to the namespace by hand, or waive this check"
)

# By the application: what a user can write today.
WRITTEN: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "latest": ("IMG-01", {"db": {"image": "postgres"}}, [
        f"db: StatefulSet/db {CONTAINER}[db].image: postgres may be another program tomorrow; name a version in stores.db.image, as postgres:1.2.3",
    ]),
    "latest with a registry": ("IMG-01", {"db": {"image": "localhost:5000/db:latest"}}, [
        f"db: StatefulSet/db {CONTAINER}[db].image: localhost:5000/db:latest may be another program tomorrow; name a version in stores.db.image, as db:1.2.3",
    ]),
    "tag": ("IMG-02", {"db": {"image": "postgres:17"}}, [
        f"db: StatefulSet/db {CONTAINER}[db].image: postgres:17 is a tag, and a tag can be moved; pin it in images.lock: seaway release outdated --write",
    ]),
    "one question": ("PRB-02", {"web": {"health": application.Health.shorthand("/healthz")}}, [
        f"web: Deployment/web {CONTAINER}[web].livenessProbe: asks the same as the readiness probe (/healthz): where that says no for long, every pod is restarted; write services.web.health as {{ready: ..., live: ...}}; live asks the process and nothing else",
    ]),
    "one command": ("PRB-02", {"db": {"health": application.Health.shorthand(("pg_isready", "-q"))}}, [
        f"db: StatefulSet/db {CONTAINER}[db].livenessProbe: asks the same as the readiness probe (pg_isready -q): where that says no for long, every pod is restarted; write stores.db.health as {{ready: ..., live: ...}}; live asks the process and nothing else",
    ]),
    "baseline": ("SEC-01", {"web": {"security": "baseline"}}, [
        f"{owner}: {key} {CONTAINER}[{owner}].securityContext.runAsNonRoot: is not true; {BASELINE.replace('services.web', field)}"
        for owner, key, field in (("migrate", "Job/migrate-*", "jobs.migrate"), ("web", "Deployment/web", "services.web"))
    ]),
    "user": ("SEC-02", {"db": {"user": 999}}, [
        f"db: StatefulSet/db {CONTAINER}[db].securityContext.runAsUser: 999 may be the id of a user of the node; leave stores.db.user out for 10001, if the image can do with that",
    ]),
    "low port": ("SEC-15", {"web": {"port": 80}}, [
        f"web: Deployment/web {CONTAINER}[web].ports.containerPort: 80 is one of root's ports; let the program listen above, as on 8000, and say so in services.web.port",
    ]),
    "secret in env": ("CFG-01", {"db": {"env": {"POSTGRES_PASSWORD": "hunter2"}}}, [
        f"db: StatefulSet/db {CONTAINER}[db].env[POSTGRES_PASSWORD].value: looks like a secret; make stores.db.secrets of it; a value may use another one, as $(PASSWORD)",
    ]),
    "secret in a URL": ("CFG-01", {"db": {"env": {"URL": "amqp://me:hunter2@mq:5672/"}}}, [
        f"db: StatefulSet/db {CONTAINER}[db].env[URL].value: has a password or a key in it; take the value from stores.db.secrets; a value may use another one, as $(PASSWORD)",
    ]),
    "secret in a file": ("CFG-02", {"db": {"files": (application.File("/etc/db.ini", content="[db]\nuser = me\napi-key: hunter2\n"),)}}, [
        "db: ConfigMap/db-config-* data[etc_db.ini]: line 3 looks like a secret; give it to the program as one of its `secrets`, which are environment variables",
    ]),
    "one pod": ("AVL-01", {"web": {"scale": application.Scale(min=1)}}, [
        "web: Deployment/web spec.replicas: 1 pod is away with its node; set services.web.scale to 2 or more",
    ]),
}  # fmt: skip

# By the manifest: what the model cannot say, and what a change of ours must not take away.
SPOILED: dict[str, tuple[str, str, made.Edit, list[str]]] = {
    "no cpu": ("RES-01", "Deployment/web", resource("requests", "cpu"), [
        f"web: Deployment/web {CONTAINER}[web].resources.requests.cpu: is not set; set services.web.resources.cpu, as 100m",
    ]),
    "no memory": ("RES-03", "StatefulSet/db", resource("requests", "memory"), [
        f"db: StatefulSet/db {CONTAINER}[db].resources.requests.memory: is not set; set stores.db.resources.memory, as 128Mi",
    ]),
    "no memory limit": ("RES-04", "Deployment/web", resource("limits", "memory"), [
        f"web: Deployment/web {CONTAINER}[web].resources.limits.memory: is not set; set services.web.resources.memory, as 128Mi",
    ]),
    "no disk": ("RES-05", "Deployment/web", made.container(without("resources")), [
        f"web: Deployment/web {CONTAINER}[web].resources.requests.ephemeral-storage: is not set; set it, as 64Mi",
        f"web: Deployment/web {CONTAINER}[web].resources.limits.ephemeral-storage: is not set; set it, as 1Gi",
    ]),
    "no readiness": ("PRB-01", "Deployment/web", made.container(without("readinessProbe")), [
        f"web: Deployment/web {CONTAINER}[web].readinessProbe: is not set; say it in services.web.health.ready, as /readyz",
    ]),
    "no liveness": ("PRB-02", "Deployment/web", made.container(without("livenessProbe")), [
        f"web: Deployment/web {CONTAINER}[web].livenessProbe: is not set; say it in services.web.health.live, as /healthz",
    ]),
    "no startup": ("PRB-03", "Deployment/web", made.container(without("startupProbe")), [
        f"web: Deployment/web {CONTAINER}[web].livenessProbe: gives a start 30 s, and services.web.health.startup 60 s; set startupProbe.failureThreshold so that it is as long",
    ]),
    "short startup": ("PRB-03", "StatefulSet/db", made.container(lambda one: one["startupProbe"].update(failureThreshold=5)), [
        f"db: StatefulSet/db {CONTAINER}[db].startupProbe: gives a start 5 s, and stores.db.health.startup 60 s; set startupProbe.failureThreshold so that it is as long",
    ]),
    "probe of no port": ("PRB-04", "Deployment/web", made.container(lambda one: one["readinessProbe"]["httpGet"].update(port=9000)), [
        f"web: Deployment/web {CONTAINER}[web].readinessProbe.httpGet.port: the container has no port 9000; write the port of services.web.port",
    ]),
    "escalation": ("SEC-03", "Deployment/web", security(allowPrivilegeEscalation=True), [
        f"web: Deployment/web {CONTAINER}[web].securityContext.allowPrivilegeEscalation: is not false; {BASELINE}",
    ]),
    "privileged": ("SEC-04", "Deployment/web", security(privileged=True), [
        f"web: Deployment/web {CONTAINER}[web].securityContext.privileged: is true; remove it",
    ]),
    "writable": ("SEC-05", "Deployment/web", security(readOnlyRootFilesystem=False), [
        f"web: Deployment/web {CONTAINER}[web].securityContext.readOnlyRootFilesystem: is not true; name the folders that it writes to in services.web.writable",
    ]),
    "capabilities": ("SEC-06", "Deployment/web", security(capabilities={"add": ["NET_BIND_SERVICE", "NET_ADMIN", "SYS_TIME"]}), [
        f"web: Deployment/web {CONTAINER}[web].securityContext.capabilities.drop: does not say ALL; {BASELINE}",
        f"web: Deployment/web {CONTAINER}[web].securityContext.capabilities.add: gives NET_ADMIN, SYS_TIME; remove it; ports below 1024 need none",
    ]),
    "no seccomp": ("SEC-07", "Deployment/web", made.template(lambda one: one[SEC].pop("seccompProfile")), [
        f"web: Deployment/web {CONTAINER}[web].securityContext.seccompProfile.type: is not set; set it to RuntimeDefault",
    ]),
    "own seccomp": ("SEC-07", "Deployment/web", security(seccompProfile={"type": "Unconfined"}), [
        f"web: Deployment/web {CONTAINER}[web].securityContext.seccompProfile.type: Unconfined allows every system call; set it to RuntimeDefault",
    ]),
    "node's network": ("SEC-08", "Deployment/web", made.template(setting(hostNetwork=True, hostPID=True)), [
        "web: Deployment/web spec.template.spec.hostPID: is true; remove it",
        "web: Deployment/web spec.template.spec.hostNetwork: is true; remove it",
    ]),
    "node's port": ("SEC-09", "Deployment/web", made.container(lambda one: one["ports"][0].update(hostPort=80)), [
        f"web: Deployment/web {CONTAINER}[web].ports.hostPort: takes port 80 of the node; remove it, and say `expose: true` in services.web",
    ]),
    "node's files": ("SEC-10", "Deployment/web", made.template(lambda one: one["volumes"].append({"name": "sock", "hostPath": {"path": "/run/docker.sock"}})), [
        "web: Deployment/web spec.template.spec.volumes[sock].hostPath: is /run/docker.sock of the node; let a store keep the data",
    ]),
    "open namespace": ("SEC-14", "Namespace/shop-test", lambda one: one["metadata"]["labels"].update({"pod-security.kubernetes.io/enforce": "privileged"}), [
        "None: Namespace/shop-test metadata.labels[pod-security.kubernetes.io/enforce]: privileged lets every pod in; set it to restricted",
    ]),
    "silent namespace": ("SEC-14", "Namespace/shop-test", lambda one: one["metadata"]["labels"].pop("pod-security.kubernetes.io/warn"), [
        "None: Namespace/shop-test metadata.labels[pod-security.kubernetes.io/warn]: is not set; set it to restricted",
    ]),
    "default account": ("SA-01", "Deployment/web", made.template(without("serviceAccountName")), [
        "web: Deployment/web spec.template.spec.serviceAccountName: is the default account; set it to web",
    ]),
    "token": ("SA-02", "Deployment/web", made.template(without("automountServiceAccountToken")), [
        "web: Deployment/web spec.template.spec.automountServiceAccountToken: is not false; set it to false",
    ]),
    "variable twice": ("CFG-04", "Deployment/web", made.container(lambda one: one["env"].append({"name": "MODE", "value": "slow"})), [
        f"web: Deployment/web {CONTAINER}[web].env[MODE]: is there twice; remove one of the two",
    ]),
    "no such key": ("CFG-04", "Deployment/web", made.container(lambda one: one["env"][0]["valueFrom"].update(secretKeyRef={"name": "web", "key": "PASSWORD"})), [
        f"web: Deployment/web {CONTAINER}[web].env[PASSWORD].valueFrom.secretKeyRef: there is no key PASSWORD in a Secret web; name one that is there",
    ]),
    "no such file": ("CFG-04", "Deployment/web", made.template(lambda one: one["volumes"].append({"name": "more", "configMap": {"name": "more"}})), [
        "web: Deployment/web spec.template.spec.volumes[more].configMap.name: there is no ConfigMap more; name one that is there",
    ]),
    "no policy": ("NET-01", "NetworkPolicy/closed", spec(podSelector={"matchLabels": {"app.kubernetes.io/name": "web"}}), [
        f"db: StatefulSet/db spec.template.metadata.labels: {NO_POLICY}",
        f"migrate: Job/migrate-* spec.template.metadata.labels: {NO_POLICY}",
    ]),
    "service for nobody": ("NET-03", "Service/web", spec(selector={"app": "web"}), [
        "web: Service/web spec.selector: selects no pods; write the labels of those that it is for",
    ]),
    "node port": ("NET-04", "Service/web", spec(type="NodePort"), [
        "web: Service/web spec.type: NodePort answers on every node; set seaway:exposure to loadBalancer, or to clusterIP and let an Ingress stand before it",
    ]),
    "no budget": ("AVL-02", "PodDisruptionBudget/web", spec(selector={"matchLabels": {"app": "other"}}), [
        "web: Deployment/web spec.replicas: no disruption budget keeps a drain from taking all pods at once; let a PodDisruptionBudget select them",
    ]),
    "no drain": ("AVL-02", "PodDisruptionBudget/web", spec(maxUnavailable=0), [
        "web: PodDisruptionBudget/web spec: of 2 pods it lets none go, so no drain of a node ends; set maxUnavailable to 1",
    ]),
    "one node": ("AVL-03", "Deployment/web", made.template(lambda one: one["topologySpreadConstraints"].pop()), [
        "web: Deployment/web spec.template.spec.topologySpreadConstraints: all pods may be in one node; spread them by kubernetes.io/hostname",
    ]),
    "one zone": ("AVL-04", "Deployment/web", made.template(without("topologySpreadConstraints")), [
        "web: Deployment/web spec.template.spec.topologySpreadConstraints: all pods may be in one zone; spread them by topology.kubernetes.io/zone",
    ]),
    "recreate": ("AVL-05", "Deployment/web", spec(strategy={"type": "Recreate"}), [
        "web: Deployment/web spec.strategy.type: Recreate ends all old pods before a new one starts; set it to RollingUpdate",
    ]),
    "surge": ("AVL-05", "Deployment/web", spec(strategy={}), [
        "web: Deployment/web spec.strategy.rollingUpdate.maxUnavailable: 25% of the pods may be away in a rollout; set it to 0",
    ]),
    "no farewell": ("AVL-06", "Deployment/web", made.container(without("lifecycle")), [
        f"web: Deployment/web {CONTAINER}[web].lifecycle.preStop: is not set: requests come to a pod that has ended; set it to {{sleep: {{seconds: 5}}}}",
    ]),
    "short grace": ("AVL-06", "Deployment/web", made.template(setting(terminationGracePeriodSeconds=10)), [
        "web: Deployment/web spec.template.spec.terminationGracePeriodSeconds: 10 s are too short for the wait of 5 s and 10 s for the requests in flight; set it to 15 or more",
    ]),
}  # fmt: skip


def starred(text: str) -> str:
    """Without the hashes in names."""
    words = (word if "-" not in word else word.rpartition("-") for word in text.split(" "))
    return " ".join(
        word
        if isinstance(word, str)
        else (f"{word[0]}-*" if len(word[2]) == 10 and word[2].isalnum() else "-".join((word[0], word[2])))
        for word in words
    )


def of(results: list[engine.Result], id_: str) -> list[str]:
    return [starred(text) for found, text in made.findings(results) if found == id_]


@pytest.mark.parametrize("stack", [made.STACK, made.PINNED], ids=["builds", "pinned"])
def test_a_well_made_application_passes_everything(stack: settings.Settings) -> None:
    results = made.run(made.app(), stack)
    assert made.findings(results) == []
    assert [(one.check.id, one.state) for one in results] == [(each.id, "passed") for each in table.CHECKS]


@pytest.mark.parametrize("case", WRITTEN)
def test_what_is_written(case: str) -> None:
    id_, fields, lines = WRITTEN[case]
    assert of(made.run(made.app(**fields)), id_) == lines


@pytest.mark.parametrize("case", SPOILED)
def test_what_is_spoiled(case: str) -> None:
    id_, key, edit, lines = SPOILED[case]
    assert of(made.run(made.app(), found=made.spoiled(key, edit)), id_) == lines


def test_every_check_has_a_failing_case() -> None:
    ids = [each.id for each in table.CHECKS]
    assert {one[0] for one in (*WRITTEN.values(), *SPOILED.values())} == set(ids)
    assert len(set(ids)) == len(ids)
    assert set(table.IDS) == {*ids, *settings.POLICIES}


def test_each_check_says_why_and_what_it_weighs() -> None:
    for each in table.CHECKS:
        assert each.why.endswith((".", "issues/20473")), each.id
        assert each.level.because, each.id
        assert set(each.public) <= set(public.TOOLS), each.id
    assert {each.id for each in table.CHECKS if not each.public} == {"SEC-14", "AVL-06"}
    assert set(public._IDS) <= set(table.IDS)


@pytest.mark.parametrize("file", ["app/app.yaml", "examples/smallest/app.yaml", "examples/shop/app.yaml"])
@pytest.mark.parametrize("stack", [made.STACK, made.PINNED], ids=["builds", "pinned"])
def test_what_ships_has_no_error(file: str, stack: settings.Settings) -> None:
    app = load.load(golden.ROOT / file)
    exposed = dataclasses.replace(stack, exposure="nodePort")
    results = engine.run(app, exposed, offline.rendered(app, exposed), made.TODAY)
    assert {one.state for one in results} <= {"passed", "failed"}
    assert [str(one.finding) for one in results if one.refused] == []


def test_an_image_that_is_being_built_is_deployed_by_its_digest() -> None:
    app = made.app()
    images = {"web": objects.Image(reference=object(), content="ctx-1")}
    found = offline.rendered(app, made.STACK, images)
    results = engine.run(app, made.STACK, found, made.TODAY)
    assert not [one for one in results if one.check.id in ("IMG-01", "IMG-02") and one.state != "passed"]


def test_a_substitute_is_told_where_it_was_named() -> None:
    stack = dataclasses.replace(made.STACK, substitutes={"postgres:17": "mirror.example.com/postgres:latest"})
    (line,) = of(made.run(made.app(db={"image": "postgres:17"}), stack), "IMG-01")
    assert line.endswith("; name a version in seaway:substitutes, as postgres:1.2.3")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN_URL", "https://x"),
        ("SECRET", ""),
        ("API_KEY", "$(OTHER)"),
        ("PASSWORD", "/run/x"),
        ("USE_TOKEN", "true"),
    ],
)
def test_what_only_looks_like_a_secret(name: str, value: str) -> None:
    assert of(made.run(made.app(db={"env": {name: value}})), "CFG-01") == []


@pytest.mark.parametrize(
    "line", ["password =", "secret: ${X}", "token_type = bearer", "key = 1", "see https://x/a:b@c"]
)
def test_what_only_looks_like_a_secret_in_a_file(line: str) -> None:
    file = application.File("/etc/db.ini", content=line)
    assert of(made.run(made.app(db={"files": (file,)})), "CFG-02") == []


@pytest.mark.parametrize(
    "line", ["DB_PASSWORD=x", '"token": "x"', "url = redis://:x@host", "-----BEGIN RSA PRIVATE KEY-----"]
)
def test_what_is_a_secret_in_a_file(line: str) -> None:
    file = application.File("/etc/db.ini", content=line)
    assert len(of(made.run(made.app(db={"files": (file,)})), "CFG-02")) == 1


@given(value=st.text(alphabet="hunter2$/x ", min_size=1))
def test_no_value_is_ever_told(value: str) -> None:
    secret = f"{value}-verysecret"
    file = application.File("/etc/db.ini", content=f"password = {secret}")
    results = made.run(made.app(db={"env": {"PASSWORD": secret}, "files": (file,)}))
    assert "verysecret" not in repr(made.findings(results))


@given(pods=st.integers(1, 50), said=st.one_of(st.integers(0, 60), st.integers(0, 100).map(lambda one: f"{one}%")))
def test_a_budget_in_numbers_and_in_percent(pods: int, said: int | str) -> None:
    away, stay = (availability._evictable({key: said}, pods) for key in ("maxUnavailable", "minAvailable"))
    assert away + stay == pods
    if isinstance(said, str):
        assert (away == 0) == (said == "0%")
    assert away >= 0
