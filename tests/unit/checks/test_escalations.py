"""Each way to undo a protection has a finding: for every kind of workload, for every container of a pod, and both in
app.yaml and in the overlay of a stack's file."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from seaway.checks import all_checks, engine
from seaway.kubernetes.api import kinds
from seaway.manifests import preview
from seaway.project import environments
from seaway.syntax import nodes
from tests.unit.checks import checked_app

IMAGE = f"registry.example.com/x:1@{checked_app.DIGEST}"
CONTAINERS = {
    "image": IMAGE,
    "init": {"warm": {"command": ["./warm"]}},
    "sidecars": {"proxy": {"command": ["./proxy"]}},
    "kubernetesApi": {"leases.coordination.k8s.io": ["get", "update"], "pods": ["get", "list"]},
    "secrets": {"KEY": {"generate": 32}},
}
APP = {
    "name": "shop",
    "services": {
        "web": {**CONTAINERS, "port": 8000, "publish": True, "calls": ["api", "db"], "health": "/healthz"},
        "api": {"image": IMAGE, "port": 9000, "secrets": {"OTHER": {"existing": "vault"}}},
        "agent": {**CONTAINERS, "daemonSet": True},
    },
    "stores": {"db": {**CONTAINERS, "port": 5432, "volume": {"path": "/data", "size": "1Gi"}}},
    "jobs": {"migrate": CONTAINERS, "report": {**CONTAINERS, "schedule": "0 3 * * *"}},
}
WORKLOADS = {
    "web": ("services", "Deployment"),
    "agent": ("services", "DaemonSet"),
    "db": ("stores", "StatefulSet"),
    "migrate": ("jobs", "Job"),
    "report": ("jobs", "CronJob"),
}
CONFIG = {
    "seaway:context": "test",
    "seaway:registry": "registry.example.com",
    "seaway:publish": "ingress",
    "seaway:ingress": {"hosts": {"web": ["shop.example.com"]}, "issuer": "letsencrypt", "namespace": "traefik"},
}

PERMISSIONS = """\
deployments.apps: create, patch
daemonsets.apps: create, patch
statefulsets.apps: create, update, patch
replicasets.apps: create, patch
replicationcontrollers: create
podtemplates: patch
jobs.batch: create, patch
cronjobs.batch: create, patch
pods: create, patch
pods/ephemeralcontainers: update, patch
pods/exec: get, create
pods/attach: get
pods/portforward: create, get
pods/proxy: get, create
services/proxy: get, create
bindings: create
pods/binding: create
secrets: get, list, watch, create, update, patch, delete
serviceaccounts/token: create
serviceaccounts: create, patch, impersonate
configmaps: create, update, patch, delete, deletecollection
networkpolicies.networking.k8s.io: create, delete, deletecollection, patch
ingresses.networking.k8s.io: create
services: create, patch
services/status: patch
pods/status: patch
endpoints: update
endpointslices.discovery.k8s.io: create
httproutes.gateway.networking.k8s.io: create
roles.rbac.authorization.k8s.io: update, escalate
rolebindings.rbac.authorization.k8s.io: create, bind
resourcequotas: delete
limitranges: update
persistentvolumeclaims: create, delete
validatingwebhookconfigurations.admissionregistration.k8s.io: create
mutatingadmissionpolicies.admissionregistration.k8s.io: create
certificatesigningrequests.certificates.k8s.io/approval: update
apiservices.apiregistration.k8s.io: create
workflows.argoproj.io: create
services.serving.knative.dev: patch
"""
"""Resource and verbs in `kubernetesApi`: each pair alone has a finding of RBAC-03."""

HARMLESS_PERMISSIONS = {
    "leases.coordination.k8s.io": ["get", "create", "update", "patch", "delete"],
    "events": ["create", "patch"],
    "pods": ["get", "list", "watch", "delete"],
    "pods/log": ["get"],
    "deployments.apps/status": ["patch"],
    "pods/eviction": ["create"],
    "configmaps": ["get", "list", "watch"],
    "deployments.apps/scale": ["get", "update", "patch"],
    "jobs.batch": ["get", "list", "delete"],
    "workflows.argoproj.io": ["get", "list"],
    "workflows.argoproj.io/status": ["patch"],
}

RULES = """\
wildcard verb | RBAC-03 | {resources: [secrets], verbs: ["*"]}
wildcard resource | RBAC-03 | {resources: ["*"], verbs: [get]}
wildcard subresource | RBAC-03 | {resources: ["pods/*"], verbs: [create]}
every subresource | RBAC-03 | {resources: ["*/exec"], verbs: [create]}
every resource and subresource | RBAC-01 | {resources: ["*/*"], verbs: [get]}
wildcard group | RBAC-01 | {apiGroups: ["*"], resources: [deployments], verbs: [get]}
escalate in a wildcard | RBAC-03 | {apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: ["*"]}
one named secret | RBAC-03 | {resources: [secrets], resourceNames: [vault], verbs: [get]}
"""
"""Rules of a Role below `raw`."""

PODS = """\
account of another | SA-01 | serviceAccountName: api
deprecated field | SA-01 | serviceAccount: api
projected token | SA-02 | volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t}}]}}]
token of the cloud | SA-02 | \
  volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t, audience: sts}}]}}]
