"""The Application component: all resources of one application in one environment."""

import dataclasses
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pulumi

from seaway.checks import engine
from seaway.manifests import inputs, objects
from seaway.project import environments, stack_file
from seaway.review import disks
from seaway.rollout import hints
from seaway.syntax import diagnosis

from . import (
    application_outputs,
    checks,
    image,
    logical_names,
    messages,
    program,
    program_values,
    provenance,
    provider,
    registry,
    release,
    stack_config,
    workload,
)

NETWORK_POLICY = "NetworkPolicy"
"""The kind that opens the links between workloads."""

UNPREFIXED_TYPES = ("seaway:index:Application", "seaway:index:Registry")
"""Their resources have the name of the application."""


class Application(pulumi.ComponentResource):
    """The images, then the namespace with its stores, jobs and services, each step healthy before the next.

    Args:
        name: of the application, as in its file. Its settings are those of the stack.
        opts: ``depends_on``: nothing is built or changed before these. ``providers``: a Kubernetes provider for the
            objects, with server-side apply and for the cluster of the setting ``seaway:context``.

    Raises:
        diagnosis.InvalidInput: a file or a setting is invalid, or a check refuses the release. Nothing has been
            registered then. In a run of Pulumi the errors are reported, and the program ends.
    """

    namespace: pulumi.Output[str]
    services: Mapping[str, application_outputs.WorkloadOutputs]
    """By name."""
    stores: Mapping[str, application_outputs.WorkloadOutputs]
    """By name."""
    outputs: dict[str, Any]
    """The outputs that ``__main__.py`` exports: the namespace, and image, replicas and addresses of each workload."""

    @classmethod
    def from_stack(
        cls, args: program_values.ApplicationArgs | None = None, opts: pulumi.ResourceOptions | None = None
    ) -> Self:
        """The application that the setting ``seaway:app`` names."""
        return cls("", args, opts)

    def __init__(
        self, name: str, args: program_values.ApplicationArgs | None = None, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        if messages.is_run():
            program.exit_on_interrupt()
        args = args or program_values.ApplicationArgs()
        try:
            _check_name(name)
            choice, results = _plan_release(name, args)
            _refuse_second(choice.stack_inputs.environment.base.name)
        except diagnosis.InvalidInput as error:
            messages.report_invalid_input(error)
        stack_inputs, environment = choice.stack_inputs, choice.stack_inputs.environment
        context, namespace = environment.settings.context, environment.namespace
        opts = opts or pulumi.ResourceOptions()
        if stack_inputs.is_only_application or environment.application_name is None:
            own = pulumi.ResourceOptions(transformations=[_alias_moved_application(stack_inputs)])
            opts = pulumi.ResourceOptions.merge(opts, own)
        super().__init__("seaway:index:Application", environment.app.name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        plugin = provider.Seaway(environment.add_prefix("seaway"), context, child, environment=environment)
        # Everything that is built or changed depends on this guard. Children do not inherit `depends_on`.
        first = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=opts.depends_on)
        cluster = provider.Cluster(environment.add_prefix("cluster"), context, first)
        # Nothing is built or changed before the guard has seen the right cluster. The provider does not wait for it:
        # the engine deletes a provider with its dependencies, and a refresh would then fail.
        kubernetes = self.get_provider("kubernetes:core/v1:Namespace") or provider.Kubernetes(
            namespace, context, child, has_mutable_secrets=bool(args)
        )
        images = choice.release_record.images
        if choice.plans:
            built = _register_images(choice, cluster, child)
            images = {
                name: built[name] if isinstance(known.reference, inputs.PendingImage) else known
                for name, known in images.items()
            }
        guarded = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=[cluster])
        secret_values = release.register_secret_values(stack_inputs, args, guarded)
        release_objects = args.add_to(choice.fill_objects(images, secret_values), stack_inputs, guarded)
        manifests = (release_object.manifest for release_object in release_objects)
        # The preview of a destroy calls no provider: only a protected resource stops it. None: as the application.
        protection = pulumi.ResourceOptions(
            protect=disks.has_protected_data(environment.settings, manifests) or opts.protect
        )
        object_guard = provider.Objects(
            environment.add_prefix("objects"),
            release_objects,
            stack_inputs.further_applications,
            pulumi.ResourceOptions.merge(guarded, protection),
            is_rollback=choice.is_rollback,
        )
        providers = pulumi.ResourceOptions(parent=self, providers=[kubernetes, plugin])
        dockerfiles = {plan.name: plan.inputs.bases.text for plan in choice.plans}
        sources = hints.collect_sources(environment, dockerfiles)
        existing_stores = provider.find_existing_stores(
            release_objects, plugin, cluster, is_rollback=choice.is_rollback
        )
        rollouts = _register_rollouts(
            release_objects, environment, sources, object_guard, providers, existing_stores=existing_stores
        )
        healthy = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=rollouts.resources)
        release_record = dataclasses.replace(choice.release_record, images=images)
        recorded = release.Release(
            environment.add_prefix("release"),
            choice.deployed,
            release_record,
            provenance.collect_provenance(environment, results),
            healthy,
        )
        # It depends on everything, so a destroy deletes it first, and the plugin refuses that in another cluster.
        last = pulumi.ResourceOptions(parent=self, provider=plugin, depends_on=[*rollouts.resources, recorded])
        provider.Cluster(
            environment.add_prefix("destroy-guard"), context, pulumi.ResourceOptions.merge(last, protection)
        )
        addresses = provider.read_addresses(
            environment, pulumi.InvokeOutputOptions(provider=plugin, depends_on=[recorded])
        )
        builder = application_outputs.OutputsBuilder(
            environment=environment, images=images, addresses=addresses, recorded=recorded
        )
        self.namespace = application_outputs.wait_for(rollouts.namespace, namespace)
        self.services = builder.build_workloads(environment.app.services)
        self.stores = builder.build_workloads(environment.app.stores)
        self.outputs = builder.describe_application()
        self.register_outputs(self.outputs)


