"""The Kubernetes objects of one service, store or job, as resources."""

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pulumi

from seaway.manifests import inputs, names, objects
from seaway.model import declarations
from seaway.project import environments, stack_file
from seaway.release import record
from seaway.review import disks
from seaway.rollout import hints
from seaway.syntax import diagnosis

from . import application_outputs, checks, image, messages, program_values, provider, release, stack_config

if TYPE_CHECKING:
    import seaway

_Image = image.Image  # WorkloadArgs has a field with the name of the module


class KubernetesObject(pulumi.CustomResource):
    """One object. It is registered as the class of its kind in pulumi_kubernetes would do (a test compares them).

    Those classes expect snake_case and validate nothing in dicts, and importing the four API groups that Seaway uses
    takes 0.9 s and 85 MB in every run. The manifest already has the fields of the provider.
    """

    def __init__(self, name: str, release_object: objects.ReleaseObject, options: pulumi.ResourceOptions) -> None:
        manifest = release_object.manifest
        version = manifest["apiVersion"]
        group = version if "/" in version else f"core/{version}"
        # A replaced object is deleted first: names are fixed, so server-side apply would update the old object as the
        # new one, and then delete it. The provider does the same, but not for `--replace` and for triggers.
        own = pulumi.ResourceOptions(version=provider.KUBERNETES_VERSION, delete_before_replace=True)
        if release_object.kind == "Secret":
            own.additional_secret_outputs = ["data", "stringData"]
        if names.SCALE_ANNOTATION in manifest["metadata"].get("annotations", {}):
            # The current number is sent, or left out once the autoscaler has set it: then the autoscaler owns the
            # field, and a forced patch does not take it. The declared number only applies to a new service.
            own.ignore_changes = ["spec.replicas"]
        merged = pulumi.ResourceOptions.merge(options, own)
        super().__init__(f"kubernetes:{group}:{release_object.kind}", name, dict(manifest), merged)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadArgs:
    """A service that is used without an application."""

    service: "seaway.Service"
    """As in an application in Python. It cannot build its image."""
    namespace: pulumi.Input[str]
    """An existing namespace."""
    image: _Image | pulumi.Input[str] | None = None
    """None: the service names it."""
    env: Mapping[str, pulumi.Input[str]] = dataclasses.field(default_factory=dict[str, pulumi.Input[str]])
    """Environment variables besides those of the service, see ``ApplicationArgs``."""
    secrets: Mapping[str, pulumi.Input[str]] = dataclasses.field(default_factory=dict[str, pulumi.Input[str]])
    """Values of secrets that the service lists."""
    context: str | None = None
    """Context of the kubeconfig; None: that of the setting ``seaway:context``."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPlan:
    """The objects of one service, store or job, and what they wait for."""

    release_objects: Sequence[objects.ReleaseObject]
    add_prefix: Callable[[str], str]
    """Makes logical names of names."""
    namespace: pulumi.Resource | None = None
    """None: it is not of this program, or the objects have an Output of it."""
    dependencies: Sequence[pulumi.Resource] = ()
    """Resources that must exist, or be healthy, before its pods may start or change."""
    existing_stores: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict[str, Mapping[str, str]])
    """See ``provider.find_existing_stores``."""


class Workload(pulumi.ComponentResource):
    """One service, store or job: its objects, in their order. A service that is used alone is healthy at the end.

    Args:
        args: an application gives a plan, because it has rendered the objects of all its workloads.
        opts: ``depends_on``: no pod starts or changes before these. ``providers``: a Kubernetes provider with
            server-side apply, and Seaway's, of a Rollout.

    Raises:
        diagnosis.InvalidInput: see ``Application``.
    """

    pod_resources: list[pulumi.Resource]
    """The resources that start its pods. The Rollout of its step waits for them."""
    address: pulumi.Output[str]
    """``host:port`` inside the cluster; empty: it has no port. A resource that uses it waits until all is healthy."""

    def __init__(
        self, name: str, args: WorkloadArgs | WorkloadPlan, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seaway:index:Workload", name, None, opts)
        self.pod_resources = []
        self.address = pulumi.Output.from_input("")
        if isinstance(args, WorkloadPlan):
            self._register_objects(args, pulumi.ResourceOptions(parent=self))
        else:
            try:
                stack_inputs, values = _read_service(name, args)
                rendered = _render(args, stack_inputs)
                checks.check_objects(stack_inputs.environment, rendered)
            except diagnosis.InvalidInput as error:
                messages.report_invalid_input(error)
            self._register_alone(name, args, stack_inputs, values, opts or pulumi.ResourceOptions(), rendered=rendered)
        self.register_outputs({})

    def _register_alone(
        self,
        name: str,
        args: WorkloadArgs,
        stack_inputs: stack_config.StackInputs,
        values: program_values.ApplicationArgs,
        opts: pulumi.ResourceOptions,
        *,
        rendered: Sequence[objects.ReleaseObject],
    ) -> None:
        environment = stack_inputs.environment
        child = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on)
        context = args.context or pulumi.Config(stack_file.PREFIX.rstrip(":")).get("context") or ""
        kubernetes, plugin = self._choose_providers(name, args, context)
        of_plugin = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(provider=plugin))
        cluster = provider.Cluster(environment.add_prefix("cluster"), context, of_plugin)
        of_plugin = pulumi.ResourceOptions.merge(of_plugin, pulumi.ResourceOptions(depends_on=[cluster]))
        secret_values = release.register_secret_values(stack_inputs, values, of_plugin)
        release_objects = [*record.fill_secret_values(rendered, secret_values)]
        release_objects = values.add_to(release_objects, stack_inputs, of_plugin)
        for release_object in release_objects:
            for reference in (release_object.manifest["metadata"], *release_object.manifest.get("subjects", ())):
                reference["namespace"] = args.namespace
        # It has no disk, so unlike an application it needs no guard of disks. Its namespace is another resource.
        object_guard = provider.Objects(
            environment.add_prefix("objects"),
            release_objects,
            (),
            of_plugin,
            is_rollback=False,
            namespace=args.namespace,
        )
        guarded = pulumi.ResourceOptions(provider=kubernetes, depends_on=[object_guard])
        of_kubernetes = pulumi.ResourceOptions.merge(child, guarded)
        plan = WorkloadPlan(release_objects=release_objects, add_prefix=environment.add_prefix)
        self._register_objects(plan, of_kubernetes)
        watched = [release_object for release_object in release_objects if release_object.deadline is not None]
        own = pulumi.ResourceOptions.merge(of_plugin, pulumi.ResourceOptions(depends_on=self.pod_resources))
        rollout = provider.Rollout(name, args.namespace, watched, hints.collect_sources(environment), own)
        # It depends on all, so a destroy deletes it first, and the plugin refuses that in another cluster.
        last = pulumi.ResourceOptions.merge(of_plugin, pulumi.ResourceOptions(depends_on=[rollout]))
        provider.Cluster(environment.add_prefix("destroy-guard"), context, last)
        (service,) = environment.app.services
        if service.port is not None:
            address = pulumi.Output.concat(service.name, ".", args.namespace, f":{service.port}")
            self.address = application_outputs.wait_for(rollout, address)

    def _choose_providers(self, name: str, args: WorkloadArgs, context: str) -> tuple[pulumi.ProviderResource, ...]:
        """The providers of Kubernetes and of the plugin: those of the options, or new ones."""
        kubernetes = self.get_provider("kubernetes:core/v1:Namespace")
        plugin = self.get_provider("seaway:index:Rollout")
        if kubernetes and plugin:
            return kubernetes, plugin
        context = context or pulumi.Config(stack_file.PREFIX.rstrip(":")).require("context")
        child = pulumi.ResourceOptions(parent=self)
        has_values = bool(args.env or args.secrets)
        return (
            kubernetes or provider.Kubernetes(f"{name}-kubernetes", context, child, has_mutable_secrets=has_values),
            plugin or provider.Seaway(f"{name}-seaway", context, child),
        )

    def _register_objects(self, plan: WorkloadPlan, options: pulumi.ResourceOptions) -> None:
        foundation: list[pulumi.Resource] = [plan.namespace] if plan.namespace else []
        namespaces = [*foundation]
        for release_object in plan.release_objects:
            starts_pods = release_object.phase is not objects.Phase.foundation
            manifest = release_object.manifest
            own = pulumi.ResourceOptions(
                # An autoscaler is the last one of its phase: it looks for the Deployment at once.
                depends_on=[*foundation, *plan.dependencies, *self.pod_resources] if starts_pods else namespaces,
                # The namespace is deleted with its contents. But workloads are deleted first and in order, services
                # before their stores: no service loses its database, and an empty namespace ends sooner.
                deleted_with=None if starts_pods else plan.namespace,
                retain_on_delete=release_object.is_retained,
            )
            # Outside of an application, the namespace may be an Output, and there are no stores.
            if plan.existing_stores and (sizes := plan.existing_stores.get(release_object.identity)):
                own.ignore_changes = [disks.CLAIM_TEMPLATES_PATH]
                manifest = disks.set_sizes(manifest, sizes)
            name = plan.add_prefix(release_object.name)
            registered = dataclasses.replace(release_object, manifest=manifest)
            if release_object.kind == "Job" and plan.namespace:
                own.replacement_trigger = self._count_attempts(name, release_object, plan.namespace)
            resource = KubernetesObject(name, registered, pulumi.ResourceOptions.merge(options, own))
            (self.pod_resources if starts_pods else foundation).append(resource)

    def _count_attempts(
        self, name: str, job_object: objects.ReleaseObject, namespace: pulumi.Resource
    ) -> pulumi.Output[int]:
        """The trigger that runs a failed Job again under its own name."""
        own = pulumi.ResourceOptions(parent=self, depends_on=[namespace], deleted_with=namespace)
        namespace_name = job_object.manifest["metadata"]["namespace"]
        return provider.JobAttempt(name, job_object.name, namespace_name, own).attempt


def _read_service(name: str, args: WorkloadArgs) -> tuple[stack_config.StackInputs, program_values.ApplicationArgs]:
    """The inputs of a service that is used alone, and the values that the program gives it."""
    service = cast("declarations.Declaration", copy.copy(args.service))  # with the lines of the program
    if "build" in service:
        location, path = diagnosis.SourceLocation(stack_config.PROGRAM), f"services.{service.name}.build"
        message, hint = "a Workload builds no image", "build it with Image, and write image=... in WorkloadArgs"
        raise diagnosis.reject(location, path, "unsupported-key", message, hint)
    if args.image is not None:
        service["image"] = _get_content(args.image)
    own_settings = {"programSecrets": [*args.secrets], "imagePullCredentials": None}
    stack_inputs = stack_config.read_inputs(Path.cwd(), name, service, own_settings)
    values = program_values.ApplicationArgs(env={service.name: args.env} if args.env else {}, secrets=args.secrets)
    if diagnostics := [*values.check(stack_inputs)]:
        raise diagnosis.InvalidInput(diagnostics)
    environment = dataclasses.replace(stack_inputs.environment, opens_namespace=True)
    return dataclasses.replace(stack_inputs, environment=environment), values


def _render(args: WorkloadArgs, stack_inputs: stack_config.StackInputs) -> list[objects.ReleaseObject]:
    """The objects of a service that is used alone, without the values of secrets."""
    environment: environments.Environment = stack_inputs.environment
    fingerprints = release.fingerprint_generated_secrets(environment, stack_inputs.secrets)
    secrets = {name: inputs.SecretValue(fingerprint=print_, value="") for name, print_ in fingerprints.items()}
    images: dict[str, inputs.Image] = {}
    if args.image is not None:
        pending = inputs.PendingImage(args.service.name)
        images = {args.service.name: inputs.Image(reference=pending, content=_get_content(args.image))}
    rendered = objects.objects(environment, images, {**secrets, **stack_inputs.secrets})
    own = [release_object for release_object in rendered if release_object.owner is not None]
    reference = args.image.ref if isinstance(args.image, image.Image) else args.image
    return [*objects.replace_images(own, {known.reference: reference for known in images.values()})]


def _get_content(workload_image: _Image | pulumi.Input[str]) -> str:
    """What stands for the content of an image in names and versions; an Output is unknown there."""
    if isinstance(workload_image, image.Image):
        return workload_image.content
    return workload_image if isinstance(workload_image, str) else "program"
