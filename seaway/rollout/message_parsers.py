"""Parses the messages of the kubelet, container runtimes, registries and the API server.

Kubernetes reports most causes in prose only. The patterns are for kubelet 1.34, containerd 1.7 to 2.4, CRI-O, and the
registries of Docker Hub, Amazon, Google and GitHub. The tests hold a real message for each.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from seaway.manifests import names

MAX_LENGTH = 240
"""Characters of a foreign message in one of our lines."""
NO_REASON = "no reason was given"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMessage:
    """The meaning of a message."""

    cause: str
    """Id in causes.py."""
    message: str
    """In one line."""
    is_transient: bool = False
    """The problem may go away by itself."""
    hint: str | None = None
    """The template of a hint (see hints.py) that fits better than that of the cause."""
    values: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """In the hint: a folder, a port."""


_WRONG_ARCHITECTURE = re.compile(
    r"no match for platform|no image found in (manifest list|image index) for architecture"
    r"|image architecture mismatch|exec format error",
    re.I,
)
_UNREACHABLE = re.compile(
    r"dial tcp|connection re(fused|set)|i/o timeout|no such host|network is unreachable|no route to host|x509|\btls: "
    r"|TLS handshake|\bEOF\b|deadline exceeded|Client\.Timeout|server gave HTTP response to HTTPS client"
    r"|temporary failure in name resolution|server misbehaving|registry is unavailable"
    r"|\b5\d\d (Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)|status(?: code)? 5\d\d\b"
    r"|toomanyrequests|429 Too Many Requests",
    re.I,
)
_LASTING: Mapping[str, str] = {
    r"no such host|server misbehaving|failure in name resolution": "check the host name in <image> (docker.io if it has"
    " none) and the DNS of the nodes; if the machine of the one-node cluster does not reach the registry, add the"
    " image: make image",
    r"x509: |server gave HTTP response to HTTPS client": "let the nodes trust the certificate of the registry (plain"
    " HTTP must be allowed in the configuration of their container runtime), or correct the host name in <image>",
}
"""The failures of a connection that are hardly cured by waiting, with their hints.

