"""What makes sense of a decoded application: pure rules, each a function from the application to problems.

They run before inheritance is resolved, on what was written. mounts.py has the rules about paths and files,
environment.py those that also need the stack.
"""

import re
from collections.abc import Iterator, Mapping

from seaway.kubernetes.api import quantity
from seaway.model import application, links, rollout_order
from seaway.syntax import decode, diagnosis

LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label that begins with a letter (RFC 1035), as the name of a Kubernetes Service must be."""

LONGEST = 63
"""Characters of a DNS label."""

MAX_STORE_NAME = 52
"""A StatefulSet's pods carry its name and a hash of 11 characters in one label of at most 63."""

_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_IMAGE = re.compile(
    r"([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
_CPU = re.compile(r"[1-9][0-9]*m|[0-9]{1,5}(\.[0-9]{1,3})?")
BYTES = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)")

Found = Iterator[diagnosis.Problem]
Workload = application.Service | application.Store | application.Job


def check(app: application.Application, places: diagnosis.Places) -> list[diagnosis.Problem]:
    """Everything that is wrong with the application, whatever the environment."""
    rules = (
        names,
        sources,
        calls,
        uses,
        afters,
        timeouts,
        variables,
        resources,
        users,
    )
    return [problem for rule in rules for problem in rule(app, places)]


def workloads(app: application.Application) -> dict[str, Workload]:
    """Every service, store and job by its path (`services.web`)."""
    return {
        **{f"services.{one.name}": one for one in app.services},
        **{f"stores.{one.name}": one for one in app.stores},
        **{f"jobs.{one.name}": one for one in app.jobs},
    }


def containers(path: str, one: Workload) -> dict[str, application.Process]:
    """The containers of one of them by path, its own first: `services.web`, `services.web.sidecars.proxy`."""
    found: dict[str, application.Process] = {path: one}
    found |= {f"{path}.sidecars.{beside.name}": beside for beside in one.sidecars}
    return found | {f"{path}.init.{before.name}": before for before in one.init}


def processes(app: application.Application) -> dict[str, application.Process]:
    """The containers of all of them, by path."""
    return {at: each for path, one in workloads(app).items() for at, each in containers(path, one).items()}


def names(app: application.Application, places: diagnosis.Places) -> Found:
    """A name becomes a DNS name, and one name means one thing."""
    if "name" not in places.broken:
        yield from name(app.name, "name", LONGEST, places)
    kinds = [(kind, one) for kind in ("services", "stores", "jobs") for one in getattr(app, kind)]
    seen: dict[str, str] = {}
    for kind, one in kinds:
        path = f"{kind}.{one.name}"
        yield from name(one.name, path, MAX_STORE_NAME if kind == "stores" else LONGEST, places)
        if one.name in seen:
            wrong = f"the name {one.name} is also that of {seen[one.name]}"
            yield diagnosis.Problem(places.of(path), path, wrong, "rename one of the two")
        seen.setdefault(one.name, path)


def name(name: str, path: str, longest: int, places: diagnosis.Places) -> Found:
    """A name is a DNS name, and not too long."""
    if len(name) > longest:
        wrong = f"the name {name} has {len(name)} characters"
        yield diagnosis.Problem(places.of(path), path, wrong, f"shorten it to {longest} at most")
    elif not LABEL.fullmatch(name):
        wrong = f"{diagnosis.quoted(name)} is no DNS name"
        remedy = "use a-z, 0-9 and -; begin with a letter and end with a letter or digit"
        yield diagnosis.Problem(places.of(path), path, wrong, remedy)


def sources(app: application.Application, places: diagnosis.Places) -> Found:
    """A container has exactly one image: built, named, or that of the service that a job uses."""
    for path, one in workloads(app).items():
        ways = {"build": one.build, "image": one.image, "uses": getattr(one, "uses", None)}
        said = [key for key, value in ways.items() if value is not None]
        also = " or `uses: <service>`" if isinstance(one, application.Job) else ""
        if not said and not places.lost(*(f"{path}.{key}" for key in ways)):
            remedy = f"add `build: <folder>` or `image: <reference>`{also}"
            yield diagnosis.Problem(places.of(path), path, "has no image", remedy)
        elif len(said) > 1:
            at = f"{path}.{said[1]}"
            yield diagnosis.Problem(places.of(at), at, f"{' and '.join(said)} both name an image", "keep one of them")
    for path, one in processes(app).items():
        if one.image is not None and not _IMAGE.fullmatch(one.image):
            at = f"{path}.image"
            wrong = f"{diagnosis.quoted(one.image)} is no image reference"
            yield diagnosis.Problem(places.of(at), at, wrong, "write [registry/]name[:tag], the name in lower case")


