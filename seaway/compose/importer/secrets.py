"""Secrets and configs: a secret's value is set with Pulumi and never read here, a config is a file."""

import posixpath
from collections.abc import Mapping

from seaway.compose.importer import key_reader, service_builder, volumes
from seaway.model.validate import secrets

OWNERS = "the file belongs to the container's own user, who alone reads it"


def convert(one: key_reader.Part, made: service_builder.Draft) -> dict[str, str]:
    """The secrets of a service; what comes back are the paths that differ: where compose has them -> where they are."""
    moved: dict[str, str] = {}
    env = one.scalars("environment")
    for number, said in enumerate(one.items("secrets")):
        source = said.text("source") or ""
        if not source:
            said.dropped("target", "names no secret", "write `source:`")
            continue
        made.put(("secrets", source), None, said.place("source"))
        here = f"{secrets.FOLDER}/{source}"
        there = posixpath.join(secrets.FOLDER, said.text("target") or source)
        said.kept("source", f"the file {here}", into=f"secrets.{source}")
        if there == here:
            said.kept("target")
        else:
            moved[there] = here
            said.approximated("target", f"the file is {here}, and env, command and healthcheck say so")
        for key in ("uid", "gid", "mode"):
            said.approximated(key, OWNERS)
        for key in ("file", "environment", "external"):
            one.dropped(f"secrets.{number}.{key}", "belongs to the secret itself")
        own = f"{source}_FILE"
        if own in env and env[own].text in (here, there):
            one.kept(f"environment.{own}", "every secret's variable says where its file is")
    return moved


def given(one: key_reader.Part, made: service_builder.Draft) -> set[str]:
    """Variables that each secret brings by itself, where they say the same."""
    listed = {said.text("source") or "" for said in one.items("secrets")}
    env = one.scalars("environment")
    return {f"{name}_FILE" for name in listed if f"{name}_FILE" in env and made.has("secrets", name)}


def declared(root: key_reader.Part) -> None:
    """The secrets of the document."""
    for name, said in root.each("secrets"):
        remedy = f"pulumi config set --secret --path 'seaway:secrets.{name}'"
        if said.text("file"):
            said.approximated("file", "the value is the stack's, and not in a file", f"{remedy} < {said.text('file')}")
        said.approximated("environment", "the value is the stack's, and not that of a shell", remedy)
        said.approximated("content", "the value is the stack's, and in no file", remedy)
        said.approximated(
            "external", "the value is the stack's, and not Docker's", f"{remedy}, or `existing: <Secret>`"
        )
        said.kept("name", "only Docker's own name for it")
        for key in ("driver", "driver_opts", "template_driver", "labels"):
            said.dropped(key, "the stack keeps the value", remedy)
        if not said.table.entries:
            root.approximated(f"secrets.{name}", "the value is the stack's", remedy)


def configs(
    one: key_reader.Part, made: service_builder.Draft, known: Mapping[str, key_reader.Part], where: volumes.Where
) -> None:
    """The configs of a service."""
    for said in one.items("configs"):
        source = said.text("source") or ""
        target = posixpath.normpath(posixpath.join("/", said.text("target") or source))
        text = known.get(source)
        if text is None:
            said.dropped("source", f"there is no config {source}", "add it below `configs:`")
        elif (content := text.text("content")) is not None:
            made.put(("files", target, "content"), content, said.place("source"))
            said.kept("source", into="files")
        elif file := text.text("file"):
            made.put(("files", target), where.relative(file) or file, said.place("source"))
            said.kept("source", into="files")
        else:
            why = f"nobody here knows the content of the config {source}"
            said.dropped("source", why, "write its `content:`, or the `file:` that has it")
        said.kept("target")
        for key in ("uid", "gid", "mode"):
            said.approximated(key, "everybody in the container may read the file, and nobody changes it")


def declared_configs(root: key_reader.Part) -> None:
    """The configs of the document."""
    used = {one.text("source") for _, service in root.each("services") for one in service.items("configs")}
    for name, said in root.each("configs"):
        said.kept("file", "" if name in used else "no service asks for it")
        said.kept("content", "" if name in used else "no service asks for it")
        said.kept("name", "only Docker's own name for it")
        if said.has("content"):
            said.kept("environment", "read: its value is the content")
        said.dropped("environment", "is the variable of a shell, which a cluster has not", "write `content:`")
        said.dropped("external", "is kept by Docker, and nobody here knows its content", "write `content:` or `file:`")
        for key in ("template_driver", "labels"):
            said.dropped(key, "the file is what it says", "remove it")
        if not said.table.entries:
            root.dropped(f"configs.{name}", "has no content", "write `content:` or `file:`")