A timeout, a refused connection or a status 5xx is what a registry that restarts or is overloaded answers. A name that
the DNS does not resolve in several attempts is usually misspelt, or the nodes have no access to that network.
"""
# Registries that answer like this do not reveal whether the image exists.
_EXISTENCE_HIDDEN = re.compile(
    r"repository does not exist or may require|or it may not exist|resource may not exist"
    r"|requested access to the resource is denied|insufficient_scope",
    re.I,
)
_CREDENTIALS_MISSING = re.compile(
    r"no basic auth credentials|invalid username/password|missing username or secret", re.I
)
_DENIED = re.compile(
    r"401 Unauthorized|403 Forbidden|\bunauthorized\b|\bdenied\b|authentication required|authorization failed"
    r"|failed to authorize|unauthenticated request|access forbidden|status code 40[13]\b",
    re.I,
)
_NOT_FOUND = re.compile(
    r"not found|manifest unknown|name unknown|manifest_unknown|name_unknown|does not exist|status code 404"
    r"|from registry 404|no such manifest",
    re.I,
)


def parse_pull_error(text: str, image: str) -> ParsedMessage:
    """Why an image could not be pulled.

    Sources: kubelet `pkg/kubelet/images`, containerd `core/remotes/docker`, containers/image `docker`.
    """
    detail = text
    for noise in _PULL_NOISE:
        detail = re.sub(noise, "", detail)
    detail = truncate_line(detail.replace(f"{image}: ", "")) or NO_REASON
    # The image's name may contain "denied" or "not found".
    plain = re.sub(r"https?://\S+", " ", _remove_image(text, image))
    if _WRONG_ARCHITECTURE.search(plain):
        return ParsedMessage(
            cause="wrong-architecture", message=f"image {image} is for another CPU architecture: {detail}"
        )
    if _UNREACHABLE.search(plain):
        message = f"the registry of image {image} cannot be reached: {detail}"
        hint = next((hint for pattern, hint in _LASTING.items() if re.search(pattern, plain, re.I)), None)
        return ParsedMessage(cause="registry-unreachable", message=message, is_transient=hint is None, hint=hint)
    if _EXISTENCE_HIDDEN.search(plain) and not _CREDENTIALS_MISSING.search(plain):
        message = f"image {image} may not be pulled, or does not exist (the registry does not say which): {detail}"
        return ParsedMessage(cause="image-not-authorised", message=message)
    if _CREDENTIALS_MISSING.search(plain) or _DENIED.search(plain):
        return ParsedMessage(cause="image-not-authorised", message=f"image {image} may not be pulled: {detail}")
    if _NOT_FOUND.search(plain):
        return ParsedMessage(cause="image-not-found", message=f"image {image} does not exist: {detail}")
    return ParsedMessage(cause="image-pull", message=f"image {image} cannot be pulled: {detail}", is_transient=True)


_PULL_NOISE: Sequence[str] = (
    r'Back-off pulling image "[^"]*":? ?',
    r'Failed to pull image "[^"]*": ',
    r"ErrImagePull: ",
    r"rpc error: code = \w+ desc = ",
    r'failed to pull and unpack image "[^"]*": ',
    r'failed to resolve (?:reference|image)(?: "[^"]*")?: ',
    r"(?:initializing source|pinging container registry) \S+: ",
)


def _remove_image(text: str, image: str) -> str:
    """The text without the image, its name and its repository: runtimes repeat any of them."""
    name = image.partition("@")[0]
    repository = re.sub(r":[^/:]*$", "", name)
    for part in (image, name, repository if "/" in repository else ""):
        text = text.replace(part, " ") if part else text
    return text


_OBJECT_NOT_FOUND = re.compile(r'\b(secret|configmap) "(?P<name>[^"]+)" not found', re.I)
_ENV_KEY_NOT_FOUND = re.compile(r"couldn't find key (?P<key>\S+) in (?P<kind>Secret|ConfigMap) [^/\s]+/(?P<name>\S+)")
_VOLUME_KEY_NOT_FOUND = re.compile(r"references non-existent (?P<kind>config|secret) key: (?P<key>\S+)")
_ROOT_FORBIDDEN = re.compile(
    r"(image will run as root|image has non-numeric user \([^)]*\), cannot verify user is non-root"
    r"|runAsUser breaks non-root policy)"
)
_CONFIG_KINDS = {"secret": "Secret", "configmap": "ConfigMap", "config": "ConfigMap"}
_ROOT_CA_CONFIG_MAP = "kube-root-ca.crt"
"""Kubernetes creates it in each new namespace, a moment later."""


def parse_config_error(text: str) -> ParsedMessage:
    """Why a container could not be configured, or a volume with a Secret or ConfigMap not be mounted.

    Sources: kubelet `kubelet_pods.go`, `kuberuntime/security_context_others.go`, `pkg/volume/configmap`, `.../secret`.
    """
    if match := _OBJECT_NOT_FOUND.search(text):
        message = f"the {_CONFIG_KINDS[match[1].lower()]} {match['name']} does not exist"
        is_transient = match["name"] == _ROOT_CA_CONFIG_MAP
        return ParsedMessage(cause="config-missing", message=message, is_transient=is_transient)
    if match := _ENV_KEY_NOT_FOUND.search(text):
        message = f"the {match['kind']} {match['name']} has no key {match['key']}"
        return ParsedMessage(cause="config-missing", message=message)
    if match := _VOLUME_KEY_NOT_FOUND.search(text):
        volume = re.search(r'for volume "([^"]+)"', text)
        volume_name = f" of volume {volume[1]}" if volume else ""
        message = f"the {_CONFIG_KINDS[match['kind']]}{volume_name} has no key {match['key']}"
        return ParsedMessage(cause="config-missing", message=message)
    if match := _ROOT_FORBIDDEN.search(text):
        return ParsedMessage(cause="runs-as-root", message=f"root is forbidden: {match[1]}")
    # "failed to sync secret cache: timed out waiting for the condition" occurs on a busy node, and goes away.
    message = f"the container cannot be created: {truncate_line(text)}"
    return ParsedMessage(cause="container-not-created", message=message, is_transient=True)


_PROGRAM_NOT_FOUND = re.compile(
    r'exec:? "?(?P<program>[^"\s]+?)"?: (?:stat \S+: )?(?P<why>executable file not found in \$PATH'
    r"|no such file or directory|permission denied|is a directory)"
)


def parse_start_error(text: str, image: str) -> ParsedMessage | None:
    """Why a program could not be started; None if the text is about something else. Source: runc, via containerd."""
    if _WRONG_ARCHITECTURE.search(text):
        message = f"the program of image {image} is for another CPU architecture (exec format error)"
        return ParsedMessage(cause="wrong-architecture", message=message)
    if match := _PROGRAM_NOT_FOUND.search(text):
        message = f"the program {match['program']} cannot be started: {match['why']}"
        return ParsedMessage(cause="command-not-found", message=message, is_transient=True)
    return None


_QUOTA = re.compile(
    r"exceeded quota: (?P<name>\S+), requested: (?P<requested>.+), used: (?P<used>.+), limited: (?P<limit>.+)"
)
_LIMITS = re.compile(r"(?:minimum|maximum) \S+ usage per \w+ is .+|\S+ max limit to request ratio per \w+ is .+", re.S)


def parse_admission_error(text: str) -> ParsedMessage:
    """Why the API server rejected a pod.

    Sources: apiserver `resourcequota`, `webhook/errors`, `policy/validating`; `pod-security-admission`; kubernetes
    `limitranger`, `serviceaccount`.
    """
    detail = re.sub(r"^.*?\bis forbidden: ", "", _strip_controller_prefix(text), count=1, flags=re.S)
    # Pod Security names every field that violates the level: show all of them.
    detail = truncate_line(detail, 2 * MAX_LENGTH)
    if match := _QUOTA.search(detail):
        message = (
            f"the quota {match['name']} is full: {match['requested']} requested,"
            f" {match['used']} of {match['limit']} used"
        )
        # Our own quota has room for all declared pods. It is full only until removed pods are gone.
        return ParsedMessage(cause="quota", message=message, is_transient=match["name"] == names.QUOTA_NAME)
    if "status unknown for quota: " in detail:
        return ParsedMessage(
            cause="quota", message=f"the quota is new and not counted yet: {detail}", is_transient=True
        )
    if "failed quota: " in detail:
        return ParsedMessage(cause="quota", message=f"a quota rejects the pod: {detail}")
    if "violates PodSecurity" in detail:
        return ParsedMessage(cause="pod-security", message=f"the pod {detail}")
    if "error looking up service account" in detail:
        name = re.search(r"service account [^/\s]+/([^:\s]+)", detail)
        message = f"the service account {name[1]} does not exist" if name else detail
        # Kubernetes creates `default` in each new namespace, a moment later. For any other name, waiting only makes the
        # controller's delay longer, up to 16 minutes, so that the repair would look as if it did not help.
        is_transient = name is None or name[1] == "default"
        return ParsedMessage(cause="service-account", message=message, is_transient=is_transient)
    denied = "denied the request" in detail or "denied request: " in detail or bool(_LIMITS.search(detail))
    return ParsedMessage(cause="refused", message=f"the pod is rejected: {detail}", is_transient=not denied)


def _strip_controller_prefix(text: str) -> str:
    """Without the prefix of the controllers, and without the pod's name, which differs each time."""
    text = re.sub(r"^\(combined from similar events\): ", "", text)
    text = re.sub(r"^Error creating: ", "", text)
    return re.sub(r"^create (?:Pod|Claim) .*? failed error: ", "", text)


def format_probe_failure(text: str) -> str:
    """The result of a probe, without the pod's address: it is then the same for all pods of a workload."""
    text = re.sub(r"\b\d{1,3}(?:\.\d{1,3}){3}(?=:\d)|\[[0-9a-f:]+\](?=:\d)", "", text)
    # Get "http://:8000/healthz": dial tcp :8000: connect: connection refused
    return truncate_line(re.sub(r"\"https?://(:\d+[^\"]*)\"", r"\1", text))


def format_scheduler_message(text: str) -> str:
    """The scheduler's message, without the pods that it could preempt."""
    return truncate_line(re.split(r"\.? (?:no new claims to deallocate|preemption: )", text)[0]).rstrip(".")


def truncate_line(text: str, max_length: int = MAX_LENGTH) -> str:
    """One line. A longer text loses its middle: runtimes put the reason last."""
    text = " ".join(text.split())
    if len(text) <= max_length:
        return text
    half = (max_length - 3) // 2
    return f"{text[:half].rstrip()} … {text[-half:].lstrip()}"
