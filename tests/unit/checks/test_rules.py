"""Each check: it passes for a compliant application, and finds the violation in another one."""

import dataclasses
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.pages import public_checkers
from seaway.checks import all_checks, engine
from seaway.checks.rules import availability
from seaway.files import roots
from seaway.manifests import inputs, preview
from seaway.model import application, settings
from seaway.project import environments, load, release
from tests import golden
from tests.unit.checks import checked_app
from tests.unit.checks.checked_app import REMOVED

POSTGRES = f"postgres:17@{checked_app.DIGEST}"
QUOTED = """cli 'x --password='"${PW}"''; mysql -p"${PW}" x; psql pg://me:"${PW}"@x/; app -p 80"""
CONFIG = application.File("/etc/db.ini", content="[db]\nuser = me\napi-key: hunter2\n")

# Violations in the application: id, its fields, and the paths of the findings.
DECLARED: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "no tag": ("IMG-01", {"db": {"image": "cellar"}}, ["containers[db].image"]),
    "latest": ("IMG-01", {"db": {"image": "localhost:5000/db:latest"}}, ["containers[db].image"]),
    "tag": ("IMG-02", {"db": {"image": "cellar:17"}}, ["containers[db].image"]),
    "one path": (
        "PRB-02",
        {"web": {"health": application.Health.shorthand("/healthz")}},
        ["containers[web].livenessProbe"],
    ),
    "one command": (
        "PRB-02",
        {"db": {"health": application.Health.shorthand(("pg_isready", "-q"))}},
        ["containers[db].livenessProbe"],
    ),
    "port of a known image": (
        "PRB-05",
        {"db": {"image": POSTGRES, "port": 5433}},
        ["containers[db].ports[0].containerPort"],
    ),
    "configured port of a known image": (
        "PRB-05",
        {"db": {"image": POSTGRES, "port": 5433, "args": ("-p", "5433")}},
        [],
    ),
    "baseline": ("SEC-01", {"db": {"security": "baseline"}}, ["containers[db].securityContext.runAsNonRoot"]),
    "tag in a registry of this machine": ("IMG-02", {"db": {"image": "registry.localhost:5000/cellar:17"}}, []),
    "user": ("SEC-02", {"db": {"user": 999}}, ["containers[db].securityContext.runAsUser"]),
    "user of a known image": ("SEC-02", {"db": {"image": POSTGRES, "user": 999}}, []),
    "other user of a known image": (
        "SEC-02",
        {"db": {"image": POSTGRES, "user": 1000}},
        ["containers[db].securityContext.runAsUser"],
    ),
    "low port": ("SEC-15", {"web": {"port": 80}}, ["containers[web].ports.containerPort"]),
    "secret in a variable": (
        "CFG-01",
        {"db": {"env": {"DB_PASSWORD": "hunter2"}}},
        ["containers[db].env[DB_PASSWORD].value"],
    ),
    "secret in a URL": ("CFG-01", {"db": {"env": {"URL": "amqp://me:hunter2@mq/"}}}, ["containers[db].env[URL].value"]),
    "secret in a file": ("CFG-02", {"db": {"files": (CONFIG,)}}, ["data[etc_db.ini]"]),
    "host name": (
        "NET-08",
        {"db": {"external": application.External(host="db.example.com")}},
        ["spec.egress"] * 3,
    ),
    "host name with address ranges": (
        "NET-08",
        {"db": {"external": application.External(host="db.example.com", cidrs=("10.1.0.0/16",))}},
        [],
    ),
    "Service of another namespace": (
        "NET-08",
        {"db": {"external": application.External(host="db.other.svc")}},
        [],
    ),
    "IP address": ("NET-08", {"db": {"external": application.External(host="10.1.2.3")}}, []),
    "secret in a build argument": (
        "CFG-05",
        {"web": {"build": application.Build(context="./web", args={"NPM_TOKEN": "x1"})}},
        ["build.args[NPM_TOKEN]"],
    ),
    "secrets in commands": (
        "CFG-08",
        {
            "db": {
                "command": ("app", "--password", "hunter2"),
                "args": ("--token=$(TOKEN)", "--url=pg://me:hunter2@x/", "--token-file", "/x"),
                "health": application.Health(
                    readiness=("mysqladmin", "-phunter2", "ping"), liveness=("sh", "-c", QUOTED)
                ),
            }
        },
        [
            "containers[db].command[2]",
            "containers[db].args[1]",
            "containers[db].readinessProbe.exec.command[1]",
        ],
    ),
    "unknown variables": (
        "CFG-07",
        {
            "db": {
                "env": {"A": "$(B)$(C)", "B": "$(A)", "D": "$(B)$$(C)", "E": "$(date)$(KUBERNETES_SERVICE_HOST)"},
                "args": ("$(D)", "$(F) $(F)"),
                "health": application.Health(readiness=("x", "$(E)"), liveness=("x", "$(A)", "$(F)")),
            }
        },
        [
            "containers[db].env[A].value",
            "containers[db].env[A].value",
            "containers[db].args[1]",
            "containers[db].startupProbe.exec.command[1]",
            "containers[db].startupProbe.exec.command[2]",
            "containers[db].readinessProbe.exec.command[1]",
        ],
    ),
    "wide range": ("NET-09", {"db": {"egress": ("10.0.0.0/8",)}}, ["spec.egress[1].to[0]"]),
    "one pod": ("AVL-01", {"web": {"scale": application.Scale(min=1)}}, ["spec.replicas"]),
}

