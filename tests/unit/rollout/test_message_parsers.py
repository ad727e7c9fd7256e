"""Real messages of kubelets, container runtimes, registries and the API server, each with its cause."""

import pytest

from seaway.rollout import message_parsers

WEB = "registry.example.com/shop/web:2"
DIGEST = "registry.example.com/shop/web@sha256:4015037e401403f4045004290000000000000000000000000000000000000000"
UNPACK = f'rpc error: code = NotFound desc = failed to pull and unpack image "{WEB}": '
RESOLVE = f'{UNPACK}failed to resolve reference "{WEB}": '

PULLS = [
    # containerd 1.7 and 2.x
    ("image-not-found", f"{RESOLVE}{WEB}: not found"),
    ("image-not-found", f'Back-off pulling image "{WEB}": ErrImagePull: {RESOLVE}{WEB}: not found'),
    (
        "image-not-found",
        f"{UNPACK}failed to copy: httpReadSeeker: failed open: content at https://registry.example.com/v2/shop/web/"
        "manifests/sha256:503 not found: not found",
    ),
    (
        "image-not-authorised",
        f"{RESOLVE}pull access denied, repository does not exist or may require authorization: server message:"
        " insufficient_scope: authorization failed",
    ),
    (
        "image-not-authorised",
        f"{RESOLVE}pull access denied, repository does not exist or may require authorization: authorization failed:"
        " no basic auth credentials",
    ),
    (
        "image-not-authorised",
        f"{RESOLVE}failed to authorize: failed to fetch anonymous token: unexpected status from GET request to"
        " https://ghcr.io/token?scope=repository%3Ashop%2Fweb%3Apull&service=ghcr.io: 401 Unauthorized",
    ),
    (
        "image-not-authorised",
        f"{RESOLVE}unexpected status from HEAD request to https://registry.example.com/v2/shop/web/manifests/2:"
        " 403 Forbidden",
    ),
    (
        "registry-unreachable",
        f'{RESOLVE}failed to do request: Head "https://registry.example.com/v2/shop/web/manifests/2": dial tcp'
        " 10.0.0.1:443: connect: connection refused",
    ),
    (
        "registry-unreachable",
        f'{RESOLVE}failed to do request: Head "https://registry.example.com/v2/shop/web/manifests/2": dial tcp: lookup'
        " registry.example.com on 10.96.0.10:53: no such host",
    ),
    (
        "registry-unreachable",
        f'{RESOLVE}failed to do request: Head "https://registry.example.com/v2/shop/web/manifests/2": dial tcp: lookup'
        " registry.example.com on 10.96.0.10:53: server misbehaving",
    ),
    (
        "registry-unreachable",
        f'{RESOLVE}failed to do request: Head "https://registry.example.com/v2/shop/web/manifests/2": http: server gave'
        " HTTP response to HTTPS client",
    ),
    (
        "registry-unreachable",
        f"{RESOLVE}failed to authorize: failed to fetch anonymous token: Get"
        ' "https://auth.example.com/token?scope=x": dial tcp 10.0.0.1:443: i/o timeout',
    ),
    (
        "registry-unreachable",
        f'{RESOLVE}failed to do request: Head "https://registry.example.com/v2/": tls: failed to verify certificate:'
        " x509: certificate signed by unknown authority",
    ),
    (
        "registry-unreachable",
        f"{RESOLVE}unexpected status from HEAD request to https://registry.example.com/v2/shop/web/manifests/2: 503"
        " Service Unavailable",
    ),
    (
        "registry-unreachable",
        f"{UNPACK}failed to copy: httpReadSeeker: failed open: unexpected status from GET request to"
        " https://registry-1.docker.io/v2/library/web/manifests/sha256:401: 429 Too Many Requests toomanyrequests: You"
        " have reached your unauthenticated pull rate limit.",
    ),
    ("wrong-architecture", f"{UNPACK}no match for platform in manifest sha256:404: not found"),
    ("image-pull", f"{UNPACK}failed to extract layer sha256:0: write /var/lib/x: no space left on device"),
    # CRI-O
    (
        "image-not-found",
        "rpc error: code = Unknown desc = initializing source docker://registry.example.com/shop/web:2: reading"
        " manifest 2 in registry.example.com/shop/web: manifest unknown",
    ),
    (
        "image-not-authorised",
        "rpc error: code = Unknown desc = reading manifest 2 in registry.example.com/shop/web: errors:\ndenied:"
        " requested access to the resource is denied\nunauthorized: authentication required",
    ),
    (
        "wrong-architecture",
        "rpc error: code = Unknown desc = choosing image instance: no image found in image index for architecture"
        ' "arm64", variant "v8", OS "linux"',
    ),
    (
        "registry-unreachable",
        "rpc error: code = Unknown desc = pinging container registry registry.example.com: Get"
        ' "https://registry.example.com/v2/": EOF',
    ),
    # Docker's daemon, as Docker Desktop has it
    (
        "image-not-found",
        f"Error response from daemon: manifest for {WEB} not found: manifest unknown: manifest unknown",
    ),
    # Amazon's and Google's registries
    (
        "image-not-authorised",
        'Error response from daemon: Head "https://1.dkr.ecr.eu-west-1.amazonaws.com/v2/web/manifests/2": no basic'
        " auth credentials",
    ),
    (
        "image-not-found",
        "Error response from daemon: repository 1.dkr.ecr.eu-west-1.amazonaws.com/web not found: name unknown: The"
        " repository with name 'web' does not exist in the registry with id '1'",
    ),
    (
        "image-not-authorised",
        f"{RESOLVE}unexpected status from HEAD request to https://europe-docker.pkg.dev/v2/p/r/web/manifests/2: 403"
        ' Forbidden\ndenied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource'
        ' "projects/p/locations/europe/repositories/r" (or it may not exist)',
    ),
]


