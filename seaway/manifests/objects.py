"""The centre of the design: an application, an environment, its images and secrets in; Kubernetes objects out.

Pure: the same input gives the same objects, in any process and whatever the order of keys. ``pulumi up`` wraps this
list, ``seaway render`` prints it, the checks and the golden files read it.
"""

import dataclasses
import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seaway.manifests import (
    availability,
    config,
    container,
    identity,
    ingress,
    inputs,
    names,
    namespace,
    network,
    pod,
    policies,
    quota,
    raw,
    scaling,
    workloads,
)
from seaway.model import application, image_reference, links, rollout_order, settings, volumes

Image = inputs.Image
SecretValue = inputs.SecretValue


class Phase(enum.IntEnum):
    """When an object is made: a wave begins when the one before it is healthy."""

    foundation = 0
    """Whatever starts no pod: namespace, accounts, configuration, secrets, Services, budgets."""
    store = 1
    job = 2
    service = 3
    late_job = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseObject:
    """One Kubernetes object."""

    manifest: dict[str, Any]
    owner: str | None
    """The service, store or job that it belongs to; none: the whole application."""
    phase: Phase
    order: int = 0
    """Within its wave: a turn begins when the one before it is healthy. Services with `after` have later ones."""
    deadline: int | None = None
    """Seconds that its rollout may take; none: it starts no pods, or only later."""
    version: str | None = None
    """What stands for its spec, known before the image is built: another version is another rollout."""

    @property
    def kind(self) -> str:
        return self.manifest["kind"]

    @property
    def name(self) -> str:
        return self.manifest["metadata"]["name"]

    @property
    def key(self) -> str:
        """Its name among all objects, ``Deployment/web``; stable, and for hashed objects the hash is part of it.

        A revert then finds the object that still runs under its own key, and nothing deletes it.
        """
        return f"{self.kind}/{self.name}"

    @property
    def identity(self) -> str:
        """What it is in the cluster: ``apps/v1/Deployment/shop-dev/web``, or ``v1/Namespace//shop-dev``."""
        namespace = self.manifest["metadata"].get("namespace", "")
        return f"{self.manifest['apiVersion']}/{self.kind}/{namespace}/{self.name}"

    @property
    def is_retained(self) -> bool:
        """Whether it stays in the cluster when it is no longer wanted: old pods may still need it."""
        return self.manifest.get("immutable", False)


def objects(
    app: application.Application,
    stack_settings: settings.Settings,
    images: Mapping[str, inputs.Image],
    secrets: Mapping[str, inputs.SecretValue],
) -> list[ReleaseObject]:
    """All objects of ``app``, which must be resolved, sorted by wave, turn, owner, kind and name.

    ``images`` has an entry for each container that is built, by the name of its service, store or job; a job that
    `uses` a service may take that one's. An entry for an `image:` wins over what the application says.
    Raises LookupError for a missing image or secret value.
    """
    scope = names.Scope(
        application=app.name, stack=stack_settings.stack, namespace=stack_settings.format_namespace(app.name)
    )
    level = "baseline" if any(each.security == "baseline" for each in _list_workloads(app)) else "restricted"
    found = [ReleaseObject(manifest=namespace.build_namespace(scope, level=level), owner=None, phase=Phase.foundation)]
    found.append(ReleaseObject(manifest=policies.build_default_deny(scope), owner=None, phase=Phase.foundation))
    found += [
        ReleaseObject(manifest=one, owner=None, phase=Phase.foundation)
        for one in policies.build_acme_policy(scope, app, stack_settings)
    ]
    account = identity.build_pull_secret(scope, stack_settings, secrets)
    if account is not None:
        found.append(ReleaseObject(manifest=account, owner=None, phase=Phase.foundation))
    pull = (*filter(None, [config.get_name(account)]), *stack_settings.image_pull_secrets)
    turns = rollout_order.get_order(app.services)
    services = {one.name: one for one in app.services}
    for each in _list_workloads(app):
        taken = _find_images(each, services, stack_settings, images)
        for wave, manifest in _build_workload_objects(
            each, app, scope=scope, stack_settings=stack_settings, images=taken, secrets=secrets, pull=pull
        ):
            manifest = raw.merge_raw(each, manifest)  # noqa: PLW2901 - nothing may look at it without
            one = ReleaseObject(manifest=manifest, owner=each.name, phase=wave)
            if wave is not Phase.foundation:
                one = dataclasses.replace(one, order=turns.get(each.name, 0))
            if wave is not Phase.foundation and "template" in manifest["spec"]:
                one = dataclasses.replace(
                    one,
                    deadline=workloads.compute_deadline(each, stack_settings),
                    version=workloads.hash_spec(manifest, {name: image.content for name, image in taken.items()}),
                )
            found.append(one)
    if stack_settings.quota:
        fence = quota.build_quota_manifests(scope, [one.manifest for one in found])
        found += [ReleaseObject(manifest=one, owner=None, phase=Phase.foundation) for one in fence]
    return sorted(found, key=lambda one: (one.phase, one.order, one.owner or "", one.kind, one.name))


def group_by_step(release_objects: Iterable[ReleaseObject]) -> dict[str, list[ReleaseObject]]:
    """The workloads in the order of their rollouts, by a name for each step: stores, jobs, services, services-2, ...,
    late-jobs.

    A step begins when all of the one before it is healthy; one without workloads is left out.
    """
    made: dict[str, list[ReleaseObject]] = {}
    for one in release_objects:
        if one.phase is not Phase.foundation:
            step = f"{one.phase.name.replace('_', '-')}s" + (f"-{one.order + 1}" if one.order else "")
            made.setdefault(step, []).append(one)
    return made