host network | SEC-08 | hostNetwork: true
host processes | SEC-08 | hostPID: true
host memory | SEC-08 | hostIPC: true
shared processes | SEC-12 | shareProcessNamespace: true
host process of Windows | SEC-04 | securityContext: {windowsOptions: {hostProcess: true}}
host path | SEC-10 | volumes: [{name: h, hostPath: {path: /}}]
host path as a volume | SEC-11 | volumes: [{name: h, iscsi: {targetPortal: x, iqn: y, lun: 0}}]
inline driver | SEC-11 | volumes: [{name: h, csi: {driver: x.example.com}}]
unsafe sysctl | SEC-12 | securityContext: {sysctls: [{name: kernel.msgmax, value: "1"}]}
no seccomp | SEC-07 | securityContext: {seccompProfile: {type: Unconfined}}
root group of the process | SEC-02 | securityContext: {runAsGroup: 0}
critical for nodes | SEC-16 | priorityClassName: system-node-critical
critical for the cluster | SEC-16 | priorityClassName: system-cluster-critical
control plane | SEC-16 | tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]
every taint | SEC-16 | tolerations: [{operator: Exists}]
label of the control plane | SEC-16 | nodeSelector: {node-role.kubernetes.io/control-plane: ""}
one node | SEC-16 | nodeName: control-plane-1
other runtime | SEC-16 | runtimeClassName: runc-unsafe
other scheduler | SEC-16 | schedulerName: mine
foreign DNS | SEC-17 | dnsConfig: {nameservers: [203.0.113.9]}
DNS of the node | SEC-17 | dnsPolicy: Default
false address of a link | SEC-17 | hostAliases: [{ip: 203.0.113.9, hostnames: [db]}]
false address of a link with its domain | SEC-17 | hostAliases: [{ip: 203.0.113.9, hostnames: [db.shop-test.svc]}]
false address of the API | SEC-17 | hostAliases: [{ip: 203.0.113.9, hostnames: [kubernetes.default.svc]}]
Secret of another | CFG-06 | volumes: [{name: s, secret: {secretName: vault}}]
projected Secret of another | CFG-06 | volumes: [{name: s, projected: {sources: [{secret: {name: vault}}]}}]
Secret of the release | CFG-06 | volumes: [{name: s, secret: {secretName: api-secrets}}]
ConfigMap of another | CFG-06 | volumes: [{name: s, configMap: {name: release-1}}]
volume of another | CFG-06 | volumes: [{name: s, persistentVolumeClaim: {claimName: data-other-0}}]
"""
"""Fields of a pod below `raw`, for each kind of workload."""

POD_METADATA = """\
role of kube2iam | SA-04 | annotations: {iam.amazonaws.com/role: admin}
identity of Azure | SA-04 | labels: {azure.workload.identity/use: "true"}
identity of Vault | SA-04 | annotations: {vault.hashicorp.com/role: admin}
AppArmor annotation | SEC-12 | annotations: {container.apparmor.security.beta.kubernetes.io/web: unconfined}
seccomp annotation | SEC-12 | annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}
"""

CONTAINER_FIELDS = """\
privileged | SEC-04 | securityContext: {privileged: true}
host process | SEC-04 | securityContext: {windowsOptions: {hostProcess: true}}
root | SEC-01 | securityContext: {runAsNonRoot: false}
privileges | SEC-03 | securityContext: {allowPrivilegeEscalation: true}
writable root | SEC-05 | securityContext: {readOnlyRootFilesystem: false}
capability | SEC-06 | securityContext: {capabilities: {add: [SYS_ADMIN]}}
kept capabilities | SEC-06 | securityContext: {capabilities: {drop: [NET_RAW]}}
seccomp | SEC-07 | securityContext: {seccompProfile: {type: Unconfined}}
AppArmor | SEC-12 | securityContext: {appArmorProfile: {type: Unconfined}}
full proc | SEC-12 | securityContext: {procMount: Unmasked}
SELinux | SEC-12 | securityContext: {seLinuxOptions: {type: spc_t}}
host port | SEC-09 | ports: [{containerPort: 2222, hostPort: 2222}]
mounts on the node | SEC-12 | volumeMounts: [{name: tmp, mountPath: /x, mountPropagation: Bidirectional}]
variables of another | CFG-06 | envFrom: [{secretRef: {name: vault}}]
variables of a ConfigMap | CFG-06 | envFrom: [{configMapRef: {name: release-1}}]
variable of another | CFG-06 | env: [{name: A, valueFrom: {secretKeyRef: {name: vault, key: OTHER}}}]
variable of a ConfigMap | CFG-06 | env: [{name: A, valueFrom: {configMapKeyRef: {name: release-1, key: x}}}]
hook to another host | SEC-18 | lifecycle: {postStart: {httpGet: {host: 169.254.169.254, port: 80, path: /}}}
"""
"""Fields of a container below `raw`, for the main container, a sidecar and an init container."""

SERVICE_FIELDS = """\
metadata by address | NET-09 | egress: [169.254.169.254/32]
metadata by port | NET-09 | egress: ["169.254.169.254/32:80"]
link-local | NET-09 | egress: [169.254.0.0/16]
part of link-local | NET-09 | egress: [169.254.168.0/22]
containers of AWS | NET-09 | egress: [169.254.170.2/32]
metadata by IPv6 | NET-09 | egress: ["fd00:ec2::254/128"]
metadata in IPv4 in IPv6 | NET-09 | egress: ["::ffff:a9fe:a9fe/128"]
metadata by NAT64 | NET-09 | egress: ["64:ff9b::a9fe:a9fe/128"]
metadata of Alibaba | NET-09 | egress: [100.100.100.200/32]
metadata of Azure | NET-09 | egress: [168.63.129.16/32]
everything | NET-09 | egress: [0.0.0.0/0]
everything at a port | NET-09 | egress: ["0.0.0.0/0:5432"]
everything in IPv6 | NET-09 | egress: ["::/0"]
a half | NET-09 | egress: [0.0.0.0/1, 128.0.0.0/1]
a quarter | NET-09 | egress: [64.0.0.0/2]
private networks | NET-09 | egress: [10.0.0.0/8]
half of a private network | NET-09 | egress: [10.128.0.0/9]
pods of kubeadm | NET-09 | egress: [10.244.0.0/16]
carrier-grade NAT | NET-09 | egress: [100.64.0.0/10]
private networks of IPv6 | NET-09 | egress: ["fd00::/8"]
pods of GKE | NET-09 | egress: [240.0.0.0/4]
loopback | NET-09 | egress: [127.0.0.0/8]
open policy | NET-09 | raw: {NetworkPolicy: {spec: {egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}}}
every namespace | NET-09 | raw: {NetworkPolicy: {spec: {egress: [{to: [{namespaceSelector: {}}]}]}}}
every caller | NET-09 | raw: {NetworkPolicy: {spec: {ingress: [{from: [{namespaceSelector: {}}]}]}}}
every pod | NET-09 | raw: {NetworkPolicy: {spec: {ingress: [{from: [{podSelector: {}}]}]}}}
every pod everywhere | NET-09 | raw: {NetworkPolicy: {spec: \
  {ingress: [{from: [{namespaceSelector: {}, podSelector: {}}]}]}}}
