"""What differs between environments: the keys of ``Pulumi.<stack>.yaml``, typed.

``Settings`` is decoded from the stack's configuration by the same strict decoder as an application.
In the file a key ``build_args`` is written ``seaway:buildArgs``.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from seaway.files import roots
from seaway.syntax.field_help import Duration, Help, Rationale

Engine = Literal["docker-build", "docker"]
PublishMode = Literal["none", "nodePort", "loadBalancer", "ingress"]
PolicyAction = Literal["block", "allow"]
Severity = Literal["error", "warning"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the preview of a pull request may contain."""

    outage: Annotated[PolicyAction, Help("a change during which a service or store does not answer")] = "block"
    data_loss: Annotated[PolicyAction, Help("a change that deletes a volume, or what holds one")] = "block"


POLICY_IDS = ("OUTAGE", "DATA-LOSS")
"""What a waiver calls them: it lets one change pass, the policy lets all."""


@dataclasses.dataclass(frozen=True, slots=True)
class Waiver:
    """An exception from a check, which ends by itself."""

    check: Annotated[str, Help("id of the check, as `seaway check` and the preview print it")]
    _: dataclasses.KW_ONLY
    workloads: Annotated[tuple[str, ...], Help("the services, stores and jobs that it is for; none: all of them")] = ()
    reason: Annotated[str, Help("why, for whoever reads it in a year")]
    owner: Annotated[str, Help("who answers for it")]
    until: Annotated[str, Help("its last day, as 2026-12-31; after it the check counts again")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """How an ingress controller of the cluster leads requests to the services with `expose`.

    https://kubernetes.io/docs/concepts/services-networking/ingress/
    """

    hosts: Annotated[
        Mapping[str, tuple[str, ...]],
        Help("service -> the addresses that it answers, as `shop.example.com` or `shop.example.com/api`"),
    ] = dataclasses.field(default_factory=dict[str, tuple[str, ...]])
    class_name: Annotated[str | None, Help("IngressClass of the cluster; none: the cluster's default")] = None
    tls_secret: Annotated[str | None, Help("existing Secret with the certificate of all hosts")] = None
    issuer: Annotated[str | None, Help("or the ClusterIssuer of cert-manager that makes one for each host")] = None
    redirect: Annotated[
        bool,
        Help(
            "whether plain HTTP is not answered where there is TLS: ingress-nginx sends it on to HTTPS, Traefik answers"
            " 404 unless its own entry point redirects"
        ),
        Rationale("a session cookie never travels in clear"),
    ] = True
    namespace: Annotated[
        str | None,
        Help("namespace of the controller, whose pods alone may connect; none: whoever reaches the pods may"),
        Rationale("a controller may run on the node itself, or be a cloud's load balancer, and then has no namespace"),
    ] = None
    annotations: Annotated[Mapping[str, str], Help("what else the controller is to know")] = dataclasses.field(
        default_factory=dict[str, str]
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PullCredentials:
    """The account that the cluster's nodes pull images with, where the registry asks for one."""

    user: Annotated[str, Help("its name")]
    secret: Annotated[str, Help("name of its password: `pulumi config set --secret --path 'seaway:secrets.NAME'`")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The conditions for a promotion to this stack."""

    from_: Annotated[str, Help("the stack in which the release must have been healthy first")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One environment."""

    stack: Annotated[str, Help("name of the stack; comes from Pulumi, not from the file")]
    context: Annotated[str, Help("context of the kubeconfig to deploy to; any other is refused")]
    app: Annotated[
        str,
        Help(
            "the application's file, relative to the project; one that ends in `.py` is run; or a compose file, or"
            " several of one folder with commas between them, each laid over the one before"
        ),
    ] = "app/app.yaml"
    root: Annotated[
        roots.RootChoice,
        Help("where an application may name files: `project`, the folder of Pulumi.yaml, or `git`, its git repository"),
        Rationale("a file that a branch names never is one of the machine that reads it, as a link to its environment"),
    ] = "project"
    profiles: Annotated[
        tuple[str, ...], Help("profiles of the compose file that `app` names: what has one of them is deployed too")
    ] = ()
    build: Annotated[
        bool,
        Help(
            "whether this environment builds what the working tree holds; if not, it deploys the release that"
            " environments/<stack>.lock.yaml pins"
        ),
        Rationale("one environment builds, the others get what was tried there, digest by digest"),
    ] = True
    promotion: Annotated[
        Promotion | None, Help("what a release must have passed before it is promoted to this stack")
    ] = None
    registry: Annotated[str | None, Help("registry that images are pushed to: `host[:port][/path]`")] = None
    engine: Annotated[
        Engine,
        Help("what builds images"),
        Rationale("docker-build has caches, build secrets and several platforms; docker needs only a Docker daemon"),
    ] = "docker-build"
    builder: Annotated[str | None, Help("name of the buildx builder; none: docker-build makes one of its own")] = None
    platform: Annotated[str, Help("platform of the cluster's nodes"), Rationale("the laptop's may be another one")] = (
        "linux/amd64"
    )
    image_overrides: Annotated[
        Mapping[str, str],
        Help("image -> the one that this environment takes instead, for `image:` and for the bases of builds"),
    ] = dataclasses.field(default_factory=dict[str, str])
    publish: Annotated[
        PublishMode,
        Help("how services with `expose` are reached from outside"),
        Rationale("closed until the environment says how to open it"),
    ] = "none"
    ingress: Annotated[Ingress, Help("with `publish: ingress`: the hosts, and how they are reached")] = (
        dataclasses.field(default_factory=Ingress)
    )
    image_pull_credentials: Annotated[
        PullCredentials | None, Help("account that the cluster pulls from `registry` with; none: it needs none")
    ] = None
    image_pull_secrets: Annotated[
        tuple[str, ...], Help("Secrets with such accounts that somebody else keeps in the namespace")
    ] = ()
    storage_class: Annotated[str | None, Help("kind of disk of stores that name none; none: the cluster's default")] = (
        None
    )
    quota: Annotated[
        bool,
        Help("whether the namespace is limited to what the application can use at most, and a third more"),
        Rationale("a cluster of one's own needs no fence; a shared one does"),
    ] = False
    rollout_timeout: Annotated[
        int,
        Duration(),
        Help(
            "seconds that a service or store may take to become healthy; one with a slow `startup` has that and 60 more"
        ),
        Rationale(
            "what cannot heal fails at once, whatever this says; what can has the time in which a cluster adds a node"
            " and pulls an image"
        ),
    ] = 300
    policy: Annotated[Policy, Help("what `seaway preview` lets pass; `dataLoss` also in `pulumi up`")] = (
        dataclasses.field(default_factory=Policy)
    )
    check_severity: Annotated[
        Mapping[str, Severity],
        Help("what a check weighs here, instead of what docs/checks.md says: `{AVL-01: error}`; an error is refused"),
    ] = dataclasses.field(default_factory=dict[str, Severity])
    waivers: Annotated[
        tuple[Waiver, ...], Help("checks that do not count here, each with a reason, an owner and an end")
    ] = ()
    overlay: Annotated[
        Mapping[str, Any],
        Help("what this environment says differently, in the words of the application's file"),
    ] = dataclasses.field(default_factory=dict[str, Any])

    def format_namespace(self, app_name: str) -> str:
        """The namespace that belongs to this application in this environment."""
        return f"{app_name}-{self.stack}"
