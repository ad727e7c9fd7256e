"""All rules in one place: those of an application, and those that also need the settings of a stack."""

import datetime
from collections.abc import Collection, Mapping

from seaway.model import application, settings
from seaway.model.validate import (
    check_severity,
    dependencies,
    egress,
    environment,
    external,
    extra_containers,
    gateway,
    ingress_hosts,
    jobs,
    ports,
    raw,
    rbac,
    scaling,
    scheduling,
    secrets,
    structure,
    volumes,
    waivers,
)
from seaway.syntax import diagnosis

APPLICATION_RULES = (structure, secrets, extra_containers, dependencies, volumes, egress, external)
WORKLOAD_RULES = (rbac, scaling, scheduling, ports, jobs, raw)
"""The rules that need only the application: those of all of it, and those of each service, store and job."""


def check_application(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """The errors in an application, whatever the environment. It is not resolved: the rules see what was written."""
    for rules in APPLICATION_RULES:
        yield from rules.check(app, locations)
    for path, workload in app.get_workloads().items():
        for rules in WORKLOAD_RULES:
            yield from rules.check_workload(workload, locations.at(path))


def check_environment(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: diagnosis.SourceLocations,
    *,
    secret_locations: Mapping[str, diagnosis.SourceLocation],
    file_secrets: Collection[str] = (),
    checks: Collection[str],
    today: datetime.date | None,
) -> diagnosis.Diagnostics:
    """The errors in what an application and a stack require of each other.

    Args:
        app: the application with the overlay of the stack, not resolved.
        config: the locations of the settings of the stack.
        secret_locations: the secrets that have a value in the configuration.
        file_secrets: the secrets that have a value in the Compose file of the application.
        checks: the ids of all checks and policies.
        today: None: do not report expired waivers (see ``waivers.check``).
    """
    yield from environment.check(
        app, locations, stack_settings, secret_locations, config.origin, file_secrets=file_secrets
    )
    yield from ingress_hosts.check(app, locations, stack_settings, config)
    yield from gateway.check(app, locations, stack_settings, config)
    yield from waivers.check(app, locations, stack_settings, config, checks=checks, today=today)
    yield from check_severity.check(stack_settings, config, checks=checks)
