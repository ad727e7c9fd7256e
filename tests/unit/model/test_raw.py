# ruff: noqa: E501 - a message stands in one line, as it is printed
"""`raw`: what is wrong with fields in Kubernetes' own words, with their places."""

from collections.abc import Callable

import pytest

from seaway.model import application
from seaway.model.validate import raw

Said = Callable[..., list[str]]

APP = """\
name: shop
services:
  web: {image: nginx, port: 8000, raw: {%s}}
stores:
  db: {image: postgres, port: 5432, volume: {path: /data, size: 1Gi}, raw: {%s}}
jobs:
  report: {image: nginx, schedule: "0 3 * * *", raw: {%s}}
"""

RIGHT = [
    "Deployment: {spec: {minReadySeconds: 9, strategy: {rollingUpdate: {maxSurge: 1}}}}",
    "Deployment: {spec: {strategy: {type: Recreate, rollingUpdate: null}}}",
    "Deployment: {metadata: {labels: {team: shop}, annotations: {example.com/a: b}, finalizers: [example.com/x]}}",
    "Deployment: {spec: {template: {spec: {containers: [{name: web, tty: true, resources: {limits: {example.com/a: 1}}}]}}}}",
    "Deployment: {spec: {template: {spec: {containers: [{name: other, image: other}]}}}}",
    "Service: {spec: {type: ExternalName, sessionAffinity: ClientIP, ports: [{port: 1, targetPort: main}]}}",
    "ServiceAccount: {metadata: {annotations: {iam.gke.io/gcp-service-account: web@example.com}}}",
    "PodDisruptionBudget: {spec: {maxUnavailable: null, minAvailable: 50%}}",
    "Deployment: {spec: {template: {metadata: {annotations: {prometheus.io/port: '8000'}}}}}",
]


@pytest.mark.parametrize("fields", RIGHT)
def test_right(said: Said, fields: str) -> None:
    assert said(APP % (fields, "", "")) == []


