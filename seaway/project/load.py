"""From a file, in YAML or in Python, to an application that is whole and has passed every rule."""

import dataclasses
import datetime
from collections.abc import Collection, Sequence
from pathlib import Path

from seaway.files import roots
from seaway.model import application, settings
from seaway.model.defaults import image_profiles
from seaway.model.validate import (
    check_severity,
    egress,
    environment,
    extra_containers,
    ingress_hosts,
    jobs,
    mounts,
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
from seaway.project import env_files, images_lock, python_program, stack_file
from seaway.syntax import decode, diagnosis, nodes

_KINDS = ("services", "stores", "jobs")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One environment of one application, checked."""

    app: application.Application
    """Resolved: what is deployed."""
    stated: application.Application
    """With the overlay, not resolved."""
    base: application.Application
    """Without the overlay, not resolved: what every environment has."""
    settings: settings.Settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The application of a release, for an environment that builds nothing."""

    node: nodes.Node
    back: bool
    """Whether the jobs of a release are left out: it is an older one than the one before."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    app: application.Application | None
    places: diagnosis.Places
    found: Sequence[diagnosis.Problem]


def load(
    path: Path,
    *,
    root: roots.Root | None = None,
    overlay: nodes.Node | None = None,
    profiles: Collection[str] = (),
    builds: bool = True,
) -> application.Application:
    """The application of a file, with the overlay merged on, file contents read, inheritance resolved.

    Paths in it are relative to its folder, and may name what is in ``root`` (without one: ``find_working_root``).
    ``profiles``: those of a compose file; ``builds``: whether an image that has a name there is built all the same.
    Raises problems.Invalid with everything that is wrong.
    """
    root = root or roots.find_working_root()
    node = parsed(path, str(path), root, profiles, builds=builds)
    read = _merged(node, overlay, mounts.Tree(folder=path.parent, root=root))
    return _done(read.app, read.found)


def parsed(
    path: Path, shown: str, root: roots.Root, profiles: Collection[str] = (), *, builds: bool = True
) -> nodes.Node:
    """What the application's file says: YAML, a compose file, or a program in Python, which is run.

    ``shown``: what messages call it; ``profiles``, ``builds``: see ``load``. Raises problems.Invalid: there is no such
    file, it is no YAML, it has what is refused, or the program fails.
    """
    if compose(path):
        from seaway.compose import project as named  # noqa: PLC0415 - who writes app.yaml need not wait for it

        return named.application(path, shown, root, profiles, builds=builds)
    hint = "write the application there; docs/reference.yaml shows how"
    text = root.read(path, "the application's file", diagnosis.Place(shown), "", hint=hint)
    return python_program.read(path, shown) if path.suffix == python_program.SUFFIX else nodes.parse(text, shown)


def compose(path: Path) -> bool:
    """Whether a file, or each of several, is called as compose files are."""
    if "compose" not in path.name or path.suffix not in (".yml", ".yaml"):
        return False
    from seaway.compose import project as named  # noqa: PLC0415 - who writes app.yaml need not wait for it

    return named.recognised(path.name)


def project(
    values: nodes.Table,
    *,
    folder: Path,
    stack: str,
    pinned: Pinned | None = None,
    checks: Collection[str] = (),
    today: datetime.date | None = None,
) -> Loaded:
    """The application and the settings of a stack, checked together.

    ``checks`` are the ids that the configuration may name; without ``today`` a waiver may have ended.
    ``values`` is the stack's configuration (see stackfile), ``folder`` the project's. The application is that of the
    file that the settings name, with the digests of ``images.lock`` beside it, or the pinned one. Raises
    problems.Invalid with everything that is wrong in any of them.
    """
    found: list[diagnosis.Problem] = []
    said = None
    try:
        said = stack_file.decode_settings(values, stack)
    except diagnosis.Invalid as error:
        found += error.problems
    name = said.app if said else stack_file.app(values)
    overlay = stack_file.overlay(values)
    tree = None
    pins = images_lock.Lock()  # a release has its digests
    try:
        if pinned is None:
            tree = mounts.Tree(folder=(folder / name).parent, root=stack_file.find_root(values, folder))
            node = parsed(folder / name, name, tree.root, said.profiles if said else ())
            pins = images_lock.read(tree.folder, tree.root, str(Path(name).with_name(images_lock.FILE))) or pins
        else:
            node = pinned.node
    except diagnosis.Invalid as error:
        raise diagnosis.Invalid([*found, *error.problems]) from None
    # Whoever goes back need not take back first what the overlay says of a service that is newer.
    read = _merged(node, overlay, tree, lenient=pinned is not None and pinned.back)
    found += read.found
    if read.app and said:
        found += environment.check(read.app, read.places, said, stack_file.secrets(values), values.place)
        found += ingress_hosts.check(read.app, read.places, said, values)
        found += waivers.check(read.app, read.places, said, values, checks=checks, today=today)
        found += check_severity.check(said, values, checks=checks)
        if said.profiles and pinned is None and not compose(folder / name):
            place, wrong = values.entries["profiles"].place, f"are those of a compose file, and {name} is none"
            found.append(diagnosis.Problem(place, "seaway:profiles", wrong, "remove them"))
    if read.app is None or found or said is None:
        raise diagnosis.Invalid(found)
    base = read.app if overlay is None else _base(node, tree)
    stated = _without_jobs(read.app) if pinned and pinned.back else read.app
    stated, base = images_lock.pinned(stated, pins), images_lock.pinned(base, pins)
    return Loaded(app=resolve(stated), stated=stated, base=base, settings=images_lock.substituted(said, pins))


def _base(node: nodes.Node, tree: mounts.Tree | None) -> application.Application:
    """What is wrong with it only as long as no environment has said its part, is not wrong."""
    decoded = decode.partly(application.Application, node)
    if decoded.value is None:
        raise diagnosis.Invalid(decoded.problems)
    app, unread = mounts.read(decoded.value, decoded.places, tree)
    app, unset = env_files.read(app, decoded.places, tree)
    found = [*decoded.problems, *unread, *unset]
    if found:
        raise diagnosis.Invalid(found)
    return app


def _without_jobs(app: application.Application) -> application.Application:
    return dataclasses.replace(app, jobs=tuple(job for job in app.jobs if not jobs.released(job)))


def resolve(app: application.Application) -> application.Application:
    """The application with everything stated: what known images need, what a job takes from the service that it uses,
    and how each secret is made wherever it is listed.

    A job keeps ``uses``: its image is that of the service. Its own words win, name by name for env, secrets and
    files; user, security and resources are the service's where the job has the defaults.
    """
    app = image_profiles.applied(app)
    services = {service.name: service for service in app.services}
    whole = dataclasses.replace(
        app, jobs=tuple(_inherit(job, services[job.uses]) if job.uses else job for job in app.jobs)
    )
    return secrets.shared(extra_containers.resolved(whole))


def _inherit(job: application.Job, service: application.Service) -> application.Job:
    default = application.Job("default")
    taken = {one.name: one for one in service.secrets if job.env.keys().isdisjoint((one.name, secrets.variable(one)))}
    taken |= {one.name: one for one in job.secrets}
    files = {one.path: one for one in service.files} | {one.path: one for one in job.files}
    own = {name for one in job.secrets for name in (one.name, secrets.variable(one))}
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


def _done(app: application.Application | None, found: Sequence[diagnosis.Problem]) -> application.Application:
    if app is None or found:
        raise diagnosis.Invalid(found)
    return resolve(app)


def _merged(node: nodes.Node, overlay: nodes.Node | None, tree: mounts.Tree | None, *, lenient: bool = False) -> _Read:
    """``lenient``: what the overlay says of what the application does not have is left out, and no problem."""
    found: list[diagnosis.Problem] = []
    if overlay is not None:
        foreign = _foreign(node, overlay)
        found += [] if lenient else foreign
        if isinstance(overlay, nodes.Table):
            node = nodes.merge(node, nodes.without(overlay, {problem.place for problem in foreign}))
    decoded = decode.partly(
        application.Application, node, instead={"name": "", "services": (), "stores": (), "jobs": ()}
    )
    found += decoded.problems
    if decoded.value is None:
        return _Read(app=None, places=decoded.places, found=found)
    return _checked(decoded.value, decoded.places, tree, found)


def _checked(
    app: application.Application, places: diagnosis.Places, tree: mounts.Tree | None, found: list[diagnosis.Problem]
) -> _Read:
    app, unread = mounts.read(app, places, tree)
    app, unset = env_files.read(app, places, tree)
    found = [
        *found,
        *unread,
        *unset,
        *structure.check(app, places),
        *secrets.check(app, places),
        *rbac.check(app, places),
    ]
    found += [*scaling.check(app, places), *scheduling.check(app, places)]
    found += [*ports.check(app, places), *extra_containers.check(app, places), *jobs.check(app, places)]
    found += [*volumes.check(app, places), *egress.check(app, places), *raw.check(app, places)]
    return _Read(app=app, places=places, found=found)


def _foreign(base: nodes.Node, overlay: nodes.Node) -> list[diagnosis.Problem]:
    """An environment changes what the application has. It adds no service, and has no name of its own."""
    if not isinstance(overlay, nodes.Table):
        wrong = f"{nodes.shown(overlay)} is no mapping"
        return [diagnosis.Problem(overlay.place, "seaway:overlay", wrong, "write services, stores or jobs below it")]
    found: list[diagnosis.Problem] = []
    for kind, entry in overlay.entries.items():
        if kind not in _KINDS:
            wrong = "an overlay has no such key"
            found.append(diagnosis.Problem(entry.place, f"seaway:overlay.{kind}", wrong, decode.nearest(kind, _KINDS)))
        elif not isinstance(entry.node, nodes.Table):
            wrong = f"{nodes.shown(entry.node)} is no mapping"
            found.append(
                diagnosis.Problem(
                    entry.place, f"seaway:overlay.{kind}", wrong, "write a name and what differs below it"
                )
            )
        else:
            known = nodes.names(base, kind)
            found += [
                diagnosis.Problem(
                    inner.place,
                    f"seaway:overlay.{kind}.{name}",
                    f"the application has no such {kind[:-1]}",
                    decode.nearest(name, known),
                )
                for name, inner in entry.node.entries.items()
                if name not in known
            ]
    return found
