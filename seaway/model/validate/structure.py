"""Rules about names, images, links, variables, resources and users.

The rules run on what was written, before ``defaults.resolve``. ``mounts`` has the rules about paths and files,
``environment`` those that also need the stack.
"""

import re
from collections.abc import Mapping

from seaway.kubernetes.api import quantity
from seaway.model import application, external, links, ports
from seaway.model.validate import parts
from seaway.syntax import decode, diagnosis

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label that begins with a letter (RFC 1035), as the name of a Kubernetes Service must be."""

MAX_LABEL_LENGTH = 63
"""Characters of a DNS label."""

MAX_TEXT_BYTES = 128 * 1024 - 1
"""Of a variable with its name, or of an argument: MAX_ARG_STRLEN without the NUL at the end (execve(2))."""

MAX_STORE_NAME_LENGTH = 52
"""The pods of a StatefulSet carry its name and a hash of 11 characters in one label of at most 63."""

_VARIABLE_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_IMAGE_REFERENCE = re.compile(
    r"([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
_CPU = re.compile(r"[1-9][0-9]*m|[0-9]{1,5}(\.[0-9]{1,3})?")
_BYTES = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)")


def check(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """The errors in what all kinds of workloads have in common."""
    yield from _check_names(app, locations)
    for workload, part in parts.list_workloads(app, locations):
        yield from _check_image_source(workload, part)
        if isinstance(workload, application.Job):
            yield from check_used_service(app, workload.uses, part.at("uses"))
        for path, container_spec in workload.get_containers(part.path).items():
            yield from _check_user(container_spec, workload, locations.at(path))
    for container_spec, part in parts.list_containers(app, locations):
        if container_spec.image is not None and not _IMAGE_REFERENCE.fullmatch(container_spec.image):
            message = f"{diagnosis.quote(container_spec.image)} is not a valid image reference"
            hint = "write [registry/]name[:tag], the name in lower case"
            yield part.at("image").report("invalid-image", message, hint)
        yield from check_cpu(container_spec.resources.cpu, part.at("resources", "cpu"))
        yield from check_size(container_spec.resources.memory, part.at("resources", "memory"), "128Mi")
        yield from _check_memory_limit(container_spec.resources, part.at("resources"))
    resolved = external.resolve_stores(app)
    yield from _check_calls(resolved, locations)
    yield from _check_variables(resolved, locations)


def _check_memory_limit(resources: application.Resources, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """A limit is not below the request: the API server would refuse the pod."""
    limit, limit_part = resources.memory_limit, part.at("memoryLimit")
    if limit is None:
        return
    yield from check_size(limit, limit_part, "256Mi")
    is_valid = _BYTES.fullmatch(limit) and _BYTES.fullmatch(resources.memory)
    if is_valid and quantity.parse(limit) < quantity.parse(resources.memory):
        message = f"{limit} is below the request, {resources.memory}"
        yield limit_part.report("conflicting-keys", message, "raise it, or lower `memory`")


def _check_names(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """Names are DNS labels, and unique in the application."""
    if "name" not in locations.undecoded:
        yield from check_name(app.name, locations.at("name"), MAX_LABEL_LENGTH)
    paths: dict[str, str] = {}
    names = {name for workload in (*app.services, *app.stores) for name in (workload.name, *workload.aliases)}
    for workload, part in parts.list_workloads(app, locations):
        max_length = MAX_STORE_NAME_LENGTH if isinstance(workload, application.Store) else MAX_LABEL_LENGTH
        yield from check_name(workload.name, part, max_length)
        if workload.name in paths:
            message = f"the name {workload.name} is also the name of {paths[workload.name]}"
            yield part.report("duplicate-name", message, "rename one of the two")
        paths.setdefault(workload.name, part.path)
        if isinstance(workload, application.Store):
            yield from _check_published_name(workload, names, part)
    for workload, part in parts.list_workloads(app, locations):
        if isinstance(workload, application.ServiceOrStore):
            yield from _check_aliases(workload, paths, part)


def _check_aliases(
    workload: application.ServiceOrStore, paths: dict[str, str], part: diagnosis.Part
) -> diagnosis.Diagnostics:
    """Each alias is the name of a Service. ``paths``: the names in use; those of the workload are added."""
    for index, alias in enumerate(workload.aliases):
        alias_part = part.at("aliases", index)
        yield from check_name(alias, alias_part, MAX_LABEL_LENGTH)
        if alias in paths:
            message = f"the name {alias} is also the name of {paths[alias]}"
            yield alias_part.report("duplicate-name", message, "remove one of the two")
        paths.setdefault(alias, alias_part.path)
    has_service = isinstance(workload, application.Store) or workload.all_ports or workload.port or workload.ports
    if workload.aliases and not has_service and not part.has_undecoded("port", "ports"):
        yield part.at("aliases").report("missing-port", "has no effect without a port", "add `port:`, or remove it")


def _check_published_name(store: application.Store, names: set[str], part: diagnosis.Part) -> diagnosis.Diagnostics:
    """A published store has a second Service, whose name must be free."""
    name = f"{store.name}{ports.PUBLISHED_SUFFIX}"
    if name in names and (store.publish or any(port.publish for port in store.ports)):
        message = f"the published store needs the name {name}, which is another name in the application"
        yield part.at("publish").report("duplicate-name", message, f"rename {name}")


def check_name(name: str, part: diagnosis.Part, max_length: int) -> diagnosis.Diagnostics:
    """A name is a DNS label, and not too long."""
    if len(name) > max_length:
        message = f"the name {name} has {len(name)} characters"
        yield part.report("name-too-long", message, f"use at most {max_length} characters")
    elif not DNS_LABEL.fullmatch(name):
        hint = "use a-z, 0-9 and -; begin with a letter, end with a letter or a digit"
        yield part.report("invalid-name", f"{diagnosis.quote(name)} is not a valid DNS label", hint)


def _check_image_source(workload: application.AnyWorkload, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """A workload has exactly one image: built, named, or that of the service that a job uses."""
    if external.find_address(workload):
        return
    is_job = isinstance(workload, application.Job)
    sources = {"build": workload.build, "image": workload.image, "uses": workload.uses if is_job else None}
    declared = [key for key, source in sources.items() if source is not None]
    if not declared and not part.has_undecoded(*sources, "external"):
        hint = f"add `build: <folder>` or `image: <reference>`{' or `uses: <service>`' if is_job else ''}"
        yield part.report("missing-image", "has no image", hint)
    elif len(declared) > 1:
        message = f"{' and '.join(declared)} both set the image"
        yield part.at(declared[1]).report("conflicting-keys", message, "keep one of them")


def _check_calls(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """A link points to a service or store with a port."""
    targets = {target.name: target for target in (*app.services, *app.stores)}
    for workload, workload_part in parts.list_workloads(app, locations):
        for index, name in enumerate(workload.calls):
            part, target = workload_part.at("calls", index), targets.get(name)
            if name in workload.calls[:index]:
                yield report_duplicate(name, part)
            elif parts.has_undecoded_workload(locations, name, "services", "stores", keys=("port",)):
                continue
            elif target is None:
                message = f"there is no service or store {diagnosis.quote(name)}"
                yield part.report("unknown-workload", message, decode.suggest_name(name, targets))
            elif not target.all_ports and target.port is None and not target.ports:
                kind = "services" if isinstance(target, application.Service) else "stores"
                hint = f"add `port:` to {kind}.{name}, or remove the link"
                yield part.report("missing-port", f"{name} has no port to call", hint)


def check_minimum(number: int, minimum: int, part: diagnosis.Part, hint: str) -> diagnosis.Diagnostics:
    """A number is not below its minimum. ``hint``: what to write."""
    if number < minimum:
        yield part.report("invalid-value", f"{number} is below {minimum}", f"{hint}, at least {minimum}")


def report_duplicate(text: str, part: diagnosis.Part) -> diagnosis.Diagnostic:
    """The error for a text that a list contains twice."""
    return part.report("duplicate-value", f"{text} is in the list twice", "remove one of the two")


def check_used_service(app: application.Application, name: str | None, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The service that ``uses`` names exists."""
    services = [service.name for service in app.services]
    if name is None or name in services:
        return
    if not parts.has_undecoded_workload(part.locations, name, "services"):
        message = f"there is no service {diagnosis.quote(name)}"
        yield part.report("unknown-service", message, decode.suggest_name(name, services))