TRANSIENT = {"registry-unreachable", "image-pull"}
LASTING = ("no such host", "x509: ", "server misbehaving", "server gave HTTP")


def format_parsed(parsed: message_parsers.ParsedMessage | None) -> str:
    assert parsed is not None
    assert "\n" not in parsed.message
    assert "rpc error" not in parsed.message
    hint = f"; {parsed.hint}" if parsed.hint else ""
    return f"{parsed.cause}{' (transient)' if parsed.is_transient else ''}: {parsed.message}{hint}"


def test_pull_errors(wording: object) -> None:
    parsed = [message_parsers.parse_pull_error(text, WEB) for _, text in PULLS]
    assert [(message.cause, message.is_transient) for message in parsed] == [
        (cause, cause in TRANSIENT and not any(reason in text for reason in LASTING)) for cause, text in PULLS
    ]
    assert [*map(format_parsed, [*parsed, message_parsers.parse_pull_error("", WEB)])] == wording


@pytest.mark.parametrize("image", ["registry.example.com/denied/x509:401", DIGEST, "unauthorized/not-found:1"])
def test_the_name_of_an_image_does_not_decide_the_cause(image: str) -> None:
    texts = (
        f'failed to do request: Head "https://{image}": dial tcp 10.0.0.1:443: connect: connection refused',
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found',
        f'failed to extract layer of "{image}": something new',
    )
    causes = [message_parsers.parse_pull_error(text, image).cause for text in texts]
    assert causes == ["registry-unreachable", "image-not-found", "image-pull"]


def test_the_address_of_an_image_does_not_decide_the_cause() -> None:
    text = "unexpected status from HEAD request to https://registry.example.com/v2/x509/denied/manifests/1: 500 Other"
    assert message_parsers.parse_pull_error(text, "registry.example.com/x509/denied:1").cause == "image-pull"


CONFIG_ERRORS = [
    ("config-missing", 'secret "web-1a2b" not found'),
    ("config-missing", 'MountVolume.SetUp failed for volume "config" : configmap "web-1a2b" not found'),
    ("config-missing", "couldn't find key TOKEN in Secret shop-dev/web-1a2b"),
    (
        "config-missing",
        'MountVolume.SetUp failed for volume "config" : configmap references non-existent config key: app.toml',
    ),
    ("config-missing", 'MountVolume.SetUp failed for volume "keys" : references non-existent secret key: tls.crt'),
    # The controllers create it a moment after each new namespace.
    (
        "config-missing (transient)",
        'MountVolume.SetUp failed for volume "kube-api-access-x" : configmap "kube-root-ca.crt" not found',
    ),
    (
        "runs-as-root",
        'container has runAsNonRoot and image will run as root (pod: "web-a_shop-dev(1)", container: web)',
    ),
    (
        "runs-as-root",
        "container has runAsNonRoot and image has non-numeric user (node), cannot verify user is non-root (pod: x)",
    ),
    ("container-not-created (transient)", "failed to sync secret cache: timed out waiting for the condition"),
]


def test_config_errors(wording: object) -> None:
    lines = [format_parsed(message_parsers.parse_config_error(text)) for _, text in CONFIG_ERRORS]
    assert [line.partition(":")[0] for line in lines] == [cause for cause, _ in CONFIG_ERRORS]
    assert lines == wording


