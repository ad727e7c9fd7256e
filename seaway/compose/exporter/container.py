"""One container as a service of a compose document: what runs, with what, and what it may do."""

import dataclasses
import itertools
import posixpath
import re
from collections.abc import Container, Mapping
from fractions import Fraction
from typing import Any

from seaway.compose.exporter import losses
from seaway.compose.importer import resources
from seaway.kubernetes.api import quantity
from seaway.model import application, image_reference, links
from seaway.model.validate import secrets as secrets_
from seaway.model.validate import structure

TMP = "/tmp"  # noqa: S108 - a path in the container
ROOT = "/"
ARCHITECTURE = "kubernetes.io/arch"

FOLDER = "./secrets"
"""Where the values are, one a file; relative to the compose file."""

_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")
"""https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/"""


class Said(str):
    """A text in which `$` means what it means to compose already."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What is known of the image of a service, store or job."""

    reference: str | None = None
    """It, of a release; None: as the application says."""
    args: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Build arguments of the environment, which put its base images in place."""
    base: str = ""
    """The image that it is built on."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """A document while it is written. ``folder``: of the application's file, relative to the document's."""

    app: application.Application
    told: losses.Told
    folder: str
    images: Mapping[str, Image]
    substitutes: Mapping[str, str]
    services: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    volumes: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    configs: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    secrets: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    names: set[str] = dataclasses.field(default_factory=set[str])
    """Of services that are there or will be."""
    disks: dict[tuple[str, str | None], str] = dataclasses.field(default_factory=dict[tuple[str, str | None], str])
    """The volumes of stores, by store and name; None: the first."""
    companions: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    """By the name of what runs beside or before a service, that service."""

    def name(self, wanted: str) -> str:
        """A name for another service."""
        found = free(wanted, self.names)
        self.names.add(found)
        return found

    def relative(self, path: str) -> str:
        """A path of the application's file as the document has it."""
        plain = posixpath.normpath(posixpath.join(self.folder, path))
        return plain if plain.startswith((".", "/")) else f"./{plain}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One container: its path in the application, and the name of its service in the document."""

    owner: structure.Workload
    one: application.Process
    path: str
    name: str