_APPLICATIONS: weakref.WeakKeyDictionary[pulumi.Resource, set[str]] = weakref.WeakKeyDictionary()
"""The applications of each program that this process runs, by the stack's resource."""


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        message = f"the name of an Application is {type(name).__name__}, and not text: it names resources in the state"
        hint = 'write the name in its file, as Application("shop")'
        raise diagnosis.reject(program_values.PROGRAM, "Application", "invalid-name", message, hint)


def _refuse_second(name: str) -> None:
    """Refuse a second component of an application. Pulumi would name its URN."""
    root = pulumi.runtime.get_root_resource()
    applications = _APPLICATIONS.setdefault(root, set()) if root else set[str]()
    if name in applications:
        message = f"{name} is in the program twice; Application.from_stack() is the application of seaway:app"
        hint = "remove one, or name the other application: pulumi config set --path 'seaway:applications.NAME.app' FILE"
        raise diagnosis.reject(program_values.PROGRAM, "Application", "duplicate-name", message, hint)
    applications.add(name)


def _plan_release(name: str, args: program_values.ApplicationArgs) -> tuple[release.ReleaseChoice, list[engine.Result]]:
    """The release of this run, and the results of its checks."""
    stack_inputs = stack_config.read_inputs(Path.cwd(), name)
    if diagnostics := [*args.check(stack_inputs), *logical_names.find_duplicates(stack_inputs)]:
        own_name = stack_inputs.environment.application_name
        raise diagnosis.InvalidInput(stack_file.name_application(diagnostic, own_name) for diagnostic in diagnostics)
    try:
        plans = image.plan_builds(stack_inputs)
    except diagnosis.InvalidInput as error:
        refusals = checks.find_refusals(stack_inputs.environment)
        raise diagnosis.InvalidInput([*error.diagnostics, *refusals]) from None
    choice = release.ReleaseChoice.resolve(stack_inputs, plans)
    results = checks.run_checks(choice)
    choice.check_signatures()
    choice.save_run_result()
    return choice, results


def _alias_moved_application(stack_inputs: stack_config.StackInputs) -> pulumi.ResourceTransformation:
    """Keeps the resources of an application that was the main one of the stack, whose names have no prefix, or of a
    main one that was a further one.

    Only where no other resource can have these names: an alias that is also the name of a resource is an error.
    """
    environment = stack_inputs.environment
    is_main, prefix = environment.application_name is None, f"{environment.app.name}-"
    others = {f"{name}-" for name in stack_inputs.further_applications} | logical_names.list_beginnings(environment)
    is_ambiguous = is_main and any(name.startswith(prefix) for name in others)

    def add_alias(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        is_named_alike = args.name == environment.namespace or args.type_ in UNPREFIXED_TYPES
        if is_ambiguous or is_named_alike or not (is_main or args.name.startswith(prefix)):
            return None
        name = f"{prefix}{args.name}" if is_main else args.name.removeprefix(prefix)
        own = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=name)])
        return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, own))

    return add_alias


