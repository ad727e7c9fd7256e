"""Fills in what an application leaves out: image profiles, inherited fields and the sources of secrets."""

import dataclasses

from seaway.model import application, secrets
from seaway.model.defaults import image_profiles


def resolve_application(app: application.Application) -> application.Application:
    """The application with everything stated: what known images need, what a job takes from the service that it uses,
    and how each secret is made wherever it is listed.

    A job keeps ``uses``: its image is that of the service. Its own words win, name by name for env, secrets and
    files; user, security and resources are the service's where the job has the defaults.
    """
    app = image_profiles.apply_profiles(app)
    services = {service.name: service for service in app.services}
    whole = dataclasses.replace(
        app, jobs=tuple(_inherit_service(job, services[job.uses]) if job.uses else job for job in app.jobs)
    )
    return propagate_sources(resolve_users(whole))


def _inherit_service(job: application.Job, service: application.Service) -> application.Job:
    default = application.Job("default")
    taken = {
        one.name: one
        for one in service.secrets
        if job.env.keys().isdisjoint((one.name, secrets.format_variable_name(one)))
    }
    taken |= {one.name: one for one in job.secrets}
    files = {one.path: one for one in service.files} | {one.path: one for one in job.files}
    own = {name for one in job.secrets for name in (one.name, secrets.format_variable_name(one))}
    return dataclasses.replace(
        job,
        build=service.build,
        image=service.image,
        env={name: value for name, value in service.env.items() if name not in own} | dict(job.env),
        secrets=tuple(taken.values()),
        files=tuple(files.values()),
        calls=tuple(dict.fromkeys((*service.calls, *job.calls))),
        egress=service.egress if job.egress == default.egress else job.egress,
        working_dir=job.working_dir or service.working_dir,
        writable=tuple(dict.fromkeys((*service.writable, *job.writable))),
        user=service.user if job.user == default.user else job.user,
        security=service.security if job.security == default.security else job.security,
        resources=service.resources if job.resources == default.resources else job.resources,
    )


def resolve_users(app: application.Application) -> application.Application:
    """The application where each companion without an image of its own has the user that its image is made for."""
    default = application.ExtraContainer("default").user
    services = {one.name: one for one in app.services}
    workloads = app.get_workloads()

    def user(path: str, one: application.ContainerSpec) -> dict[str, int | None]:
        if not isinstance(one, application.ExtraContainer) or one.user != default or one.image is not None:
            return {}
        owner = workloads[".".join(path.split(".")[:2])]
        return {"user": services[one.uses].user if one.uses else owner.user}

    return app.replace_containers(user)


def propagate_sources(app: application.Application) -> application.Application:
    """The application where each secret says how it comes about wherever it is listed: once is enough to say it."""
    told = {
        one.name: one for _, one in secrets.list_secrets(app) if one.generate is not None or one.existing is not None
    }

    def whole(secret: application.Secret) -> application.Secret:
        one = told.get(secret.name, secret)
        return dataclasses.replace(secret, generate=one.generate, existing=one.existing, key=one.key)

    return app.replace_containers(lambda _, one: {"secrets": tuple(map(whole, one.secrets))})
