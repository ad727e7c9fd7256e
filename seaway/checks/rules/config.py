"""Configuration: no secret where everybody reads it, and nothing named that is not there. Values are never told."""

import re
from collections import Counter
from collections.abc import Iterator

from seaway.checks import check, check_context
from seaway.model.validate import structure

_WORDS = r"(password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credentials?)"
_NAME = re.compile(rf"(.*_)?{_WORDS}", re.IGNORECASE)
_LINE = re.compile(rf"""\s*["']?[-\w.]*{_WORDS}["']?\s*[:=]\s*["']?[^\s"'$<{{\[/#][^\s"']*""", re.IGNORECASE)
_URL = re.compile(r"://[^/\s:@]*:(?!\$)[^/\s@]+@")
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_NO_SECRET = re.compile(r"true|false|\$.*|/.*|", re.IGNORECASE)
"""What is a switch, a reference to another variable, or a path to the value."""


@check.containers("CFG-01", "No secret stands in a plain environment variable", check.RELEASED)
def variables(each: check_context.Container) -> check_context.Found:
    """It is in git, in the state, and before everybody who may look at a Deployment."""
    for one in each.manifest.get("env", []):
        name, value = one["name"], one.get("value", "")
        named = _NAME.fullmatch(name) and not _NO_SECRET.fullmatch(value)
        if named or _URL.search(value) or _KEY.search(value):
            wrong = "looks like a secret" if named else "has a password or a key in it"
            remedy = f"make {each.field('secrets')} of it" if named else f"take the value from {each.field('secrets')}"
            yield each.says(f"env[{name}].value", wrong, f"{remedy}; a value may use another one, as $(PASSWORD)")


@check.whole(
    "CFG-02",
    "No secret stands in a file of configuration",
    check.advice("it is told by the look of a line, and a look may deceive"),
)
def files(seen: check_context.Subject) -> check_context.Found:
    """It is in git, in the state, and before everybody who may look at a ConfigMap."""
    for each in seen.of("ConfigMap"):
        for key, content in each.manifest.get("data", {}).items():
            for number, line in enumerate(content.splitlines(), 1):
                if _LINE.match(line) or _URL.search(line) or _KEY.search(line):
                    wrong = f"line {number} looks like a secret"
                    remedy = "give it to the program as one of its `secrets`, which are files below /run/secrets"
                    yield check_context.about(each, f"data[{key}]", wrong, remedy)


@check.containers(
    "CFG-03",
    "A secret is a file, and no environment variable",
    check.advice("many programs and public images read theirs from variables only"),
)
def in_files(each: check_context.Container) -> check_context.Found:
    """A variable goes on to every process that this one starts, and into the report of every crash."""
    for one in each.manifest.get("env", []):
        if "secretKeyRef" in one.get("valueFrom", {}):
            remedy = f"take `env: true` from {each.field('secrets')}.{one['name']}, and read the file"
            yield each.says(f"env[{one['name']}]", "is a secret in a variable", remedy)


@check.whole("CFG-04", "What the configuration names is there, once", check.BROKEN)
def named(seen: check_context.Subject) -> check_context.Found:
    """A pod that names a ConfigMap, Secret or key that is not there never starts; of two variables with one name the
    last wins, and nobody notices."""
    keys = {each.key: each.manifest.get("data", {}).keys() for each in seen.of("ConfigMap", "Secret")}
    kept = {secret.existing for one in structure.processes(seen.app).values() for secret in one.secrets}
    for pod in seen.pods:
        for path, kind, name, wanted in _volumes(pod):
            if f"{kind}/{name}" not in keys and name not in kept:
                yield pod.says(path, f"there is no {kind} {name}", "name one that is there")
            elif name not in kept:
                for key in wanted - keys[f"{kind}/{name}"]:
                    yield pod.says(path, f"there is no key {key} in {kind} {name}", "name one that is there")
        for each in pod.containers:
            env = each.manifest.get("env", [])
            for name in (name for name, times in Counter(one["name"] for one in env).items() if times > 1):
                yield each.says(f"env[{name}]", "is there twice", "remove one of the two")
            for one in env:
                asked = one.get("valueFrom", {}).get("secretKeyRef")
                if asked and asked["name"] not in kept and asked["key"] not in keys.get(f"Secret/{asked['name']}", ()):
                    wrong = f"there is no key {asked['key']} in a Secret {asked['name']}"
                    yield each.says(f"env[{one['name']}].valueFrom.secretKeyRef", wrong, "name one that is there")


def _volumes(pod: check_context.Pod) -> Iterator[tuple[str, str, str, set[str]]]:
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
