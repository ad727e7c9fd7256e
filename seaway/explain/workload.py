"""The manifests of a service, store or job, and the reason for each value."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from seaway.checks.rules import identity
from seaway.explain import fields, graph, origin
from seaway.manifests import objects, preview
from seaway.model import application, external, ingress_hosts, links
from seaway.model.defaults import image_defaults
from seaway.project import environments
from seaway.syntax import decode

PURPOSES: Mapping[str, str] = {
    "ConfigMap": "its configuration files",
    "CronJob": "runs it on a schedule, or when you start it",
    "DaemonSet": "runs one pod on every node and replaces the pods after a change",
    "Deployment": "runs its pods and replaces them after a change",
    "GRPCRoute": "routes gRPC requests from outside to it, by host, service and header",
    "HTTPRoute": "routes requests from outside to it, by host, path and header",
    "HorizontalPodAutoscaler": "adds pods under load and removes them afterwards",
    "Ingress": "routes requests from outside to it, by host and path",
    "Job": "runs it once in each release, before the pods of any service change",
    "NetworkPolicy": "limits the connections to and from its pods",
    "PodDisruptionBudget": "limits how many pods a node drain may evict at once",
    "Role": "the permissions of its account in the namespace",
    "RoleBinding": "gives the role to the account",
    "Secret": "its secret values",
    "Service": "its name and address in the cluster",
    "ServiceAccount": "the identity of its pods",
    "StatefulSet": "runs its one pod, always with the same name and the same volume",
}
"""The purpose of each kind of object, for a reader who has never written a manifest."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPurpose:
    """An object."""

    kind: str
    name: str
    purpose: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedField:
    """A value and its source. ``seaway.cli.explain`` documents the attributes."""

    object: str | None = None
    """None: app.yaml has the field."""
    field: str
    becomes: str | None = None
    value: Any
    place: str | None = None
    why: str = ""
    check: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A service, store or job. ``seaway.cli.explain`` documents the attributes."""

    name: str
    kind: str
    application: str
    stack: str
    image: str | None
    image_from: str | None
    address: str | None
    published: str | None
    urls: Sequence[str]
    calls: Sequence[str]
    called_by: Sequence[str]
    depends_on: Sequence[str]
    start: str | None
    objects: Sequence[ObjectPurpose]
    rows: Sequence[ExplainedField]


def explain_workload(environment: environments.Environment, name: str) -> Explanation:
    """Explain one service, store or job of an environment."""
    path, workload = environment.find_workload(name)
    app, stack_settings = environment.app, environment.settings
    images = preview.find_images(environment)
    rendered = [part for part in preview.render_objects(environment, images) if part.owner == workload.name]
    pods = next((release_object.manifest for release_object in rendered if release_object.kind in fields.PODS), None)
    image = fields.find_value(pods, (*fields.CONTAINER.split("."), "image"))
    is_job = isinstance(workload, application.Job)
    return Explanation(
        name=workload.name,
        kind=type(workload).__name__.lower(),
        application=app.name,
        stack=stack_settings.stack,
        image=image,
        image_from=_explain_image(environment, path, workload, image) if image else None,
        address=links.find_url(app, workload.name),
        published=stack_settings.publish if graph.is_published(workload, stack_settings) else None,
        urls=() if is_job else ingress_hosts.format_urls(stack_settings, workload),
        calls=workload.calls,
        called_by=[caller.name for caller in app.get_workloads().values() if workload.name in caller.calls],
        depends_on=workload.depends_on,
        start=_format_start_command(environment, rendered) if is_job and not workload.is_release_job() else None,
        objects=[
            ObjectPurpose(kind=part.kind, name=part.name, purpose=_describe_purpose(part.kind, workload))
            for part in rendered
        ],
        rows=[*_list_model_fields(environment, path, workload, rendered), *_list_object_fields(rendered, workload)],
    )


def _format_start_command(environment: environments.Environment, rendered: Sequence[objects.ReleaseObject]) -> str:
    name = next(release_object.name for release_object in rendered if release_object.kind == "CronJob")
    return f"kubectl create job {name}-1 --from=cronjob/{name} -n {environment.namespace}"


def _describe_purpose(kind: str, workload: application.AnyWorkload) -> str:
    if kind == "Job" and isinstance(workload, application.Job) and workload.run == "after-rollout":
        return "runs it once in each release, after all services are healthy"
    return PURPOSES[kind]


def _explain_image(
    environment: environments.Environment, path: str, workload: application.AnyWorkload, image: str
) -> str:
    if environment.release and workload.image is None:
        return f"release {environment.release.id}"
    if workload.build is not None:
        return f"built from {workload.build.context}, {_format_location(environment, path, workload, 'build')}"
    location = _format_location(environment, path, workload, "image")
    return str(location) if image == workload.image else f"{location}, with the stack's seaway:imageOverrides"


def _format_location(
    environment: environments.Environment, path: str, workload: application.AnyWorkload, field: str
) -> str | None:
    """Where a field is written: in the workload, or in the service that a job uses."""
    locations = origin.find_locations(environment.node, f"{path}.{field}")
    if field == "env":
        locations += origin.find_locations(environment.node, f"{path}.envFile")
    if not locations and isinstance(workload, application.Job) and workload.uses:
        _, service = environment.find_workload(workload.uses)
        if _find_value(workload, field) == _find_value(service, field):
            locations = origin.find_locations(environment.node, f"services.{workload.uses}.{field}")
    return " and ".join(map(str, locations)) or None


def _list_model_fields(
    environment: environments.Environment,
    path: str,
    workload: application.AnyWorkload,
    rendered: Sequence[objects.ReleaseObject],
) -> Iterator[ExplainedField]:
    """The fields of app.yaml: those that are written, and the defaults that have a reason."""
    becomes = {
        field.model_path: f"{release_object.kind} {field.short_path}"
        for field in fields.FIELDS
        for release_object in rendered
        if field.model_path
        and release_object.kind in field.kinds
        and fields.find_value(release_object.manifest, field.path) is not None
    }
    # The other keys of an external store, and the defaults of its image, are for other environments.
    is_external = external.find_address(workload) is not None
    declared = workload if is_external else _find_declared(environment, path)
    profile_defaults = {default.field: default for default in image_defaults.list_defaults(declared)}
    for field, field_value, reason in _iterate_fields(workload):
        if is_external and not field.startswith(("external.", "ports", "protocol")):
            continue
        location = _format_location(environment, path, workload, field)
        if not location and field in profile_defaults:
            reason = profile_defaults.pop(field).reason  # noqa: PLW2901 - the image profile overrides the model's default
        if location or reason:
            why = "" if location else reason
            yield ExplainedField(field=field, becomes=becomes.get(field), value=field_value, place=location, why=why)
    if isinstance(workload, application.Job) and workload.uses:
        return
    for field, default in profile_defaults.items():
        yield ExplainedField(field=field, value=_summarize_value(default.value), why=default.reason)


def _find_declared(environment: environments.Environment, path: str) -> application.AnyWorkload:
    """The workload as it is written; for a job the service that it uses, since the job has its image."""
    workloads = environment.declared.get_workloads()
    workload = workloads[path]
    uses = workload.uses if isinstance(workload, application.Job) else None
    return workloads[f"services.{uses}"] if uses else workload


def _iterate_fields(part: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """The fields of a part of the model: path, value and the reason of the default."""
    cls = cast("type[Any]", part.__class__)
    for field in dataclasses.fields(cls):
        if field.name == decode.get_name_field(cls):
            continue
        path, field_value = f"{prefix}{decode.to_camel_case(field.name)}", getattr(part, field.name)
        if dataclasses.is_dataclass(field_value):
            yield from _iterate_fields(field_value, f"{path}.")
        else:
            yield path, _summarize_value(field_value), fields.read_notes(decode.get_type_hints(cls)[field.name])[1]


def _summarize_value(field_value: Any) -> Any:
    """A value without the content of variables and files: only their names."""
    match field_value:
        case Mapping():
            return sorted(cast(Mapping[str, Any], field_value))
        case tuple():
            return [_get_name(part) for part in cast(tuple[Any, ...], field_value)]
        case _:
            return field_value


def _get_name(part: Any) -> Any:
    if not dataclasses.is_dataclass(part):
        return part
    return getattr(part, decode.get_name_field(cast(type, type(part))) or "")


def _find_value(part: Any, path: str) -> Any:
    for name, field_value, _ in _iterate_fields(part):
        if name == path or name.startswith(f"{path}."):
            return field_value
    return None


def _list_object_fields(
    rendered: Sequence[objects.ReleaseObject], workload: application.AnyWorkload
) -> Iterator[ExplainedField]:
    """The fields of the objects that do not depend on app.yaml."""
    for field in fields.FIELDS:
        if field.check == identity.service_account_token.id and workload.kubernetes_api:
            continue  # `kubernetesApi` mounts a token
        for part in rendered if field.rationale else ():
            field_value = fields.find_value(part.manifest, field.path) if part.kind in field.kinds else None
            if field_value is not None:
                yield ExplainedField(
                    object=part.kind,
                    field=field.short_path,
                    value=field_value,
                    why=field.rationale,
                    check=field.check,
                )