every labelled namespace | NET-09 | raw: {NetworkPolicy: {spec: {egress: [{to: [{namespaceSelector: \
  {matchExpressions: [{key: kubernetes.io/metadata.name, operator: Exists}]}}]}]}}}
all but one namespace | NET-09 | raw: {NetworkPolicy: {spec: {egress: [{to: [{namespaceSelector: \
  {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [x]}]}}]}]}}}
open port | NET-09 | raw: {NetworkPolicy: {spec: {ingress: [{ports: [{port: 8000}]}]}}}
open port outwards | NET-09 | raw: {NetworkPolicy: {spec: {egress: [{ports: [{port: 80}]}]}}}
every address | NET-09 | raw: {NetworkPolicy: {spec: {ingress: [{from: [{ipBlock: {cidr: "::/0"}}]}]}}}
empty rule | NET-01 | raw: {NetworkPolicy: {spec: {egress: [{}]}}}
empty peers | NET-01 | raw: {NetworkPolicy: {spec: {ingress: [{from: []}]}}}
external address | SVC-01 | raw: {Service: {spec: {externalIPs: [192.0.2.1]}}}
load balancer | SVC-01 | raw: {Service: {spec: {type: LoadBalancer}}}
name of another host | SVC-01 | raw: {Service: {spec: {type: ExternalName, externalName: evil.example.com}}}
node port | SVC-01 | raw: {Service: {spec: {type: NodePort}}}
Ingress of another Service | SVC-01 | raw: {Ingress: {spec: {rules: [{host: shop.example.com, http: \
  {paths: [{path: /, pathType: Prefix, backend: {service: {name: api, port: {number: 9000}}}}]}}]}}}
