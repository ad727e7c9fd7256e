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
from seaway.model import secrets as secrets_

TMP_DIR = "/tmp"  # noqa: S108 - a path in the container
ROOT_DIR = "/"
ARCHITECTURE_LABEL = "kubernetes.io/arch"

SECRETS_DIR = "./secrets"
"""Where the values are, one a file; relative to the compose file."""

_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")
"""https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/"""


class EscapedText(str):
    """A text in which `$` means what it means to compose already."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """What is known of the image of a service, store or job."""

    reference: str | None = None
    """It, of a release; None: as the application says."""
    build_args: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Build arguments of the environment, which put its base images in place."""
    base_image: str = ""
    """The image that it is built on."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A document while it is written. ``folder``: of the application's file, relative to the document's."""

    app: application.Application
    report: losses.ExportReport
    folder: str
    image_sources: Mapping[str, ImageSource]
    image_overrides: Mapping[str, str]
    services: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    volumes: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    configs: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    secrets: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    service_names: set[str] = dataclasses.field(default_factory=set[str])
    """Of services that are there or will be."""
    volume_names: dict[tuple[str, str | None], str] = dataclasses.field(
        default_factory=dict[tuple[str, str | None], str]
    )
    """The volumes of stores, by store and name; None: the first."""
    owners: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    """By the name of what runs beside or before a service, that service."""

    def reserve_name(self, preferred: str) -> str:
        """A name for another service."""
        found = find_free_name(preferred, self.service_names)
        self.service_names.add(found)
        return found

    def to_relative(self, path: str) -> str:
        """A path of the application's file as the document has it."""
        plain = posixpath.normpath(posixpath.join(self.folder, path))
        return plain if plain.startswith((".", "/")) else f"./{plain}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExportedContainer:
    """One container: its path in the application, and the name of its service in the document."""

    workload: application.AnyWorkload
    container_spec: application.ContainerSpec
    path: str
    name: str


