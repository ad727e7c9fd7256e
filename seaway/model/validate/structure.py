"""Rules about names, images, links, variables, resources and users.

The rules run on what was written, before ``defaults.resolve``. ``mounts`` has the rules about paths and files,
``environment`` those that also need the stack.
"""

import re
from collections.abc import Iterator, Mapping

from seaway.kubernetes.api import quantity
from seaway.model import application, links
from seaway.syntax import decode, diagnosis

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label that begins with a letter (RFC 1035), as the name of a Kubernetes Service must be."""

MAX_LABEL_LENGTH = 63
"""Characters of a DNS label."""

MAX_STORE_NAME_LENGTH = 52
"""The pods of a StatefulSet carry its name and a hash of 11 characters in one label of at most 63."""

_VARIABLE_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_IMAGE_REFERENCE = re.compile(
    r"([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
_CPU = re.compile(r"[1-9][0-9]*m|[0-9]{1,5}(\.[0-9]{1,3})?")
_BYTES = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)")

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The errors in what all kinds of workloads have in common."""
    for rule in (
        check_names,
        check_image_sources,
        check_calls,
        check_uses,
        check_variables,
        check_resources,
        check_users,
    ):
        yield from rule(app, locations)


def check_names(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Names are DNS labels, and unique in the application."""
    if "name" not in locations.undecoded:
        yield from check_name(app.name, "name", MAX_LABEL_LENGTH, locations)
    paths: dict[str, str] = {}
    for path, workload in app.get_workloads().items():
        max_length = MAX_STORE_NAME_LENGTH if isinstance(workload, application.Store) else MAX_LABEL_LENGTH
        yield from check_name(workload.name, path, max_length, locations)
        if workload.name in paths:
            message = f"the name {workload.name} is also the name of {paths[workload.name]}"
            yield locations.report(path, "duplicate-name", message, "rename one of the two")
        paths.setdefault(workload.name, path)


def check_name(name: str, path: str, max_length: int, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A name is a DNS label, and not too long."""
    if len(name) > max_length:
        message = f"the name {name} has {len(name)} characters"
        yield locations.report(path, "name-too-long", message, f"use at most {max_length} characters")
    elif not DNS_LABEL.fullmatch(name):
        hint = "use a-z, 0-9 and -; begin with a letter, end with a letter or a digit"
        yield locations.report(path, "invalid-name", f"{diagnosis.quote(name)} is not a valid DNS label", hint)


def check_image_sources(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A workload has exactly one image: built, named, or that of the service that a job uses."""
    for path, workload in app.get_workloads().items():
        is_job = isinstance(workload, application.Job)
        sources = {"build": workload.build, "image": workload.image, "uses": workload.uses if is_job else None}
        declared = [key for key, source in sources.items() if source is not None]
        if not declared and not locations.has_undecoded(*(f"{path}.{key}" for key in sources)):
            hint = f"add `build: <folder>` or `image: <reference>`{' or `uses: <service>`' if is_job else ''}"
            yield locations.report(path, "missing-image", "has no image", hint)
        elif len(declared) > 1:
            message = f"{' and '.join(declared)} both set the image"
            yield locations.report(f"{path}.{declared[1]}", "conflicting-keys", message, "keep one of them")
    for path, container_spec in app.get_containers().items():
        if container_spec.image is not None and not _IMAGE_REFERENCE.fullmatch(container_spec.image):
            message = f"{diagnosis.quote(container_spec.image)} is not a valid image reference"
            hint = "write [registry/]name[:tag], the name in lower case"
            yield locations.report(f"{path}.image", "invalid-image", message, hint)


def check_calls(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A link points to a service or store with a port."""
    targets = {target.name: target for target in (*app.services, *app.stores)}
    for path, workload in app.get_workloads().items():
        for index, name in enumerate(workload.calls):
            key_path = f"{path}.calls.{index}"
            target = targets.get(name)
            if name in workload.calls[:index]:
                yield report_duplicate(name, key_path, locations)
            elif has_undecoded_workload(locations, name, "services", "stores", keys=("port",)):
                continue
            elif target is None:
                message = f"there is no service or store {diagnosis.quote(name)}"
                yield locations.report(key_path, "unknown-workload", message, decode.suggest_name(name, targets))
            elif not target.all_ports and target.port is None and not target.ports:
                kind = "services" if isinstance(target, application.Service) else "stores"
                hint = f"add `port:` to {kind}.{name}, or remove the link"
                yield locations.report(key_path, "missing-port", f"{name} has no port to call", hint)


def has_undecoded_workload(
    locations: diagnosis.SourceLocations, name: str, *kinds: str, keys: tuple[str, ...] = ()
) -> bool:
    """Whether a workload of these kinds, or one of these keys of it, was written but could not be decoded."""
    paths = [f"{kind}.{name}" for kind in kinds]
    return locations.has_undecoded(*kinds, *paths, *(f"{path}.{key}" for path in paths for key in keys))


def check_minimum(number: int, minimum: int, path: str, hint: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A number is not below its minimum. ``hint``: what to write."""
    if number < minimum:
        yield locations.report(path, "invalid-value", f"{number} is below {minimum}", f"{hint}, at least {minimum}")


def report_duplicate(text: str, key_path: str, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostic:
    """The error for a text that a list contains twice."""
    return locations.report(key_path, "duplicate-value", f"{text} is in the list twice", "remove one of the two")


def check_uses(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """A job uses a service that exists."""
    for job in app.jobs:
        yield from check_used_service(app, job.uses, f"jobs.{job.name}.uses", locations)


def check_used_service(
    app: application.Application, name: str | None, key_path: str, locations: diagnosis.SourceLocations
) -> Diagnostics:
    """The service that ``uses`` names exists."""
    services = [service.name for service in app.services]
    if name is not None and name not in services and not has_undecoded_workload(locations, name, "services"):
        message = f"there is no service {diagnosis.quote(name)}"
        yield locations.report(key_path, "unknown-service", message, decode.suggest_name(name, services))


def check_variables(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Each environment variable has a valid name and one source.

    ``env`` may replace a variable of a link: that is how a link gets another address. A secret may not.
    """
    targets = {target.name: target for target in (*app.services, *app.stores)}
    for path, workload in app.get_workloads().items():
        linked: dict[str, str] = {}
        for index, target in enumerate(dict.fromkeys(workload.calls if workload.link_variables else ())):
            for name in links.get_target_variables(targets[target]) if target in targets else ():
                if linked.setdefault(name, target) != target and name not in workload.env:
                    message = f"the link to {linked[name]} sets {name} too"
                    hint = "rename the port that the variable is named after, or set the variable in env"
                    yield locations.report(f"{path}.calls.{index}", "duplicate-variable", message, hint)
        for container_path, container_spec in workload.get_containers(path).items():
            yield from _check_container_variables(container_path, container_spec, linked, locations)


def _check_container_variables(
    path: str,
    container_spec: application.ContainerSpec,
    linked: Mapping[str, str],
    locations: diagnosis.SourceLocations,
) -> Diagnostics:
    env = container_spec.env
    names = {**dict.fromkeys(env, "env"), **{secret.name: "secrets" for secret in container_spec.secrets}}
    for name, key in names.items():
        key_path = f"{path}.{key}.{name}"
        if not _VARIABLE_NAME.fullmatch(name):
            message = f"{diagnosis.quote(name)} is not a valid name of an environment variable"
            hint = "use letters, digits, _, - and .; do not begin with a digit"
            yield locations.report(key_path, "invalid-name", message, hint)
        elif key == "secrets" and name in env:
            yield locations.report(key_path, "duplicate-variable", f"{name} is in env too", "keep one of the two")
        elif key == "secrets" and name in linked:
            message = f"the link to {linked[name]} sets {name} too"
            yield locations.report(key_path, "duplicate-variable", message, "rename the secret")
    for name, text in env.items():
        if "\0" in text:
            message = "the text contains a NUL character"
            yield locations.report(f"{path}.env.{name}", "invalid-value", message, "remove it, or use a file")


def check_resources(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """CPU and memory are valid quantities, with units that cannot be mistaken."""
    for path, container_spec in app.get_containers().items():
        yield from check_cpu(container_spec.resources.cpu, f"{path}.resources.cpu", locations)
        yield from check_size(container_spec.resources.memory, f"{path}.resources.memory", "128Mi", locations)


def check_cpu(amount: str, path: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """An amount of CPU is above zero, and a multiple of a thousandth of a core."""
    if not _CPU.fullmatch(amount) or not quantity.parse(amount):
        message = f"{diagnosis.quote(amount)} is not a valid amount of CPU"
        yield locations.report(path, "invalid-quantity", message, "write cores, as 0.5, or thousandths, as 500m")


def check_size(amount: str, path: str, example: str, locations: diagnosis.SourceLocations) -> Diagnostics:
    """An amount of bytes has a unit: `128` would be 128 bytes, and `128m` an eighth of a byte."""
    if not _BYTES.fullmatch(amount):
        message = f"{diagnosis.quote(amount)} is not a valid amount of bytes with a unit"
        yield locations.report(path, "invalid-quantity", message, f"write it as {example} (Ki, Mi, Gi or Ti)")


def check_users(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """No container runs as root, unless the image does. An id is at most 2^31 - 1."""
    for path, workload in app.get_workloads().items():
        for container_path, container_spec in workload.get_containers(path).items():
            yield from _check_user(container_spec, workload, f"{container_path}.user", locations)


def _check_user(
    container_spec: application.ContainerSpec,
    workload: application.AnyWorkload,
    key_path: str,
    locations: diagnosis.SourceLocations,
) -> Diagnostics:
    user = container_spec.user
    if user is None and workload.user is not None:
        hint = "write its numeric id, or set the user of the pod to null too"
        yield locations.report(key_path, "conflicting-keys", "is null, but the pod has a user", hint)
    elif user is None:
        if workload.security == "restricted" and not locations.undecoded:
            message = "is null: the user of the image may be root, and security is restricted"
            hint = "write the numeric id of that user, or `security: baseline`"
            yield locations.report(key_path, "root-user", message, hint)
    elif user == 0:
        hint = "write the numeric id of the user of the image, or remove the key for 10001"
        yield locations.report(key_path, "root-user", "0 is root", hint)
    elif not 0 < user < 2**31:
        message = f"{user} is not a valid user id (1-2147483647)"
        yield locations.report(key_path, "invalid-user", message, "write the numeric id of the user of the image")