Ingress by default | SVC-01 | raw: {Ingress: {spec: {defaultBackend: {service: {name: api, port: {number: 9000}}}}}}
Ingress of another host | SVC-01 | raw: {Ingress: {spec: {rules: [{host: evil.example.com, http: \
  {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: main}}}}]}}]}}}
snippet | NET-06 | raw: {Ingress: {metadata: {annotations: {nginx.ingress.kubernetes.io/configuration-snippet: x}}}}
role of AWS | SA-04 | raw: {ServiceAccount: {metadata: {annotations: {eks.amazonaws.com/role-arn: x}}}}
role of Google | SA-04 | raw: {ServiceAccount: {metadata: {annotations: {iam.gke.io/gcp-service-account: x}}}}
role of Azure | SA-04 | raw: {ServiceAccount: {metadata: {annotations: {azure.workload.identity/client-id: x}}}}
role of Alibaba | SA-04 | raw: \
  {ServiceAccount: {metadata: {annotations: {pod-identity.alibabacloud.com/role-name: x}}}}
critical by its key | SEC-16 | priorityClass: system-cluster-critical
control plane by its key | SEC-16 | tolerations: ["node-role.kubernetes.io/control-plane:NoSchedule"]
probe of another host | SEC-18 | raw: {Deployment: {spec: {template: {spec: {containers: \
  [{name: web, livenessProbe: {httpGet: {host: 10.0.0.1}}}]}}}}}
tcp probe of another host | SEC-18 | raw: {Deployment: {spec: {template: {spec: {containers: \
  [{name: web, startupProbe: {httpGet: null, tcpSocket: {host: 10.0.0.1, port: 22}}}]}}}}}
build argument by its name | CFG-05 | {image: null, build: {context: ., args: {NPM_TOKEN: x1}}}
build argument by its value | CFG-05 | \
  {image: null, build: {context: ., args: {INDEX: "https://me:hunter2@pypi.example.com/"}}}