def export_container(export: Export, container: ExportedContainer) -> tuple[dict[str, Any], str]:
    """The service, and the image that it runs or is built on, as the application calls it."""
    image, base = _export_image(export, container)
    one, owner = container.container_spec, container.workload
    environment, known = _export_environment(export, container)
    made = image | {
        "entrypoint": [expand_references(word, known) for word in one.command] or None,
        "command": [expand_references(word, known) for word in one.args] or None,
        "working_dir": one.working_dir,
        "environment": environment or None,
        "secrets": _export_secrets(export, container) or None,
    }
    configs, written = _export_files(export, container)
    made |= {"configs": configs or None, "deploy": _export_resources(export, container)}
    made["user"] = None if one.user is None else f"{one.user}:{one.user}"
    made["read_only"] = True if ROOT_DIR not in one.writable and not written else None
    if owner.security == "restricted":
        made |= {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
    return made, base


def _export_image(export: Export, container: ExportedContainer) -> tuple[dict[str, Any], str]:
    one, of = container.container_spec, container.workload
    if isinstance(one, application.ExtraContainer):
        if one.image is not None:
            return {"image": image_reference.find_override(one.image, export.image_overrides) or one.image}, one.image
        of = next((each for each in export.app.services if each.name == one.uses), of)
    uses = of.uses if isinstance(of, application.Job) else None
    known = export.image_sources.get(uses or of.name, ImageSource())
    if known.reference is not None:
        return {"image": known.reference}, of.image or known.base_image
    if of.build is None:
        said = of.image or ""
        return {"image": image_reference.find_override(said, export.image_overrides) or said}, said
    body: dict[str, Any] = {"context": export.to_relative(of.build.context)}
    if of.build.dockerfile != application.Build(context="").dockerfile:
        body["dockerfile"] = of.build.dockerfile
    if of.build.target:
        body["target"] = of.build.target
    if args := {**of.build.args, **known.build_args}:
        body["args"] = args
    body |= _export_build(export, of.build, f"{container.path}.build")
    return {"build": body if len(body) > 1 else body["context"]}, known.base_image


def _export_build(export: Export, build: application.Build, path: str) -> dict[str, Any]:
    """What few builds say."""
    contexts = {name: there if "://" in there else export.to_relative(there) for name, there in build.contexts.items()}
    listed = [{"source": source, "target": target} for target, source in build.secrets.items()]
    for target, source in build.secrets.items():
        _export_secret(export, f"{path}.secrets.{target}", application.Secret(source), None)
    made: dict[str, Any] = {"dockerfile_inline": build.inline, "additional_contexts": contexts, "secrets": listed}
    made |= {"ssh": list(build.ssh), "cache_from": list(build.cache_from), "cache_to": list(build.cache_to)}
    return {key: value for key, value in made.items() if value}


def expand_references(text: str, variables: Mapping[str, str]) -> EscapedText:
    """A value or word as Kubernetes would give it to the program: ``$(NAME)`` is a variable's, ``$$`` a dollar."""
    made, end = "", 0
    for found in _REFERENCE.finditer(text):
        made += text[end : found.start()].replace("$", "$$")
        whole = found[0].replace("$", "$$") if found[1] else "$$"
        made += variables.get(found[1], whole) if found[1] else whole
        end = found.end()
    return EscapedText(made + text[end:].replace("$", "$$"))


def _export_environment(export: Export, container: ExportedContainer) -> tuple[dict[str, Any], dict[str, str]]:
    """The variables, and those that a text may name; in the order in which Kubernetes knows them."""
    made: dict[str, Any] = {}
    known: dict[str, str] = {}
    for each in sorted(container.container_spec.secrets, key=lambda one: one.name):
        name = secrets_.format_variable_name(each)
        made[name] = None if each.env else secrets_.format_path(each)
        known[name] = f"${{{name}:?}}" if each.env else secrets_.format_path(each)
    texts = dict(links.get_variables(export.app, container.workload)) if container.workload.link_variables else {}
    texts |= container.container_spec.env
    for name in sorted(texts):
        made[name] = known[name] = expand_references(texts[name], known)
    return dict(sorted(made.items())), known


def _export_secrets(export: Export, container: ExportedContainer) -> list[str]:
    listed: list[str] = []
    for each in container.container_spec.secrets:
        at = f"{container.path}.secrets.{each.name}"
        if each.env:
            how, remedy = "the variable of a shell, or of the file .env", f"echo '{each.name}=<value>' >> .env"
            export.report.approximate(at, how, remedy, f"services.{container.name}.environment.{each.name}")
            continue
        listed.append(each.name)
        _export_secret(export, at, each, container.container_spec.user)
    return sorted(listed)


def _export_secret(export: Export, at: str, secret: application.Secret, user: int | None) -> None:
    file = f"{SECRETS_DIR}/{secret.name}"
    export.secrets[secret.name] = {"file": file}
    if secret.generate is not None:
        value = f'"$(openssl rand -hex {(secret.generate + 1) // 2})"'
    elif secret.existing is not None:
        path = f"'jsonpath={{.data.{secret.key or secret.name}}}'"
        value = f'"$(kubectl get secret {secret.existing} -o {path} | base64 -d)"'
    else:
        value = "<value>"
    who = f"user {user}" if user is not None else "the program"
    export.report.approximate(at, f"the file {file}, which {who} must be able to read", f"printf %s {value} > {file}")


def _export_files(export: Export, container: ExportedContainer) -> tuple[list[dict[str, str]], bool]:
    """The files, and whether the text of one stands in the document."""
    made: list[dict[str, str]] = []
    written = False
    for file in sorted(container.container_spec.files, key=lambda each: each.path):
        body = {"file": export.to_relative(file.source)} if file.source is not None else {"content": file.content or ""}
        plain = re.sub(r"[^a-zA-Z0-9._-]+", "-", posixpath.basename(file.path)).strip("-.") or "file"
        name = next((each for each, other in export.configs.items() if other == body), "")
        name = name or find_free_name(f"{container.name}-{plain}", export.configs)
        export.configs[name] = body
        made.append({"source": name, "target": file.path})
        if file.source is None:
            written = True
            how = "the file system may be written to: Docker Compose puts a text into no other"
            remedy = "write it as a file beside the application's: {source: ./name}"
            export.report.approximate(
                f"{container.path}.files.{file.path}", how, remedy, f"services.{container.name}.configs"
            )
    return made, written


def find_free_name(name: str, used_names: Container[str]) -> str:
    """The name, with a number behind it if something is called so already."""
    numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    return next(each for each in numbered if each not in used_names)


def _export_resources(export: Export, container: ExportedContainer) -> dict[str, Any]:
    said, path = container.container_spec.resources, f"{container.path}.resources"
    default = application.Resources()
    limits = {"memory": to_docker_size(said.memory)}
    asked: dict[str, Any] = {}
    if said.cpu_limit is not None:
        limits["cpus"] = _to_cores(said.cpu_limit)
    if said.cpu != default.cpu:
        asked["cpus"] = _to_cores(said.cpu)
        export.report.approximate(f"{path}.cpu", "Docker sets no CPU aside", losses.CLUSTER_ONLY_HINT)
    if said.disk != default.disk:
        export.report.drop(f"{path}.disk", "Docker bounds no disk of a container", "watch it with `docker system df`")
    drivers = {name: driver for driver, name in resources.GPU_RESOURCES.items()}
    if said.gpu is not None and said.gpu.resource in drivers:
        driver = drivers[said.gpu.resource]
        asked["devices"] = [{"driver": driver, "count": said.gpu.count, "capabilities": ["gpu"]}]
    elif said.gpu is not None:
        export.report.drop(f"{path}.gpu", f"Docker has no driver for {said.gpu.resource}", "name its device by hand")
    if said.tpu is not None:
        export.report.drop(f"{path}.tpu", "Docker knows no tensor processors", losses.CLUSTER_ONLY_HINT)
    return {"resources": {"limits": limits, **({"reservations": asked} if asked else {})}}


def to_docker_size(text: str) -> str:
    """``128Mi`` as Docker writes it: ``128m``."""
    return quantity.format_size(quantity.parse(text)).removesuffix("i").lower() if text else text


def _to_cores(text: str) -> str:
    return f"{float(Fraction(quantity.parse(text))):.3f}".rstrip("0").rstrip(".")