def calls(app: application.Application, places: diagnosis.Places) -> Found:
    """A link points to a service or store with a port."""
    kinds = ("services", "stores")
    targets = {one.name: one.all_ports or one.port is not None or one.ports for one in (*app.services, *app.stores)}
    for path, one in workloads(app).items():
        for number, target in enumerate(one.calls):
            at = f"{path}.calls.{number}"
            if target in one.calls[:number]:
                yield diagnosis.Problem(places.of(at), at, f"{target} is in the list twice", "remove one of the two")
            elif places.lost(*kinds, *(f"{kind}.{target}{end}" for kind in kinds for end in ("", ".port"))):
                continue
            elif target in targets and not targets[target]:
                wrong = f"{target} has no port to call"
                kind = "services" if target in {other.name for other in app.services} else "stores"
                yield diagnosis.Problem(places.of(at), at, wrong, f"add `port:` to {kind}.{target}, or remove the link")
            elif target not in targets:
                wrong = f"there is no service or store {diagnosis.quoted(target)}"
                yield diagnosis.Problem(places.of(at), at, wrong, decode.nearest(target, targets))


def uses(app: application.Application, places: diagnosis.Places) -> Found:
    """A job takes after a service that exists."""
    services = [service.name for service in app.services]
    for job in app.jobs:
        if job.uses is not None and job.uses not in services and not places.lost("services", f"services.{job.uses}"):
            at = f"jobs.{job.name}.uses"
            wrong = f"there is no service {diagnosis.quoted(job.uses)}"
            yield diagnosis.Problem(places.of(at), at, wrong, decode.nearest(job.uses, services))


def afters(app: application.Application, places: diagnosis.Places) -> Found:
    """A service waits for other services, and no two for each other.

    `calls` says nothing about an order: two services may call each other, and a client tries again.
    """
    services = {service.name: service.after for service in app.services}
    first = {one.name: "store" for one in app.stores} | {one.name: "job" for one in app.jobs}
    for service in app.services:
        for number, target in enumerate(service.after):
            at = f"services.{service.name}.after.{number}"
            place = places.of(at)
            if target in service.after[:number]:
                yield diagnosis.Problem(place, at, f"{target} is in the list twice", "remove one of the two")
            elif target == service.name:
                yield diagnosis.Problem(place, at, f"{target} cannot wait for itself", "remove it")
            elif target in first:
                wrong = f"{target} is a {first[target]}, and those always come before any service"
                yield diagnosis.Problem(place, at, wrong, "remove it")
            elif target not in services and not places.lost(
                *(f"{kind}{end}" for kind in ("services", "stores", "jobs") for end in ("", f".{target}"))
            ):
                wrong = f"there is no service {diagnosis.quoted(target)}"
                yield diagnosis.Problem(
                    place, at, wrong, decode.nearest(target, [name for name in services if name != service.name])
                )
    for circle in rollout_order.circles(app.services):
        at = f"services.{circle[0]}.after.{services[circle[0]].index(circle[1])}"
        wrong = f"{' -> '.join(circle)} wait for each other, and none would ever start"
        yield diagnosis.Problem(places.of(at), at, wrong, "remove one of these; `calls` needs no order")


def timeouts(app: application.Application, places: diagnosis.Places) -> Found:
    """A job has time to run."""
    for job in app.jobs:
        if job.timeout < 1:
            at = f"jobs.{job.name}.timeout"
            wrong = f"{job.timeout} is no time to run"
            yield diagnosis.Problem(places.of(at), at, wrong, "write the seconds that the job may take, 1 at least")


