"""The centre of the design: an environment, its images and secrets in; Kubernetes objects out.

Pure: the same input gives the same objects, in any process and whatever the order of keys. ``pulumi up`` registers this
list, ``seaway render`` prints it, the checks and the golden files read it.
"""

import copy
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seaway.kubernetes.api import kinds
from seaway.manifests import (
    availability,
    config,
    gateway,
    identity,
    ingress,
    inputs,
    namespace,
    network,
    pod,
    policies,
    quota,
    raw,
    scaling,
    workloads,
)
from seaway.model import application, external, image_reference, links, rollout_order
from seaway.project import environments

Phase = rollout_order.Phase


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseObject:
    """One Kubernetes object."""

    manifest: dict[str, Any]
    owner: str | None = None
    """The service, store or job that it belongs to; None: the whole application."""
    phase: Phase = Phase.foundation
    order: int = 0
    """The step within the phase: it begins when the previous one is healthy. `dependsOn` makes further steps."""
    deadline: int | None = None
    """Seconds that its rollout may take; None: it starts no pods, or only later."""
    version: str | None = None
    """The hash of its spec, known before the image is built: another version is another rollout."""

    @property
    def kind(self) -> str:
        return self.manifest["kind"]

    @property
    def name(self) -> str:
        return self.manifest["metadata"]["name"]

    @property
    def key(self) -> str:
        """A unique and stable name, ``Deployment/web``, with the hash of an object that has one in its name.

        After a revert the object that still runs has the same key, and is not deleted.
        """
        return f"{self.kind}/{self.name}"

    @property
    def identity(self) -> str:
        """Its identity in the cluster: ``apps/v1/Deployment/shop-dev/web``, or ``v1/Namespace//shop-dev``."""
        namespace = self.manifest["metadata"].get("namespace", "")
        return f"{self.manifest['apiVersion']}/{self.kind}/{namespace}/{self.name}"

    @property
    def is_retained(self) -> bool:
        """Whether it stays in the cluster when it is no longer declared: old pods may still need it."""
        return self.manifest.get("immutable", False)


def objects(
    environment: environments.Environment,
    images: Mapping[str, inputs.Image],
    secrets: Mapping[str, inputs.SecretValue],
) -> list[ReleaseObject]:
    """All objects of an environment, sorted by phase, order, owner, kind and name.

    ``images`` has an entry for each container that is built, by the name of its service, store or job; a job that
    `uses` a service may take the service's. An entry for a declared `image:` replaces it.
    Raises LookupError for a missing image or secret value.
    """
    environment = config.bind_program_values(environment)
    pull_secret = identity.build_pull_secret(environment, secrets)
    shared = (
        namespace.build_namespace(environment),
        policies.build_default_deny(environment),
        policies.build_acme_policy(environment),
        pull_secret,
        gateway.build_gateway(environment),
        *gateway.build_redirects(environment),
    )
    release_objects = [ReleaseObject(manifest=manifest) for manifest in shared if manifest is not None]
    pull_secrets = [*filter(None, [config.get_name(pull_secret)]), *environment.settings.image_pull_secrets]
    positions = rollout_order.plan_positions(environment.app)
    for workload in environment.app.get_workloads().values():
        if external.find_address(workload):
            continue
        position = positions[workload.name]
        own_images = _find_images(environment, workload, images)
        contents = {name: image.content for name, image in own_images.items()}
        container_inputs, configuration = _build_configuration(environment, workload, own_images, secrets)
        template = pod.build_pod_template(environment, workload, container_inputs)
        foundation = (
            identity.build_service_account(environment, workload, pull_secrets),
            *identity.build_role_and_binding(environment, workload),
            policies.build_policy(environment, workload),
            *configuration,
            *_build_access(environment, workload),
        )
        for manifest in foundation:
            merged = raw.merge_raw(workload, manifest)
            release_objects.append(ReleaseObject(manifest=merged, owner=workload.name))
        for manifest in _build_rollout(environment, workload, template, contents):
            manifest["metadata"]["annotations"] |= network.build_external_annotation(environment, workload)
            merged = raw.merge_raw(workload, manifest)
            # A schedule and an autoscaler start no pods now.
            starts_pods = kinds.KINDS[merged["kind"]].pod_template == ("spec", "template")
            release_objects.append(
                ReleaseObject(
                    manifest=merged,
                    owner=workload.name,
                    phase=position.phase,
                    order=position.order,
                    deadline=workloads.compute_deadline(environment, workload) if starts_pods else None,
                    version=workloads.hash_spec(merged, contents) if starts_pods else None,
                )
            )
    if environment.settings.quota:
        manifests = [release_object.manifest for release_object in release_objects]
        quota_manifests = quota.build_quota_manifests(environment, manifests)
        release_objects += [ReleaseObject(manifest=manifest) for manifest in quota_manifests]
    return sorted(release_objects, key=_get_sort_key)


def replace_images(release_objects: Iterable[ReleaseObject], references: Mapping[Any, Any]) -> Iterator[ReleaseObject]:
    """The same objects with other images in their containers. ``references``: the new reference by the old one."""
    for release_object in release_objects:
        if kinds.find_pod_template(release_object.manifest) is None:
            yield release_object
            continue
        manifest = copy.deepcopy(release_object.manifest)
        spec: dict[str, Any] = (kinds.find_pod_template(manifest) or {})["spec"]
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            container["image"] = references.get(container["image"], container["image"])
        yield dataclasses.replace(release_object, manifest=manifest)


