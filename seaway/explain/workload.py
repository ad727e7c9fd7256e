"""What one service, store or job becomes, and why."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from seaway.checks.rules import identity
from seaway.explain import fields, origin
from seaway.manifests import network, objects, preview
from seaway.model import application, ingress_hosts, links
from seaway.model.defaults import image_profiles
from seaway.project import environments
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
class ObjectPurpose:
    """An object."""

    kind: str
    name: str
    purpose: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedField:
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
class Explanation:
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
    objects: Sequence[ObjectPurpose]
    rows: Sequence[ExplainedField]


def explain_workload(environment: environments.Environment, name: str) -> Explanation:
    """One service, store or job of a stack.

    Raises:
        diagnosis.InvalidInput: there is none of that name, or a file is wrong.
    """
    path, each = environment.find_workload(name)
    made = [found for found in _render_objects(environment) if found.owner == each.name]
    node = environment.node
    runs = next(found.manifest for found in made if found.kind in fields.POD_TEMPLATE_KINDS)
    image = fields.find_value(runs, (*fields.CONTAINER_PATH.split("."), "image"))
    led = ingress_hosts.format_urls(environment.settings, each) if not isinstance(each, application.Job) else ()
    asked = isinstance(each, application.Service) and each.publish
    exposed = asked or led or (network.list_published_ports(each) and environment.settings.publish != "ingress")
    return Explanation(
        name=each.name,
        kind=type(each).__name__.lower(),
        application=environment.app.name,
        stack=environment.settings.stack,
        image=image,
        image_from=_explain_image(environment, path, each, image, node),
        address=links.find_url(environment.app, each.name),
        exposed=environment.settings.publish if exposed else None,
        urls=led,
        calls=each.calls,
        called_by=[other.name for other in environment.app.get_workloads().values() if each.name in other.calls],
        after=each.depends_on,
        start=_find_start_command(environment, each, made),
        objects=[
            ObjectPurpose(kind=found.kind, name=found.name, purpose=_describe_purpose(found, each)) for found in made
        ],
        rows=[*_list_model_fields(environment, path, each, made, node), *_list_object_fields(made, each)],
    )


def _find_start_command(
    environment: environments.Environment, workload: application.AnyWorkload, rendered: Sequence[objects.ReleaseObject]
) -> str | None:
    if not isinstance(workload, application.Job) or workload.is_release_job():
        return None
    name = next(found.name for found in rendered if found.kind == "CronJob")
    return f"kubectl create job {name}-1 --from=cronjob/{name} -n {environment.namespace}"


def _describe_purpose(manifest_object: objects.ReleaseObject, workload: application.AnyWorkload) -> str:
    if manifest_object.kind == "Job" and isinstance(workload, application.Job) and workload.run == "after-rollout":
        return "runs it once a release, when all services are healthy"
    return PURPOSES[manifest_object.kind]


def _render_objects(environment: environments.Environment) -> list[objects.ReleaseObject]:
    return preview.render_objects(environment, preview.find_images(environment))


def _explain_image(
    environment: environments.Environment, path: str, workload: application.AnyWorkload, image: str, node: nodes.Node
) -> str:
    if environment.release and workload.image is None:
        return f"release {environment.release.id}"
    if workload.build is not None:
        return f"built from {workload.build.context}, {_format_location(environment, path, workload, 'build', node)}"
    at = _format_location(environment, path, workload, "image", node)
    return str(at) if image == workload.image else f"{at}, with the stack's seaway:imageOverrides"


def _format_location(
    environment: environments.Environment, path: str, workload: application.AnyWorkload, field: str, node: nodes.Node
) -> str | None:
    """Where it is written: with itself, or with the service that a job uses."""
    found = origin.find_locations(node, f"{path}.{field}")
    if field == "env":
        found += origin.find_locations(node, f"{path}.envFile")
    if not found and isinstance(workload, application.Job) and workload.uses:
        _, service = environment.find_workload(workload.uses)
        if _find_value(workload, field) == _find_value(service, field):
            found = origin.find_locations(node, f"services.{workload.uses}.{field}")
    return " and ".join(map(str, found)) or None


def _list_model_fields(
    environment: environments.Environment,
    path: str,
    workload: application.AnyWorkload,
    rendered: Sequence[objects.ReleaseObject],
    node: nodes.Node,
) -> Iterator[ExplainedField]:
    """What the model says: all that is written, and the defaults that have a reason."""
    becomes = {
        field.model_path: f"{found.kind} {field.short_path}"
        for field in fields.FIELDS
        for found in rendered
        if field.model_path and found.kind in field.kinds and fields.find_value(found.manifest, field.path) is not None
    }
    known = {said.field: said for said in image_profiles.list_defaults(_find_declared(environment, path))}
    for field, value, why in _iterate_fields(workload):
        place = _format_location(environment, path, workload, field, node)
        if not place and field in known:
            why = known.pop(field).reason  # noqa: PLW2901 - the model's reason is that of its own default
        if place or why:
            yield ExplainedField(
                field=field, becomes=becomes.get(field), value=value, place=place, why="" if place else why
            )
    if isinstance(workload, application.Job) and workload.uses:
        return
    for field, said in known.items():
        yield ExplainedField(field=field, becomes=None, value=_summarize_value(said.value), place=None, why=said.reason)


def _find_declared(environment: environments.Environment, path: str) -> application.AnyWorkload:
    """As it is written; of a job the service that it uses, whose image it takes."""
    written = environment.declared.get_workloads()
    each = written[path]
    return written[f"services.{each.uses}"] if isinstance(each, application.Job) and each.uses else each


def _iterate_fields(part: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """The fields of a part of the model that hold values: path, value and the reason of the default."""
    cls = cast("type[Any]", part.__class__)
    for field in dataclasses.fields(cls):
        if field.name == decode.get_name_field(cls):
            continue
        path, value = f"{prefix}{decode.to_camel_case(field.name)}", getattr(part, field.name)
        if dataclasses.is_dataclass(value):
            yield from _iterate_fields(value, f"{path}.")
        else:
            yield path, _summarize_value(value), fields.read_notes(decode.get_type_hints(cls)[field.name])[1]


def _summarize_value(value: Any) -> Any:
    """A value; of what has names, the names: neither what a variable says, nor what stands in a file."""
    match value:
        case Mapping():
            return sorted(cast(Mapping[str, Any], value))
        case tuple():
            return [_get_name(one) for one in cast(tuple[Any, ...], value)]
        case _:
            return value


def _get_name(part: Any) -> Any:
    return (
        getattr(part, decode.get_name_field(cast(type, type(part))) or "") if dataclasses.is_dataclass(part) else part
    )


def _find_value(part: Any, path: str) -> Any:
    for name, value, _ in _iterate_fields(part):
        if name == path or name.startswith(f"{path}."):
            return value
    return None


def _list_object_fields(
    rendered: Sequence[objects.ReleaseObject], workload: application.AnyWorkload
) -> Iterator[ExplainedField]:
    """What the objects have whatever the model says."""
    for field in fields.FIELDS:
        if field.check == identity.service_account_token.id and workload.kubernetes_api:
            continue  # there is a token, since `kubernetesApi` asks for one
        for found in rendered:
            value = fields.find_value(found.manifest, field.path) if found.kind in field.kinds else None
            if field.rationale and value is not None:
                yield ExplainedField(
                    object=found.kind,
                    field=field.short_path,
                    becomes=None,
                    value=value,
                    place=None,
                    why=field.rationale,
                    check=field.check,
                )
