"""``raw``: errors in Kubernetes fields, with their locations."""

import pytest

from seaway.model import application
from seaway.model.validate import raw
from tests.support import diagnostics
from tests.unit.conftest import ExpectErrors, FindErrors

APP = """\
name: shop
services:
  web: {image: nginx, port: 8000, raw: {%s}}
stores:
  db: {image: postgres, port: 5432, volume: {path: /data, size: 1Gi}, raw: {%s}}
jobs:
  report: {image: nginx, schedule: "0 3 * * *", raw: {%s}}
"""

VALID = [
    "Deployment: {spec: {minReadySeconds: 9, strategy: {rollingUpdate: {maxSurge: 1}}}}",
    "Deployment: {spec: {strategy: {type: Recreate, rollingUpdate: null}}}",
    "Deployment: {metadata: {labels: {team: shop}, annotations: {example.com/a: b}, finalizers: [example.com/x]}}",
    "Deployment: {spec: {template: {spec: {containers: [{name: web, resources: {limits: {example.com/a: 1}}}]}}}}",
    "Deployment: {spec: {template: {spec: {containers: [{name: other, image: other}]}}}}",
    "Service: {spec: {type: ExternalName, sessionAffinity: ClientIP, ports: [{port: 1, targetPort: main}]}}",
    "ServiceAccount: {metadata: {annotations: {iam.gke.io/gcp-service-account: web@example.com}}}",
    "PodDisruptionBudget: {spec: {maxUnavailable: null, minAvailable: 50%}}",
    "Deployment: {spec: {template: {metadata: {annotations: {prometheus.io/port: '8000'}}}}}",
]


@pytest.mark.parametrize("fields", VALID)
def test_valid_fields_have_no_errors(find_errors: FindErrors, fields: str) -> None:
    assert find_errors(APP % (fields, "", "")) == ()


