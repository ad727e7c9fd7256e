"""Fills in what an application leaves out: image profiles, inherited fields and the sources of secrets."""

import dataclasses

from seaway.model import application, external, secrets
from seaway.model.defaults import image_defaults


def resolve_application(app: application.Application) -> application.Application:
    """The application with all values: external stores, image profiles, fields that a job inherits, and the source of
    each secret.

    A job keeps ``uses``: its image is that of the service. Its env, secrets and files override those of the service by
    name. It inherits user, security, egress and resources where its own are the defaults.
    """
    app = image_defaults.apply_profiles(external.resolve_stores(app))
    services = {service.name: service for service in app.services}
    jobs = tuple(_inherit_service(job, services[job.uses]) if job.uses else job for job in app.jobs)
    return propagate_sources(resolve_users(dataclasses.replace(app, jobs=jobs)))


def _inherit_service(job: application.Job, service: application.Service) -> application.Job:
    default = application.Job("default")
    own_names = {name for secret in job.secrets for name in (secret.name, secrets.format_variable_name(secret))}
    inherited = [
        secret
        for secret in service.secrets
        if job.env.keys().isdisjoint((secret.name, secrets.format_variable_name(secret)))
    ]
    return dataclasses.replace(
        job,
        build=service.build,
        image=service.image,
        env={name: text for name, text in service.env.items() if name not in own_names} | dict(job.env),
        secrets=tuple({secret.name: secret for secret in (*inherited, *job.secrets)}.values()),
        files=tuple({file.path: file for file in (*service.files, *job.files)}.values()),
        calls=tuple(dict.fromkeys((*service.calls, *job.calls))),
        working_dir=job.working_dir or service.working_dir,
        writable=tuple(dict.fromkeys((*service.writable, *job.writable))),
        **{
            field: getattr(service, field)
            for field in ("egress", "user", "security", "resources")
            if getattr(job, field) == getattr(default, field)
        },
    )


def resolve_users(app: application.Application) -> application.Application:
    """The application where extra containers without an image have the user that their image is made for."""
    default = application.ExtraContainer("default").user
    services = {service.name: service for service in app.services}
    workloads = app.get_workloads()

    def resolve_user(path: str, container_spec: application.ContainerSpec) -> dict[str, int | None]:
        if not isinstance(container_spec, application.ExtraContainer):
            return {}
        if container_spec.user != default or container_spec.image is not None:
            return {}
        workload = workloads[".".join(path.split(".")[:2])]
        return {"user": services[container_spec.uses].user if container_spec.uses else workload.user}

    return app.replace_containers(resolve_user)


def propagate_sources(app: application.Application) -> application.Application:
    """The application where each secret has its source wherever it is listed: writing it once is enough."""
    sources = {
        secret.name: secret
        for _, secret in secrets.list_secrets(app)
        if secret.generate is not None or secret.existing is not None
    }

    def add_source(secret: application.Secret) -> application.Secret:
        source = sources.get(secret.name, secret)
        return dataclasses.replace(secret, generate=source.generate, existing=source.existing, key=source.key)

    return app.replace_containers(
        lambda _, container_spec: {"secrets": tuple(add_source(secret) for secret in container_spec.secrets)}
    )
