"""Exports one container as a service of a compose document: its image, command, environment and resources."""

import dataclasses
import itertools
import posixpath
import re
from collections.abc import Container, Mapping
from fractions import Fraction
from typing import Any

from seaway.compose.exporter import losses
from seaway.compose.importer import resources
from seaway.kubernetes.api import quantity, references
from seaway.model import application, image_reference, links, secrets

TMP_DIR = "/tmp"  # noqa: S108 - a path in the container
ROOT_DIR = "/"

SECRETS_DIR = "./secrets"
"""Holds one file per secret; relative to the compose file."""

_REFERENCE = re.compile(r"\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)|\$\$?")
"""https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/"""


class EscapedText(str):
    """A text whose `$` are escaped for compose."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """The image of a service, store or job."""

    reference: str | None = None
    """The image of a release; None: as in the application."""
    build_args: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """The environment's build arguments, which override base images."""
    base_image: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The compose document so far. ``folder``: of the application's file, relative to the document."""

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
    """Used and reserved names."""
    volume_names: Mapping[tuple[str, str | None], str]
    """By store and disk; None: its first disk."""
    owners: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    """By the name of an additional service (init container, sidecar), its workload."""

    def reserve_name(self, preferred: str) -> str:
        name = find_free_name(preferred, self.service_names)
        self.service_names.add(name)
        return name

    def to_relative(self, path: str) -> str:
        """A path of the application's file, relative to the document."""
        relative = posixpath.normpath(posixpath.join(self.folder, path))
        return relative if relative.startswith((".", "/")) else f"./{relative}"

    def override_image(self, image: str) -> str:
        return image_reference.find_override(image, self.image_overrides) or image


