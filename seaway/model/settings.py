"""The settings of a stack: the ``seaway:`` keys of ``Pulumi.<stack>.yaml``, typed.

The decoder of applications decodes them too. The field ``storage_class`` is the key ``seaway:storageClass``.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from seaway.files import roots
from seaway.syntax.field_help import Duration, Help, Rationale, empty_mapping

Engine = Literal["docker-build", "docker"]
PublishMode = Literal["none", "nodePort", "loadBalancer", "ingress", "gateway"]
PolicyAction = Literal["block", "allow"]
Severity = Literal["error", "warning"]
Requirement = Literal["test"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The changes that the preview of a pull request may contain."""

    outage: Annotated[PolicyAction, Help("a change during which a service or store does not answer")] = "block"
    data_loss: Annotated[PolicyAction, Help("a change that deletes a volume, or the object that holds it")] = "block"


POLICY_IDS = ("OUTAGE", "DATA-LOSS")
"""The ids of the policies in waivers: a waiver accepts one change, a policy setting all changes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Waiver:
    """An accepted finding of a check. It expires."""

    check: Annotated[str, Help("id of the check, as `seaway check` and the preview print it")]
    _: dataclasses.KW_ONLY
    workloads: Annotated[tuple[str, ...], Help("services, stores and jobs that it applies to; none: all")] = ()
    reason: Annotated[str, Help("why the finding is accepted")]
    owner: Annotated[str, Help("who is responsible for it")]
    until: Annotated[str, Help("its last day, as 2026-12-31; afterwards the check applies again")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """The addresses of published workloads: how an ingress controller or a Gateway routes requests to them.

    https://kubernetes.io/docs/concepts/services-networking/ingress/
    """

    hosts: Annotated[
        Mapping[str, tuple[str, ...]],
        Help("addresses by workload, as `shop.example.com` or `shop.example.com/api`"),
    ] = empty_mapping()
    class_name: Annotated[str | None, Help("IngressClass of the cluster; none: the default of the cluster")] = None
    tls_secret: Annotated[
        str | None,
        Help("existing Secret with the certificate of all hosts; for a Gateway also `namespace/name`"),
    ] = None
    issuer: Annotated[str | None, Help("ClusterIssuer of cert-manager that creates a certificate for each host")] = None
    redirect: Annotated[
        bool,
        Help(
            "whether plain HTTP is refused where there is TLS: a Gateway and ingress-nginx redirect to HTTPS, Traefik"
            " answers 404 for an Ingress unless its own entry point redirects"
        ),
        Rationale("a session cookie is never sent in clear text"),
    ] = True
    namespace: Annotated[
        str | None,
        Help(
            "namespace of the pods that forward requests (the controller's, of a Gateway often its own): only its pods"
            " may connect; none: any client that reaches the pods may"
        ),
        Rationale("a controller may run on the node itself, or be a load balancer of the cloud, without a namespace"),
    ] = None
    annotations: Annotated[Mapping[str, str], Help("annotations for the controller")] = empty_mapping()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The Gateway that routes requests to published workloads: one of the stack, or of another team.

    https://gateway-api.sigs.k8s.io/
    """

    class_name: Annotated[
        str | None, Help("GatewayClass of the cluster, for a Gateway of this stack; none: an existing Gateway")
    ] = None
    name: Annotated[
        str | None, Help("name of the existing Gateway, or of the stack's own; none: that of the application")
    ] = None
    namespace: Annotated[str | None, Help("namespace of the existing Gateway; none: that of the stack")] = None
    listener: Annotated[
        str | None, Help("listener of the existing Gateway; none: each listener that admits the routes")
    ] = None
    http_listener: Annotated[
        str | None,
        Help("listener of the existing Gateway for plain HTTP, which redirects to HTTPS; none: no redirect"),
    ] = None
    headers: Annotated[
        Mapping[str, Mapping[str, str]],
        Help("headers, by workload, that a request must have; other requests go to another workload of the address"),
    ] = empty_mapping()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PullCredentials:
    """The account with which nodes pull images, if the registry requires one."""

    user: Annotated[str, Help("name of the account")]
    secret: Annotated[str, Help("secret with its password: `pulumi config set --secret --path 'seaway:secrets.NAME'`")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The conditions for a promotion to this stack."""

    from_: Annotated[str, Help("the stack in which the release must have been healthy first")]
    requires: Annotated[
        tuple[Requirement, ...],
        Help("`test`: `seaway test --record` must have passed with this release in the stack that it is promoted from"),
    ] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The signatures that a release requires before it is promoted or deployed to this stack."""

    keys: Annotated[
        tuple[str, ...],
        Help("public keys of cosign, one of which must have signed: files in the project, or the text of a key"),
    ]
    transparency_log: Annotated[
        bool,
        Help("whether each signature must also be in the public transparency log of Sigstore"),
        Rationale("with a key, no server but the registry is contacted"),
    ] = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """What `seaway test` may do in this environment."""

    disturb: Annotated[
        bool,
        Help("whether `seaway test --disturb` may delete pods, restart services and send load here"),
        Rationale("it does so only with that option; switch it off where users would notice"),
    ] = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One environment."""

    stack: Annotated[str, Help("name of the stack; comes from Pulumi, not from the file")]
    context: Annotated[str, Help("context of the kubeconfig to deploy to; any other context is refused")]
    app: Annotated[
        str,
        Help(
            "the application's file, relative to the project; a `.py` file is run; or a compose file, or several of"
            " one folder with commas between them, later files override"
        ),
    ] = "app/app.yaml"
    root: Annotated[
        roots.RootChoice,
        Help("where an application may name files: `project`, the folder of Pulumi.yaml, or `git`, its git repository"),
        Rationale("a branch must not read files of the machine, for example by a link to /etc/passwd"),
    ] = "project"
    profiles: Annotated[
        tuple[str, ...], Help("profiles of the compose file in `app` whose services are deployed too")
    ] = ()
    build: Annotated[
        bool,
        Help(
            "whether this environment builds the working tree; if not, it deploys the release that"
            " environments/<stack>.lock.yaml pins"
        ),
        Rationale("one environment builds; the others deploy the tested images by digest"),
    ] = True
    promotion: Annotated[Promotion | None, Help("conditions for a release before it may be promoted to this stack")] = (
        None
    )
    trust: Annotated[
        Trust | None,
        Help("signatures that the release and its images must have; none: a lock file and the state vouch for them"),
    ] = None
    registry: Annotated[str | None, Help("registry that images are pushed to: `host[:port][/path]`")] = None
    engine: Annotated[
        Engine,
        Help("engine that builds images"),
        Rationale("docker-build has caches, build secrets and several platforms; docker needs only a Docker daemon"),
    ] = "docker-build"
    builder: Annotated[str | None, Help("name of the buildx builder; none: docker-build creates one")] = None
    platform: Annotated[
        str, Help("platform of the nodes of the cluster"), Rationale("it may differ from the platform of a laptop")
    ] = "linux/amd64"
    image_overrides: Annotated[
        Mapping[str, str],
        Help("image by the image that it replaces in this environment, for `image:` and for base images of builds"),
    ] = empty_mapping()
    publish: Annotated[
        PublishMode,
        Help("how services with `publish` are reached from outside"),
        Rationale("closed until the environment opens it"),
    ] = "none"
    ingress: Annotated[
        Ingress, Help("with `publish: ingress` or `gateway`: hosts and certificates; and the ingress controller")
    ] = Ingress()
    gateway: Annotated[Gateway, Help("with `publish: gateway`: the Gateway that has the hosts of `ingress`")] = (
        Gateway()
    )
    image_pull_credentials: Annotated[
        PullCredentials | None, Help("account with which the cluster pulls from `registry`; none: not needed")
    ] = None
    image_pull_secrets: Annotated[
        tuple[str, ...], Help("existing Secrets in the namespace with such accounts, managed elsewhere")
    ] = ()
    program_secrets: Annotated[
        tuple[str, ...],
        Help("secrets whose values the Pulumi program gives to the component Application, from other resources"),
    ] = ()
    debug_image: Annotated[
        str,
        Help("image of the shell that `seaway exec` starts beside a container whose image has none"),
        Rationale("small, and the nodes of most clusters can pull it"),
    ] = "busybox:1.37"
    storage_class: Annotated[
        str | None, Help("StorageClass of volumes that name none; none: the default of the cluster")
    ] = None
    quota: Annotated[
        bool,
        Help("whether the namespace is limited to the maximum that the application can use, plus a third"),
        Rationale("a cluster with one application needs no quota; a shared cluster does"),
    ] = False
    rollout_timeout: Annotated[
        int,
        Duration(),
        Help(
            "seconds that a service or store may take to become healthy; a workload with a long `startPeriod` has"
            " that and 60 more"
        ),
        Rationale(
            "a rollout that cannot succeed fails at once; others need the time in which a cluster adds a node and"
            " pulls an image"
        ),
    ] = 300
    policy: Annotated[Policy, Help("changes that `seaway preview` accepts; `dataLoss` also applies to `pulumi up`")] = (
        Policy()
    )
    check_severity: Annotated[
        Mapping[str, Severity],
        Help(
            "severity of checks in this environment, instead of the default (`seaway help checks`):"
            " `{AVL-01: error}`; errors block"
        ),
    ] = empty_mapping()
    waivers: Annotated[
        tuple[Waiver, ...],
        Help("findings that are accepted in this environment, each with a reason, an owner and a last day"),
    ] = ()
    test: Annotated[
        Test, Help("what `seaway test` may do; the namespace gets the annotation `seaway/test-disturb` if it is less")
    ] = Test()
    overlay: Annotated[
        Mapping[str, Any],
        Help("changes for this environment, with the keys of the application's file"),
    ] = empty_mapping()

    def format_namespace(self, app_name: str) -> str:
        """The namespace of an application in this environment."""
        return f"{app_name}-{self.stack}"
