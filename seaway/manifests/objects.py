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
from seaway.model import application, image_reference, links, rollout_order, settings
from seaway.model.validate import jobs, volumes

Image = inputs.Image
SecretValue = inputs.SecretValue


class Wave(enum.IntEnum):
    """When an object is made: a wave begins when the one before it is healthy."""

    foundation = 0
    """Whatever starts no pod: namespace, accounts, configuration, secrets, Services, budgets."""
    store = 1
    job = 2
    service = 3
    late_job = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """One Kubernetes object."""

    manifest: dict[str, Any]
    owner: str | None
    """The service, store or job that it belongs to; none: the whole application."""
    wave: Wave
    turn: int = 0
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
    def retain(self) -> bool:
        """Whether it stays in the cluster when it is no longer wanted: old pods may still need it."""
        return self.manifest.get("immutable", False)


def objects(
    app: application.Application,
    stack: settings.Settings,
    images: Mapping[str, inputs.Image],
    secrets: Mapping[str, inputs.SecretValue],
) -> list[Object]:
    """All objects of ``app``, which must be resolved, sorted by wave, turn, owner, kind and name.

    ``images`` has an entry for each container that is built, by the name of its service, store or job; a job that
    `uses` a service may take that one's. An entry for an `image:` wins over what the application says.
    Raises LookupError for a missing image or secret value.
    """
    scope = names.Scope(application=app.name, stack=stack.stack, namespace=stack.namespace(app.name))
    level = "baseline" if any(each.security == "baseline" for each in _containers(app)) else "restricted"
    found = [Object(manifest=namespace.namespace(scope, level=level), owner=None, wave=Wave.foundation)]
    found.append(Object(manifest=policies.closed(scope), owner=None, wave=Wave.foundation))
    found += [Object(manifest=one, owner=None, wave=Wave.foundation) for one in policies.challenges(scope, app, stack)]
    account = identity.pull_secret(scope, stack, secrets)
    if account is not None:
        found.append(Object(manifest=account, owner=None, wave=Wave.foundation))
    pull = (*filter(None, [config.name(account)]), *stack.pull_secrets)
    turns = rollout_order.turns(app.services)
    services = {one.name: one for one in app.services}
    for each in _containers(app):
        taken = _images(each, services, stack, images)
        for wave, manifest in _of(each, app, scope=scope, stack=stack, images=taken, secrets=secrets, pull=pull):
            manifest = raw.merged(each, manifest)  # noqa: PLW2901 - nothing may look at it without
            one = Object(manifest=manifest, owner=each.name, wave=wave)
            if wave is not Wave.foundation:
                one = dataclasses.replace(one, turn=turns.get(each.name, 0))
            if wave is not Wave.foundation and "template" in manifest["spec"]:
                one = dataclasses.replace(
                    one,
                    deadline=workloads.deadline(each, stack),
                    version=workloads.version(manifest, {name: image.content for name, image in taken.items()}),
                )
            found.append(one)
    if stack.quota:
        fence = quota.objects(scope, [one.manifest for one in found])
        found += [Object(manifest=one, owner=None, wave=Wave.foundation) for one in fence]
    return sorted(found, key=lambda one: (one.wave, one.turn, one.owner or "", one.kind, one.name))


def steps(found: Iterable[Object]) -> dict[str, list[Object]]:
    """The workloads in the order of their rollouts, by a name for each step: stores, jobs, services, services-2, ...,
    late-jobs.

    A step begins when all of the one before it is healthy; one without workloads is left out.
    """
    made: dict[str, list[Object]] = {}
    for one in found:
        if one.wave is not Wave.foundation:
            step = f"{one.wave.name.replace('_', '-')}s" + (f"-{one.turn + 1}" if one.turn else "")
            made.setdefault(step, []).append(one)
    return made


def _containers(app: application.Application) -> Iterator[application.Service | application.Store | application.Job]:
    yield from app.services
    yield from app.stores
    yield from app.jobs


