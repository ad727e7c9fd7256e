"""What makes sense of a decoded application: pure rules, each a function from the application to problems.

They run before inheritance is resolved, on what was written. mounts.py has the rules about paths and files,
environment.py those that also need the stack.
"""

import re
from collections.abc import Iterator, Mapping

from seaway.kubernetes.api import quantity
from seaway.model import application, links, rollout_order
from seaway.syntax import decode, diagnosis

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label that begins with a letter (RFC 1035), as the name of a Kubernetes Service must be."""

MAX_LABEL_LENGTH = 63
"""Characters of a DNS label."""

MAX_STORE_NAME_LENGTH = 52
"""A StatefulSet's pods carry its name and a hash of 11 characters in one label of at most 63."""

_VARIABLE_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_IMAGE_REFERENCE = re.compile(
    r"([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
_CPU = re.compile(r"[1-9][0-9]*m|[0-9]{1,5}(\.[0-9]{1,3})?")
BYTES = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)")

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> list[diagnosis.Diagnostic]:
    """Everything that is wrong with the application, whatever the environment."""
    rules = (
        check_names,
        check_image_sources,
        check_calls,
        check_uses,
        check_depends_on,
        check_timeouts,
        check_variables,
        check_resources,
        check_users,
    )
    return [problem for rule in rules for problem in rule(app, locations)]


