"""Converts secrets and configs. Pulumi holds the value of a secret, and Seaway never reads it. A config is a file."""

import itertools
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping

from seaway.compose.importer import key_reader, naming, plan
from seaway.compose.loader import interpolation, tree
from seaway.kubernetes.api import references
from seaway.model import secret_patterns, secrets
from seaway.syntax import diagnosis, nodes

_PROJECT = ""
"""The variables that the files of the project interpolate, beside those of the services by name."""


def convert(service: plan.ServicePlan) -> None:
    """The secrets of a service."""
    for secret, source, path, _ in _list_secrets(service.keys):
        service.builder.set(("secrets", source), None, secret.locate("source"))
        secret.keep("source", f"the file {path}", into=f"secrets.{source}")
        message = f"the file is {path}; env, command and healthcheck use it"
        secret.approximate("target", message, kept={source: "", path: ""})
        secret.approximate("uid gid mode", "only the user of the container can read the file")


def _list_secrets(keys: key_reader.KeyReader) -> Iterator[tuple[key_reader.KeyReader, str, str, str]]:
    """Each secret of a service, with its name, its path, and its path in compose."""
    for secret in keys.enter_sequence("secrets"):
        source = secret.get_text("source") or ""
        compose_path = posixpath.join(secrets.MOUNT_FOLDER, secret.get_text("target") or source)
        yield secret, source, f"{secrets.MOUNT_FOLDER}/{source}", compose_path


def find_moved_paths(keys: key_reader.KeyReader) -> dict[str, str]:
    """New paths of secrets by the path in compose, where they differ."""
    return {compose_path: path for _, _, path, compose_path in _list_secrets(keys) if path != compose_path}


def find_file_variables(keys: key_reader.KeyReader) -> dict[str, str]:
    """The variables that secrets set by themselves, with the path: ``TOKEN_FILE`` of the secret TOKEN."""
    return {f"{source}_FILE": path for _, source, path, _ in _list_secrets(keys)}


def name_secret_variables(
    plans: Mapping[str, plan.ServicePlan], document: key_reader.KeyReader, lookups: interpolation.Lookups
) -> None:
    """Name a secret for each variable that is named like a secret, or whose value looks like one.

    The values of one variable may differ between services. A secret has one value in a stack, so the name of the
    service is then part of its name.
    """
    declared = {name for name, _ in document.enter_mapping("secrets")}
    variables: dict[str, dict[str, str]] = {}
    for service in plans.values():
        own = {f"{source}_FILE" for _, source, _, _ in _list_secrets(service.keys)}
        for name, node in service.keys.get_scalars("environment").items():
            if name not in own and secret_patterns.is_secret(name, node.text):
                variables.setdefault(name, {})[service.name] = node.text
    interpolated = {
        name: text
        for texts in lookups.values()
        for name, text in texts.items()
        if secret_patterns.is_secret(name, text)
    }
    for name, text in interpolated.items():
        variables.setdefault(name, {})[_PROJECT] = text

    def name_secrets(prefix: str, owner: str) -> dict[str, str]:
        return {
            name: name if name not in declared and len({*values.values()}) == 1 else f"{prefix}_{name}"
            for name, values in variables.items()
            if owner in values
        }

    shared = name_secrets("COMPOSE", _PROJECT)
    for service in plans.values():
        service.secret_names = name_secrets(service.dns_name.replace("-", "_").upper(), service.name)
        own = {name for name in service.secret_names if variables[name][service.name] == interpolated.get(name)}
        service.interpolated_secrets = {
            location: {
                service.secret_names[name] if name in own else shared[name]: text
                for name, text in texts.items()
                if text == interpolated.get(name)
            }
            for location, texts in lookups.items()
        }


def name_literal_secrets(plans: Mapping[str, plan.ServicePlan], document: key_reader.KeyReader) -> None:
    """Name a secret for each password or token that a command contains, after the variable that has the same value, or
    after its option. Needs the names of ``name_secret_variables``."""
    values: dict[str, str | None] = {name: None for name, _ in document.enter_mapping("secrets")}
    own_names: dict[str, dict[str, str]] = {}
    for service in plans.values():
        env = service.keys.get_scalars("environment")
        own_names[service.name] = {env[name].text: secret for name, secret in service.secret_names.items()}
        values |= dict.fromkeys(env)
        values |= {name: text for texts in service.interpolated_secrets.values() for name, text in texts.items()}
        values |= {secret: text for text, secret in own_names[service.name].items()}
    for service in plans.values():
        names = own_names[service.name]
        for words in _list_commands(service):
            for span in secret_patterns.find_in_command([node.text for node in words]):
                node = words[span.word]
                text = node.text[span.start : span.end]
                if text not in names:
                    stem = re.sub(r"\W+", "_", f"{service.dns_name}_{span.name}").upper()
                    candidates = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
                    names[text] = next(name for name in candidates if values.setdefault(name, text) == text)
                spans = service.literal_secrets.setdefault((node.location, node.text), [])
                spans.append((span.start, span.end, names[text]))


def _list_commands(service: plan.ServicePlan) -> Iterator[list[nodes.ScalarNode]]:
    """The words of its program, of its healthcheck and of its hooks."""
    yield [node for key in ("entrypoint", "command") for node in tree.list_scalars(service.keys.mapping, key)]
    yield tree.list_scalars(service.keys.enter("healthcheck").mapping, "test")
    for hook in service.keys.enter_sequence("post_start"):
        yield tree.list_scalars(hook.mapping, "command")


