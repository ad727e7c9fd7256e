"""What the texts of the kubelet, of container runtimes, registries and the API server mean.

Kubernetes gives most causes in prose only. The texts here are those of kubelet 1.34, containerd 1.7 to 2.4, CRI-O and
the registries of Docker Hub, Amazon, Google and GitHub; tests hold a real one of each.
"""

import dataclasses
import re
from collections.abc import Sequence

from seaway.manifests import names

MAX_LENGTH = 240
"""Characters of a foreign text in a line of ours."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMessage:
    """What a text says."""

    cause: str
    """Id in causes.py."""
    line: str
    is_transient: bool
    """It may pass by itself: a wait can be of use."""


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
# Registries that answer so hide whether there is an image at all.
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
    said = _clean_pull_error(text, image)
    # An image may be called "denied".
    plain = re.sub(r"https?://\S+", " ", _remove_image(text, image))
    if _WRONG_ARCHITECTURE.search(plain):
        return ParsedMessage(
            cause="wrong-architecture", line=f"image {image} is for another processor: {said}", is_transient=False
        )
    if _UNREACHABLE.search(plain):
        return ParsedMessage(
            cause="registry-unreachable",
            line=f"the registry of image {image} cannot be reached: {said}",
            is_transient=True,
        )
    if _EXISTENCE_HIDDEN.search(plain) and not _CREDENTIALS_MISSING.search(plain):
        line = f"image {image} may not be pulled, or does not exist (the registry does not say which): {said}"
        return ParsedMessage(cause="image-not-authorised", line=line, is_transient=False)
    if _CREDENTIALS_MISSING.search(plain) or _DENIED.search(plain):
        return ParsedMessage(
            cause="image-not-authorised", line=f"image {image} may not be pulled: {said}", is_transient=False
        )
    if _NOT_FOUND.search(plain):
        return ParsedMessage(cause="image-not-found", line=f"image {image} does not exist: {said}", is_transient=False)
    return ParsedMessage(cause="image-pull", line=f"image {image} cannot be pulled: {said}", is_transient=True)


_PULL_NOISE: Sequence[str] = (
    r'Back-off pulling image "[^"]*":? ?',
    r'Failed to pull image "[^"]*": ',
    r"ErrImagePull: ",
    r"rpc error: code = \w+ desc = ",
    r'failed to pull and unpack image "[^"]*": ',
    r'failed to resolve (?:reference|image)(?: "[^"]*")?: ',
    r"(?:initializing source|pinging container registry) \S+: ",
)


def _clean_pull_error(text: str, image: str) -> str:
    for noise in _PULL_NOISE:
        text = re.sub(noise, "", text)
    return truncate_line(text.replace(f"{image}: ", "")) or "no reason was given"


def _remove_image(text: str, image: str) -> str:
    """The text without the image, its name or its repository, whichever the runtime repeats."""
    name = image.partition("@")[0]
    repository = re.sub(r":[^/:]*$", "", name)
    for each in (image, name, repository if "/" in repository else ""):
        text = text.replace(each, " ") if each else text
    return text


_OBJECT_NOT_FOUND = re.compile(r'\b(secret|configmap) "(?P<name>[^"]+)" not found', re.I)
_ENV_KEY_NOT_FOUND = re.compile(r"couldn't find key (?P<key>\S+) in (?P<kind>Secret|ConfigMap) [^/\s]+/(?P<name>\S+)")
_VOLUME_KEY_NOT_FOUND = re.compile(r"references non-existent (?P<kind>config|secret) key: (?P<key>\S+)")
_ROOT_FORBIDDEN = re.compile(
    r"(image will run as root|image has non-numeric user \([^)]*\), cannot verify user is non-root"
    r"|runAsUser breaks non-root policy)"
)
# Made by Kubernetes itself in each new namespace, a moment later.
_ROOT_CA_CONFIG_MAP = "kube-root-ca.crt"


def parse_config_error(text: str) -> ParsedMessage:
    """Why a container could not be configured, or a volume of configuration not be mounted.

    Sources: kubelet `kubelet_pods.go`, `kuberuntime/security_context_others.go`, `pkg/volume/configmap`, `.../secret`.
    """
    if found := _OBJECT_NOT_FOUND.search(text):
        kind = {"secret": "Secret", "configmap": "ConfigMap"}[found[1].lower()]
        heals = found["name"] == _ROOT_CA_CONFIG_MAP
        return ParsedMessage(
            cause="config-missing", line=f"the {kind} {found['name']} does not exist", is_transient=heals
        )
    if found := _ENV_KEY_NOT_FOUND.search(text):
        said = f"the {found['kind']} {found['name']} has no key {found['key']}"
        return ParsedMessage(cause="config-missing", line=said, is_transient=False)
    if found := _VOLUME_KEY_NOT_FOUND.search(text):
        kind = {"config": "ConfigMap", "secret": "Secret"}[found["kind"]]
        volume = re.search(r'for volume "([^"]+)"', text)
        where = f" of volume {volume[1]}" if volume else ""
        return ParsedMessage(
            cause="config-missing", line=f"the {kind}{where} has no key {found['key']}", is_transient=False
        )
    if found := _ROOT_FORBIDDEN.search(text):
        return ParsedMessage(cause="runs-as-root", line=f"root is forbidden: {found[1]}", is_transient=False)
    # "failed to sync secret cache: timed out waiting for the condition" is seen on a busy node: it passes.
    return ParsedMessage(
        cause="container-not-created", line=f"the container cannot be made: {truncate_line(text)}", is_transient=True
    )


_PROGRAM_NOT_FOUND = re.compile(
    r'exec:? "?(?P<program>[^"\s]+?)"?: (?:stat \S+: )?(?P<why>executable file not found in \$PATH'
    r"|no such file or directory|permission denied|is a directory)"
)


def parse_start_error(text: str, image: str) -> ParsedMessage | None:
    """Why a program could not be started; none: the text does not say. Source: runc, as containerd passes it on."""
    if _WRONG_ARCHITECTURE.search(text):
        said = f"the program of image {image} is for another processor (exec format error)"
        return ParsedMessage(cause="wrong-architecture", line=said, is_transient=False)
    if found := _PROGRAM_NOT_FOUND.search(text):
        said = f"the program {found['program']} cannot be started: {found['why']}"
        return ParsedMessage(cause="command-not-found", line=said, is_transient=True)
    return None


_QUOTA = re.compile(
    r"exceeded quota: (?P<name>\S+), requested: (?P<asked>.+), used: (?P<used>.+), limited: (?P<most>.+)"
)
_LIMITS = re.compile(r"(?:minimum|maximum) \S+ usage per \w+ is .+|\S+ max limit to request ratio per \w+ is .+", re.S)


def parse_admission_error(text: str) -> ParsedMessage:
    """Why the API server did not take a pod.

    Sources: apiserver `resourcequota`, `webhook/errors`, `policy/validating`; `pod-security-admission`; kubernetes
    `limitranger`, `serviceaccount`.
    """
    # Pod Security names every field that it wants otherwise: all of them are to be read.
    said = truncate_line(
        re.sub(r"^.*?\bis forbidden: ", "", _strip_controller_prefix(text), count=1, flags=re.S), 2 * MAX_LENGTH
    )
    if found := _QUOTA.search(said):
        told = (
            f"the quota {found['name']} is full: {found['asked']} more asked, {found['used']} of {found['most']} used"
        )
        # Our own has room for all that is declared: it is full only until what went from the release has gone.
        return ParsedMessage(cause="quota", line=told, is_transient=found["name"] == names.QUOTA_NAME)
    if "status unknown for quota: " in said:
        return ParsedMessage(
            cause="quota", line=f"the quota is new, and nothing is counted yet: {said}", is_transient=True
        )
    if "failed quota: " in said:
        return ParsedMessage(cause="quota", line=f"a quota refuses the pod: {said}", is_transient=False)
    if "violates PodSecurity" in said:
        return ParsedMessage(cause="pod-security", line=f"the pod {said}", is_transient=False)
    if "error looking up service account" in said:
        name = re.search(r"service account [^/\s]+/([^:\s]+)", said)
        told = f"the service account {name[1]} does not exist" if name else said
        return ParsedMessage(cause="service-account", line=told, is_transient=True)
    denied = "denied the request" in said or "denied request: " in said or bool(_LIMITS.search(said))
    return ParsedMessage(cause="refused", line=f"the pod is refused: {said}", is_transient=not denied)


def _strip_controller_prefix(text: str) -> str:
    """Without what the controllers put before it, and without the pod's name, which differs each time."""
    text = re.sub(r"^\(combined from similar events\): ", "", text)
    text = re.sub(r"^Error creating: ", "", text)
    return re.sub(r"^create (?:Pod|Claim) .*? failed error: ", "", text)


def format_probe_failure(text: str) -> str:
    """What a probe saw, without the pod's address, so that the pods of one workload say the same."""
    text = re.sub(r"\b\d{1,3}(?:\.\d{1,3}){3}(?=:\d)|\[[0-9a-f:]+\](?=:\d)", "", text)
    # Get "http://:8000/healthz": dial tcp :8000: connect: connection refused
    return truncate_line(re.sub(r"\"https?://(:\d+[^\"]*)\"", r"\1", text))


def format_scheduler_message(text: str) -> str:
    """What the scheduler says, without what it might push aside for the pod."""
    return truncate_line(re.split(r"\.? (?:no new claims to deallocate|preemption: )", text)[0]).rstrip(".")


def truncate_line(text: str, max_length: int = MAX_LENGTH) -> str:
    """One line, not too long. What is too long loses its middle: runtimes put the reason last."""
    text = " ".join(text.split())
    if len(text) <= max_length:
        return text
    half = (max_length - 3) // 2
    return f"{text[:half].rstrip()} … {text[-half:].lstrip()}"