def _register_images(
    choice: release.ReleaseChoice, cluster: provider.Cluster, options: pulumi.ResourceOptions
) -> dict[str, inputs.Image]:
    """The images that are built, by name."""
    environment = choice.stack_inputs.environment
    address = registry.RegistryArgs(address=environment.settings.registry or "")
    parent = registry.Registry(environment.app.name, address, options)
    # A cluster that was created again may have lost its registry, and docker-build cannot see that over http: so the
    # image is built and pushed again. The same content has the same digest.
    own = pulumi.ResourceOptions(parent=parent, depends_on=[cluster], replacement_trigger=cluster.uid)
    images = {plan.name: image.Image(environment.add_prefix(plan.name), plan, own) for plan in choice.plans}
    return {name: inputs.Image(reference=built.ref, content=built.content) for name, built in images.items()}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Rollouts:
    namespace: pulumi.Resource
    resources: Sequence[pulumi.Resource]
    """The workloads, and the waits for them."""


def _register_rollouts(
    release_objects: Sequence[objects.ReleaseObject],
    environment: environments.Environment,
    sources: Mapping[str, str],
    object_guard: provider.Objects,
    options: pulumi.ResourceOptions,
    *,
    existing_stores: Mapping[str, Mapping[str, str]],
) -> _Rollouts:
    """Register the objects, grouped by owner, step by step; each step ends when its Rollout is healthy."""
    first = pulumi.ResourceOptions(depends_on=[object_guard])
    (namespace,) = (
        workload.KubernetesObject(release_object.name, release_object, pulumi.ResourceOptions.merge(options, first))
        for release_object in release_objects
        if release_object.kind == "Namespace"
    )
    shared = _register_shared(release_objects, environment, namespace, options)
    workloads: dict[str, workload.Workload] = {}
    rollouts: list[provider.Rollout] = []
    for step, step_objects in objects.group_by_step(release_objects).items():
        owners = dict.fromkeys(release_object.owner for release_object in step_objects if release_object.owner)
        for owner in owners:
            plan = workload.WorkloadPlan(
                release_objects=[
                    release_object
                    for release_object in release_objects
                    if release_object.owner == owner and release_object.kind != NETWORK_POLICY
                ],
                add_prefix=environment.add_prefix,
                namespace=namespace,
                dependencies=[*shared, *rollouts[-1:]],
                existing_stores=existing_stores,
            )
            workloads[owner] = workload.Workload(environment.add_prefix(owner), plan, options)
        started = [resource for owner in owners for resource in workloads[owner].pod_resources]
        # A schedule and an autoscaler start no pods now, so there is nothing to wait for.
        if watched := [release_object for release_object in step_objects if release_object.deadline is not None]:
            waits = pulumi.ResourceOptions(depends_on=started, deleted_with=namespace)
            own = pulumi.ResourceOptions.merge(options, waits)
            rollouts.append(
                provider.Rollout(
                    environment.add_prefix(step),
                    environment.namespace,
                    watched,
                    sources,
                    own,
                    release_objects=release_objects,
                )
            )
    return _Rollouts(namespace=namespace, resources=[*workloads.values(), *rollouts])


def _register_shared(
    release_objects: Sequence[objects.ReleaseObject],
    environment: environments.Environment,
    namespace: pulumi.Resource,
    options: pulumi.ResourceOptions,
) -> list[workload.KubernetesObject]:
    """Register the objects that the pods of all workloads wait for: after all network policies, so that new pods find
    their links open. A link concerns the pods of two workloads, so its policy belongs to neither component."""

    def register(release_object: objects.ReleaseObject, *after: pulumi.Resource) -> workload.KubernetesObject:
        own = pulumi.ResourceOptions(
            depends_on=[namespace, *after], deleted_with=namespace, retain_on_delete=release_object.is_retained
        )
        name = environment.add_prefix(release_object.name)
        return workload.KubernetesObject(name, release_object, pulumi.ResourceOptions.merge(options, own))

    policies = [
        register(release_object)
        for release_object in release_objects
        if release_object.kind == NETWORK_POLICY and release_object.owner is not None
    ]
    return [
        register(release_object, *policies)
        for release_object in release_objects
        if release_object.owner is None and release_object.kind != "Namespace"
    ]