def check_names(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A name becomes a DNS name, and one name means one thing."""
    if "name" not in locations.undecoded:
        yield from check_name(app.name, "name", MAX_LABEL_LENGTH, locations)
    kinds = [(kind, one) for kind in ("services", "stores", "jobs") for one in getattr(app, kind)]
    seen: dict[str, str] = {}
    for kind, one in kinds:
        path = f"{kind}.{one.name}"
        yield from check_name(
            one.name, path, MAX_STORE_NAME_LENGTH if kind == "stores" else MAX_LABEL_LENGTH, locations
        )
        if one.name in seen:
            wrong = f"the name {one.name} is also that of {seen[one.name]}"
            yield diagnosis.Diagnostic(locations.find(path), path, wrong, "rename one of the two")
        seen.setdefault(one.name, path)


def check_name(name: str, path: str, max_length: int, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A name is a DNS name, and not too long."""
    if len(name) > max_length:
        wrong = f"the name {name} has {len(name)} characters"
        yield diagnosis.Diagnostic(locations.find(path), path, wrong, f"shorten it to {max_length} at most")
    elif not DNS_LABEL.fullmatch(name):
        wrong = f"{diagnosis.quote(name)} is no DNS name"
        remedy = "use a-z, 0-9 and -; begin with a letter and end with a letter or digit"
        yield diagnosis.Diagnostic(locations.find(path), path, wrong, remedy)


def check_image_sources(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A container has exactly one image: built, named, or that of the service that a job uses."""
    for path, one in app.get_workloads().items():
        ways = {"build": one.build, "image": one.image, "uses": getattr(one, "uses", None)}
        said = [key for key, value in ways.items() if value is not None]
        also = " or `uses: <service>`" if isinstance(one, application.Job) else ""
        if not said and not locations.has_undecoded(*(f"{path}.{key}" for key in ways)):
            remedy = f"add `build: <folder>` or `image: <reference>`{also}"
            yield diagnosis.Diagnostic(locations.find(path), path, "has no image", remedy)
        elif len(said) > 1:
            at = f"{path}.{said[1]}"
            yield diagnosis.Diagnostic(
                locations.find(at), at, f"{' and '.join(said)} both name an image", "keep one of them"
            )
    for path, one in app.get_containers().items():
        if one.image is not None and not _IMAGE_REFERENCE.fullmatch(one.image):
            at = f"{path}.image"
            wrong = f"{diagnosis.quote(one.image)} is no image reference"
            yield diagnosis.Diagnostic(
                locations.find(at), at, wrong, "write [registry/]name[:tag], the name in lower case"
            )


def check_calls(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A link points to a service or store with a port."""
    kinds = ("services", "stores")
    targets = {one.name: one.all_ports or one.port is not None or one.ports for one in (*app.services, *app.stores)}
    for path, one in app.get_workloads().items():
        for number, target in enumerate(one.calls):
            at = f"{path}.calls.{number}"
            if target in one.calls[:number]:
                yield diagnosis.Diagnostic(
                    locations.find(at), at, f"{target} is in the list twice", "remove one of the two"
                )
            elif locations.has_undecoded(*kinds, *(f"{kind}.{target}{end}" for kind in kinds for end in ("", ".port"))):
                continue
            elif target in targets and not targets[target]:
                wrong = f"{target} has no port to call"
                kind = "services" if target in {other.name for other in app.services} else "stores"
                yield diagnosis.Diagnostic(
                    locations.find(at), at, wrong, f"add `port:` to {kind}.{target}, or remove the link"
                )
            elif target not in targets:
                wrong = f"there is no service or store {diagnosis.quote(target)}"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, decode.suggest_name(target, targets))


def check_uses(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A job takes after a service that exists."""
    services = [service.name for service in app.services]
    for job in app.jobs:
        if (
            job.uses is not None
            and job.uses not in services
            and not locations.has_undecoded("services", f"services.{job.uses}")
        ):
            at = f"jobs.{job.name}.uses"
            wrong = f"there is no service {diagnosis.quote(job.uses)}"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, decode.suggest_name(job.uses, services))


def check_depends_on(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A service waits for other services, and no two for each other.

    `calls` says nothing about an order: two services may call each other, and a client tries again.
    """
    services = {service.name: service.depends_on for service in app.services}
    first = {one.name: "store" for one in app.stores} | {one.name: "job" for one in app.jobs}
    for service in app.services:
        for number, target in enumerate(service.depends_on):
            at = f"services.{service.name}.dependsOn.{number}"
            place = locations.find(at)
            if target in service.depends_on[:number]:
                yield diagnosis.Diagnostic(place, at, f"{target} is in the list twice", "remove one of the two")
            elif target == service.name:
                yield diagnosis.Diagnostic(place, at, f"{target} cannot wait for itself", "remove it")
            elif target in first:
                wrong = f"{target} is a {first[target]}, and those always come before any service"
                yield diagnosis.Diagnostic(place, at, wrong, "remove it")
            elif target not in services and not locations.has_undecoded(
                *(f"{kind}{end}" for kind in ("services", "stores", "jobs") for end in ("", f".{target}"))
            ):
                wrong = f"there is no service {diagnosis.quote(target)}"
                yield diagnosis.Diagnostic(
                    place, at, wrong, decode.suggest_name(target, [name for name in services if name != service.name])
                )
    for circle in rollout_order.find_cycles(app.services):
        at = f"services.{circle[0]}.dependsOn.{services[circle[0]].index(circle[1])}"
        wrong = f"{' -> '.join(circle)} wait for each other, and none would ever start"
        yield diagnosis.Diagnostic(locations.find(at), at, wrong, "remove one of these; `calls` needs no order")


def check_timeouts(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A job has time to run."""
    for job in app.jobs:
        if job.timeout < 1:
            at = f"jobs.{job.name}.timeout"
            wrong = f"{job.timeout} is no time to run"
            yield diagnosis.Diagnostic(
                locations.find(at), at, wrong, "write the seconds that the job may take, 1 at least"
            )


def check_variables(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Each environment variable has a name that a container may have, and comes from one place.

    ``env`` may say a link's variable differently: that is how a link gets another address. A secret may not.
    """
    targets = {one.name: one for one in (*app.services, *app.stores)}
    for path, workload in app.get_workloads().items():
        linked: dict[str, str] = {}
        for number, target in enumerate(dict.fromkeys(workload.calls if workload.link_variables else ())):
            for name in links.get_target_variables(targets[target]) if target in targets else ():
                if linked.setdefault(name, target) != target and name not in workload.env:
                    at = f"{path}.calls.{number}"
                    wrong = f"{name} is what the link to {linked[name]} gives too"
                    yield diagnosis.Diagnostic(
                        locations.find(at), at, wrong, "rename the port that gives it, or set it in env"
                    )
        for at, one in workload.get_containers(path).items():
            yield from _check_container_variables(at, one, linked, locations)


def _check_container_variables(
    path: str,
    container_spec: application.ContainerSpec,
    linked: Mapping[str, str],
    locations: diagnosis.SourceLocations,
) -> Diagnostics:
    listed = {
        **dict.fromkeys(container_spec.env, "env"),
        **{secret.name: "secrets" for secret in container_spec.secrets},
    }
    for name, key in listed.items():
        at = f"{path}.{key}.{name}"
        if not _VARIABLE_NAME.fullmatch(name):
            wrong = f"{diagnosis.quote(name)} is no name of an environment variable"
            remedy = "use letters, digits, _, - and ., and no digit first"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, remedy)
        elif key == "secrets" and name in container_spec.env:
            yield diagnosis.Diagnostic(
                locations.find(at), at, f"{name} is in env too", "keep the one in secrets or the one in env"
            )
        elif key == "secrets" and name in linked:
            wrong = f"{name} is what the link to {linked[name]} gives"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "rename the secret")
    for name, value in container_spec.env.items():
        if "\0" in value:
            at = f"{path}.env.{name}"
            yield diagnosis.Diagnostic(
                locations.find(at), at, "the value has a NUL character", "remove it, or use a file"
            )


def check_resources(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Quantities as Kubernetes reads them, with the units that people mean."""
    for path, one in app.get_containers().items():
        yield from check_cpu(one.resources.cpu, f"{path}.resources.cpu", locations)
        yield from check_size(one.resources.memory, f"{path}.resources.memory", "128Mi", locations)


def check_cpu(value: str, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """An amount of CPU: more than none, and no finer than a thousandth of a core."""
    if not _CPU.fullmatch(value) or not quantity.parse(value):
        wrong = f"{diagnosis.quote(value)} is no amount of CPU"
        yield diagnosis.Diagnostic(
            locations.find(path), path, wrong, "write cores, as 0.5, or thousandths of one, as 500m"
        )


def check_size(value: str, path: str, example: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """An amount of bytes, with its unit: `128` would be 128 bytes, and `128m` an eighth of one."""
    if not BYTES.fullmatch(value):
        wrong = f"{diagnosis.quote(value)} is no amount of bytes with a unit"
        yield diagnosis.Diagnostic(locations.find(path), path, wrong, f"write it as {example} (Ki, Mi, Gi or Ti)")


def check_users(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Nobody is root, unless the image says so. An id is at most 2^31 - 1."""
    for path, owner in app.get_workloads().items():
        for inner, one in owner.get_containers(path).items():
            yield from _check_user(one, owner, f"{inner}.user", locations)


def _check_user(
    container_spec: application.ContainerSpec,
    workload: application.AnyWorkload,
    key_path: str,
    locations: diagnosis.SourceLocations,
) -> Diagnostics:
    if container_spec.user is None and workload.user is not None:
        wrong = "is null, and the pod has a user"
        yield diagnosis.Diagnostic(
            locations.find(key_path), key_path, wrong, "write its numeric id, or let the pod's be null too"
        )
    elif container_spec.user is None:
        if workload.security == "restricted" and not locations.undecoded:
            wrong = "is null: the image's own user may be root, and security is restricted"
            remedy = "write the numeric id of that user, or `security: baseline`"
            yield diagnosis.Diagnostic(locations.find(key_path), key_path, wrong, remedy)
    elif container_spec.user == 0:
        remedy = "write the numeric id of the image's own user, or leave it out for 10001"
        yield diagnosis.Diagnostic(locations.find(key_path), key_path, "0 is root", remedy)
    elif not 0 < container_spec.user < 2**31:
        wrong = f"{container_spec.user} is no user id (1 to 2147483647)"
        yield diagnosis.Diagnostic(
            locations.find(key_path), key_path, wrong, "write the numeric id of the image's own user"
        )
