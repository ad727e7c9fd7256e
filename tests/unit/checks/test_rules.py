# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Each check: content with a well-made application, and what it says of one that is not."""

import dataclasses
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.checks import engine, public_checkers, registry
from seaway.checks.rules import availability
from seaway.files import roots
from seaway.manifests import objects, preview
from seaway.model import application, settings
from seaway.project import load
from tests import golden
from tests.unit.checks import made

CONTAINER = "spec.template.spec.containers"
SCHEDULED = f"spec.jobTemplate.{CONTAINER}"
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


def backend(**fields: Any) -> made.Edit:
    return lambda one: one["spec"]["rules"][0]["http"]["paths"][0].update(backend={"service": fields})


def rule(**fields: Any) -> made.Edit:
    return lambda one: one.update(rules=[fields])


def projected(pods: dict[str, Any]) -> list[dict[str, Any]]:
    """The sources of secrets' files, our own first."""
    (volume,) = (one for one in pods["volumes"] if "projected" in one)
    return sorted(volume["projected"]["sources"], key=lambda one: one["secret"]["name"] == "vault")


# By the application: what a user can write today.
WRITTEN: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "latest": ("IMG-01", {"db": {"image": "cellar"}}, [
        f"db: StatefulSet/db {CONTAINER}[db].image: cellar may be another program tomorrow; name a version in stores.db.image, as cellar:1.2.3",
    ]),
    "latest with a registry": ("IMG-01", {"db": {"image": "localhost:5000/db:latest"}}, [
        f"db: StatefulSet/db {CONTAINER}[db].image: localhost:5000/db:latest may be another program tomorrow; name a version in stores.db.image, as db:1.2.3",
    ]),
    "tag": ("IMG-02", {"db": {"image": "cellar:17"}}, [
        f"db: StatefulSet/db {CONTAINER}[db].image: cellar:17 is a tag, and a tag can be moved; pin it in images.lock: seaway release outdated --write",
    ]),
    "one question": ("PRB-02", {"web": {"health": application.Health.shorthand("/healthz")}}, [
        f"web: Deployment/web {CONTAINER}[web].livenessProbe: asks the same as the readiness probe (/healthz): where that says no for long, every pod is restarted; write services.web.health as {{ready: ..., live: ...}}; live asks the process and nothing else",
    ]),
    "one command": ("PRB-02", {"db": {"health": application.Health.shorthand(("pg_isready", "-q"))}}, [
        f"db: StatefulSet/db {CONTAINER}[db].livenessProbe: asks the same as the readiness probe (pg_isready -q): where that says no for long, every pod is restarted; write stores.db.health as {{ready: ..., live: ...}}; live asks the process and nothing else",
    ]),
    "port of a known image": ("PRB-05", {"db": {"image": f"postgres:17@{made.DIGEST}", "port": 5433}}, [
        f"db: StatefulSet/db {CONTAINER}[db].ports[0].containerPort: 5433 is not where the image listens, which is 5432; write stores.db.port: 5432",
    ]),
    "port of a known image that was told another": ("PRB-05", {"db": {"image": f"postgres:17@{made.DIGEST}", "port": 5433, "args": ("-p", "5433")}}, []),
    "baseline": ("SEC-01", {"db": {"security": "baseline"}}, [
        f"db: StatefulSet/db {CONTAINER}[db].securityContext.runAsNonRoot: is not true; remove `security: baseline` from stores.db, or waive this check for it",
    ]),
    "user": ("SEC-02", {"db": {"user": 999}}, [
        f"db: StatefulSet/db {CONTAINER}[db].securityContext.runAsUser: 999 may be the id of a user of the node; set stores.db.user to 10001 or more, if the image can do with that",
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
        "db: ConfigMap/db-config-* data[etc_db.ini]: line 3 looks like a secret; give it to the program as one of its `secrets`, which are files below /run/secrets",
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
    "borrowed memory": ("RES-06", "Deployment/web", made.container(lambda one: one["resources"]["requests"].update(memory="0.0625Gi")), [
        f"web: Deployment/web {CONTAINER}[web].resources.requests.memory: 0.0625Gi are set aside of the 128Mi that it may use; set it to 128Mi",
    ]),
    "small quota": ("RES-08", "ResourceQuota/seaway", lambda one: one["spec"].update(hard={"requests.cpu": "1", "pods": "100", "configmaps": "1"}), [
        "None: ResourceQuota/seaway spec.hard[requests.cpu]: 1 is less than the 1900m that all may ask for at once; raise it, or lower a `scale.max`",
    ]),
    "quota of limits": ("RES-08", "ResourceQuota/seaway", lambda one: one["spec"].update(hard={"limits.cpu": "100"}), [
        "None: ResourceQuota/seaway spec.hard[limits.cpu]: refuses pods without a limit: db, migrate, report, web; set the limit, or take it out of the quota",
    ]),
    "no readiness": ("PRB-01", "Deployment/web", made.container(without("readinessProbe")), [
        f"web: Deployment/web {CONTAINER}[web].readinessProbe: is not set; say it in services.web.health.readiness, as /readyz",
    ]),
    "no liveness": ("PRB-02", "Deployment/web", made.container(without("livenessProbe")), [
        f"web: Deployment/web {CONTAINER}[web].livenessProbe: is not set; say it in services.web.health.liveness, as /healthz",
    ]),
    "no startup": ("PRB-03", "Deployment/web", made.container(without("startupProbe")), [
        f"web: Deployment/web {CONTAINER}[web].livenessProbe: gives a start 30 s, and services.web.health.startPeriod 60 s; set startupProbe.failureThreshold so that it is as long",
    ]),
    "short startup": ("PRB-03", "StatefulSet/db", made.container(lambda one: one["startupProbe"].update(failureThreshold=5)), [
        f"db: StatefulSet/db {CONTAINER}[db].startupProbe: gives a start 5 s, and stores.db.health.startPeriod 60 s; set startupProbe.failureThreshold so that it is as long",
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
    "no seccomp": ("SEC-07", "StatefulSet/db", made.template(lambda one: one[SEC].pop("seccompProfile")), [
        f"db: StatefulSet/db {CONTAINER}[db].securityContext.seccompProfile.type: is not set; set it to RuntimeDefault",
    ]),
    "own seccomp": ("SEC-07", "Deployment/web", security(seccompProfile={"type": "Unconfined"}), [
        f"web: Deployment/web {CONTAINER}[web].securityContext.seccompProfile.type: Unconfined allows every system call; set it to RuntimeDefault",
    ]),
    "node's network": ("SEC-08", "Deployment/web", made.template(setting(hostNetwork=True, hostPID=True)), [
        "web: Deployment/web spec.template.spec.hostPID: is true; remove it",
        "web: Deployment/web spec.template.spec.hostNetwork: is true; remove it",
    ]),
    "node's port": ("SEC-09", "Deployment/web", made.container(lambda one: one["ports"][0].update(hostPort=80)), [
        f"web: Deployment/web {CONTAINER}[web].ports.hostPort: takes port 80 of the node; remove it, and say `publish: true` in services.web",
    ]),
    "node's files": ("SEC-10", "Deployment/web", made.template(lambda one: one["volumes"].append({"name": "sock", "hostPath": {"path": "/run/docker.sock"}})), [
        "web: Deployment/web spec.template.spec.volumes[sock].hostPath: is /run/docker.sock of the node; let a store keep the data",
    ]),
    "volume of the network": ("SEC-11", "Deployment/web", made.template(lambda one: one["volumes"].append({"name": "share", "nfs": {"server": "x", "path": "/"}})), [
        "web: Deployment/web spec.template.spec.volumes[share].nfs: nfs is none of them; let a store keep the data",
    ]),
    "sysctl": ("SEC-12", "Deployment/web", made.template(lambda one: one[SEC].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}], procMount="Default")), [
        "web: Deployment/web spec.template.spec.securityContext.sysctls[kernel.msgmax]: is a setting of the whole node; remove it",
    ]),
    "kernel": ("SEC-12", "CronJob/report", made.container(lambda one: one[SEC].update(procMount="Unmasked", appArmorProfile={"type": "Unconfined"}, seLinuxOptions={"type": "spc_t"})), [
        f"report: CronJob/report {SCHEDULED}[report].securityContext.procMount: Unmasked shows all of /proc; remove it",
        f"report: CronJob/report {SCHEDULED}[report].securityContext.appArmorProfile.type: Unconfined turns AppArmor off; remove it",
        f"report: CronJob/report {SCHEDULED}[report].securityContext.seLinuxOptions: is not how SELinux confines a container; remove it",
    ]),
    "forgotten init container": ("SEC-13", "Deployment/web", made.template(lambda one: one["initContainers"][-1].pop(SEC)), [
        "web: Deployment/web spec.template.spec.initContainers[warm].securityContext: is not set; write it as that of the main container",
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
    "no such account": ("SA-01", "Deployment/web", made.template(setting(serviceAccountName="other")), [
        "web: Deployment/web spec.template.spec.serviceAccountName: there is no account other, so no pod starts; set it to web",
    ]),
    "old name of the account": ("SA-03", "Deployment/web", made.template(setting(serviceAccount="web")), [
        "web: Deployment/web spec.template.spec.serviceAccount: is the old name of serviceAccountName; remove it",
    ]),
    "wildcard": ("RBAC-01", "Role/web", rule(verbs=["*"], resources=["configmaps"], apiGroups=[""]), [
        "web: Role/web rules[0].verbs: * is everything; name what is needed, in kubernetesApi of web",
    ]),
    "cluster's role": ("RBAC-02", "RoleBinding/web", setting(roleRef={"kind": "ClusterRole", "name": "cluster-admin"}), [
        "web: RoleBinding/web roleRef: ClusterRole cluster-admin is not of this application; bind a Role of the namespace",
    ]),
    "keys to the rest": ("RBAC-03", "Role/web", rule(verbs=["get", "escalate"], resources=["secrets", "pods"], apiGroups=[""]), [
        "web: Role/web rules[0]: secrets: reads every secret of the namespace; remove it from kubernetesApi of web, or waive this check for it",
        "web: Role/web rules[0]: escalate: gives itself any right; remove it from kubernetesApi of web, or waive this check for it",
    ]),
    "every way to the rest": ("RBAC-03", "Role/web", rule(verbs=["create", "bind", "impersonate"], resources=["pods", "pods/exec", "pods/attach", "serviceaccounts/token", "roles", "rolebindings"], apiGroups=[""]), [
        f"web: Role/web rules[0]: {what}; remove it from kubernetesApi of web, or waive this check for it"
        for what in (
            "pods: makes pods, which may use every account and every secret",
            "pods/exec: runs programs in every pod",
            "pods/attach: talks to the programs of every pod",
            "serviceaccounts/token: becomes every other account",
            "roles: gives rights to itself",
            "rolebindings: gives rights to itself",
            "bind: gives itself any role",
            "impersonate: becomes anybody",
        )
    ]),
    "token": ("SA-02", "StatefulSet/db", made.template(without("automountServiceAccountToken")), [
        "db: StatefulSet/db spec.template.spec.automountServiceAccountToken: is not false; set it to false, or say in stores.db.kubernetesApi what it is for",
    ]),
    "variable twice": ("CFG-04", "Deployment/web", made.container(lambda one: one["env"].append({"name": "MODE", "value": "slow"})), [
        f"web: Deployment/web {CONTAINER}[web].env[MODE]: is there twice; remove one of the two",
    ]),
    "no such key": ("CFG-04", "Deployment/web", made.container(lambda one: one["env"].append({"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "web", "key": "PASSWORD"}}})), [
        f"web: Deployment/web {CONTAINER}[web].env[PASSWORD].valueFrom.secretKeyRef: there is no key PASSWORD in a Secret web; name one that is there",
    ]),
    "no such file": ("CFG-04", "Deployment/web", made.template(lambda one: one["volumes"].append({"name": "more", "configMap": {"name": "more"}})), [
        "web: Deployment/web spec.template.spec.volumes[more].configMap: there is no ConfigMap more; name one that is there",
    ]),
    "no such key of a file": ("CFG-04", "Deployment/web", made.template(lambda one: projected(one)[0]["secret"]["items"][0].update(key="OTHER")), [
        "web: Deployment/web spec.template.spec.volumes[secrets].projected.sources[1].secret: there is no key OTHER in Secret web-secrets-unresolved; name one that is there",
    ]),
    "secret in a variable": ("CFG-03", "Deployment/web", made.container(lambda one: one["env"].append({"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "vault", "key": "x"}}})), [
        f"web: Deployment/web {CONTAINER}[web].env[PASSWORD]: is a secret in a variable; take `env: true` from services.web.secrets.PASSWORD, and read the file",
    ]),
    "an open policy": ("NET-01", "NetworkPolicy/default-deny", spec(ingress=[{}]), [
        "None: NetworkPolicy/default-deny spec.ingress[0]: opens everything to everybody; name peers or ports",
    ]),
    "policy for nobody": ("NET-02", "NetworkPolicy/web-*", spec(podSelector={"matchLabels": {"app": "other"}}), [
        "web: NetworkPolicy/web-* spec.podSelector: selects no pods; write the labels of those that it is for",
    ]),
    "policy with a peer that is not": ("NET-02", "NetworkPolicy/web-*", spec(egress=[{"to": [{"podSelector": {"matchLabels": {"app": "other"}}}]}]), [
        "web: NetworkPolicy/web-* spec.egress[0].to[0].podSelector: selects no pods; write the labels of those that may",
    ]),
    "policy for no port": ("NET-02", "NetworkPolicy/web-*", spec(ingress=[{"ports": [{"port": 1234}, {"port": 1, "endPort": 9}]}]), [
        "web: NetworkPolicy/web-* spec.ingress[0].ports[0].port: none of its pods has a port 1234; write one that is there",
    ]),
    "ingress for nobody": ("NET-05", "Ingress/web", backend(name="webb", port={"number": 80}), [
        "web: Ingress/web spec.rules[shop.example.com].http.paths[/]: there is no Service webb; name one that is there",
    ]),
    "ingress for no port": ("NET-05", "Ingress/web", backend(name="web", port={"number": 80}), [
        "web: Ingress/web spec.rules[shop.example.com].http.paths[/]: Service web has no port 80; write one that it has",
    ]),
    "no TLS": ("NET-06", "Ingress/web", lambda one: one["spec"].pop("tls"), [
        "web: Ingress/web spec.tls: shop.example.com answers without TLS; set seaway:ingress.issuer or seaway:ingress.tlsSecret",
    ]),
    "snippet": ("NET-06", "Ingress/web", lambda one: one["metadata"]["annotations"].update({"nginx.ingress.kubernetes.io/server-snippet": "x"}), [
        "web: Ingress/web metadata.annotations[nginx.ingress.kubernetes.io/server-snippet]: is configuration that the controller runs as it is; remove it from seaway:ingress.annotations",
    ]),
    "port that is not": ("NET-07", "Service/web", lambda one: one["spec"]["ports"][0].update(targetPort="http"), [
        "web: Service/web spec.ports[main].targetPort: the pods have no port http; write one that they have",
    ]),
    "long name of a port": ("NET-07", "Service/web", lambda one: one["spec"]["ports"][0].update(targetPort="the-port-of-the-web"), [
        "web: Service/web spec.ports[main].targetPort: the-port-of-the-web has more than 15 characters; give the port a shorter name",
    ]),
    "service for nobody": ("NET-03", "Service/web", spec(selector={"app": "web"}), [
        "web: Service/web spec.selector: selects no pods; write the labels of those that it is for",
    ]),
    "node port": ("NET-04", "Service/web", spec(type="NodePort"), [
        "web: Service/web spec.type: NodePort answers on every node; set seaway:publish to ingress or loadBalancer",
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
        f"web: Deployment/web {CONTAINER}[web].lifecycle.preStop: is not set: requests come to a pod that has ended; set services.web.preStopDelay to 5",
    ]),
    "scaler of nobody": ("AVL-08", "HorizontalPodAutoscaler/web", lambda one: one["spec"]["scaleTargetRef"].update(name="webb"), [
        "web: HorizontalPodAutoscaler/web spec.scaleTargetRef: there is no Deployment webb; name what it is for",
    ]),
    "scaler upside down": ("AVL-08", "HorizontalPodAutoscaler/web", spec(minReplicas=2, maxReplicas=1), [
        "web: HorizontalPodAutoscaler/web spec.maxReplicas: 1 is less than the 2 that always run; raise `scale.max`, or lower `scale.min`",
    ]),
    "fewer pods than the scaler's": ("AVL-08", "Deployment/web", spec(replicas=1), [
        "web: Deployment/web spec.replicas: a rollout would begin with 1 of the 2 pods that always run; set it to 2",
    ]),
    "scaler of nothing": ("AVL-08", "Deployment/web", resource("requests", "cpu"), [
        f"web: Deployment/web {CONTAINER}[web].resources.requests.cpu: is not set, and HorizontalPodAutoscaler/web measures use against it; set services.web.resources.cpu",
    ]),
    "job for ever": ("AVL-09", "CronJob/report", made.template(setting(restartPolicy="Always")), [
        "report: CronJob/report spec.jobTemplate.spec.template.spec.restartPolicy: Always is not for a CronJob; set it to Never",
    ]),
    "service once": ("AVL-09", "Deployment/web", made.template(setting(restartPolicy="Never")), [
        "web: Deployment/web spec.template.spec.restartPolicy: Never is not for a Deployment; remove it",
    ]),
    "not its own pods": ("META-01", "Deployment/web", spec(selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]}), [
        "web: Deployment/web spec.selector: is not what its own pods have; write the labels of the pods",
    ]),
    "nobody's": ("META-02", "Service/web", lambda one: one["metadata"]["labels"].pop("app.kubernetes.io/part-of"), [
        "web: Service/web metadata.labels[app.kubernetes.io/part-of]: is not set; set it as the other objects have it",
    ]),
    "no label": ("META-02", "Service/web", lambda one: one["metadata"]["labels"].update(team="A & B"), [
        "web: Service/web metadata.labels[team]: A & B is no value of a label; write at most 63 of a-z, A-Z, 0-9, -, _ and ., with a letter or digit at both ends",
    ]),
    "shared namespace": ("META-03", "Service/web", lambda one: one["metadata"].update(namespace="default"), [
        "web: Service/web metadata.namespace: default belongs to everybody; set it to shop-test",
    ]),
    "beta": ("META-04", "PodDisruptionBudget/web", setting(apiVersion="policy/v1beta1"), [
        "web: PodDisruptionBudget/web apiVersion: policy/v1beta1 may be gone with the next upgrade; write a stable one",
    ]),
    "late schedule": ("JOB-01", "CronJob/report", lambda one: [one["spec"].pop(key) for key in ("startingDeadlineSeconds", "concurrencyPolicy")], [
        "report: CronJob/report spec.startingDeadlineSeconds: is not set; say it in jobs.report.startingDeadline",
        "report: CronJob/report spec.concurrencyPolicy: is not set; say it in jobs.report.concurrencyPolicy",
    ]),
    "endless job": ("JOB-02", "Job/migrate-*", lambda one: [one["spec"].pop(key) for key in ("backoffLimit", "activeDeadlineSeconds")], [
        "migrate: Job/migrate-* spec.backoffLimit: is not set; say it in jobs.migrate.backoffLimit",
        "migrate: Job/migrate-* spec.activeDeadlineSeconds: is not set; say it in jobs.migrate.timeout",
    ]),
    "endless run": ("JOB-02", "CronJob/report", lambda one: one["spec"]["jobTemplate"]["spec"].pop("activeDeadlineSeconds"), [
        "report: CronJob/report spec.jobTemplate.spec.activeDeadlineSeconds: is not set; say it in jobs.report.timeout",
    ]),
    "no name for the pods": ("STS-01", "StatefulSet/db", spec(serviceName="bd"), [
        "db: StatefulSet/db spec.serviceName: there is no Service bd; name one with clusterIP None",
    ]),
    "one address": ("STS-01", "StatefulSet/db", spec(serviceName="web"), [
        "db: StatefulSet/db spec.serviceName: Service web has an address of its own; name one with clusterIP None",
    ]),
    "short grace": ("AVL-06", "Deployment/web", made.template(setting(terminationGracePeriodSeconds=10)), [
        "web: Deployment/web spec.template.spec.terminationGracePeriodSeconds: 10 s are too short for the wait of 5 s and 10 s for the requests in flight; set services.web.stopGracePeriod to 10 or more",
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
    return [starred(text) for found, text in made.list_findings(results) if found == id_]


@pytest.mark.parametrize("stack", [made.STACK, made.PINNED, made.OPEN], ids=["builds", "pinned", "open"])
def test_a_well_made_application_passes_everything(stack: settings.Settings) -> None:
    results = made.run_checks(made.app(), stack)
    assert made.list_findings(results) == []
    assert [(one.check.id, one.state) for one in results] == [(each.id, "passed") for each in registry.CHECKS]


@pytest.mark.parametrize("case", WRITTEN)
def test_what_is_written(case: str) -> None:
    id_, fields, lines = WRITTEN[case]
    assert of(made.run_checks(made.app(**fields)), id_) == lines


@pytest.mark.parametrize("case", SPOILED)
def test_what_is_spoiled(case: str) -> None:
    id_, key, edit, lines = SPOILED[case]
    assert of(made.run_checks(made.app(), made.OPEN, made.edit_object(key, edit)), id_) == lines


@pytest.mark.parametrize("asked", [{"protocol": "udp"}, {"port": None, "ports": (application.Port("trace", port=9),)}])
def test_where_there_is_no_port_to_ask_a_command_is(asked: dict[str, Any]) -> None:
    of = made.app({"health": application.Health(), "publish": False} | asked)
    told = [text for id_, text in made.list_findings(made.run_checks(of)) if id_ in ("PRB-01", "PRB-02")]
    web = f"web: Deployment/web {CONTAINER}[web]"
    assert told == [
        f"{web}.readinessProbe: is not set; say it in services.web.health.readiness, as [program, argument]",
        f"{web}.livenessProbe: is not set; say it in services.web.health.liveness, as [program, argument]",
    ]


def test_what_is_several_under_load_has_a_budget_too() -> None:
    of = made.app({"scale": application.Scale(min=1, max=3)})
    found = made.render_objects(of)
    assert "AVL-02" not in dict(made.list_findings(made.run_checks(of, release_objects=found)))
    found = [one for one in found if one.kind != "PodDisruptionBudget"]
    assert dict(made.list_findings(made.run_checks(of, release_objects=found)))["AVL-02"] == (
        "web: Deployment/web spec.replicas: no disruption budget keeps a drain from taking all pods at once;"
        " let a PodDisruptionBudget select them"
    )


def test_without_policies_everybody_may() -> None:
    found = [one for one in made.render_objects(made.app()) if one.kind != "NetworkPolicy"]
    lines = of(made.run_checks(made.app(), release_objects=found), "NET-01")
    assert len(lines) == 8, "four workloads, two ways"
    assert lines[:2] == [
        "db: StatefulSet/db spec.template.metadata.labels: no network policy says who may connect to its pods; let a NetworkPolicy with policyTypes Ingress select them",
        "db: StatefulSet/db spec.template.metadata.labels: no network policy says what its pods may connect to; let a NetworkPolicy with policyTypes Egress select them",
    ]


def test_every_check_has_a_failing_case() -> None:
    ids = [each.id for each in registry.CHECKS]
    assert {one[0] for one in (*WRITTEN.values(), *SPOILED.values())} == set(ids)
    assert len(set(ids)) == len(ids)
    assert set(registry.IDS) == {*ids, *settings.POLICY_IDS}


def test_every_id_is_a_check_or_says_why_not() -> None:
    """No id is missing, and none has two meanings."""
    ids = [*(each.id for each in registry.CHECKS), *(each.id for each in registry.DECLINED)]
    families: dict[str, list[int]] = {}
    for id_ in ids:
        families.setdefault(id_.partition("-")[0], []).append(int(id_.partition("-")[2]))
    assert {name: sorted(numbers) for name, numbers in families.items()} == {
        name: list(range(1, most + 1))
        for name, most in {
            "IMG": 4,
            "RES": 8,
            "PRB": 5,
            "SEC": 15,
            "SA": 3,
            "RBAC": 3,
            "CFG": 4,
            "NET": 7,
            "AVL": 10,
            "META": 4,
            "JOB": 3,
            "STS": 1,
        }.items()
    }
    assert all(each.reason for each in registry.DECLINED)


def test_each_check_says_why_and_what_it_weighs() -> None:
    for each in registry.CHECKS:
        assert each.rationale.endswith((".", "issues/20473", "#stable-network-id")), each.id
        assert each.default_severity.reason, each.id
        assert set(each.public_ids) <= set(public_checkers.CHECKERS), each.id
    assert {each.id for each in registry.CHECKS if not each.public_ids} == {
        "RES-08",
        "PRB-05",
        "SEC-11",
        "SEC-14",
        "AVL-06",
        "JOB-02",
    }
    assert set(public_checkers._IDS) <= set(registry.IDS)


@pytest.mark.parametrize("file", ["app/app.yaml", "examples/smallest/app.yaml", "examples/shop/app.yaml"])
@pytest.mark.parametrize("stack", [made.STACK, made.PINNED], ids=["builds", "pinned"])
def test_what_ships_has_no_error(file: str, stack: settings.Settings) -> None:
    app = load.load_application(golden.ROOT / file, root=roots.Root(golden.ROOT))
    exposed = dataclasses.replace(stack, publish="nodePort")
    results = engine.run_checks(app, exposed, preview.render_objects(app, exposed), made.TODAY)
    assert {one.state for one in results} <= {"passed", "failed"}
    assert [str(one.finding) for one in results if one.is_refused] == []


def test_an_image_that_is_being_built_is_deployed_by_its_digest() -> None:
    app = made.app()
    images = {"web": objects.Image(reference=object(), content="ctx-1")}
    found = preview.render_objects(app, made.STACK, images)
    results = engine.run_checks(app, made.STACK, found, made.TODAY)
    assert not [one for one in results if one.check.id in ("IMG-01", "IMG-02") and one.state != "passed"]


def test_a_substitute_is_told_where_it_was_named() -> None:
    stack = dataclasses.replace(made.STACK, image_overrides={"cellar:17": "mirror.example.com/cellar:latest"})
    (line,) = of(made.run_checks(made.app(db={"image": "cellar:17"}), stack), "IMG-01")
    assert line.endswith("; name a version in seaway:imageOverrides, as cellar:1.2.3")


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
    assert of(made.run_checks(made.app(db={"env": {name: value}})), "CFG-01") == []


@pytest.mark.parametrize(
    "line", ["password =", "secret: ${X}", "token_type = bearer", "key = 1", "see https://x/a:b@c"]
)
def test_what_only_looks_like_a_secret_in_a_file(line: str) -> None:
    file = application.File("/etc/db.ini", content=line)
    assert of(made.run_checks(made.app(db={"files": (file,)})), "CFG-02") == []


@pytest.mark.parametrize(
    "line", ["DB_PASSWORD=x", '"token": "x"', "url = redis://:x@host", "-----BEGIN RSA PRIVATE KEY-----"]
)
def test_what_is_a_secret_in_a_file(line: str) -> None:
    file = application.File("/etc/db.ini", content=line)
    assert len(of(made.run_checks(made.app(db={"files": (file,)})), "CFG-02")) == 1


@hypothesis.settings(max_examples=15)
@given(value=st.text(alphabet="hunter2$/x ", min_size=1))
def test_no_value_is_ever_told(value: str) -> None:
    secret = f"{value}-verysecret"
    file = application.File("/etc/db.ini", content=f"password = {secret}")
    results = made.run_checks(made.app(db={"env": {"PASSWORD": secret}, "files": (file,)}))
    assert "verysecret" not in repr(made.list_findings(results))


@given(pods=st.integers(1, 50), said=st.one_of(st.integers(0, 60), st.integers(0, 100).map(lambda one: f"{one}%")))
def test_a_budget_in_numbers_and_in_percent(pods: int, said: int | str) -> None:
    away, stay = (availability._count_evictable({key: said}, pods) for key in ("maxUnavailable", "minAvailable"))
    assert away + stay == pods
    if isinstance(said, str):
        assert (away == 0) == (said == "0%")
    assert away >= 0