def format_text(service: plan.ServicePlan, node: nodes.ScalarNode, variable: str = "") -> str:
    """A text of the container with references to its secrets, `$(NAME)`, which the kubelet expands.

    ``variable``: the environment variable that holds it, for ``Renames.rewrite``.
    """
    *parts, last = service.split_secrets(node)
    text = "".join(map(_escape_before_reference, parts[::2], parts[1::2])) + references.escape(last)
    return service.renames.rewrite(text, variable)


def _escape_before_reference(text: str, name: str) -> str:
    head = text.rstrip("$")
    return f"{references.escape(head)}{'$$' * (len(text) - len(head))}$({name})"


def format_shell_text(service: plan.ServicePlan, node: nodes.ScalarNode) -> str:
    """A script with its secrets as variables of the shell: the kubelet expands no secret in a probe or a hook."""
    parts = service.split_secrets(node)
    text = parts[0]
    for name, part in zip(parts[1::2], parts[2::2], strict=True):
        quote = _find_open_quote(text)
        text += {"": f'"${{{name}}}"', '"': f"${{{name}}}", "'": f"""'"${{{name}}}"'"""}[quote] + part
    return service.renames.rewrite(references.escape(text))


def format_shell_word(service: plan.ServicePlan, node: nodes.ScalarNode) -> str:
    """A word of a command, quoted for a script, with its secrets as variables of the shell."""
    parts = [
        f'"${{{part}}}"' if index % 2 else shlex.quote(part) for index, part in enumerate(service.split_secrets(node))
    ]
    words = "".join(part for part in parts if part != "''") or "''"
    return service.renames.rewrite(references.escape(words))


def _find_open_quote(text: str) -> str:
    """The quote that a script leaves open: `'`, `"` or none."""
    quote = ""
    for match in re.finditer(r"""\\.|['"]""", text, re.DOTALL):
        if match[0] == quote:
            quote = ""
        elif not quote and match[0] in ("'", '"'):
            quote = match[0]
    return quote


def convert_definitions(document: key_reader.KeyReader) -> None:
    for name, secret in document.enter_mapping("secrets"):
        hint = f"pulumi config set --secret --path {diagnosis.quote_word(f'seaway:secrets.{name}')}"
        file = f"{hint} < {shlex.quote(secret.get_text('file') or '')}"
        secret.approximate("file", "the stack holds the value, not a file", file)
        secret.approximate("environment", "the stack holds the value, not a variable of the shell", hint)
        secret.approximate("external", "the stack holds the value, not Docker", f"{hint}, or `existing: <Secret>`")
        secret.keep("name", "only Docker uses this name")
        secret.drop("driver driver_opts template_driver labels", "the stack holds the value", hint)


def convert_configs(service: plan.ServicePlan) -> None:
    """The configs of a service."""
    for config in service.keys.enter_sequence("configs"):
        source = config.get_text("source") or ""
        target = posixpath.normpath(posixpath.join("/", config.get_text("target") or source))
        definition = service.document.enter("configs").enter(source)
        content, file = definition.get_text("content"), definition.get_text("file")
        if content is not None and _mount_secret(service, config, source, target):
            continue
        if _is_executable(config.get_text("mode") or ""):
            service.add_executable_files()
        if content is not None or file:
            source = service.project.to_relative(file or "") or file or ""
            is_renamed = service.add_file(target, config.locate("source"), source=source, content=content)
            kind, message = ("approximated", naming.RENAMED) if is_renamed else ("kept", "")
            config.record("source", kind, message, into="files")
        else:
            config.drop("source", f"the content of the config {source} is unknown", "write its `content:` or `file:`")
        config.keep("target")
        message = "every user of the container can read the file, and none can change it"
        config.approximate("uid gid mode", message)


def _mount_secret(service: plan.ServicePlan, config: key_reader.KeyReader, source: str, target: str) -> bool:
    """Mount a config whose content has a secret as the file of one. False: it has none."""
    node = service.document.enter("configs").enter(source).get_node("content")
    if not isinstance(node, nodes.ScalarNode):
        return False
    if not service.interpolated_secrets.get(node.location) and not secret_patterns.contains_line(node.text):
        return False
    text = service.renames.rewrite(node.text)
    prefix = "CONFIG" if text == node.text else f"{service.dns_name}_CONFIG"
    name = re.sub(r"\W", "_", f"{prefix}_{source}")
    service.add_secret_file(name, text, target, config.locate("source"))
    message = f"contains a secret: the file is {target}, and its content is not in the application"
    config.record("source", "kept" if text == node.text else "approximated", message, into=f"secrets.{name}")
    config.keep("target")
    config.approximate("uid gid mode", "only the user of the container can read the file")
    return True


def _is_executable(mode: str) -> bool:
    """``0755``, or the same in decimal."""
    is_octal = mode.startswith("0")
    digits = mode.removeprefix("0o") if is_octal else mode
    return digits.isdecimal() and bool(int(digits, 8 if is_octal else 10) & 0o111)


def convert_config_definitions(document: key_reader.KeyReader) -> None:
    services = [keys for _, keys in document.enter_mapping("services")]
    used = {config.get_text("source") for keys in services for config in keys.enter_sequence("configs")}
    for name, config in document.enter_mapping("configs"):
        unused = "" if name in used else "no service uses it"
        config.keep("file content", unused)
        config.keep("name", "only Docker uses this name")
        if config.has("content"):
            config.keep("environment", "its value is the content")
        else:
            config.drop("environment", "is a variable of the shell, which a cluster lacks", "write `content:`")
        config.drop("external", "Docker holds its content", "write `content:` or `file:`")
        config.drop("template_driver labels", "the content is used as it is")