WRONG = {
    "near kind": ("Deploymnt: {}", "Deploymnt: this service has no object of that kind; did you mean Deployment?"),
    "far kind": ("Pod: {}", "Pod: this service has no object of that kind; there are: Deployment, NetworkPolicy, PodDisruptionBudget, Service, ServiceAccount"),
    "no mapping": ("Deployment: 5", "Deployment: 5 is no mapping; write keys of Deployment below it"),
    "near field": ("Deployment: {spec: {minReadySecond: 5}}", "Deployment.spec.minReadySecond: is no field of DeploymentSpec; did you mean minReadySeconds?"),
    "far field": ("Deployment: {zzz: 5}", "Deployment.zzz: is no field of Deployment; there are: apiVersion, kind, metadata, spec"),
    "text for number": ("Deployment: {spec: {minReadySeconds: '5'}}", 'Deployment.spec.minReadySeconds: "5" is no whole number; write digits, as 5, without quotes'),
    "truth for number": ("Deployment: {spec: {minReadySeconds: true}}", "Deployment.spec.minReadySeconds: true is no whole number; write digits, as 5, without quotes"),
    "number for text": ("ServiceAccount: {metadata: {annotations: {a: 8000}}}", 'ServiceAccount.metadata.annotations.a: 8000 is not text; quote it: "8000"'),
    "list for text": ("ServiceAccount: {metadata: {annotations: {a: [b]}}}", "ServiceAccount.metadata.annotations.a: a list is not text; write one value; quote it if it has brackets"),
    "list for map": ("ServiceAccount: {metadata: {annotations: [a]}}", "ServiceAccount.metadata.annotations: a list is no mapping; write `key: value`, one a line, below it"),
    "text for list": ("Service: {spec: {externalIPs: 10.0.0.1}}", 'Service.spec.externalIPs: "10.0.0.1" is no list; write one item a line after `- `'),
    "text for truth": ("Service: {spec: {publishNotReadyAddresses: yes}}", 'Service.spec.publishNotReadyAddresses: "yes" is neither true nor false; write true or false, unquoted'),
    "fraction": ("PodDisruptionBudget: {spec: {minAvailable: 0.5}}", 'PodDisruptionBudget.spec.minAvailable: 0.5 is neither a whole number nor text; write 1, or "25%"'),
    "quantity": ("Deployment: {spec: {template: {spec: {containers: [{name: web, resources: {limits: {cpu: true}}}]}}}}", "Deployment.spec.template.spec.containers.0.resources.limits.cpu: true is no quantity; write it as 100m or 128Mi"),
    "value": ("Service: {spec: {internalTrafficPolicy: Lokal}}", 'Service.spec.internalTrafficPolicy: "Lokal" is not one of its values; write Cluster or Local'),
    "one of many": ("Deployment: {spec: {template: {spec: {containers: [{name: web, lifecycle: {stopSignal: SIGTRM}}]}}}}", 'Deployment.spec.template.spec.containers.0.lifecycle.stopSignal: "SIGTRM" is not one of its values; did you mean SIGTERM?'),
    "item without name": ("Deployment: {spec: {template: {spec: {containers: [{tty: true}]}}}}", "Deployment.spec.template.spec.containers.0: has no name; add `name`, which tells it from the others of the list"),
    "empty item": ("Service: {spec: {externalIPs: [null]}}", "Service.spec.externalIPs.0: is null; take the item out"),
    "whole item": ("Deployment: {spec: {template: {spec: {affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{}]}}}}}}", "Deployment.spec.template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.topologyKey: is missing; PodAffinityTerm needs it"),
    "name": ("Deployment: {metadata: {name: x}}", "Deployment.metadata.name: is how links, selectors and releases find the object; take it out"),
    "namespace": ("Service: {metadata: {namespace: x}}", "Service.metadata.namespace: is the application's and the stack's: an application has one namespace; take it out"),
    "kept by the cluster": ("Service: {metadata: {uid: x}}", "Service.metadata.uid: is not asked for; there are: labels, annotations, finalizers"),
    "kind": ("Service: {kind: Service}", "Service.kind: is given with the kind; take it out"),
    "status": ("Service: {status: {}}", "Service.status: is what the cluster tells of it, and is not asked for; take it out"),
    "selector": ("Service: {spec: {selector: {app: web}}}", "Service.spec.selector: picks the pods by the labels that Seaway gives them, and can never change; take it out"),
    "label": ("Deployment: {spec: {template: {metadata: {labels: {seaway/stack: x}}}}}", "Deployment.spec.template.metadata.labels.seaway/stack: is a label that tells whose the object is; take it out, or choose another key"),
    "annotation": ("Service: {metadata: {annotations: {pulumi.com/skipAwait: 'false'}}}", "Service.metadata.annotations.pulumi.com/skipAwait: tells Pulumi how to treat the object; take it out"),
    "replicas": ("Deployment: {spec: {replicas: 3}}", "Deployment.spec.replicas: is said by `scale`; write `scale: 3` or `scale: {min: 2, max: 10}`"),
    "nothing": ("Deployment: {spec: {template: {spec: {tolerations: [{key: null}]}}}}", "Deployment.spec.template.spec.tolerations.0.key: is null; take the key out"),
    "image": ("Deployment: {spec: {template: {spec: {containers: [{name: web, image: x}]}}}}", "Deployment.spec.template.spec.containers.0.image: is part of what a release records; write `image:` or `build:`"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong(said: Said, case: str) -> None:
    fields, line = WRONG[case]
    (told,) = said(APP % (fields, "", ""))
    assert told.partition(": services.web.raw.")[2] == line


def test_each_is_told_with_the_place_of_its_key(said: Said) -> None:
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
    assert said(text) == [
        "app/app.yaml:8:11: services.web.raw.Deployment.spec.replicas: is said by `scale`; write `scale: 3` or `scale: {min: 2, max: 10}`",
        "app/app.yaml:13:17: services.web.raw.Deployment.spec.template.spec.containers.0.stdinn: is no field of Container; did you mean stdin?",
    ]


def test_stores_and_jobs_have_objects_of_their_own(said: Said) -> None:
    assert said(APP % ("", "Deployment: {}", "Job: {}")) == [
        "app/app.yaml:5:77: stores.db.raw.Deployment: this store has no object of that kind; there are: NetworkPolicy, Service, ServiceAccount, StatefulSet",
        "app/app.yaml:7:55: jobs.report.raw.Job: this job has no object of that kind; did you mean CronJob?",
    ]  # fmt: skip
    assert said(APP % ("", "StatefulSet: {spec: {replicas: 2, serviceName: x}}", "CronJob: {spec: {schedule: x}}")) == [
        "app/app.yaml:5:98: stores.db.raw.StatefulSet.spec.replicas: is 1: a store is one pod with its disk; take it out",
        "app/app.yaml:5:111: stores.db.raw.StatefulSet.spec.serviceName: is the name that links use, and can never change; take it out",
        'app/app.yaml:7:72: jobs.report.raw.CronJob.spec.schedule: is said by `schedule`; write `schedule: "0 3 * * *"`',
    ]


PICKED = "picks the pods by the labels that Seaway gives them, and can never change; take it out"
CONTENT = "would not change the name, which stands for the content: no pod would notice"
SCALED = "is said by `scale`; write `scale: 3` or `scale: {min: 2, max: 10}`"
OURS = {
    "Deployment: {spec: {selector: {}}}": f"spec.selector: {PICKED}",
    "StatefulSet: {spec: {selector: {}}}": f"spec.selector: {PICKED}",
    "DaemonSet: {spec: {selector: {}}}": f"spec.selector: {PICKED}",
    "Job: {spec: {selector: {}}}": f"spec.selector: {PICKED}",
    "Job: {spec: {manualSelector: true}}": f"spec.manualSelector: {PICKED}",
    "PodDisruptionBudget: {spec: {selector: {}}}": f"spec.selector: {PICKED}",
    "NetworkPolicy: {spec: {podSelector: {}}}": f"spec.podSelector: {PICKED}",
    "HorizontalPodAutoscaler: {spec: {minReplicas: 1}}": f"spec.minReplicas: {SCALED}",
    "HorizontalPodAutoscaler: {spec: {maxReplicas: 1}}": f"spec.maxReplicas: {SCALED}",
    "HorizontalPodAutoscaler: {spec: {scaleTargetRef: {}}}": "spec.scaleTargetRef: names what is scaled; take it out",
    "RoleBinding: {roleRef: {}}": "roleRef: ties the role to the account; write `kubernetesApi:`",
    "RoleBinding: {subjects: []}": "subjects: ties the role to the account; write `kubernetesApi:`",
    "CronJob: {spec: {suspend: true}}": "spec.suspend: is said by `run` and `schedule`; write `run: on-demand`",
    "ConfigMap: {data: {}}": f"data: {CONTENT}; write `files:`",
    "ConfigMap: {binaryData: {}}": f"binaryData: {CONTENT}; build it into the image",
    "ConfigMap: {immutable: false}": "immutable: is what keeps content and name together; take it out",
    "Secret: {data: {}}": f"data: {CONTENT}; write `secrets:`",
    "Secret: {stringData: {}}": f"stringData: {CONTENT}; write `secrets:`",
    "Secret: {immutable: false}": "immutable: is what keeps content and name together; take it out",
    "Secret: {type: x}": "type: can never change; take it out",
}
OWNERS = {
    "StatefulSet": "stores: {db: {image: x, port: 1, volume: {path: /data, size: 1Gi}, raw: {%s}}}",
    "DaemonSet": "services: {agent: {image: x, daemonSet: true, raw: {%s}}}",
    "Job": "jobs: {migrate: {image: x, raw: {%s}}}",
    "CronJob": "jobs: {report: {image: x, run: on-demand, raw: {%s}}}",
}
WEB = "services: {web: {image: x, scale: {max: 3}, kubernetesApi: {pods: [get]}, secrets: {A: {generate: 9}}, files: {/a: {content: b}}, raw: {%s}}}"


@pytest.mark.parametrize("fields", OURS)
def test_what_is_seaways_to_say(said: Said, fields: str) -> None:
    kind = fields.partition(":")[0]
    (told,) = said("name: shop\n" + OWNERS.get(kind, WEB) % fields)
    assert told.partition(f".raw.{kind}.")[2] == OURS[fields]


def kinds(**fields: object) -> list[str]:
    return raw.list_kinds(application.Service("web", image="x", **fields))  # pyright: ignore[reportArgumentType]


ESSENTIAL = (
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


@pytest.mark.parametrize("path", ESSENTIAL)
def test_null_takes_away_nothing_that_is_needed(said: Said, path: str) -> None:
    keys = path.split(".")
    fields = "".join(f"{{{key}: " for key in keys) + "null" + "}" * len(keys)
    (told,) = said(APP % (f"Deployment: {fields}", "", ""))
    assert told.endswith(f"raw.Deployment.{path}: cannot be removed: Seaway needs it; take it out")


def test_the_kinds_follow_from_what_is_said() -> None:
    assert kinds() == ["Deployment", "NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"]
    assert kinds(daemon_set=True) == ["DaemonSet", "NetworkPolicy", "ServiceAccount"]
    assert "PodDisruptionBudget" not in kinds(scale=application.Scale(min=1))
    assert "PodDisruptionBudget" in kinds(scale=application.Scale(min=1, max=3))
    assert set(kinds(port=1, publish=True, scale=application.Scale(max=3))) - set(kinds()) == {
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
