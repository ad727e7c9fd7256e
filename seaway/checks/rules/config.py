"""Configuration: no secret where everybody reads it, and nothing named that is not there. Values are never told."""

import re
from collections import Counter
from collections.abc import Iterator

from seaway.checks import check, check_context

_SECRET_WORDS = r"(password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credentials?)"
_SECRET_NAME = re.compile(rf"(.*_)?{_SECRET_WORDS}", re.IGNORECASE)
_SECRET_LINE = re.compile(
    rf"""\s*["']?[-\w.]*{_SECRET_WORDS}["']?\s*[:=]\s*["']?[^\s"'$<{{\[/#][^\s"']*""", re.IGNORECASE
)
_URL_PASSWORD = re.compile(r"://[^/\s:@]*:(?!\$)[^/\s@]+@")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_NOT_A_SECRET = re.compile(r"true|false|\$.*|/.*|", re.IGNORECASE)
"""What is a switch, a reference to another variable, or a path to the value."""


@check.for_containers("CFG-01", "No secret stands in a plain environment variable", check.STRICT_FOR_RELEASES)
def secret_in_variable(container: check_context.Container) -> check_context.Findings:
    """It is in git, in the state, and before everybody who may look at a Deployment."""
    for one in container.manifest.get("env", []):
        name, value = one["name"], one.get("value", "")
        named = _SECRET_NAME.fullmatch(name) and not _NOT_A_SECRET.fullmatch(value)
        if named or _URL_PASSWORD.search(value) or _PRIVATE_KEY.search(value):
            wrong = "looks like a secret" if named else "has a password or a key in it"
            remedy = (
                f"make {container.get_model_path('secrets')} of it"
                if named
                else f"take the value from {container.get_model_path('secrets')}"
            )
            yield container.make_finding(
                f"env[{name}].value", wrong, f"{remedy}; a value may use another one, as $(PASSWORD)"
            )


@check.for_application(
    "CFG-02",
    "No secret stands in a file of configuration",
    check.warn_everywhere("it is told by the look of a line, and a look may deceive"),
)
def secret_in_config_file(context: check_context.CheckContext) -> check_context.Findings:
    """It is in git, in the state, and before everybody who may look at a ConfigMap."""
    for each in context.list_objects("ConfigMap"):
        for key, content in each.manifest.get("data", {}).items():
            for number, line in enumerate(content.splitlines(), 1):
                if _SECRET_LINE.match(line) or _URL_PASSWORD.search(line) or _PRIVATE_KEY.search(line):
                    wrong = f"line {number} looks like a secret"
                    remedy = "give it to the program as one of its `secrets`, which are files below /run/secrets"
                    yield check_context.make_finding(each, f"data[{key}]", wrong, remedy)


@check.for_containers(
    "CFG-03",
    "A secret is a file, and no environment variable",
    check.warn_everywhere("many programs and public images read theirs from variables only"),
)
def secret_as_variable(container: check_context.Container) -> check_context.Findings:
    """A variable goes on to every process that this one starts, and into the report of every crash."""
    for one in container.manifest.get("env", []):
        if "secretKeyRef" in one.get("valueFrom", {}):
            remedy = f"take `env: true` from {container.get_model_path('secrets')}.{one['name']}, and read the file"
            yield container.make_finding(f"env[{one['name']}]", "is a secret in a variable", remedy)


@check.for_application("CFG-04", "What the configuration names is there, once", check.CANNOT_WORK)
def missing_references(context: check_context.CheckContext) -> check_context.Findings:
    """A pod that names a ConfigMap, Secret or key that is not there never starts; of two variables with one name the
    last wins, and nobody notices."""
    keys = {each.key: each.manifest.get("data", {}).keys() for each in context.list_objects("ConfigMap", "Secret")}
    kept = {secret.existing for one in context.app.get_containers().values() for secret in one.secrets}
    for pod in context.pods:
        for path, kind, name, wanted in _list_volume_references(pod):
            if f"{kind}/{name}" not in keys and name not in kept:
                yield pod.make_finding(path, f"there is no {kind} {name}", "name one that is there")
            elif name not in kept:
                for key in wanted - keys[f"{kind}/{name}"]:
                    yield pod.make_finding(path, f"there is no key {key} in {kind} {name}", "name one that is there")
        for each in pod.containers:
            env = each.manifest.get("env", [])
            for name in (name for name, times in Counter(one["name"] for one in env).items() if times > 1):
                yield each.make_finding(f"env[{name}]", "is there twice", "remove one of the two")
            for one in env:
                asked = one.get("valueFrom", {}).get("secretKeyRef")
                if asked and asked["name"] not in kept and asked["key"] not in keys.get(f"Secret/{asked['name']}", ()):
                    wrong = f"there is no key {asked['key']} in a Secret {asked['name']}"
                    yield each.make_finding(
                        f"env[{one['name']}].valueFrom.secretKeyRef", wrong, "name one that is there"
                    )


def _list_volume_references(pod: check_context.Pod) -> Iterator[tuple[str, str, str, set[str]]]:
    """The ConfigMaps and Secrets that a pod mounts: path, kind, name and the keys that it takes, if it says which."""
    for volume in pod.spec.get("volumes", []):
        at = f"volumes[{volume['name']}]"
        projected = volume.get("projected", {}).get("sources", [])
        sources = [(f"{at}.projected.sources[{number}]", one) for number, one in enumerate(projected)]
        for path, one in ((at, volume), *sources):
            for field, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
                if said := one.get(field):
                    name = said.get("name") or said["secretName"]
                    yield f"{path}.{field}", kind, name, {item["key"] for item in said.get("items", [])}
