"""Secrets and configs: a secret's value is set with Pulumi and never read here, a config is a file."""

import posixpath
from collections.abc import Mapping

from seaway.compose.importer import key_reader, service_builder, volumes
from seaway.model import secrets

OWNERSHIP_MESSAGE = "the file belongs to the container's own user, who alone reads it"


def convert(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> dict[str, str]:
    """The secrets of a service; what comes back are the paths that differ: where compose has them -> where they are."""
    moved: dict[str, str] = {}
    env = keys.get_scalars("environment")
    for number, said in enumerate(keys.enter_sequence("secrets")):
        source = said.get_text("source") or ""
        if not source:
            said.drop("target", "names no secret", "write `source:`")
            continue
        builder.set(("secrets", source), None, said.locate("source"))
        here = f"{secrets.MOUNT_FOLDER}/{source}"
        there = posixpath.join(secrets.MOUNT_FOLDER, said.get_text("target") or source)
        said.keep("source", f"the file {here}", into=f"secrets.{source}")
        if there == here:
            said.keep("target")
        else:
            moved[there] = here
            said.approximate("target", f"the file is {here}, and env, command and healthcheck say so")
        for key in ("uid", "gid", "mode"):
            said.approximate(key, OWNERSHIP_MESSAGE)
        for key in ("file", "environment", "external"):
            keys.drop(f"secrets.{number}.{key}", "belongs to the secret itself")
        own = f"{source}_FILE"
        if own in env and env[own].text in (here, there):
            keys.keep(f"environment.{own}", "every secret's variable says where its file is")
    return moved


def find_file_variables(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> set[str]:
    """Variables that each secret brings by itself, where they say the same."""
    listed = {said.get_text("source") or "" for said in keys.enter_sequence("secrets")}
    env = keys.get_scalars("environment")
    return {f"{name}_FILE" for name in listed if f"{name}_FILE" in env and builder.has("secrets", name)}


def convert_definitions(document: key_reader.KeyReader) -> None:
    """The secrets of the document."""
    for name, said in document.enter_mapping("secrets"):
        remedy = f"pulumi config set --secret --path 'seaway:secrets.{name}'"
        if said.get_text("file"):
            said.approximate(
                "file", "the value is the stack's, and not in a file", f"{remedy} < {said.get_text('file')}"
            )
        said.approximate("environment", "the value is the stack's, and not that of a shell", remedy)
        said.approximate("content", "the value is the stack's, and in no file", remedy)
        said.approximate("external", "the value is the stack's, and not Docker's", f"{remedy}, or `existing: <Secret>`")
        said.keep("name", "only Docker's own name for it")
        for key in ("driver", "driver_opts", "template_driver", "labels"):
            said.drop(key, "the stack keeps the value", remedy)
        if not said.mapping.pairs:
            document.approximate(f"secrets.{name}", "the value is the stack's", remedy)


def convert_configs(
    keys: key_reader.KeyReader,
    builder: service_builder.ServiceBuilder,
    definitions: Mapping[str, key_reader.KeyReader],
    project_dir: volumes.ProjectDir,
) -> None:
    """The configs of a service."""
    for said in keys.enter_sequence("configs"):
        source = said.get_text("source") or ""
        target = posixpath.normpath(posixpath.join("/", said.get_text("target") or source))
        text = definitions.get(source)
        if text is None:
            said.drop("source", f"there is no config {source}", "add it below `configs:`")
        elif (content := text.get_text("content")) is not None:
            builder.set(("files", target, "content"), content, said.locate("source"))
            said.keep("source", into="files")
        elif file := text.get_text("file"):
            builder.set(("files", target), project_dir.to_relative(file) or file, said.locate("source"))
            said.keep("source", into="files")
        else:
            why = f"nobody here knows the content of the config {source}"
            said.drop("source", why, "write its `content:`, or the `file:` that has it")
        said.keep("target")
        for key in ("uid", "gid", "mode"):
            said.approximate(key, "everybody in the container may read the file, and nobody changes it")


def convert_config_definitions(document: key_reader.KeyReader) -> None:
    """The configs of the document."""
    used = {
        one.get_text("source")
        for _, service in document.enter_mapping("services")
        for one in service.enter_sequence("configs")
    }
    for name, said in document.enter_mapping("configs"):
        said.keep("file", "" if name in used else "no service asks for it")
        said.keep("content", "" if name in used else "no service asks for it")
        said.keep("name", "only Docker's own name for it")
        if said.has("content"):
            said.keep("environment", "read: its value is the content")
        said.drop("environment", "is the variable of a shell, which a cluster has not", "write `content:`")
        said.drop("external", "is kept by Docker, and nobody here knows its content", "write `content:` or `file:`")
        for key in ("template_driver", "labels"):
            said.drop(key, "the file is what it says", "remove it")
        if not said.mapping.pairs:
            document.drop(f"configs.{name}", "has no content", "write `content:` or `file:`")