DEPLOYMENT, STORE, CRON_JOB, NAMESPACE = "Deployment/web", "StatefulSet/db", "CronJob/report", "Namespace/shop-test"
QUOTA, AUTOSCALER, BUDGET = "ResourceQuota/seaway", "HorizontalPodAutoscaler/web", "PodDisruptionBudget/web"
POLICY, INGRESS, SERVICE, ROLE = "NetworkPolicy/web-*", "Ingress/web", "Service/web", "Role/web"
MAIN = "pod containers 0"
SECURITY = f"{MAIN} securityContext"
CONTEXT = "containers[web].securityContext"
OTHER_LABELS = {"matchLabels": {"app": "other"}}
ENFORCE, WARN = "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/warn"
PART_OF, SNIPPET = "app.kubernetes.io/part-of", "nginx.ingress.kubernetes.io/server-snippet"


def select_key(manifest: dict[str, Any]) -> None:
    """Let the projected volume select a missing key of our own Secret."""
    pod = manifest["spec"]["template"]["spec"]
    (volume,) = (volume for volume in pod["volumes"] if "projected" in volume)
    (own,) = (source for source in volume["projected"]["sources"] if source["secret"]["name"] != "vault")
    own["secret"]["items"][0]["key"] = "OTHER"


def secret_variable(secret: str) -> dict[str, Any]:
    return {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": secret, "key": "x"}}}


def grant(resources: str, *verbs: str) -> dict[str, Any]:
    return {"rules": [{"apiGroups": [""], "resources": resources.split(), "verbs": list(verbs)}]}


# Violations in one object, which the model cannot express: id, the object, the edit, and the paths of the findings if
# they are not those of the edit.
EDITED: dict[str, tuple[Any, ...]] = {
    "secret in a hook": (
        "CFG-08",
        DEPLOYMENT,
        {f"{MAIN} lifecycle": {"postStart": {"exec": {"command": ["curl", "-u", "me:hunter2", "http://x"]}}}},
        ["containers[web].lifecycle.postStart.exec.command[2]"],
    ),
    "secret in an annotation": (
        "CFG-09",
        DEPLOYMENT,
        {"spec template metadata annotations": {"a": "http://me:hunter2@x/", "checksum/secret": "0123abcd"}},
        ["spec.template.metadata.annotations[a]"],
    ),
    "no cpu": ("RES-01", DEPLOYMENT, {f"{MAIN} resources requests cpu": REMOVED}),
    "no memory": ("RES-03", STORE, {f"{MAIN} resources requests memory": REMOVED}),
    "no memory limit": ("RES-04", DEPLOYMENT, {f"{MAIN} resources limits memory": REMOVED}),
    "no disk": (
        "RES-05",
        DEPLOYMENT,
        {f"{MAIN} resources": REMOVED},
        [f"containers[web].resources.{kind}.ephemeral-storage" for kind in ("requests", "limits")],
    ),
    "unreserved memory": ("RES-06", DEPLOYMENT, {f"{MAIN} resources requests memory": "0.0625Gi"}),
    "small quota": (
        "RES-08",
        QUOTA,
        {"spec hard": {"requests.cpu": "1", "pods": "100", "configmaps": "1"}},
        ["spec.hard[requests.cpu]"],
    ),
    "quota below a rollout": ("RES-08", QUOTA, {"spec hard": {"pods": "14"}}, ["spec.hard[pods]"]),
    "quota of a rollout": ("RES-08", QUOTA, {"spec hard": {"pods": "15"}}, []),
    "quota of limits": ("RES-08", QUOTA, {"spec hard": {"limits.cpu": "100"}}, ["spec.hard[limits.cpu]"]),
    "no readiness": ("PRB-01", DEPLOYMENT, {f"{MAIN} readinessProbe": REMOVED}),
    "no liveness": ("PRB-02", DEPLOYMENT, {f"{MAIN} livenessProbe": REMOVED}),
    "no startup probe": ("PRB-03", DEPLOYMENT, {f"{MAIN} startupProbe": REMOVED}, ["containers[web].livenessProbe"]),
    "short start": ("PRB-03", STORE, {f"{MAIN} startupProbe failureThreshold": 5}, ["containers[db].startupProbe"]),
    "probe of another port": ("PRB-04", DEPLOYMENT, {f"{MAIN} readinessProbe httpGet port": 9000}),
    "escalation": ("SEC-03", DEPLOYMENT, {f"{SECURITY} allowPrivilegeEscalation": True}),
    "privileged": ("SEC-04", DEPLOYMENT, {f"{SECURITY} privileged": True}),
    "writable": ("SEC-05", DEPLOYMENT, {f"{SECURITY} readOnlyRootFilesystem": False}),
    "capabilities": (
        "SEC-06",
        DEPLOYMENT,
        {f"{SECURITY} capabilities": {"add": ["NET_BIND_SERVICE", "NET_ADMIN", "SYS_TIME"]}},
        [f"{CONTEXT}.capabilities.drop", f"{CONTEXT}.capabilities.add"],
    ),
    "no seccomp profile": (
        "SEC-07",
        STORE,
        {"pod securityContext seccompProfile": REMOVED},
        ["containers[db].securityContext.seccompProfile.type"],
    ),
    "unconfined": (
        "SEC-07",
        DEPLOYMENT,
        {f"{SECURITY} seccompProfile": {"type": "Unconfined"}},
        [f"{CONTEXT}.seccompProfile.type"],
    ),
    "host namespaces": (
        "SEC-08",
        DEPLOYMENT,
        {"pod hostNetwork": True, "pod hostPID": True},
        ["hostPID", "hostNetwork"],
    ),
    "host port": ("SEC-09", DEPLOYMENT, {f"{MAIN} ports 0 hostPort": 80}, ["containers[web].ports.hostPort"]),
    "host path": (
        "SEC-10",
        DEPLOYMENT,
        {"pod volumes +": {"name": "sock", "hostPath": {"path": "/run/docker.sock"}}},
        ["volumes[sock].hostPath"],
    ),
    "network volume": (
        "SEC-11",
        DEPLOYMENT,
        {"pod volumes +": {"name": "share", "nfs": {"server": "x", "path": "/"}}},
        ["volumes[share].nfs"],
    ),
    "sysctl": (
        "SEC-12",
        DEPLOYMENT,
        {
            "pod securityContext sysctls": [{"name": "kernel.msgmax", "value": "1"}],
            "pod securityContext procMount": "Default",
        },
        ["securityContext.sysctls[kernel.msgmax]"],
    ),
    "kernel": (
        "SEC-12",
        CRON_JOB,
        {
            f"{SECURITY} procMount": "Unmasked",
            f"{SECURITY} appArmorProfile": {"type": "Unconfined"},
            f"{SECURITY} seLinuxOptions": {"type": "spc_t"},
        },
        [
            f"containers[report].securityContext.{field}"
            for field in ("procMount", "appArmorProfile.type", "seLinuxOptions")
        ],
    ),
    "init container": ("SEC-13", DEPLOYMENT, {"pod initContainers -1 securityContext": REMOVED}),
    "privileged namespace": ("SEC-14", NAMESPACE, {f"metadata labels {ENFORCE}": "privileged"}),
    "namespace without warnings": ("SEC-14", NAMESPACE, {f"metadata labels {WARN}": REMOVED}),
    "system priority": ("SEC-16", DEPLOYMENT, {"pod priorityClassName": "system-node-critical"}),
    "foreign DNS": ("SEC-17", STORE, {"pod dnsConfig": {"nameservers": ["203.0.113.9"]}}, ["dnsConfig.nameservers"]),
    "probe of another host": (
        "SEC-18",
        DEPLOYMENT,
        {f"{MAIN} livenessProbe httpGet host": "10.0.0.1"},
        ["containers[web].startupProbe.httpGet.host", "containers[web].livenessProbe.httpGet.host"],
    ),
    "account of another workload": ("SA-01", DEPLOYMENT, {"pod serviceAccountName": "db"}),
    "role of the cloud": (
        "SA-04",
        "ServiceAccount/web",
        {"metadata annotations": {"eks.amazonaws.com/role-arn": "x"}},
        ["metadata.annotations[eks.amazonaws.com/role-arn]"],
    ),
    "Secret of another workload": (
        "CFG-06",
        STORE,
        {"pod volumes +": {"name": "more", "secret": {"secretName": "vault"}}},
        ["volumes[more].secret"],
    ),
    "external address": ("SVC-01", SERVICE, {"spec externalIPs": ["192.0.2.1"]}),
    "default account": ("SA-01", DEPLOYMENT, {"pod serviceAccountName": REMOVED}),
    "missing account": ("SA-01", DEPLOYMENT, {"pod serviceAccountName": "other"}),
    "deprecated account": ("SA-03", DEPLOYMENT, {"pod serviceAccount": "web"}),
    "token": ("SA-02", STORE, {"pod automountServiceAccountToken": REMOVED}),
    "wildcard": ("RBAC-01", ROLE, grant("configmaps", "*"), ["rules[0].verbs"]),
    "cluster role": ("RBAC-02", "RoleBinding/web", {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}),
    "secrets": ("RBAC-03", ROLE, grant("secrets pods", "get", "escalate"), ["rules[0]"] * 2),
    "all escalations": (
        "RBAC-03",
        ROLE,
        grant("pods pods/exec pods/attach serviceaccounts/token roles rolebindings", "create", "bind", "impersonate"),
        ["rules[0]"] * 8,
    ),
    "variable twice": (
        "CFG-04",
        DEPLOYMENT,
        {f"{MAIN} env +": {"name": "MODE", "value": "slow"}},
        ["containers[web].env[MODE]"],
    ),
    "missing Secret": (
        "CFG-04",
        DEPLOYMENT,
        {f"{MAIN} env +": secret_variable("web")},
        ["containers[web].env[PASSWORD].valueFrom.secretKeyRef"],
    ),
    "missing ConfigMap": (
        "CFG-04",
        DEPLOYMENT,
        {"pod volumes +": {"name": "more", "configMap": {"name": "more"}}},
        ["volumes[more].configMap"],
    ),
    "missing key": ("CFG-04", DEPLOYMENT, select_key, ["volumes[secrets].projected.sources[1].secret"]),
    "secret as a variable": (
        "CFG-03",
        DEPLOYMENT,
        {f"{MAIN} env +": secret_variable("vault")},
        ["containers[web].env[PASSWORD]"],
    ),
    "open policy": ("NET-01", "NetworkPolicy/default-deny", {"spec ingress": [{}]}, ["spec.ingress[0]"]),
    "policy without pods": ("NET-02", POLICY, {"spec podSelector": OTHER_LABELS}),
    "policy with a missing peer": (
        "NET-02",
        POLICY,
        {"spec egress": [{"to": [{"podSelector": OTHER_LABELS}]}]},
        ["spec.egress[0].to[0].podSelector"],
    ),
    "policy with a missing port": (
        "NET-02",
        POLICY,
        {"spec ingress": [{"ports": [{"port": 1234}, {"port": 1, "endPort": 9}]}]},
        ["spec.ingress[0].ports[0].port"],
    ),
    "missing backend": (
        "NET-05",
        INGRESS,
        {"spec rules 0 http paths 0 backend service name": "webb"},
        ["spec.rules[shop.example.com].http.paths[/]"],
    ),
    "missing backend port": (
        "NET-05",
        INGRESS,
        {"spec rules 0 http paths 0 backend service port": {"number": 80}},
        ["spec.rules[shop.example.com].http.paths[/]"],
    ),
    "no TLS": ("NET-06", INGRESS, {"spec tls": REMOVED}),
    "retired controller": ("NET-10", INGRESS, {"spec ingressClassName": "nginx"}),
    "snippet": ("NET-06", INGRESS, {f"metadata annotations {SNIPPET}": "x"}),
    "missing target port": ("NET-07", SERVICE, {"spec ports 0 targetPort": "http"}, ["spec.ports[main].targetPort"]),
    "long port name": (
        "NET-07",
        SERVICE,
        {"spec ports 0 targetPort": "the-port-of-the-web"},
        ["spec.ports[main].targetPort"],
    ),
    "Service without pods": ("NET-03", SERVICE, {"spec selector": {"app": "web"}}),
    "node port": ("NET-04", SERVICE, {"spec type": "NodePort"}),
    "no budget": ("AVL-02", BUDGET, {"spec selector": OTHER_LABELS}, ["spec.replicas"]),
    "blocked drain": ("AVL-02", BUDGET, {"spec maxUnavailable": 0}, ["spec"]),
    "one node": ("AVL-03", DEPLOYMENT, {"pod topologySpreadConstraints -1": REMOVED}, ["topologySpreadConstraints"]),
    "one zone": ("AVL-04", DEPLOYMENT, {"pod topologySpreadConstraints": REMOVED}),
    "recreate": ("AVL-05", DEPLOYMENT, {"spec strategy": {"type": "Recreate"}}, ["spec.strategy.type"]),
    "default strategy": ("AVL-05", DEPLOYMENT, {"spec strategy": {}}, ["spec.strategy.rollingUpdate.maxUnavailable"]),
    "no wait": ("AVL-06", DEPLOYMENT, {f"{MAIN} lifecycle": REMOVED}, ["containers[web].lifecycle.preStop"]),
    "short grace period": ("AVL-06", DEPLOYMENT, {"pod terminationGracePeriodSeconds": 10}),
    "missing scale target": ("AVL-08", AUTOSCALER, {"spec scaleTargetRef name": "webb"}, ["spec.scaleTargetRef"]),
    "maximum below minimum": (
        "AVL-08",
        AUTOSCALER,
        {"spec minReplicas": 2, "spec maxReplicas": 1},
        ["spec.maxReplicas"],
    ),
    "fewer pods than the minimum": ("AVL-08", DEPLOYMENT, {"spec replicas": 1}),
    "nothing to measure": ("AVL-08", DEPLOYMENT, {f"{MAIN} resources requests cpu": REMOVED}),
    "job that restarts": ("AVL-09", CRON_JOB, {"pod restartPolicy": "Always"}),
    "service that does not": ("AVL-09", DEPLOYMENT, {"pod restartPolicy": "Never"}),
    "foreign pods": (
        "META-01",
        DEPLOYMENT,
        {"spec selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}},
    ),
    "missing label": ("META-02", SERVICE, {f"metadata labels {PART_OF}": REMOVED}),
    "invalid label": ("META-02", SERVICE, {"metadata labels team": "A & B"}),
    "shared namespace": ("META-03", SERVICE, {"metadata namespace": "default"}),
    "beta": ("META-04", BUDGET, {"apiVersion": "policy/v1beta1"}),
    "schedule": ("JOB-01", CRON_JOB, {"spec startingDeadlineSeconds": REMOVED, "spec concurrencyPolicy": REMOVED}),
    "endless job": ("JOB-02", "Job/migrate-*", {"spec backoffLimit": REMOVED, "spec activeDeadlineSeconds": REMOVED}),
    "endless run": ("JOB-02", CRON_JOB, {"spec jobTemplate spec activeDeadlineSeconds": REMOVED}),
    "missing governing Service": ("STS-01", STORE, {"spec serviceName": "bd"}),
    "Service with a cluster IP": ("STS-01", STORE, {"spec serviceName": "web"}),
}


@pytest.mark.parametrize(
    "stack", [checked_app.STACK, checked_app.PINNED, checked_app.OPEN], ids=["builds", "pinned", "open"]
)
def test_a_compliant_application_passes_every_check(stack: settings.Settings) -> None:
    results = checked_app.run_checks(checked_app.build_app(), stack)
    assert checked_app.list_findings(results) == []
    assert [(result.check.id, result.state) for result in results] == [
        (check.id, "passed") for check in all_checks.CHECKS
    ]


@pytest.mark.parametrize("case", DECLARED)
def test_a_violation_in_the_application_is_found(case: str, wording: Any) -> None:
    id_, fields, paths = DECLARED[case]
    findings = checked_app.list_findings(checked_app.run_checks(checked_app.build_app(**fields)), id_)
    assert checked_app.list_paths(findings) == paths
    if paths:
        assert [checked_app.format_finding(finding) for finding in findings] == wording


@pytest.mark.parametrize("case", EDITED)
def test_a_violation_in_an_object_is_found(case: str, wording: Any) -> None:
    id_, key, edit, *other_paths = EDITED[case]
    release_objects = checked_app.edit_object(key, edit)
    paths = other_paths[0] if other_paths else [checked_app.format_path(key, path) for path in edit]
    results = checked_app.run_checks(checked_app.build_app(), checked_app.OPEN, release_objects)
    findings = checked_app.list_findings(results, id_)
    assert checked_app.list_paths(findings) == paths
    if paths:
        assert [checked_app.format_finding(finding) for finding in findings] == wording


@pytest.mark.parametrize("ports", [{"protocol": "udp"}, {"port": None, "ports": (application.Port("trace", port=9),)}])
def test_a_container_without_a_tcp_port_gets_the_hint_of_a_command(ports: dict[str, Any]) -> None:
    app = checked_app.build_app({"health": application.Health(), "publish": False} | ports)
    results = checked_app.run_checks(app)
    for id_, field in (("PRB-01", "readiness"), ("PRB-02", "liveness")):
        (finding,) = checked_app.list_findings(results, id_)
        assert finding.path.endswith(f".containers[web].{field}Probe")
        assert finding.hint == f"set services.web.health.{field}, for example to [program, argument]"


def test_a_service_that_only_scales_up_needs_a_budget() -> None:
    app = checked_app.build_app({"scale": application.Scale(min=1, max=3)})
    release_objects = checked_app.render_objects(app)
    assert not checked_app.list_findings(checked_app.run_checks(app, release_objects=release_objects), "AVL-02")
    without_budget = [one for one in release_objects if one.kind != "PodDisruptionBudget"]
    (finding,) = checked_app.list_findings(checked_app.run_checks(app, release_objects=without_budget), "AVL-02")
    assert (finding.owner, finding.path) == ("web", "spec.replicas")


def test_every_pod_needs_a_policy_for_both_directions(wording: Any) -> None:
    app = checked_app.build_app()
    release_objects = [one for one in checked_app.render_objects(app) if one.kind != "NetworkPolicy"]
    findings = checked_app.list_findings(checked_app.run_checks(app, release_objects=release_objects), "NET-01")
    assert [finding.owner for finding in findings] == [
        owner for owner in ("db", "migrate", "report", "web") for _ in ("Ingress", "Egress")
    ]
    assert [checked_app.format_finding(finding) for finding in findings[:2]] == wording


@pytest.mark.parametrize(
    ("changed", "findings"),
    [
        ({"promotion": settings.Promotion(from_="dev")}, ["name"]),
        ({"promotion": settings.Promotion(from_="dev"), "trust": settings.Trust(keys=("cosign.pub",))}, []),
        ({}, []),
    ],
)
def test_a_promoted_release_is_signed(changed: dict[str, Any], findings: list[str]) -> None:
    image = release.ReleaseImage(content="ctx-1", repository="registry.example.com/shop/web", digest=checked_app.DIGEST)
    app = checked_app.build_app()
    environment = dataclasses.replace(
        environments.Environment.create(app, dataclasses.replace(checked_app.PINNED, **changed)),
        release=release.Release(application=app, images={"web": image}),
    )
    images = inputs.resolve_release_images(release.Release(application=app, images={"web": image}), None)
    results = engine.run_checks(environment, preview.render_objects(environment, images), checked_app.TODAY)
    assert [finding.path.rpartition(".")[2] for finding in checked_app.list_findings(results, "IMG-05")] == findings


def test_every_check_has_a_case_and_an_id_of_its_own() -> None:
    ids = [check.id for check in all_checks.CHECKS]
    assert {id_ for id_, *_ in (*DECLARED.values(), *EDITED.values())} == {*ids} - {"IMG-05"}
    assert len(set(ids)) == len(ids)
    assert set(all_checks.IDS) == {*ids, *settings.POLICY_IDS}


def test_no_id_is_missing_and_none_is_used_twice() -> None:
    families: dict[str, list[int]] = {}
    for known in (*all_checks.CHECKS, *public_checkers.DECLINED):
        family, _, number = known.id.partition("-")
        families.setdefault(family, []).append(int(number))
    sizes = {"IMG": 5, "RES": 8, "PRB": 5, "SEC": 18, "SA": 4, "RBAC": 3, "CFG": 9, "NET": 10, "AVL": 10, "META": 4}
    sizes |= {"JOB": 3, "STS": 1, "SVC": 1}
    assert {family: sorted(numbers) for family, numbers in families.items()} == {
        family: list(range(1, size + 1)) for family, size in sizes.items()
    }
    assert all(declined.reason for declined in public_checkers.DECLINED)


def test_every_check_has_a_rationale_and_a_severity() -> None:
    for check in all_checks.CHECKS:
        assert check.rationale.endswith((".", "issues/20473", "#stable-network-id")), check.id
        assert check.default_severity.reason, check.id
        assert set(public_checkers.find_public_ids(check.id)) <= set(public_checkers.CHECKERS), check.id
    ours_only = {check.id for check in all_checks.CHECKS if not public_checkers.find_public_ids(check.id)}
    assert ours_only == {
        *("IMG-05", "RES-08", "PRB-05", "SEC-11", "SEC-14", "SEC-16", "SEC-17", "SEC-18", "SA-04", "CFG-05", "CFG-06"),
        *("CFG-07", "CFG-08", "CFG-09", "NET-08", "NET-09", "NET-10", "SVC-01", "AVL-06", "JOB-02"),
    }
    assert set(public_checkers._IDS) <= set(all_checks.IDS)


@pytest.mark.parametrize("file", ["app/app.yaml", "examples/smallest/app.yaml", "examples/shop/app.yaml"])
@pytest.mark.parametrize("stack", [checked_app.STACK, checked_app.PINNED], ids=["builds", "pinned"])
def test_the_shipped_applications_have_no_error(file: str, stack: settings.Settings) -> None:
    app = load.load_application(golden.ROOT / file, root=roots.Root(golden.ROOT))
    results = checked_app.run_checks(app, dataclasses.replace(stack, publish="nodePort"))
    assert {result.state for result in results} <= {"passed", "failed"}
    assert [str(result.finding) for result in results if result.is_refused] == []


def test_an_image_that_is_being_built_passes() -> None:
    app = checked_app.build_app()
    images = {"web": inputs.Image(reference=object(), content="ctx-1")}
    environment = environments.Environment.create(app, checked_app.STACK)
    results = engine.run_checks(environment, preview.render_objects(environment, images), checked_app.TODAY)
    assert all(result.state == "passed" for result in results if result.check.id in ("IMG-01", "IMG-02"))


@pytest.mark.parametrize(("stack", "state"), [(checked_app.STACK, "passed"), (checked_app.PINNED, "failed")])
def test_an_environment_that_builds_may_choose_node_ports(stack: settings.Settings, state: str) -> None:
    app = golden.load_example("shop")
    results = checked_app.run_checks(app, dataclasses.replace(stack, publish="nodePort"))
    assert {result.state for result in results if result.check.id == "NET-04"} == {state}


def test_the_hint_for_an_image_override_names_the_setting() -> None:
    stack = dataclasses.replace(checked_app.STACK, image_overrides={"cellar:17": "mirror.example.com/cellar:latest"})
    app = checked_app.build_app(db={"image": "cellar:17"})
    (finding,) = checked_app.list_findings(checked_app.run_checks(app, stack), "IMG-01")
    assert finding.hint == "set a version in seaway:imageOverrides, for example cellar:1.2.3"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("TOKEN_URL", "https://x"),
        ("SECRET", ""),
        ("API_KEY", "$(OTHER)"),
        ("PASSWORD", "/run/x"),
        ("USE_TOKEN", "true"),
        ("MARIADB_RANDOM_ROOT_PASSWORD", "1"),
    ],
)
def test_a_variable_that_only_looks_like_a_secret_passes(name: str, content: str) -> None:
    app = checked_app.build_app(db={"env": {name: content}})
    assert checked_app.list_findings(checked_app.run_checks(app), "CFG-01") == []