def variables(app: application.Application, places: diagnosis.Places) -> Found:
    """Each environment variable has a name that a container may have, and comes from one place.

    ``env`` may say a link's variable differently: that is how a link gets another address. A secret may not.
    """
    targets = {one.name: one for one in (*app.services, *app.stores)}
    for path, workload in workloads(app).items():
        linked: dict[str, str] = {}
        for number, target in enumerate(dict.fromkeys(workload.calls if workload.link_variables else ())):
            for name in links.of(targets[target]) if target in targets else ():
                if linked.setdefault(name, target) != target and name not in workload.env:
                    at = f"{path}.calls.{number}"
                    wrong = f"{name} is what the link to {linked[name]} gives too"
                    yield diagnosis.Problem(places.of(at), at, wrong, "rename the port that gives it, or set it in env")
        for at, one in containers(path, workload).items():
            yield from _variables(at, one, linked, places)


def _variables(path: str, one: application.Process, linked: Mapping[str, str], places: diagnosis.Places) -> Found:
    listed = {**dict.fromkeys(one.env, "env"), **{secret.name: "secrets" for secret in one.secrets}}
    for name, key in listed.items():
        at = f"{path}.{key}.{name}"
        if not _VARIABLE.fullmatch(name):
            wrong = f"{diagnosis.quoted(name)} is no name of an environment variable"
            remedy = "use letters, digits, _, - and ., and no digit first"
            yield diagnosis.Problem(places.of(at), at, wrong, remedy)
        elif key == "secrets" and name in one.env:
            yield diagnosis.Problem(
                places.of(at), at, f"{name} is in env too", "keep the one in secrets or the one in env"
            )
        elif key == "secrets" and name in linked:
            wrong = f"{name} is what the link to {linked[name]} gives"
            yield diagnosis.Problem(places.of(at), at, wrong, "rename the secret")
    for name, value in one.env.items():
        if "\0" in value:
            at = f"{path}.env.{name}"
            yield diagnosis.Problem(places.of(at), at, "the value has a NUL character", "remove it, or use a file")


def resources(app: application.Application, places: diagnosis.Places) -> Found:
    """Quantities as Kubernetes reads them, with the units that people mean."""
    for path, one in processes(app).items():
        yield from cpu(one.resources.cpu, f"{path}.resources.cpu", places)
        yield from size(one.resources.memory, f"{path}.resources.memory", "128Mi", places)


def cpu(value: str, path: str, places: diagnosis.Places) -> Found:
    """An amount of CPU: more than none, and no finer than a thousandth of a core."""
    if not _CPU.fullmatch(value) or not quantity.parse(value):
        wrong = f"{diagnosis.quoted(value)} is no amount of CPU"
        yield diagnosis.Problem(places.of(path), path, wrong, "write cores, as 0.5, or thousandths of one, as 500m")


def size(value: str, path: str, example: str, places: diagnosis.Places) -> Found:
    """An amount of bytes, with its unit: `128` would be 128 bytes, and `128m` an eighth of one."""
    if not BYTES.fullmatch(value):
        wrong = f"{diagnosis.quoted(value)} is no amount of bytes with a unit"
        yield diagnosis.Problem(places.of(path), path, wrong, f"write it as {example} (Ki, Mi, Gi or Ti)")


def users(app: application.Application, places: diagnosis.Places) -> Found:
    """Nobody is root, unless the image says so. An id is at most 2^31 - 1."""
    for path, owner in workloads(app).items():
        for inner, one in containers(path, owner).items():
            yield from _user(one, owner, f"{inner}.user", places)


def _user(one: application.Process, owner: Workload, at: str, places: diagnosis.Places) -> Found:
    if one.user is None and owner.user is not None:
        wrong = "is null, and the pod has a user"
        yield diagnosis.Problem(places.of(at), at, wrong, "write its numeric id, or let the pod's be null too")
    elif one.user is None:
        if owner.security == "restricted" and not places.broken:
            wrong = "is null: the image's own user may be root, and security is restricted"
            remedy = "write the numeric id of that user, or `security: baseline`"
            yield diagnosis.Problem(places.of(at), at, wrong, remedy)
    elif one.user == 0:
        remedy = "write the numeric id of the image's own user, or leave it out for 10001"
        yield diagnosis.Problem(places.of(at), at, "0 is root", remedy)
    elif not 0 < one.user < 2**31:
        wrong = f"{one.user} is no user id (1 to 2147483647)"
        yield diagnosis.Problem(places.of(at), at, wrong, "write the numeric id of the image's own user")