build argument with a known prefix | CFG-05 | \
  {image: null, build: {context: ., args: {X: ghp_0123456789abcdefghij0123456789abcdefgh}}}
variable with a short name | CFG-01 | env: {DB_PW: hunter2}
variable with a known prefix | CFG-01 | env: {X: AKIAIOSFODNN7EXAMPLE}
"""
"""Fields of a service."""

HARMLESS_FIELDS = """\
internet | egress: [internet]
one network | egress: [internet, 10.9.0.0/16, "192.0.2.7/32:5432", "fd12:3456:789a::/48"]
DNS of a node | egress: ["169.254.20.10/32:53"]
public network | egress: [8.0.0.0/9]
callers by name | raw: {NetworkPolicy: {spec: {ingress: [{from: [{namespaceSelector: \
  {matchLabels: {kubernetes.io/metadata.name: monitoring}}}], ports: [{port: 8000}]}]}}}
callers by names | raw: {NetworkPolicy: {spec: {ingress: [{from: [{namespaceSelector: {matchExpressions: \
  [{key: kubernetes.io/metadata.name, operator: In, values: [monitoring]}]}}], ports: [{port: 8000}]}]}}}
annotation | raw: {ServiceAccount: {metadata: {annotations: {example.com/team: notices}}}}
affinity | raw: {Service: {spec: {sessionAffinity: ClientIP}}}
declared DNS server | {egress: ["192.0.2.53/32:53"], raw: {Deployment: {spec: {template: {spec: \
  {dnsPolicy: None, dnsConfig: {nameservers: [192.0.2.53]}}}}}}}
name of another host | raw: {Deployment: {spec: {template: {spec: \
  {hostAliases: [{ip: 192.0.2.7, hostnames: [archive.example.com]}]}}}}}
tolerations | tolerations: ["dedicated=board:NoSchedule"]
build arguments | {image: null, build: {context: ., args: {EDITION: evening, TOKEN_URL: "https://x/", \
  COMMIT: 3f2a9c1b7d3f2a9c1b7d3f2a9c1b7d3f2a9c1b7d}}}
