"""The centre of the design: an application, an environment, its images and secrets in; Kubernetes objects out.

Pure: the same input gives the same objects, in any process and whatever the order of keys. ``pulumi up`` wraps this
list, ``seaway render`` prints it, the checks and the golden files read it.
"""

import dataclasses
import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seaway.manifests import availability, config, container, given, names, namespace, network, pod, workloads
from seaway.model import application, links, order, references, settings

Image = given.Image
SecretValue = given.SecretValue


class Wave(enum.IntEnum):
    """When an object is made: a wave begins when the one before it is healthy."""

    foundation = 0
    """Whatever starts no pod: namespace, accounts, configuration, secrets, Services, budgets."""
    store = 1
    job = 2
    service = 3


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
    """Seconds that its rollout may take; none: it starts no pods."""
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
    images: Mapping[str, given.Image],
    secrets: Mapping[str, given.SecretValue],
) -> list[Object]:
    """All objects of ``app``, which must be resolved, sorted by wave, turn, owner, kind and name.

    ``images`` has an entry for each container that is built, by the name of its service, store or job; a job that
    `uses` a service may take that one's. An entry for an `image:` wins over what the application says.
    Raises LookupError for a missing image or secret value.
    """
    scope = names.Scope(application=app.name, stack=stack.stack, namespace=stack.namespace(app.name))
    level = "baseline" if any(each.security == "baseline" for each in _containers(app)) else "restricted"
    found = [Object(manifest=namespace.namespace(scope, level=level), owner=None, wave=Wave.foundation)]
    turns = order.turns(app.services)
    for each in _containers(app):
        image = _image(each, stack, images)
        for wave, manifest in _of(each, app, scope=scope, stack=stack, image=image, secrets=secrets):
            one = Object(manifest=manifest, owner=each.name, wave=wave)
            if wave is not Wave.foundation:
                one = dataclasses.replace(
                    one,
                    turn=turns.get(each.name, 0),
                    deadline=workloads.deadline(each, stack),
                    version=workloads.version(manifest, image.content),
                )
            found.append(one)
    return sorted(found, key=lambda one: (one.wave, one.turn, one.owner or "", one.kind, one.name))


def steps(found: Iterable[Object]) -> dict[str, list[Object]]:
    """The workloads in the order of their rollouts, by a name for each step: stores, jobs, services, services-2, ...

    A step begins when all of the one before it is healthy; one without workloads is left out.
    """
    made: dict[str, list[Object]] = {}
    for one in found:
        if one.wave is not Wave.foundation:
            step = f"{one.wave.name}s" + (f"-{one.turn + 1}" if one.turn else "")
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
    image: given.Image,
    secrets: Mapping[str, given.SecretValue],
) -> Iterator[tuple[Wave, dict[str, Any]]]:
    """The objects of one service, store or job, with their waves."""
    yield Wave.foundation, namespace.service_account(scope, each.name)
    config_map = config.config_map(scope, each.name, each.files)
    if config_map is not None:
        yield Wave.foundation, config_map
    secret = config.secret(scope, each.name, each.secrets, secrets)
    if secret is not None:
        yield Wave.foundation, secret
    parts = container.Parts(
        image=image.reference,
        env={**links.variables(app, each), **each.env},
        config_map=config.name(config_map),
        secret=config.name(secret),
    )
    template = pod.template(scope, each, each.name, parts)
    match each:
        case application.Service():
            if each.port is not None:
                yield Wave.foundation, network.service(scope, each, port=each.port, exposure=stack.exposure)
            if each.scale.min >= 2:
                yield Wave.foundation, availability.disruption_budget(scope, each.name)
            yield Wave.service, workloads.deployment(scope, each, template, stack)
        case application.Store():
            yield Wave.foundation, network.headless(scope, each)
            yield Wave.store, workloads.stateful_set(scope, each, template)
        case application.Job():
            yield Wave.job, workloads.job(scope, each, template, image.content)


def _image(
    each: application.Service | application.Store | application.Job,
    stack: settings.Settings,
    images: Mapping[str, given.Image],
) -> given.Image:
    uses = each.uses if isinstance(each, application.Job) else None
    for name in (each.name, uses):
        if name is not None and name in images:
            return images[name]
    if each.image is None:
        raise LookupError(f"{each.name}: it is built, but no image was given for it")
    instead = references.substitute(each.image, stack.substitutes)
    if instead is None:
        return given.Image(reference=each.image, content=each.image)
    # The hash takes what the application says: a mirror's address is a fact of one machine. Its digest is not.
    return given.Image(reference=instead, content=references.exactly(each.image, references.digest(instead)))