def group_by_step(release_objects: Iterable[ReleaseObject]) -> dict[str, list[ReleaseObject]]:
    """The workloads in the order of their rollouts, by the name of the step: stores, jobs, services, services-2, ...,
    late-jobs.

    A step begins when the previous one is healthy. A step without workloads is left out.
    """
    steps: dict[str, list[ReleaseObject]] = {}
    for release_object in release_objects:
        if release_object.phase is not Phase.foundation:
            suffix = f"-{release_object.order + 1}" if release_object.order else ""
            step = f"{release_object.phase.name.replace('_', '-')}s{suffix}"
            steps.setdefault(step, []).append(release_object)
    return steps


def _get_sort_key(release_object: ReleaseObject) -> tuple[int, int, str, str, str]:
    return (
        release_object.phase,
        release_object.order,
        release_object.owner or "",
        release_object.kind,
        release_object.name,
    )


def _build_configuration(
    environment: environments.Environment,
    workload: application.AnyWorkload,
    images: Mapping[str, inputs.Image],
    secrets: Mapping[str, inputs.SecretValue],
) -> tuple[dict[str, inputs.ContainerInputs], Sequence[dict[str, Any]]]:
    """The inputs of each container, and the Secret and ConfigMaps that they read."""
    secret_manifest = config.build_secret(environment, workload, secrets)
    variables = {**links.get_variables(environment.app, workload)} if workload.link_variables else {}
    for name in links.list_program_variables(environment.app, workload):
        del variables[name]  # the Secret of the program has it
    manifests = [secret_manifest, config.build_program_secret(environment, workload)]
    container_inputs: dict[str, inputs.ContainerInputs] = {}
    for container_spec in workload.list_containers():
        config_map = config.build_config_map(environment, workload, container_spec)
        manifests.append(config_map)
        container_inputs[container_spec.name] = inputs.ContainerInputs(
            image=images[container_spec.name].reference,
            env={**variables, **container_spec.env},
            config_map=config.get_name(config_map),
            secret=config.get_name(secret_manifest),
        )
    return container_inputs, [manifest for manifest in manifests if manifest is not None]


def _build_access(environment: environments.Environment, workload: application.AnyWorkload) -> Iterator[dict[str, Any]]:
    """The Services and the Ingress or routes of a workload, and its disruption budget."""
    if isinstance(workload, application.Job):
        return
    if isinstance(workload, application.Store):
        yield network.build_headless_service(environment, workload)
        if (published := network.build_published_service(environment, workload)) is not None:
            yield published
    elif workload.all_ports:
        yield network.build_headless_service(environment, workload)
    elif workload.port is not None or workload.ports:
        yield network.build_service(environment, workload, ingress.build_service_annotations(environment, workload))
    yield from network.build_alias_services(environment, workload)
    if (ingress_manifest := ingress.build_ingress(environment, workload)) is not None:
        yield ingress_manifest
    yield from gateway.build_routes(environment, workload)
    if not isinstance(workload, application.Service) or workload.daemon_set:
        return
    if (workload.scale.max or workload.scale.min) >= 2:
        yield availability.build_disruption_budget(environment, workload)


def _build_rollout(
    environment: environments.Environment,
    workload: application.AnyWorkload,
    template: dict[str, Any],
    contents: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """The object that creates the pods of a workload, and its autoscaler."""
    match workload:
        case application.Service(daemon_set=True):
            yield workloads.build_daemon_set(environment, workload, template)
        case application.Service():
            yield workloads.build_deployment(environment, workload, template)
            if workload.scale.max is not None:
                yield scaling.build_autoscaler(environment, workload)
        case application.Store():
            yield workloads.build_stateful_set(environment, workload, template)
        case application.Job() if workload.is_release_job():
            yield workloads.build_job(environment, workload, template, contents)
        case application.Job():
            yield workloads.build_cron_job(environment, workload, template)


def _find_images(
    environment: environments.Environment, workload: application.AnyWorkload, images: Mapping[str, inputs.Image]
) -> dict[str, inputs.Image]:
    """The image of each container. An extra container without an image has that of the main one."""
    services = {service.name: service for service in environment.app.services}
    uses = workload.uses if isinstance(workload, application.Job) else None
    main = _find_image(environment, (workload.name, uses), workload.image, images)
    own_images = {workload.name: main}
    for extra in (*workload.sidecars, *workload.init):
        if extra.uses is not None:
            own_images[extra.name] = _find_image(environment, (extra.uses,), services[extra.uses].image, images)
        elif extra.image is not None:
            own_images[extra.name] = _find_image(environment, (), extra.image, images)
        else:
            own_images[extra.name] = main
    return own_images


def _find_image(
    environment: environments.Environment,
    builds: Sequence[str | None],
    declared: str | None,
    images: Mapping[str, inputs.Image],
) -> inputs.Image:
    """The first image of these builds, or the declared one with the environment's override."""
    for name in builds:
        if name is not None and name in images:
            return images[name]
    if declared is None:
        raise LookupError(f"{builds[0]}: it is built, but its image is missing")
    override = image_reference.find_override(declared, environment.settings.image_overrides)
    if override is None:
        return inputs.Image(reference=declared, content=declared)
    # The address of a mirror belongs to one environment, so the content has the declared name. The digest counts.
    digest = image_reference.get_digest(override)
    return inputs.Image(reference=override, content=image_reference.set_digest(declared, digest))