@dataclasses.dataclass(slots=True, kw_only=True)
class ExportedContainer:
    """One container. ``path``: its path in the application. ``name``: its service in the document."""

    export: Export
    workload: application.AnyWorkload
    container_spec: application.ContainerSpec
    path: str
    name: str
    definition: dict[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """The service in the document. A key that is None is omitted."""
    base_image: str = ""
    """The image that it runs or is built on, as the application names it."""

    def is_declared(self, key: str) -> bool:
        return self.export.report.is_declared(f"{self.path}.{key}")

    def keep(self, key: str, message: str) -> None:
        self.export.report.record(f"{self.path}.{key}", "kept", message)

    def approximate(self, key: str, message: str, hint: str = "", into: str | None = None) -> None:
        """``into``: a key of its service in the document; None: not recorded."""
        target = "" if into is None else f"services.{self.name}.{into}".removesuffix(".")
        self.export.report.record(f"{self.path}.{key}".removesuffix("."), "approximated", message, hint, target)

    def drop(self, key: str, message: str, hint: str = losses.CLUSTER_ONLY_HINT, into: str | None = None) -> None:
        target = "" if into is None else f"services.{self.name}.{into}"
        self.export.report.record(f"{self.path}.{key}", "dropped", message, hint, target)


def fill_definition(container: ExportedContainer) -> None:
    """The keys that every container has."""
    spec = container.container_spec
    image = _export_image(container)
    environment, variables = _export_environment(container)
    secret_names = _export_secrets(container)
    configs = _export_files(container)
    has_content = any(file.source is None for file in spec.files)
    restricted = container.workload.security == "restricted"
    container.definition |= image | {
        "entrypoint": [expand_references(word, variables) for word in spec.command] or None,
        "command": [expand_references(word, variables) for word in spec.args] or None,
        "working_dir": spec.working_dir,
        "environment": environment or None,
        "secrets": secret_names or None,
        "configs": configs or None,
        "deploy": _export_resources(container),
        "user": None if spec.user is None else f"{spec.user}:{spec.user}",
        "read_only": None if ROOT_DIR in spec.writable or has_content else True,
        "cap_drop": ["ALL"] if restricted else None,
        "security_opt": ["no-new-privileges:true"] if restricted else None,
    }


def _export_image(container: ExportedContainer) -> dict[str, Any]:
    spec, owner, export = container.container_spec, container.workload, container.export
    if isinstance(spec, application.ExtraContainer):
        if spec.image is not None:
            container.base_image = spec.image
            return {"image": export.override_image(spec.image)}
        owner = next((service for service in export.app.services if service.name == spec.uses), owner)
    uses = owner.uses if isinstance(owner, application.Job) else None
    source = export.image_sources.get(uses or owner.name, ImageSource())
    container.base_image = owner.image or source.base_image
    if source.reference is not None:
        return {"image": source.reference}
    if owner.build is None:
        return {"image": export.override_image(owner.image or "")}
    build = _export_build(container, owner.build, source.build_args)
    return {"build": build if len(build) > 1 else build["context"]}


def _export_build(
    container: ExportedContainer, build: application.Build, environment_args: Mapping[str, str]
) -> dict[str, Any]:
    export = container.export
    for target, source in build.secrets.items():
        _export_secret(container, f"build.secrets.{target}", application.Secret(source), None)
    contexts = {name: path if "://" in path else export.to_relative(path) for name, path in build.contexts.items()}
    default = application.Build(context="")
    definition: dict[str, Any] = {
        "context": export.to_relative(build.context),
        "dockerfile": build.dockerfile if build.dockerfile != default.dockerfile else None,
        "target": build.target,
        "args": {**build.args, **environment_args},
        "dockerfile_inline": build.inline,
        "additional_contexts": contexts,
        "secrets": [{"source": source, "target": target} for target, source in build.secrets.items()],
        "ssh": list(build.ssh),
        "cache_from": list(build.cache_from),
        "cache_to": list(build.cache_to),
    }
    return {key: field for key, field in definition.items() if field}


def expand_references(text: str, variables: Mapping[str, str]) -> EscapedText:
    """A text as Kubernetes passes it to the program: ``$(NAME)`` is a variable, ``$$`` is a dollar."""

    def expand(match: re.Match[str]) -> str:
        # An unknown variable stays as it is. The escape of a dollar is the same in compose.
        return variables.get(match[1], match[0].replace("$", "$$")) if match[1] else "$$"

    return EscapedText(_REFERENCE.sub(expand, text))


def _export_environment(container: ExportedContainer) -> tuple[dict[str, Any], dict[str, str]]:
    """The environment, and the variables that texts may refer to."""
    environment: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for secret in sorted(container.container_spec.secrets, key=lambda secret: secret.name):
        name, path = secrets.format_variable_name(secret), secrets.format_path(secret)
        environment[name] = None if secret.env else path
        variables[name] = f"${{{name}:?}}" if secret.env else path
    has_links = container.workload.link_variables
    texts = dict(links.get_variables(container.export.app, container.workload)) if has_links else {}
    for name in links.list_program_variables(container.export.app, container.workload):
        del texts[name]
        environment[name], variables[name] = None, f"${{{name}:?}}"
    texts |= container.container_spec.env
    for name, text in references.sort_variables(texts).items():
        environment[name] = variables[name] = expand_references(text, variables)
    return dict(sorted(environment.items())), variables


def _export_secrets(container: ExportedContainer) -> list[str]:
    names: list[str] = []
    for secret in container.container_spec.secrets:
        key = f"secrets.{secret.name}"
        if secret.env:
            hint = f"echo '{secret.name}=<value>' >> .env"
            into = f"environment.{secret.name}"
            container.approximate(key, "a variable of the shell, or of the file .env", hint, into)
        else:
            names.append(secret.name)
            _export_secret(container, key, secret, container.container_spec.user)
    return sorted(names)


def _export_secret(container: ExportedContainer, key: str, secret: application.Secret, user: int | None) -> None:
    file = f"{SECRETS_DIR}/{secret.name}"
    container.export.secrets[secret.name] = {"file": file}
    source = "<value>"
    if secret.generate is not None:
        source = f'"$(openssl rand -hex {(secret.generate + 1) // 2})"'
    elif secret.existing is not None:
        field = f"'jsonpath={{.data.{secret.key or secret.name}}}'"
        source = f'"$(kubectl get secret {secret.existing} -o {field} | base64 -d)"'
    reader = f"user {user}" if user is not None else "the container"
    message = f"the file {file}, which {reader} must be able to read"
    container.approximate(key, message, f"printf %s {source} > {file}")


def _export_files(container: ExportedContainer) -> list[dict[str, str]]:
    configs = container.export.configs
    references: list[dict[str, str]] = []
    for file in sorted(container.container_spec.files, key=lambda file: file.path):
        if file.source is None and file.binary is not None:
            hint = "write a file beside the application's file: {source: ./name}"
            container.drop(f"files.{file.path}", "Docker Compose has no binary `content`", hint)
            continue
        config = {"content": file.content or ""}
        if file.source is not None:
            config = {"file": container.export.to_relative(file.source)}
        slug = re.sub(r"[^a-zA-Z0-9._-]+", "-", posixpath.basename(file.path)).strip("-.") or "file"
        name = next((other for other, definition in configs.items() if definition == config), "")
        name = name or find_free_name(f"{container.name}-{slug}", configs)
        configs[name] = config
        references.append({"source": name, "target": file.path})
        if file.source is None:
            message = "the file system is writable: Docker Compose needs that for `content`"
            hint = "write a file beside the application's file: {source: ./name}"
            container.approximate(f"files.{file.path}", message, hint, "configs")
    return references


def find_free_name(name: str, used_names: Container[str]) -> str:
    """The name, with a number if it is used already."""
    candidates = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    return next(candidate for candidate in candidates if candidate not in used_names)


def _export_resources(container: ExportedContainer) -> dict[str, Any]:
    spec, default = container.container_spec.resources, application.Resources()
    limits = {"memory": to_docker_size(spec.memory_limit or spec.memory)}
    reservations: dict[str, Any] = {}
    if spec.memory_limit not in (None, spec.memory):
        reservations["memory"] = to_docker_size(spec.memory)
    if spec.cpu_limit is not None:
        limits["cpus"] = _to_cores(spec.cpu_limit)
    if spec.cpu != default.cpu:
        reservations["cpus"] = _to_cores(spec.cpu)
        container.approximate("resources.cpu", "Docker reserves no CPU", losses.CLUSTER_ONLY_HINT)
    if quantity.parse(spec.disk) < quantity.parse(default.disk):
        message = "Docker does not limit the disk of a container"
        container.drop("resources.disk", message, "monitor it with `docker system df`")
    drivers = {resource: driver for driver, resource in resources.GPU_RESOURCES.items()}
    if spec.gpu is not None and spec.gpu.resource in drivers:
        driver = drivers[spec.gpu.resource]
        reservations["devices"] = [{"driver": driver, "count": spec.gpu.count, "capabilities": ["gpu"]}]
    elif spec.gpu is not None:
        container.drop("resources.gpu", f"Docker has no driver for {spec.gpu.resource}", "add its device")
    if spec.tpu is not None:
        container.drop("resources.tpu", "Docker does not support TPUs")
    return {"resources": {"limits": limits, **({"reservations": reservations} if reservations else {})}}


def to_docker_size(text: str) -> str:
    """``128Mi`` as ``128m``."""
    return quantity.format_size(quantity.parse(text)).removesuffix("i").lower() if text else text


def _to_cores(text: str) -> str:
    return f"{float(Fraction(quantity.parse(text))):.3f}".rstrip("0").rstrip(".")