def _list_workloads(
    app: application.Application,
) -> Iterator[application.Service | application.Store | application.Job]:
    yield from app.services
    yield from app.stores
    yield from app.jobs


def _build_workload_objects(
    workload: application.Service | application.Store | application.Job,
    app: application.Application,
    *,
    scope: names.Scope,
    stack_settings: settings.Settings,
    images: Mapping[str, inputs.Image],
    secrets: Mapping[str, inputs.SecretValue],
    pull: Sequence[str],
) -> Iterator[tuple[Phase, dict[str, Any]]]:
    """The objects of one service, store or job, with their waves."""
    yield Phase.foundation, identity.build_service_account(scope, workload.name, pull)
    for right in identity.build_role_and_binding(scope, workload, workload.name):
        yield Phase.foundation, right
    yield Phase.foundation, policies.build_policy(scope, workload, app, stack_settings)
    processes: dict[str, application.ContainerSpec] = {workload.name: workload}
    processes |= {one.name: one for one in (*workload.sidecars, *workload.init)}
    secret = config.build_secret(
        scope, workload.name, [one for part in processes.values() for one in part.secrets], secrets
    )
    if secret is not None:
        yield Phase.foundation, secret
    parts: dict[str, container.ContainerInputs] = {}
    for name, one in processes.items():
        config_map = config.build_config_map(
            scope, workload.name, one.files, container_name=None if one is workload else name
        )
        if config_map is not None:
            yield Phase.foundation, config_map
        parts[name] = container.ContainerInputs(
            image=images[name].reference,
            env={**(links.get_variables(app, workload) if workload.link_variables else {}), **one.env},
            config_map=config.get_name(config_map),
            secret=config.get_name(secret),
        )
    groups = [
        volumes.find_group_id(app, share) or names.DEFAULT_GROUP_ID
        for share in workload.shared_volumes
        if share.store != workload.name
    ]
    sharers = [one.name for one in app.services if workload.name in {share.store for share in one.shared_volumes}]
    template = pod.build_pod_template(scope, workload, workload.name, parts, groups, sorted(sharers))
    match workload:
        case application.Service():
            yield from _build_service_objects(workload, scope, stack_settings, template)
        case application.Store():
            yield Phase.foundation, network.build_headless_service(scope, workload)
            if (open_ := network.build_published_service(scope, workload, stack_settings)) is not None:
                yield Phase.foundation, open_
            if (led := ingress.build_ingress(scope, workload, stack_settings)) is not None:
                yield Phase.foundation, led
            yield Phase.store, workloads.build_stateful_set(scope, workload, template, stack_settings)
        case application.Job():
            content = {name: image.content for name, image in images.items()}
            if not workload.is_release_job():
                # It starts nothing now, but what it starts must find what the jobs before it have prepared.
                yield Phase.service, workloads.build_cron_job(scope, workload, template)
            else:
                wave = Phase.job if workload.run == "before-rollout" else Phase.late_job
                yield wave, workloads.build_job(scope, workload, template, content)


def _build_service_objects(
    service: application.Service, scope: names.Scope, stack_settings: settings.Settings, template: dict[str, Any]
) -> Iterator[tuple[Phase, dict[str, Any]]]:
    """What only services have."""
    if service.all_ports:
        yield Phase.foundation, network.build_headless_service(scope, service)
    elif service.port is not None or service.ports:
        told = ingress.build_service_annotations(service, stack_settings)
        yield (
            Phase.foundation,
            network.build_service(scope, service, exposure=stack_settings.publish, annotations=told),
        )
    if (led := ingress.build_ingress(scope, service, stack_settings)) is not None:
        yield Phase.foundation, led
    if service.daemon_set:
        yield Phase.service, workloads.build_daemon_set(scope, service, template, stack_settings)
        return
    if (service.scale.max or service.scale.min) >= 2:
        yield Phase.foundation, availability.build_disruption_budget(scope, service.name)
    yield Phase.service, workloads.build_deployment(scope, service, template, stack_settings)
    if service.scale.max is not None:
        yield Phase.service, scaling.build_autoscaler(scope, service)


def _find_images(
    workload: application.Service | application.Store | application.Job,
    services: Mapping[str, application.Service],
    stack_settings: settings.Settings,
    images: Mapping[str, inputs.Image],
) -> dict[str, inputs.Image]:
    """By container. A companion without an image of its own has that of the main one."""
    uses = workload.uses if isinstance(workload, application.Job) else None
    found = {workload.name: _find_image((workload.name, uses), workload.image, stack_settings, images)}
    for one in (*workload.sidecars, *workload.init):
        if one.uses is not None:
            found[one.name] = _find_image((one.uses,), services[one.uses].image, stack_settings, images)
        else:
            found[one.name] = (
                found[workload.name] if one.image is None else _find_image((), one.image, stack_settings, images)
            )
    return found


def _find_image(
    names_of_builds: Iterable[str | None],
    declared: str | None,
    stack_settings: settings.Settings,
    images: Mapping[str, inputs.Image],
) -> inputs.Image:
    for name in names_of_builds:
        if name is not None and name in images:
            return images[name]
    if declared is None:
        raise LookupError(f"{next(iter(names_of_builds))}: it is built, but no image was given for it")
    instead = image_reference.find_override(declared, stack_settings.image_overrides)
    if instead is None:
        return inputs.Image(reference=declared, content=declared)
    # The hash takes what the application says: a mirror's address is a fact of one machine. Its digest is not.
    return inputs.Image(
        reference=instead, content=image_reference.set_digest(declared, image_reference.get_digest(instead))
    )