def _of(
    each: application.Service | application.Store | application.Job,
    app: application.Application,
    *,
    scope: names.Scope,
    stack: settings.Settings,
    images: Mapping[str, inputs.Image],
    secrets: Mapping[str, inputs.SecretValue],
    pull: Sequence[str],
) -> Iterator[tuple[Wave, dict[str, Any]]]:
    """The objects of one service, store or job, with their waves."""
    yield Wave.foundation, identity.service_account(scope, each.name, pull)
    for right in identity.rights_of(scope, each, each.name):
        yield Wave.foundation, right
    yield Wave.foundation, policies.policy(scope, each, app, stack)
    processes: dict[str, application.Process] = {each.name: each}
    processes |= {one.name: one for one in (*each.sidecars, *each.init)}
    secret = config.secret(scope, each.name, [one for part in processes.values() for one in part.secrets], secrets)
    if secret is not None:
        yield Wave.foundation, secret
    parts: dict[str, container.Parts] = {}
    for name, one in processes.items():
        config_map = config.config_map(scope, each.name, one.files, beside=None if one is each else name)
        if config_map is not None:
            yield Wave.foundation, config_map
        parts[name] = container.Parts(
            image=images[name].reference,
            env={**(links.variables(app, each) if each.link_variables else {}), **one.env},
            config_map=config.name(config_map),
            secret=config.name(secret),
        )
    groups = [volumes.group(app, share) or names.GROUP for share in each.shares if share.store != each.name]
    sharers = [one.name for one in app.services if each.name in {share.store for share in one.shares}]
    template = pod.template(scope, each, each.name, parts, groups, sorted(sharers))
    match each:
        case application.Service():
            yield from _service(each, scope, stack, template)
        case application.Store():
            yield Wave.foundation, network.headless(scope, each)
            if (open_ := network.outside(scope, each, stack)) is not None:
                yield Wave.foundation, open_
            if (led := ingress.ingress(scope, each, stack)) is not None:
                yield Wave.foundation, led
            yield Wave.store, workloads.stateful_set(scope, each, template, stack)
        case application.Job():
            content = {name: image.content for name, image in images.items()}
            if not jobs.released(each):
                # It starts nothing now, but what it starts must find what the jobs before it have prepared.
                yield Wave.service, workloads.cron_job(scope, each, template)
            else:
                wave = Wave.job if each.run == "before-rollout" else Wave.late_job
                yield wave, workloads.job(scope, each, template, content)


def _service(
    each: application.Service, scope: names.Scope, stack: settings.Settings, template: dict[str, Any]
) -> Iterator[tuple[Wave, dict[str, Any]]]:
    """What only services have."""
    if each.all_ports:
        yield Wave.foundation, network.headless(scope, each)
    elif each.port is not None or each.ports:
        told = ingress.service_annotations(each, stack)
        yield Wave.foundation, network.service(scope, each, exposure=stack.exposure, told=told)
    if (led := ingress.ingress(scope, each, stack)) is not None:
        yield Wave.foundation, led
    if each.each_node:
        yield Wave.service, workloads.daemon_set(scope, each, template, stack)
        return
    if (each.scale.max or each.scale.min) >= 2:
        yield Wave.foundation, availability.disruption_budget(scope, each.name)
    yield Wave.service, workloads.deployment(scope, each, template, stack)
    if each.scale.max is not None:
        yield Wave.service, scaling.autoscaler(scope, each)


def _images(
    each: application.Service | application.Store | application.Job,
    services: Mapping[str, application.Service],
    stack: settings.Settings,
    images: Mapping[str, inputs.Image],
) -> dict[str, inputs.Image]:
    """By container. A companion without an image of its own has that of the main one."""
    uses = each.uses if isinstance(each, application.Job) else None
    found = {each.name: _image((each.name, uses), each.image, stack, images)}
    for one in (*each.sidecars, *each.init):
        if one.uses is not None:
            found[one.name] = _image((one.uses,), services[one.uses].image, stack, images)
        else:
            found[one.name] = found[each.name] if one.image is None else _image((), one.image, stack, images)
    return found


def _image(
    built: Iterable[str | None], said: str | None, stack: settings.Settings, images: Mapping[str, inputs.Image]
) -> inputs.Image:
    for name in built:
        if name is not None and name in images:
            return images[name]
    if said is None:
        raise LookupError(f"{next(iter(built))}: it is built, but no image was given for it")
    instead = image_reference.substitute(said, stack.substitutes)
    if instead is None:
        return inputs.Image(reference=said, content=said)
    # The hash takes what the application says: a mirror's address is a fact of one machine. Its digest is not.
    return inputs.Image(reference=instead, content=image_reference.exactly(said, image_reference.digest(instead)))