AFFINITY = "requiredDuringSchedulingIgnoredDuringExecution"
INVALID = {
    "similar kind": ("Deploymnt: {}", "3:41: Deploymnt: unknown-kind"),
    "unknown kind": ("Pod: {}", "3:41: Pod: unknown-kind"),
    "no mapping": ("Deployment: 5", "3:41: Deployment: invalid-type"),
    "similar field": ("Deployment: {spec: {minReadySecond: 5}}", "3:61: Deployment.spec.minReadySecond: unknown-key"),
    "unknown field": ("Deployment: {zzz: 5}", "3:54: Deployment.zzz: unknown-key"),
    "text for number": (
        "Deployment: {spec: {minReadySeconds: '5'}}",
        "3:61: Deployment.spec.minReadySeconds: invalid-type",
    ),
    "boolean for number": (
        "Deployment: {spec: {minReadySeconds: true}}",
        "3:61: Deployment.spec.minReadySeconds: invalid-type",
    ),
    "number for text": (
        "ServiceAccount: {metadata: {annotations: {a: 8000}}}",
        "3:83: ServiceAccount.metadata.annotations.a: invalid-type",
    ),
    "list for text": (
        "ServiceAccount: {metadata: {annotations: {a: [b]}}}",
        "3:83: ServiceAccount.metadata.annotations.a: invalid-type",
    ),
    "list for mapping": (
        "ServiceAccount: {metadata: {annotations: [a]}}",
        "3:69: ServiceAccount.metadata.annotations: invalid-type",
    ),
    "text for list": ("Service: {spec: {externalIPs: 10.0.0.1}}", "3:58: Service.spec.externalIPs: invalid-type"),
    "text for boolean": (
        "Service: {spec: {publishNotReadyAddresses: yes}}",
        "3:58: Service.spec.publishNotReadyAddresses: invalid-type",
    ),
    "fraction": (
        "PodDisruptionBudget: {spec: {minAvailable: 0.5}}",
        "3:70: PodDisruptionBudget.spec.minAvailable: invalid-type",
    ),
    "quantity": (
        "Deployment: {spec: {template: {spec: {containers: [{name: web, resources: {limits: {cpu: true}}}]}}}}",
        "3:125: Deployment.spec.template.spec.containers.0.resources.limits.cpu: invalid-type",
    ),
    "invalid value": (
        "Service: {spec: {internalTrafficPolicy: Lokal}}",
        "3:58: Service.spec.internalTrafficPolicy: invalid-value",
    ),
    "value of many": (
        "Deployment: {spec: {template: {spec: {containers: [{name: web, lifecycle: {stopSignal: SIGTRM}}]}}}}",
        "3:116: Deployment.spec.template.spec.containers.0.lifecycle.stopSignal: invalid-value",
    ),
    "element without name": (
        "Deployment: {spec: {template: {spec: {containers: [{tty: true}]}}}}",
        "3:92: Deployment.spec.template.spec.containers.0: missing-value",
    ),
    "null element": ("Service: {spec: {externalIPs: [null]}}", "3:72: Service.spec.externalIPs.0: invalid-value"),
    "incomplete element": (
        f"Deployment: {{spec: {{template: {{spec: {{affinity: {{podAffinity: {{{AFFINITY}: [{{}}]}}}}}}}}}}}}",
        f"3:153: Deployment.spec.template.spec.affinity.podAffinity.{AFFINITY}.0.topologyKey: missing-value",
    ),
    "name": ("Deployment: {metadata: {name: x}}", "3:65: Deployment.metadata.name: reserved-field"),
    "namespace": ("Service: {metadata: {namespace: x}}", "3:62: Service.metadata.namespace: reserved-field"),
    "written by the cluster": ("Service: {metadata: {uid: x}}", "3:62: Service.metadata.uid: unsupported-key"),
    "kind": ("Service: {kind: Service}", "3:51: Service.kind: reserved-field"),
    "status": ("Service: {status: {}}", "3:51: Service.status: reserved-field"),
    "selector": ("Service: {spec: {selector: {app: web}}}", "3:58: Service.spec.selector: reserved-field"),
    "label": (
        "Deployment: {spec: {template: {metadata: {labels: {seaway/stack: x}}}}}",
        "3:92: Deployment.spec.template.metadata.labels.seaway/stack: reserved-field",
    ),
    "annotation": (
        "Service: {metadata: {annotations: {pulumi.com/skipAwait: 'false'}}}",
        "3:76: Service.metadata.annotations.pulumi.com/skipAwait: reserved-field",
    ),
    "replicas": ("Deployment: {spec: {replicas: 3}}", "3:61: Deployment.spec.replicas: reserved-field"),
    "null in a list": (
        "Deployment: {spec: {template: {spec: {tolerations: [{key: null}]}}}}",
        "3:94: Deployment.spec.template.spec.tolerations.0.key: invalid-value",
    ),
    "image": (
        "Deployment: {spec: {template: {spec: {containers: [{name: web, image: x}]}}}}",
        "3:104: Deployment.spec.template.spec.containers.0.image: reserved-field",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_invalid_fields_are_reported(expect_errors: ExpectErrors, case: str) -> None:
    fields, row = INVALID[case]
    expect_errors(APP % (fields, "", ""), row.replace(": ", ": .raw.", 1))


def test_errors_have_the_location_of_their_key(expect_errors: ExpectErrors) -> None:
    text = """\
name: shop
services:
  web:
    image: nginx
    raw:
      Deployment:
        spec:
          replicas: 3
          template:
            spec:
              containers:
              - name: web
                stdinn: true
"""
    path = "services.web.raw.Deployment.spec"
    expect_errors(
        text, f"8:11: {path}.replicas: reserved-field", f"13:17: {path}.template.spec.containers.0.stdinn: unknown-key"
    )


@pytest.mark.parametrize(
    ("store", "job", "rows"),
    [
        (
            "Deployment: {}",
            "Job: {}",
            ["5:77: stores.db.raw.Deployment: unknown-kind", "7:55: jobs.report.raw.Job: unknown-kind"],
        ),
        (
            "StatefulSet: {spec: {replicas: 2, serviceName: x}}",
            "CronJob: {spec: {schedule: x}}",
            [
                "5:98: stores.db.raw.StatefulSet.spec.replicas: reserved-field",
                "5:111: stores.db.raw.StatefulSet.spec.serviceName: reserved-field",
                "7:72: jobs.report.raw.CronJob.spec.schedule: reserved-field",
            ],
        ),
    ],
    ids=["kinds", "fields"],
)
def test_stores_and_jobs_have_kinds_of_their_own(
    expect_errors: ExpectErrors, store: str, job: str, rows: list[str]
) -> None:
    expect_errors(APP % ("", store, job), *rows)


RESERVED = {
    "Deployment: {spec: {selector: {}}}": "spec.selector",
    "StatefulSet: {spec: {selector: {}}}": "spec.selector",
    "DaemonSet: {spec: {selector: {}}}": "spec.selector",
    "Job: {spec: {selector: {}}}": "spec.selector",
    "Job: {spec: {manualSelector: true}}": "spec.manualSelector",
    "PodDisruptionBudget: {spec: {selector: {}}}": "spec.selector",
    "NetworkPolicy: {spec: {podSelector: {}}}": "spec.podSelector",
    "HorizontalPodAutoscaler: {spec: {minReplicas: 1}}": "spec.minReplicas",
    "HorizontalPodAutoscaler: {spec: {maxReplicas: 1}}": "spec.maxReplicas",
    "HorizontalPodAutoscaler: {spec: {scaleTargetRef: {}}}": "spec.scaleTargetRef",
    "RoleBinding: {roleRef: {}}": "roleRef",
    "RoleBinding: {subjects: []}": "subjects",
    "CronJob: {spec: {suspend: true}}": "spec.suspend",
    "ConfigMap: {data: {}}": "data",
    "ConfigMap: {binaryData: {}}": "binaryData",
    "ConfigMap: {immutable: false}": "immutable",
    "Secret: {data: {}}": "data",
    "Secret: {stringData: {}}": "stringData",
    "Secret: {immutable: false}": "immutable",
    "Secret: {type: x}": "type",
}
OWNERS = {
    "StatefulSet": "stores: {db: {image: x, port: 1, volume: {path: /data, size: 1Gi}, raw: {%s}}}",
    "DaemonSet": "services: {agent: {image: x, daemonSet: true, raw: {%s}}}",
    "Job": "jobs: {migrate: {image: x, raw: {%s}}}",
    "CronJob": "jobs: {report: {image: x, run: on-demand, raw: {%s}}}",
}
WEB = (
    "services: {web: {image: x, scale: {max: 3}, kubernetesApi: {pods: [get]}, secrets: {A: {generate: 9}},"
    " files: {/a: {content: b}}, raw: {%s}}}"
)


def test_fields_that_seaway_sets_are_reserved(find_errors: FindErrors, wording: object) -> None:
    messages: list[str] = []
    for fields, path in RESERVED.items():
        kind = fields.partition(":")[0]
        (error,) = find_errors("name: shop\n" + OWNERS.get(kind, WEB) % fields)
        assert (error.path.partition(".raw.")[2], error.code) == (f"{kind}.{path}", "reserved-field")
        messages.append(f"{kind}.{path}: {error.message}; {error.hint}")
    assert messages == wording


REQUIRED = (
    "metadata",
    "metadata.labels",
    "metadata.annotations",
    "spec",
    "spec.template",
    "spec.template.metadata",
    "spec.template.metadata.labels",
    "spec.template.spec",
    "spec.template.spec.containers",
)


@pytest.mark.parametrize("path", REQUIRED)
def test_null_cannot_remove_a_required_field(find_errors: FindErrors, path: str) -> None:
    keys = path.split(".")
    fields = "".join(f"{{{key}: " for key in keys) + "null" + "}" * len(keys)
    (row,) = diagnostics.summarize(find_errors(APP % (f"Deployment: {fields}", "", "")))
    assert row.endswith(f"raw.Deployment.{path}: required-field")


def kinds(**fields: object) -> list[str]:
    return raw.list_kinds(application.Service("web", image="x", **fields))  # pyright: ignore[reportArgumentType]


def test_the_kinds_of_a_workload_follow_from_its_fields() -> None:
    assert kinds() == ["Deployment", "NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"]
    assert kinds(daemon_set=True) == ["DaemonSet", "NetworkPolicy", "ServiceAccount"]
    assert "PodDisruptionBudget" not in kinds(scale=application.Scale(min=1))
    assert "PodDisruptionBudget" in kinds(scale=application.Scale(min=1, max=3))
    assert set(kinds(port=1, publish=True, scale=application.Scale(max=3))) - set(kinds()) == {
        "HTTPRoute",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Service",
    }
    assert set(kinds(kubernetes_api={"pods": ("get",)}, secrets=(application.Secret("A"),))) - set(kinds()) == {
        "Role",
        "RoleBinding",
        "Secret",
    }
    sidecar = application.ExtraContainer("log", image="x", files=(application.File("/a", content=""),))
    assert set(kinds(sidecars=(sidecar,))) - set(kinds()) == {"ConfigMap"}
    jobs: dict[str, application.AnyWorkload] = {
        "Job": application.Job("a", run="after-rollout"),
        "CronJob": application.Job("a", run="on-demand"),
    }
    for kind, job in jobs.items():
        assert kind in raw.list_kinds(job)