@pytest.mark.parametrize(
    ("line", "is_secret"),
    [
        ("DB_PASSWORD=x", True),
        ('"token": "x"', True),
        ("url = redis://:x@host", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("password =", False),
        ("secret: ${X}", False),
        ("token_type = bearer", False),
        ("key = 1", False),
        ("see https://x/a:b@c", False),
    ],
)
def test_a_secret_in_a_file_is_recognized_by_its_line(line: str, *, is_secret: bool) -> None:
    app = checked_app.build_app(db={"files": (application.File("/etc/db.ini", content=line),)})
    assert len(checked_app.list_findings(checked_app.run_checks(app), "CFG-02")) == is_secret


@hypothesis.settings(max_examples=15)
@given(prefix=st.text(alphabet="hunter2$/x ", min_size=1))
def test_no_finding_shows_a_value(prefix: str) -> None:
    secret = f"{prefix}-verysecret"
    file = application.File("/etc/db.ini", content=f"password = {secret}")
    results = checked_app.run_checks(checked_app.build_app(db={"env": {"PASSWORD": secret}, "files": (file,)}))
    assert "verysecret" not in repr(checked_app.list_findings(results))


@given(pods=st.integers(1, 50), share=st.one_of(st.integers(0, 60), st.integers(0, 100).map(lambda n: f"{n}%")))
def test_a_budget_counts_pods_or_percent(pods: int, share: int | str) -> None:
    unavailable, available = (
        availability._count_evictable({key: share}, pods) for key in ("maxUnavailable", "minAvailable")
    )
    assert unavailable + available == pods
