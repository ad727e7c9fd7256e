"""Converts `image` and `build`."""

import dataclasses
from collections.abc import Mapping

from seaway.compose import report
from seaway.compose.importer import key_reader, plan
from seaway.compose.loader import paths, tree
from seaway.model import secret_patterns
from seaway.syntax import nodes

_DROPPED_KEYS: Mapping[str, tuple[str, str]] = {
    "entitlements": ("builds have no rights on the machine", "remove it"),
    "extra_hosts": ("builds use the names of the builder's network", "remove it"),
    "isolation": ("builds run in Linux containers", "remove it"),
    "labels": ("images are identified by content, not by labels", "write LABEL in the Dockerfile"),
    "network": ("builds use the builder's network", "remove it"),
    "no_cache": ("unchanged content is not built again", "remove it"),
    "platforms": ("seaway:platform selects the platform", "pulumi config set seaway:platform <platform>"),
    "privileged": ("builds have no rights on the machine", "remove it"),
    "provenance sbom shm_size ulimits": ("the builder decides", "remove it"),
    "pull": ("images.lock pins the base images", "seaway images outdated"),
    "tags": ("the tag is a hash of the content", "remove it"),
}


def convert(service: plan.ServicePlan) -> None:
    keys = service.keys
    if service.build is None:
        if service.image is not None:
            service.builder.set("image", service.image, keys.locate("image"))
        keys.keep("image", into="image")
        message = f"{service.build_error}: the named image is used"
        keys.approximate("build", message, "add the missing file", into="image")
        return
    _convert_build(service, service.build)
    built = "built, and tagged by content in seaway:registry"
    if not keys.has("build"):
        built = "built here, like in the service that builds it"
    keys.approximate("image", built, into="build")


def _convert_build(service: plan.ServicePlan, build: key_reader.KeyReader) -> None:
    builder = service.builder
    # Another service may have the build, and its own conversion records these keys.
    own = build.path.startswith(f"{service.keys.path}.")
    conversion = build.conversion if own else report.ConversionReport()
    build = dataclasses.replace(build, into=service.path, conversion=conversion)
    written = build.get_text("context") or "."
    builder.set(("build", "context"), service.project.to_relative(written) or written, build.locate("context"))
    if service.build_error:
        hint = "build from a folder of the project that has a Dockerfile"
        if not paths.is_remote(written):
            hint += "; name the project's folder with --root, or `pulumi config set seaway:root git`"
        build.refuse("context", service.build_error, hint)
    else:
        build.keep("context", into="build")
    for key, field in (("dockerfile", "dockerfile"), ("target", "target"), ("dockerfile_inline", "inline")):
        if text := build.get_text(key):
            if (key, text) != ("dockerfile", "Dockerfile"):
                builder.set(("build", field), text, build.locate(key))
            build.keep(key, into=f"build.{field}")
    _convert_args(service, build)
    _convert_contexts(service, build)
    _convert_secrets(service, build)
    for key, field in (("cache_from", "cacheFrom"), ("cache_to", "cacheTo")):
        for path, text in build.list_entries(key):
            builder.append(("build", field), text, build.locate(path))
            build.keep(path, into=f"build.{field}")
    for names, (message, hint) in _DROPPED_KEYS.items():
        build.drop(names, message, hint, kept=dict.fromkeys(("false", "default"), "the default"))


def _convert_args(service: plan.ServicePlan, build: key_reader.KeyReader) -> None:
    args = build.get_scalars("args")
    for name in build.get_names("args"):
        if name in args:
            service.builder.set(("build", "args", name), args[name].text, args[name].location)
            if secret_patterns.is_secret(name, args[name].text):
                hint = "name it in `build.secrets`, and read it with RUN --mount=type=secret"
                message = "looks like a secret, and the history of the image keeps it"
                build.approximate(("args", name), message, hint, into="build")
            else:
                build.keep(("args", name), into="build")
        else:
            build.drop(("args", name), "has no value: it is a variable of the shell", "write its value")


def _convert_secrets(service: plan.ServicePlan, build: key_reader.KeyReader) -> None:
    for number, secret in enumerate(build.enter_sequence("secrets")):
        source = secret.get_text("source") or ""
        target = secret.get_text("target") or source
        service.builder.set(("build", "secrets", target), source, secret.locate("source"))
        secret.keep("source target", f"seaway:secrets.{source}", into="build.secrets")
        secret.approximate("uid gid mode", "only root reads it, and only during the build")
        build.keep(f"secrets.{number}", into="build.secrets")
    for name, pair in nodes.get_pairs(build.mapping, "ssh").items():
        service.builder.append(("build", "ssh"), name, pair.location)
        if tree.is_scalar(pair.node) and pair.node.text:
            message = f"the SSH agent of the machine that builds has the key, not {pair.node.text}"
            build.approximate(("ssh", name), message, "add it with ssh-add", into="build.ssh")
        else:
            build.keep(("ssh", name), into="build.ssh")


def _convert_contexts(service: plan.ServicePlan, build: key_reader.KeyReader) -> None:
    for name, node in build.get_scalars("additional_contexts").items():
        key, remote = ("additional_contexts", name), paths.is_remote(node.text) or "://" in node.text
        source = node.text if remote else service.project.to_relative(node.text)
        if source is None or node.text.startswith("service:"):
            reason = "is outside the project" if source is None else "is an image that may be built later"
            build.drop(key, f"{node.text} {reason}", "copy what it needs into the context")
            continue
        service.builder.set(("build", "contexts", name), source, node.location)
        if "://" in source and not source.startswith("docker-image://"):
            build.approximate(key, "a change there does not start a build", into="build.contexts")
        else:
            build.keep(key, into="build.contexts")
