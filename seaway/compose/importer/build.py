"""Converts `image` and `build`."""

import dataclasses
from collections.abc import Mapping

from seaway.compose.importer import context, key_reader
from seaway.compose.loader import files
from seaway.syntax import nodes

_BUILDER = ("the builder decides", "remove it")
_DROPPED_KEYS: Mapping[str, tuple[str, str]] = {
    "entitlements": ("builds have no rights on the machine", "remove it"),
    "extra_hosts": ("builds use the names of the builder's network", "remove it"),
    "isolation": ("builds run in Linux containers", "remove it"),
    "labels": ("images are identified by content, not by labels", "write LABEL in the Dockerfile"),
    "network": ("builds use the builder's network", "remove it"),
    "no_cache": ("unchanged content is not built again", "remove it"),
    "platforms": ("seaway:platform selects the platform", "pulumi config set seaway:platform <platform>"),
    "privileged": ("builds have no rights on the machine", "remove it"),
    "provenance": _BUILDER,
    "pull": ("images.lock pins the base images", "seaway images outdated"),
    "sbom": _BUILDER,
    "shm_size": _BUILDER,
    "tags": ("the tag is a hash of the content", "remove it"),
    "ulimits": _BUILDER,
}


def convert(service: context.ServiceContext) -> None:
    keys, plan = service.keys, service.service
    if plan.build is None:
        if keys.get_text("image") is not None:
            service.builder.set("image", keys.get_text("image"), keys.locate("image"))
        keys.keep("image", into="image")
        message = f"{plan.build_error}: the named image is used"
        keys.approximate("build", message, "add the missing file", into="image")
        return
    _convert_build(service, plan.build)
    if keys.has("build"):
        keys.approximate("image", "built, and tagged by content in seaway:registry", into="build")
    else:
        keys.approximate("image", "built here, like in the service that builds it", into="build")


def _convert_build(service: context.ServiceContext, build: key_reader.KeyReader) -> None:
    builder = service.builder
    # Another service may have the build, and its own conversion records these keys.
    own = build.path.startswith(f"{service.keys.path}.")
    build = dataclasses.replace(build, into=service.service.path) if own else key_reader.without_report(build)
    written = build.get_text("context") or "."
    builder.set(("build", "context"), service.project.to_relative(written) or written, build.locate("context"))
    if service.service.build_error:
        hint = "build from a folder of the project that has a Dockerfile"
        build.refuse("context", service.service.build_error, hint)
    else:
        build.keep("context", into="build")
    for key, field in (("dockerfile", "dockerfile"), ("target", "target"), ("dockerfile_inline", "inline")):
        if text := build.get_text(key):
            if (key, text) != ("dockerfile", "Dockerfile"):
                builder.set(("build", field), text, build.locate(key))
            build.keep(key, into=f"build.{field}")
    args = build.get_scalars("args")
    for name in build.get_names("args"):
        if name in args:
            builder.set(("build", "args", name), args[name].text, args[name].location)
            build.keep(("args", name), into="build")
        else:
            build.drop(("args", name), "has no value: it is a variable of the shell", "write its value")
    _convert_contexts(service, build)
    _convert_secrets(service, build)
    _convert_cache(service, build)
    for key, (message, hint) in _DROPPED_KEYS.items():
        if build.get_text(key) in ("false", "default"):
            build.keep(key, "the default")
        else:
            build.drop(key, message, hint)


def _convert_cache(service: context.ServiceContext, build: key_reader.KeyReader) -> None:
    for key, field in (("cache_from", "cacheFrom"), ("cache_to", "cacheTo")):
        for number, text in enumerate(build.get_texts(key) or []):
            service.builder.append(("build", field), text, build.locate(f"{key}.{number}"))
            build.keep(f"{key}.{number}", into=f"build.{field}")


def _convert_secrets(service: context.ServiceContext, build: key_reader.KeyReader) -> None:
    for number, secret in enumerate(build.enter_sequence("secrets")):
        source = secret.get_text("source") or ""
        target = secret.get_text("target") or source
        service.builder.set(("build", "secrets", target), source, secret.locate("source"))
        for key in ("source", "target"):
            secret.keep(key, f"seaway:secrets.{source}", into="build.secrets")
        for key in ("uid", "gid", "mode"):
            secret.approximate(key, "only root reads it, and only during the build")
        build.keep(f"secrets.{number}", into="build.secrets")
    for name, pair in nodes.get_pairs(build.mapping, "ssh").items():
        path = pair.node.text if isinstance(pair.node, nodes.ScalarNode) and pair.node.kind != "null" else ""
        service.builder.append(("build", "ssh"), f"{name}={path}" if path else name, pair.location)
        build.keep(("ssh", name), into="build.ssh")


def _convert_contexts(service: context.ServiceContext, build: key_reader.KeyReader) -> None:
    for name, node in build.get_scalars("additional_contexts").items():
        key, remote = ("additional_contexts", name), files.is_remote(node.text) or "://" in node.text
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