variables | env: {PASSWORD_FILE: /run/x, BYPASS: "yes", COMPASS: x}
"""


def _split(table: str) -> dict[str, tuple[str, ...]]:
    rows = [[cell.strip() for cell in line.split(" | ")] for line in table.replace("\\\n", "").splitlines()]
    return {name: tuple(cells) for name, *cells in rows}


def _find(folder: Path, overlay: dict[str, Any]) -> set[tuple[str, str | None, str]]:
    """All findings: the check, the workload and the path. Those of an overlay in the stack's file are the same as those
    of its fields in app.yaml."""
    merged = nodes.to_plain(nodes.merge(nodes.from_plain(APP, ""), nodes.from_plain(overlay, "")))
    findings = _check(folder, APP, CONFIG | {"seaway:overlay": overlay})
    assert findings == _check(folder, merged, CONFIG)
    return findings


def _check(folder: Path, app: dict[str, Any], config: dict[str, Any]) -> set[tuple[str, str | None, str]]:
    (folder / "app").mkdir(exist_ok=True)
    (folder / "app/Dockerfile").write_text(f"FROM {IMAGE}\n")
    (folder / "app/app.yaml").write_text(yaml.safe_dump(app))
    (folder / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}))
    environment = environments.load_environment(folder, "test", check_ids=all_checks.IDS)
    results = engine.run_checks(environment, preview.render_objects(environment), checked_app.TODAY)
    findings = [(result.check.id, result.finding) for result in results if result.finding]
    return {(id_, finding.owner, finding.path) for id_, finding in findings}


def _list_new_checks(folder: Path, fields: dict[str, Any]) -> set[str]:
    """The checks that fail only with these fields of the service."""
    ids = [
        {id_ for id_, owner, _ in _find(folder, {"services": {"web": new}}) if owner == "web"} for new in ({}, fields)
    ]
    return ids[1] - ids[0]


@pytest.mark.parametrize(
    ("resource", "verb"),
    [
        (resource, verb)
        for resource, verbs in (line.split(": ") for line in PERMISSIONS.splitlines())
        for verb in verbs.split(", ")
    ],
)
def test_a_permission_that_leads_to_more_has_a_finding(tmp_path: Path, resource: str, verb: str) -> None:
    assert "RBAC-03" in _list_new_checks(tmp_path, {"kubernetesApi": {resource: [verb]}})


@pytest.mark.parametrize("name", _split(RULES))
def test_a_rule_that_leads_to_more_has_a_finding(tmp_path: Path, name: str) -> None:
    id_, fragment = _split(RULES)[name]
    rule = {"apiGroups": [""], **yaml.safe_load(fragment)}
    assert id_ in _list_new_checks(tmp_path, {"raw": {"Role": {"rules": [rule]}}})


@pytest.mark.parametrize("name", _split(PODS))
def test_a_field_of_a_pod_has_a_finding(tmp_path: Path, name: str) -> None:
    id_, fragment = _split(PODS)[name]
    pod = {"automountServiceAccountToken": False, **yaml.safe_load(fragment)}
    fields = {"kubernetesApi": None} if id_ == "SA-02" else {}
    findings = _find(tmp_path, _change_templates({"spec": pod}, fields))
    assert {owner for found, owner, _ in findings if found == id_} >= WORKLOADS.keys()


@pytest.mark.parametrize("name", _split(POD_METADATA))
def test_metadata_of_a_pod_has_a_finding(tmp_path: Path, name: str) -> None:
    id_, fragment = _split(POD_METADATA)[name]
    findings = _find(tmp_path, _change_templates({"metadata": yaml.safe_load(fragment)}, {}))
    assert {owner for found, owner, _ in findings if found == id_} >= WORKLOADS.keys()


@pytest.mark.parametrize("name", _split(CONTAINER_FIELDS))
def test_a_field_of_a_container_has_a_finding(tmp_path: Path, name: str) -> None:
    id_, fragment = _split(CONTAINER_FIELDS)[name]
    extra = [{"name": container, **yaml.safe_load(fragment)} for container in ("warm", "proxy")]
    overlay = _change_templates({"spec": {"initContainers": extra}}, {})
    for workload, (section, kind) in WORKLOADS.items():
        template = kinds.find_pod_template(overlay[section][workload]["raw"][kind], kind) or {}
        template["spec"]["containers"] = [{"name": workload, **yaml.safe_load(fragment)}]
    findings = _find(tmp_path, overlay)
    for workload in WORKLOADS:
        paths = [path for found, owner, path in findings if (found, owner) == (id_, workload)]
        for container in (f".containers[{workload}]", "initContainers[warm]", "initContainers[proxy]"):
            assert any(container in path for path in paths), (workload, container)


def _change_templates(template: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """An overlay with the same pod template below `raw` of every workload."""
    overlay: dict[str, Any] = {"services": {}, "stores": {}, "jobs": {}}
    for workload, (section, kind) in WORKLOADS.items():
        raw: Any = copy.deepcopy(template)
        for key in reversed(kinds.KINDS[kind].pod_template):
            raw = {key: raw}
        overlay[section][workload] = {"raw": {kind: raw}, **fields}
    return overlay


@pytest.mark.parametrize("name", _split(SERVICE_FIELDS))
def test_a_field_of_a_service_has_a_finding(tmp_path: Path, name: str) -> None:
    id_, fragment = _split(SERVICE_FIELDS)[name]
    assert id_ in _list_new_checks(tmp_path, yaml.safe_load(fragment))


def test_permissions_that_lead_to_nothing_have_no_finding(tmp_path: Path) -> None:
    assert _list_new_checks(tmp_path, {"kubernetesApi": HARMLESS_PERMISSIONS}) == set()


@pytest.mark.parametrize("name", _split(HARMLESS_FIELDS))
def test_a_harmless_field_has_no_finding(tmp_path: Path, name: str) -> None:
    (fragment,) = _split(HARMLESS_FIELDS)[name]
    assert _list_new_checks(tmp_path, yaml.safe_load(fragment)) == set()