RUNC = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc: unable"
START_ERRORS = [
    (
        "command-not-found (transient)",
        f'{RUNC} to start container process: error during container init: exec: "pythn": executable file not found'
        " in $PATH: unknown",
    ),
    (
        "command-not-found (transient)",
        f'{RUNC} to start container process: exec: "/app/run.sh": permission denied: unknown',
    ),
    (
        "command-not-found (transient)",
        f'{RUNC} to start container process: exec: "/no/such": stat /no/such: no such file or directory: unknown',
    ),
    ("wrong-architecture", "exec /program: exec format error"),
    ("wrong-architecture", "standard_init_linux.go:228: exec user process caused: exec format error"),
]


def test_start_errors(wording: object) -> None:
    lines = [format_parsed(message_parsers.parse_start_error(text, WEB)) for _, text in START_ERRORS]
    assert [line.partition(":")[0] for line in lines] == [cause for cause, _ in START_ERRORS]
    assert lines == wording


def test_the_output_of_a_program_is_not_a_start_error() -> None:
    assert message_parsers.parse_start_error("Traceback (most recent call last):\nKeyError: 'TOKEN'", WEB) is None


FORBIDDEN = 'pods "web-7d9f-x2x4z" is forbidden: '
ADMISSION_ERRORS = [
    ("quota", f"{FORBIDDEN}exceeded quota: full, requested: pods=1, used: pods=4, limited: pods=4"),
    ("quota", f"Error creating: {FORBIDDEN}failed quota: cpu: must specify limits.cpu for: web"),
    (
        "pod-security",
        f'{FORBIDDEN}violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "web"'
        " must set securityContext.allowPrivilegeEscalation=false)",
    ),
    (
        "refused",
        '(combined from similar events): Error creating: admission webhook "rules.example.com" denied the request:'
        " images must be signed",
    ),
    (
        "refused",
        f"{FORBIDDEN}ValidatingAdmissionPolicy 'signed' with binding 'all' denied request: images must be signed",
    ),
    ("quota (transient)", f"{FORBIDDEN}exceeded quota: seaway, requested: pods=1, used: pods=8, limited: pods=8"),
    ("quota (transient)", f"{FORBIDDEN}status unknown for quota: seaway, resources: limits.memory,pods"),
    ("refused", f"{FORBIDDEN}maximum memory usage per Container is 64Mi, but limit is 128Mi"),
    (
        "refused (transient)",
        'Internal error occurred: failed calling webhook "rules.example.com": failed to call webhook: Post'
        ' "https://rules.x.svc:443/": dial tcp 10.96.1.2:443: connect: connection refused',
    ),
    (
        "service-account",
        'create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: error looking up service account'
        ' shop-dev/db: serviceaccount "db" not found',
    ),
]


def test_admission_errors(wording: object) -> None:
    lines = [format_parsed(message_parsers.parse_admission_error(text)) for _, text in ADMISSION_ERRORS]
    assert [line.partition(":")[0] for line in lines] == [cause for cause, _ in ADMISSION_ERRORS]
    assert lines == wording


def test_probe_failures_of_all_pods_are_equal() -> None:
    refused = "dial tcp 10.42.0.7:8000: connect: connection refused"
    text = f'Readiness probe failed: Get "http://10.42.0.7:8000/readyz": {refused}'
    formatted = message_parsers.format_probe_failure(text)
    assert formatted == message_parsers.format_probe_failure(text.replace("10.42.0.7", "10.42.0.8"))
    assert formatted == "Readiness probe failed: Get :8000/readyz: dial tcp :8000: connect: connection refused"
    status = "Readiness probe failed: HTTP probe failed with statuscode: 404"
    assert message_parsers.format_probe_failure(status) == status


def test_preemption_is_cut_from_the_scheduler_message() -> None:
    text = (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims"
        " found for incoming pod."
    )
    newer = text.replace(" preemption", " no new claims to deallocate, preemption")
    messages = {message_parsers.format_scheduler_message(message) for message in (text, newer)}
    assert messages == {"0/1 nodes are available: 1 Insufficient cpu"}


def test_long_texts_are_truncated() -> None:
    assert message_parsers.truncate_line(f"begin {'- ' * 500} end", 20) == "begin - … - - end"
    assert len(message_parsers.truncate_line("x" * 999)) <= message_parsers.MAX_LENGTH
    assert message_parsers.truncate_line(" a\n b ") == "a b"