def _check_variables(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """Each environment variable has a valid name and one source.

    ``env`` may replace a variable of a link: that is how a link gets another address. A secret may not.
    """
    targets = {target.name: target for target in (*app.services, *app.stores)}
    for workload, part in parts.list_workloads(app, locations):
        linked: dict[str, str] = {}
        for index, target in enumerate(dict.fromkeys(workload.calls if workload.link_variables else ())):
            for name in links.get_target_variables(targets[target]) if target in targets else ():
                if linked.setdefault(name, target) != target and name not in workload.env:
                    message = f"the link to {linked[name]} sets {name} too"
                    hint = "rename the port that the variable is named after, or set the variable in env"
                    yield part.at("calls", index).report("duplicate-variable", message, hint)
        for path, container_spec in workload.get_containers(part.path).items():
            yield from _check_container_variables(container_spec, linked, locations.at(path))


def _check_container_variables(
    container_spec: application.ContainerSpec, linked: Mapping[str, str], part: diagnosis.Part
) -> diagnosis.Diagnostics:
    env = container_spec.env
    names = {**dict.fromkeys(env, "env"), **{secret.name: "secrets" for secret in container_spec.secrets}}
    for name, key in names.items():
        name_part = part.at(key, name)
        if not _VARIABLE_NAME.fullmatch(name):
            message = f"{diagnosis.quote(name)} is not a valid name of an environment variable"
            hint = "use letters, digits, _, - and .; do not begin with a digit"
            yield name_part.report("invalid-name", message, hint)
        elif key == "secrets" and name in env:
            yield name_part.report("duplicate-variable", f"{name} is in env too", "keep one of the two")
        elif key == "secrets" and name in linked:
            message = f"the link to {linked[name]} sets {name} too"
            yield name_part.report("duplicate-variable", message, "rename the secret")
    texts = [(part.at("env", name), f"{name}={text}") for name, text in env.items()]
    for key, words in (("command", container_spec.command), ("args", container_spec.args)):
        texts += [(part.at(key, number), word) for number, word in enumerate(words)]
    for text_part, text in texts:
        if "\0" in text:
            message = "the text contains a NUL character"
            yield text_part.report("invalid-value", message, "remove it, or use a file")
        elif (size := len(text.encode())) > MAX_TEXT_BYTES:
            message = f"has {size} bytes, and Linux starts no program with more than {MAX_TEXT_BYTES} in one text"
            yield text_part.report("too-long", message, "use a file")


def check_cpu(amount: str, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """An amount of CPU is above zero, and a multiple of a thousandth of a core."""
    if not _CPU.fullmatch(amount) or not quantity.parse(amount):
        message = f"{diagnosis.quote(amount)} is not a valid amount of CPU"
        yield part.report("invalid-quantity", message, "write cores, as 0.5, or thousandths, as 500m")


def check_size(amount: str, part: diagnosis.Part, example: str) -> diagnosis.Diagnostics:
    """An amount of bytes has a unit: `128` would be 128 bytes, and `128m` an eighth of a byte."""
    if not _BYTES.fullmatch(amount):
        message = f"{diagnosis.quote(amount)} is not a valid amount of bytes with a unit"
        yield part.report("invalid-quantity", message, f"write it as {example} (Ki, Mi, Gi or Ti)")


def _check_user(
    container_spec: application.ContainerSpec, workload: application.AnyWorkload, container_part: diagnosis.Part
) -> diagnosis.Diagnostics:
    """No container runs as root, unless the image does. An id is at most 2^31 - 1."""
    user, part = container_spec.user, container_part.at("user")
    if user is None and workload.user is not None:
        hint = "write its numeric id, or set the user of the pod to null too"
        yield part.report("conflicting-keys", "is null, but the pod has a user", hint)
    elif user is None:
        if workload.security == "restricted" and not part.locations.undecoded:
            message = "is null: the user of the image may be root, and security is restricted"
            hint = "write the numeric id of that user, or `security: baseline`"
            yield part.report("root-user", message, hint)
    elif user == 0:
        hint = "write the numeric id of the user of the image, or remove the key for 10001"
        yield part.report("root-user", "0 is root", hint)
    elif not 0 < user < 2**31:
        message = f"{user} is not a valid user id (1-2147483647)"
        yield part.report("invalid-user", message, "write the numeric id of the user of the image")
