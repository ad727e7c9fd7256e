"""What one service, store or job becomes, and why."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from seaway.checks.rules import identity
from seaway.explain import fields, origin
from seaway.manifests import network, objects, preview
from seaway.model import application, links
from seaway.model.defaults import image_profiles
from seaway.model.validate import ingress_hosts, jobs, structure
from seaway.release import project
from seaway.syntax import decode, nodes

PURPOSES: Mapping[str, str] = {
    "ConfigMap": "its configuration files",
    "CronJob": "runs it by the clock, or when somebody starts it",
    "DaemonSet": "runs one pod on every node, and replaces them when something changes",
    "Deployment": "runs its pods, and replaces them when something changes",
    "HorizontalPodAutoscaler": "starts more pods under load, and ends them after it",
    "Ingress": "leads requests from outside to it, by host and path",
    "Job": "runs it once a release, before any service's pods change",
    "NetworkPolicy": "who may talk to its pods, and whom they may talk to",
    "PodDisruptionBudget": "keeps whoever drains nodes from taking all of its pods at once",
    "Role": "what its account may do with the objects of the namespace",
    "RoleBinding": "gives the role to the account",
    "Secret": "its secret values",
    "Service": "its name and address in the cluster",
    "ServiceAccount": "who its pods are to the cluster",
    "StatefulSet": "runs its one pod, always with the same name and the same disk",
}
"""What an object is for, said to somebody who has never written one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An object."""

    kind: str
    name: str
    purpose: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A value, and what it comes from."""

    object: str | None = None
    """The kind of the object that has it, for what app.yaml cannot say."""
    field: str
    """In the words of app.yaml, or in those of the object."""
    becomes: str | None
    """The object's field, ``Deployment replicas``; None: it is no single one."""
    value: Any
    place: str | None
    """Where it is written, ``app/app.yaml:7:5``; None: nowhere."""
    why: str
    """The reason of what is written nowhere."""
    check: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that there is to tell of one."""

    name: str
    kind: str
    """service, store or job."""
    application: str
    stack: str
    image: str
    image_from: str
    address: str | None
    """In the cluster; None: it takes no requests."""
    exposed: str | None
    """How it is reached from outside; None: it is not."""
    urls: Sequence[str]
    """Where a person finds it, if an Ingress leads to it."""
    calls: Sequence[str]
    called_by: Sequence[str]
    after: Sequence[str]
    start: str | None
    """The line that starts a job which runs by the clock or by hand; None: it is none of those."""
    objects: Sequence[Made]
    rows: Sequence[Row]


def told(one: project.Project, folder: Path, name: str) -> Told:
    """One service, store or job of a stack.

    Raises:
        problems.Invalid: there is none of that name, or a file is wrong.
    """
    path, each = one.workload(name)
    made = [found for found in _rendered(one, folder) if found.owner == each.name]
    node = origin.written(one, folder)
    runs = next(found.manifest for found in made if found.kind in fields.PODS)
    image = fields.value(runs, (*fields.CONTAINER.split("."), "image"))
    led = ingress_hosts.urls(one.settings, each) if not isinstance(each, application.Job) else ()
    asked = isinstance(each, application.Service) and each.expose
    exposed = asked or led or (network.exposed(each) and one.settings.exposure != "ingress")
    return Told(
        name=each.name,
        kind=type(each).__name__.lower(),
        application=one.app.name,
        stack=one.settings.stack,
        image=image,
        image_from=_image(one, path, each, image, node),
        address=links.address(one.app, each.name),
        exposed=one.settings.exposure if exposed else None,
        urls=led,
        calls=each.calls,
        called_by=[other.name for other in structure.workloads(one.app).values() if each.name in other.calls],
        after=each.after if isinstance(each, application.Service) else (),
        start=_start(one, each, made),
        objects=[Made(kind=found.kind, name=found.name, purpose=_purpose(found, each)) for found in made],
        rows=[*_model(one, path, each, made, node), *_ours(made, each)],
    )


def _start(one: project.Project, each: structure.Workload, made: Sequence[objects.Object]) -> str | None:
    if not isinstance(each, application.Job) or jobs.released(each):
        return None
    name = next(found.name for found in made if found.kind == "CronJob")
    return f"kubectl create job {name}-1 --from=cronjob/{name} -n {one.settings.namespace(one.app.name)}"


def _purpose(found: objects.Object, each: structure.Workload) -> str:
    if found.kind == "Job" and isinstance(each, application.Job) and each.run == "after-rollout":
        return "runs it once a release, when all services are healthy"
    return PURPOSES[found.kind]


def _rendered(one: project.Project, folder: Path) -> list[objects.Object]:
    return preview.rendered(one.app, one.settings, project.images(one, folder))


def _image(one: project.Project, path: str, each: structure.Workload, image: str, node: nodes.Node) -> str:
    if one.release and each.image is None:
        return f"release {one.release.id}"
    if each.build is not None:
        return f"built from {each.build.context}, {_place(one, path, each, 'build', node)}"
    at = _place(one, path, each, "image", node)
    return str(at) if image == each.image else f"{at}, with the stack's seaway:substitutes"


def _place(one: project.Project, path: str, each: structure.Workload, field: str, node: nodes.Node) -> str | None:
    """Where it is written: with itself, or with the service that a job uses."""
    found = origin.places(node, f"{path}.{field}")
    if field == "env":
        found += origin.places(node, f"{path}.envFiles")
    if not found and isinstance(each, application.Job) and each.uses:
        _, service = one.workload(each.uses)
        if _value(each, field) == _value(service, field):
            found = origin.places(node, f"services.{each.uses}.{field}")
    return " and ".join(map(str, found)) or None


def _model(
    one: project.Project,
    path: str,
    each: structure.Workload,
    made: Sequence[objects.Object],
    node: nodes.Node,
) -> Iterator[Row]:
    """What the model says: all that is written, and the defaults that have a reason."""
    becomes = {
        field.said: f"{found.kind} {field.shown}"
        for field in fields.FIELDS
        for found in made
        if field.said and found.kind in field.kinds and fields.value(found.manifest, field.path) is not None
    }
    known = {said.field: said for said in image_profiles.said(_stated(one, path))}
    for field, value, why in _leaves(each):
        place = _place(one, path, each, field, node)
        if not place and field in known:
            why = known.pop(field).why  # noqa: PLW2901 - the model's reason is that of its own default
        if place or why:
            yield Row(field=field, becomes=becomes.get(field), value=value, place=place, why="" if place else why)
    if isinstance(each, application.Job) and each.uses:
        return
    for field, said in known.items():
        yield Row(field=field, becomes=None, value=_plain(said.value), place=None, why=said.why)


def _stated(one: project.Project, path: str) -> structure.Workload:
    """As it is written; of a job the service that it uses, whose image it takes."""
    written = structure.workloads(one.stated)
    each = written[path]
    return written[f"services.{each.uses}"] if isinstance(each, application.Job) and each.uses else each


def _leaves(part: Any, above: str = "") -> Iterator[tuple[str, Any, str]]:
    """The fields of a part of the model that hold values: path, value and the reason of the default."""
    cls = cast("type[Any]", part.__class__)
    for field in dataclasses.fields(cls):
        if field.name == decode.named_by(cls):
            continue
        path, value = f"{above}{decode.camel(field.name)}", getattr(part, field.name)
        if dataclasses.is_dataclass(value):
            yield from _leaves(value, f"{path}.")
        else:
            yield path, _plain(value), fields.notes(decode.hints(cls)[field.name])[1]


def _plain(value: Any) -> Any:
    """A value; of what has names, the names: neither what a variable says, nor what stands in a file."""
    match value:
        case Mapping():
            return sorted(cast(Mapping[str, Any], value))
        case tuple():
            return [_named(one) for one in cast(tuple[Any, ...], value)]
        case _:
            return value


def _named(one: Any) -> Any:
    return getattr(one, decode.named_by(cast(type, type(one))) or "") if dataclasses.is_dataclass(one) else one


def _value(part: Any, path: str) -> Any:
    for name, value, _ in _leaves(part):
        if name == path or name.startswith(f"{path}."):
            return value
    return None


def _ours(made: Sequence[objects.Object], each: structure.Workload) -> Iterator[Row]:
    """What the objects have whatever the model says."""
    for field in fields.FIELDS:
        if field.check == identity.token.id and each.kubernetes_api:
            continue  # there is a token, since `kubernetesApi` asks for one
        for found in made:
            value = fields.value(found.manifest, field.path) if found.kind in field.kinds else None
            if field.why and value is not None:
                yield Row(
                    object=found.kind,
                    field=field.shown,
                    becomes=None,
                    value=value,
                    place=None,
                    why=field.why,
                    check=field.check,
                )
