"""Configuration: no secret in readable places, and no reference to something missing. Findings never show values."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from seaway.checks import check, check_context
from seaway.kubernetes.api import references
from seaway.manifests import config as manifests_config
from seaway.model import application, secret_patterns, secrets, volumes

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
"""A name that is no command of a shell."""
_KUBERNETES_VARIABLES = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
"""Every container has them."""


@check.for_containers("CFG-01", "No plain environment variable contains a secret", check.STRICT_FOR_RELEASES)
def secret_in_variable(container: check_context.Container) -> check_context.Findings:
    """It is stored in git and in the state, and everybody who may read the Deployment can read it."""
    for variable in container.manifest.get("env", []):
        name, content = variable["name"], variable.get("value", "")
        if secret_patterns.is_secret(name, content):
            has_secret_name = secret_patterns.is_named_secret(name, content)
            message = "looks like a secret" if has_secret_name else "contains a password, a key or a token"
            path = container.get_model_path("secrets")
            hint = f"declare it in {path}" if has_secret_name else f"take the value from {path}"
            yield container.make_finding(
                f"env[{name}].value", message, f"{hint}; a value may refer to another variable, as $(PASSWORD)"
            )


@check.for_application(
    "CFG-02",
    "No configuration file contains a secret",
    check.warn_everywhere("the check only looks at the form of a line, so it can be wrong"),
)
def secret_in_config_file(context: check_context.CheckContext) -> check_context.Findings:
    """It is stored in git and in the state, and everybody who may read the ConfigMap can read it."""
    for config_map in context.list_objects("ConfigMap"):
        for key, content in config_map.manifest.get("data", {}).items():
            for number, line in enumerate(content.splitlines(), 1):
                if secret_patterns.contains_line(line):
                    message = f"line {number} looks like a secret"
                    hint = "declare it in `secrets`: the program reads it from a file below /run/secrets"
                    yield check_context.make_finding(config_map, f"data[{key}]", message, hint)


@check.for_containers(
    "CFG-03",
    "A secret is a file, not an environment variable",
    check.warn_everywhere("many programs and public images read secrets only from variables"),
)
def secret_as_variable(container: check_context.Container) -> check_context.Findings:
    """Child processes inherit a variable, and crash reports include it."""
    for variable in container.manifest.get("env", []):
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference and not manifests_config.is_link_key(reference["key"]):
            name = variable["name"]
            hint = f"remove `env: true` from {container.get_model_path('secrets')}.{name}, and read the file"
            yield container.make_finding(f"env[{name}]", "is a secret in a variable", hint)


@check.for_application("CFG-04", "Referenced configuration exists, and no name is defined twice", check.CANNOT_WORK)
def missing_references(context: check_context.CheckContext) -> check_context.Findings:
    """A pod that refers to a missing ConfigMap, Secret or key never starts. Of two variables with one name the last
    one wins silently."""
    keys = {
        config.key: config.manifest.get("data", {}).keys() for config in context.list_objects("ConfigMap", "Secret")
    }
    existing = {secret.existing for _, secret in secrets.list_secrets(context.environment.app)}
    for pod in context.pods:
        for path, kind, name, wanted_keys in _list_volume_references(pod):
            if name in existing:
                continue
            if f"{kind}/{name}" not in keys:
                yield pod.make_finding(path, f"{kind} {name} does not exist", f"name an existing {kind}")
                continue
            for key in wanted_keys - keys[f"{kind}/{name}"]:
                yield pod.make_finding(path, f"{kind} {name} has no key {key}", "name an existing key")
        for container in pod.containers:
            variables = container.manifest.get("env", [])
            counts = Counter(variable["name"] for variable in variables)
            for name in (name for name, count in counts.items() if count > 1):
                yield container.make_finding(f"env[{name}]", "is defined twice", "remove one definition")
            for variable in variables:
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if not reference or reference["name"] in existing:
                    continue
                if reference["key"] not in keys.get(f"Secret/{reference['name']}", ()):
                    path = f"env[{variable['name']}].valueFrom.secretKeyRef"
                    message = f"Secret {reference['name']} has no key {reference['key']}"
                    yield container.make_finding(path, message, "name an existing key")


@check.for_application("CFG-05", "No build argument contains a secret", check.STRICT_FOR_RELEASES)
def secret_in_build_argument(context: check_context.CheckContext) -> check_context.Findings:
    """The history of the image shows it to everybody who can pull the image. It is also in git, in the state and in the
    record of the release."""
    for path, workload in context.environment.app.get_workloads().items():
        build = workload.build if isinstance(workload, application.ServiceOrStore) else None
        arguments: Mapping[str, str] = build.args if build else {}
        for name, content in arguments.items():
            if secret_patterns.is_secret(name, content):
                yield check_context.Finding(
                    owner=workload.name,
                    object=path,
                    path=f"build.args[{name}]",
                    message="looks like a secret, and the history of the image keeps it",
                    hint=f"declare it in {path}.build.secrets, and read it with RUN --mount=type=secret",
                )


@check.for_pods("CFG-06", "A pod reads only its own configuration, secrets and volumes", check.STRICT_FOR_RELEASES)
def foreign_references(pod: check_context.Pod) -> check_context.Findings:
    """Whoever controls the pod would also have the passwords or the data of another workload."""
    own = {("PersistentVolumeClaim", volumes.format_claim_name(shared)) for shared in pod.workload.shared_volumes}
    own |= {
        ("Secret", secret.existing)
        for container_spec in pod.workload.list_containers()
        for secret in container_spec.secrets
        if secret.existing
    }
    own |= {(config.kind, config.name) for config in pod.own_objects}
    for path, kind, name in (
        *((path, kind, name) for path, kind, name, _ in _list_volume_references(pod)),
        *_list_other_references(pod),
    ):
        if (kind, name) not in own:
            message = f"{kind} {name} does not belong to {pod.workload.name}"
            hint = f"declare it in {pod.model_path}.{'sharedVolumes' if 'Volume' in kind else 'secrets'}"
            yield pod.make_finding(path, message, hint if kind != "ConfigMap" else "declare its files in `files`")


@check.for_containers(
    "CFG-07",
    "A reference names a variable that the container has",
    check.warn_everywhere("a Pulumi program may add the variable, and the text may be for a shell"),
)
def unknown_variables(container: check_context.Container) -> check_context.Findings:
    """Kubernetes passes on a reference to any other name as it is written. A probe knows only the variables of `env`
    whose values have no references."""
    if "envFrom" in container.manifest:
        return
    variables, known = container.manifest.get("env", []), {*_KUBERNETES_VARIABLES}
    for variable in variables:
        yield from _find_unknown(container, f"env[{variable['name']}].value", variable.get("value", ""), known)
        known.add(variable["name"])
    for field in ("command", "args"):
        for number, word in enumerate(container.manifest.get(field, ())):
            yield from _find_unknown(container, f"{field}[{number}]", word, known)
    plain = {variable["name"] for variable in variables if "$" not in variable.get("value", "$")}
    for probe in ("startupProbe", "readinessProbe"):
        command = container.manifest.get(probe, {}).get("exec", {}).get("command", ())
        for number, word in enumerate(command):
            hint = "let a shell read a variable: [sh, -c, 'test \"$NAME\"']"
            yield from _find_unknown(container, f"{probe}.exec.command[{number}]", word, plain, hint)


@check.for_containers("CFG-08", "No command contains a secret", check.STRICT_FOR_RELEASES)
def secret_in_command(container: check_context.Container) -> check_context.Findings:
    """It is stored in git and in the state, and everybody who may read the pod can read it; on the node, the list of
    processes shows it."""
    declare = f"declare it in {container.get_model_path('secrets')} with `env: true`"
    for path, words in _list_commands(container.manifest):
        is_expanded = path in ("command", "args")
        hint = f"{declare}, and write $(NAME)" if is_expanded else f'{declare}, and let a shell read "$NAME"'
        for number in dict.fromkeys(span.word for span in secret_patterns.find_in_command(words)):
            yield container.make_finding(f"{path}[{number}]", "contains a password or a token", hint)


def _list_commands(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    """The commands that the kubelet starts in a container, with their paths."""
    for field in ("command", "args"):
        yield field, manifest.get(field, ())
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        yield f"{probe}.exec.command", manifest.get(probe, {}).get("exec", {}).get("command", ())
    for hook, handler in manifest.get("lifecycle", {}).items():
        yield f"lifecycle.{hook}.exec.command", handler.get("exec", {}).get("command", ())


@check.for_pods("CFG-09", "No label or annotation contains a secret", check.STRICT_FOR_RELEASES)
def secret_in_metadata(pod: check_context.Pod) -> check_context.Findings:
    """Everybody who may list the pods can read them, and nothing can mount a label as a file."""
    for field in ("labels", "annotations"):
        for name, content in pod.template["metadata"].get(field, {}).items():
            if secret_patterns.contains_credentials(content):
                path = f"{pod.template_path}.metadata.{field}[{name}]"
                hint = f"remove it, and declare it in {pod.model_path}.secrets"
                yield pod.make_object_finding(path, "contains a password, a key or a token", hint)


def _find_unknown(
    container: check_context.Container, path: str, text: str, known: Collection[str], hint: str = "declare it"
) -> check_context.Findings:
    for name in dict.fromkeys(references.list_names(text)):
        if _VARIABLE.fullmatch(name) and name not in known:
            message = f"$({name}) is not expanded: there is no variable {name} that it can refer to"
            yield container.make_finding(path, message, f"{hint}, or write $$({name}) if you mean this text")


def _list_other_references(pod: check_context.Pod) -> Iterator[tuple[str, str, str]]:
    """The claims of a pod, and the ConfigMaps and Secrets that its variables are read from: path, kind and name."""
    for volume in pod.spec.get("volumes", []):
        if claim := volume.get("persistentVolumeClaim"):
            yield f"volumes[{volume['name']}].persistentVolumeClaim", "PersistentVolumeClaim", claim["claimName"]
    for container in pod.containers:
        prefix = f"{container.spec_key}[{container.manifest['name']}]"
        sources = [
            *((f"{prefix}.envFrom", source) for source in container.manifest.get("envFrom", [])),
            *(
                (f"{prefix}.env[{variable['name']}].valueFrom", variable.get("valueFrom", {}))
                for variable in container.manifest.get("env", [])
            ),
        ]
        for path, source in sources:
            for field in ("secretRef", "secretKeyRef", "configMapRef", "configMapKeyRef"):
                if reference := source.get(field):
                    kind = "Secret" if field.startswith("secret") else "ConfigMap"
                    yield f"{path}.{field}", kind, reference.get("name", "")


def _list_volume_references(pod: check_context.Pod) -> Iterator[tuple[str, str, str, set[str]]]:
    """The ConfigMaps and Secrets that a pod mounts: path, kind, name, and the keys that the volume selects."""
    for volume in pod.spec.get("volumes", []):
        volume_path = f"volumes[{volume['name']}]"
        sources = [
            (f"{volume_path}.projected.sources[{number}]", source)
            for number, source in enumerate(volume.get("projected", {}).get("sources", []))
        ]
        for path, source in ((volume_path, volume), *sources):
            for field, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
                if reference := source.get(field):
                    name = reference.get("name") or reference["secretName"]
                    yield f"{path}.{field}", kind, name, {key["key"] for key in reference.get("items", [])}