def container(out: Out, part: Part) -> tuple[dict[str, Any], str]:
    """The service, and the image that it runs or is built on, as the application calls it."""
    image, base = _image(out, part)
    one, owner = part.one, part.owner
    environment, known = _environment(out, part)
    made = image | {
        "entrypoint": [expanded(word, known) for word in one.command] or None,
        "command": [expanded(word, known) for word in one.args] or None,
        "working_dir": one.working_dir,
        "environment": environment or None,
        "secrets": _secrets(out, part) or None,
    }
    configs, written = _files(out, part)
    made |= {"configs": configs or None, "deploy": _resources(out, part)}
    made["user"] = None if one.user is None else f"{one.user}:{one.user}"
    made["read_only"] = True if ROOT not in one.writable and not written else None
    if owner.security == "restricted":
        made |= {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
    return made, base


def _image(out: Out, part: Part) -> tuple[dict[str, Any], str]:
    one, of = part.one, part.owner
    if isinstance(one, application.Companion):
        if one.image is not None:
            return {"image": image_reference.substitute(one.image, out.substitutes) or one.image}, one.image
        of = next((each for each in out.app.services if each.name == one.uses), of)
    uses = of.uses if isinstance(of, application.Job) else None
    known = out.images.get(uses or of.name, Image())
    if known.reference is not None:
        return {"image": known.reference}, of.image or known.base
    if of.build is None:
        said = of.image or ""
        return {"image": image_reference.substitute(said, out.substitutes) or said}, said
    body: dict[str, Any] = {"context": out.relative(of.build.context)}
    if of.build.dockerfile != application.Build(context="").dockerfile:
        body["dockerfile"] = of.build.dockerfile
    if of.build.target:
        body["target"] = of.build.target
    if args := {**of.build.args, **known.args}:
        body["args"] = args
    body |= _build(out, of.build, f"{part.path}.build")
    return {"build": body if len(body) > 1 else body["context"]}, known.base


def _build(out: Out, said: application.Build, path: str) -> dict[str, Any]:
    """What few builds say."""
    contexts = {name: there if "://" in there else out.relative(there) for name, there in said.contexts.items()}
    listed = [{"source": source, "target": target} for target, source in said.secrets.items()]
    for target, source in said.secrets.items():
        _secret(out, f"{path}.secrets.{target}", application.Secret(source), None)
    made: dict[str, Any] = {"dockerfile_inline": said.inline, "additional_contexts": contexts, "secrets": listed}
    made |= {"ssh": list(said.ssh), "cache_from": list(said.cache_from), "cache_to": list(said.cache_to)}
    return {key: value for key, value in made.items() if value}


def expanded(text: str, known: Mapping[str, str]) -> Said:
    """A value or word as Kubernetes would give it to the program: ``$(NAME)`` is a variable's, ``$$`` a dollar."""
    made, end = "", 0
    for found in _REFERENCE.finditer(text):
        made += text[end : found.start()].replace("$", "$$")
        whole = found[0].replace("$", "$$") if found[1] else "$$"
        made += known.get(found[1], whole) if found[1] else whole
        end = found.end()
    return Said(made + text[end:].replace("$", "$$"))


def _environment(out: Out, part: Part) -> tuple[dict[str, Any], dict[str, str]]:
    """The variables, and those that a text may name; in the order in which Kubernetes knows them."""
    made: dict[str, Any] = {}
    known: dict[str, str] = {}
    for each in sorted(part.one.secrets, key=lambda one: one.name):
        name = secrets_.variable(each)
        made[name] = None if each.env else secrets_.path(each)
        known[name] = f"${{{name}:?}}" if each.env else secrets_.path(each)
    texts = dict(links.variables(out.app, part.owner)) if part.owner.link_variables else {}
    texts |= part.one.env
    for name in sorted(texts):
        made[name] = known[name] = expanded(texts[name], known)
    return dict(sorted(made.items())), known


def _secrets(out: Out, part: Part) -> list[str]:
    listed: list[str] = []
    for each in part.one.secrets:
        at = f"{part.path}.secrets.{each.name}"
        if each.env:
            how, remedy = "the variable of a shell, or of the file .env", f"echo '{each.name}=<value>' >> .env"
            out.told.approximated(at, how, remedy, f"services.{part.name}.environment.{each.name}")
            continue
        listed.append(each.name)
        _secret(out, at, each, part.one.user)
    return sorted(listed)


def _secret(out: Out, at: str, each: application.Secret, user: int | None) -> None:
    file = f"{FOLDER}/{each.name}"
    out.secrets[each.name] = {"file": file}
    if each.generate is not None:
        value = f'"$(openssl rand -hex {(each.generate + 1) // 2})"'
    elif each.existing is not None:
        path = f"'jsonpath={{.data.{each.key or each.name}}}'"
        value = f'"$(kubectl get secret {each.existing} -o {path} | base64 -d)"'
    else:
        value = "<value>"
    who = f"user {user}" if user is not None else "the program"
    out.told.approximated(at, f"the file {file}, which {who} must be able to read", f"printf %s {value} > {file}")


def _files(out: Out, part: Part) -> tuple[list[dict[str, str]], bool]:
    """The files, and whether the text of one stands in the document."""
    made: list[dict[str, str]] = []
    written = False
    for file in sorted(part.one.files, key=lambda each: each.path):
        body = {"file": out.relative(file.source)} if file.source is not None else {"content": file.content or ""}
        plain = re.sub(r"[^a-zA-Z0-9._-]+", "-", posixpath.basename(file.path)).strip("-.") or "file"
        name = next((each for each, other in out.configs.items() if other == body), "")
        name = name or free(f"{part.name}-{plain}", out.configs)
        out.configs[name] = body
        made.append({"source": name, "target": file.path})
        if file.source is None:
            written = True
            how = "the file system may be written to: Docker Compose puts a text into no other"
            remedy = "write it as a file beside the application's: {source: ./name}"
            out.told.approximated(f"{part.path}.files.{file.path}", how, remedy, f"services.{part.name}.configs")
    return made, written


def free(name: str, taken: Container[str]) -> str:
    """The name, with a number behind it if something is called so already."""
    numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    return next(each for each in numbered if each not in taken)


def _resources(out: Out, part: Part) -> dict[str, Any]:
    said, path = part.one.resources, f"{part.path}.resources"
    default = application.Resources()
    limits = {"memory": size(said.memory)}
    asked: dict[str, Any] = {}
    if said.cpu_limit is not None:
        limits["cpus"] = _cores(said.cpu_limit)
    if said.cpu != default.cpu:
        asked["cpus"] = _cores(said.cpu)
        out.told.approximated(f"{path}.cpu", "Docker sets no CPU aside", losses.REMEDY)
    if said.disk != default.disk:
        out.told.dropped(f"{path}.disk", "Docker bounds no disk of a container", "watch it with `docker system df`")
    drivers = {name: driver for driver, name in resources.DRIVERS.items()}
    if said.gpu is not None and said.gpu.resource in drivers:
        driver = drivers[said.gpu.resource]
        asked["devices"] = [{"driver": driver, "count": said.gpu.count, "capabilities": ["gpu"]}]
    elif said.gpu is not None:
        out.told.dropped(f"{path}.gpu", f"Docker has no driver for {said.gpu.resource}", "name its device by hand")
    if said.tpu is not None:
        out.told.dropped(f"{path}.tpu", "Docker knows no tensor processors", losses.REMEDY)
    return {"resources": {"limits": limits, **({"reservations": asked} if asked else {})}}


def size(text: str) -> str:
    """``128Mi`` as Docker writes it: ``128m``."""
    return quantity.size(quantity.parse(text)).removesuffix("i").lower() if text else text


def _cores(text: str) -> str:
    return f"{float(Fraction(quantity.parse(text))):.3f}".rstrip("0").rstrip(".")
