"""Real texts of kubelets, runtimes and registries, each with what it must be taken for."""

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


@pytest.mark.parametrize(("cause", "text"), PULLS)
def test_why_an_image_was_not_pulled(cause: str, text: str) -> None:
    meaning = message_parsers.parse_pull_error(text, WEB)
    assert meaning.cause == cause
    assert meaning.is_transient == (cause in {"registry-unreachable", "image-pull"})
    assert "\n" not in meaning.line
    assert "rpc error" not in meaning.line


@pytest.mark.parametrize("image", ["registry.example.com/denied/x509:401", DIGEST, "unauthorized/not-found:1"])
def test_the_name_of_an_image_is_no_reason(image: str) -> None:
    text = f'failed to do request: Head "https://{image}": dial tcp 10.0.0.1:443: connect: connection refused'
    assert message_parsers.parse_pull_error(text, image).cause == "registry-unreachable"
    text = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
    assert message_parsers.parse_pull_error(text, image).cause == "image-not-found"
    assert (
        message_parsers.parse_pull_error(f'failed to extract layer of "{image}": something new', image).cause
        == "image-pull"
    )


def test_the_address_of_an_image_is_no_reason() -> None:
    request = "unexpected status from HEAD request to https://registry.example.com/v2/x509/denied/manifests/1"
    assert (
        message_parsers.parse_pull_error(f"{request}: 500 Something", "registry.example.com/x509/denied:1").cause
        == "image-pull"
    )


def test_lines_of_pulls() -> None:
    denied = "pull access denied, repository does not exist or may require authorization"
    assert message_parsers.parse_pull_error(f"{denied}: no basic auth credentials", WEB).line.startswith(
        f"image {WEB} may not be pulled: "
    )
    assert (
        message_parsers.parse_pull_error(f"{RESOLVE}{WEB}: not found", WEB).line
        == f"image {WEB} does not exist: not found"
    )
    hidden = message_parsers.parse_pull_error(f"{RESOLVE}{denied}", WEB)
    assert hidden.line == (
        f"image {WEB} may not be pulled, or does not exist (the registry does not say which): pull access denied,"
        " repository does not exist or may require authorization"
    )
    refused = message_parsers.parse_pull_error(
        f"{RESOLVE}failed to do request: dial tcp 10.0.0.1:443: connect: connection refused", WEB
    )
    assert refused.line == (
        f"the registry of image {WEB} cannot be reached: failed to do request: dial tcp 10.0.0.1:443: connect:"
        " connection refused"
    )
    assert message_parsers.parse_pull_error("", WEB).line == f"image {WEB} cannot be pulled: no reason was given"


@pytest.mark.parametrize(
    ("text", "cause", "line", "heals"),
    [
        ('secret "web-1a2b" not found', "config-missing", "the Secret web-1a2b does not exist", False),
        (
            'MountVolume.SetUp failed for volume "config" : configmap "web-1a2b" not found',
            "config-missing",
            "the ConfigMap web-1a2b does not exist",
            False,
        ),
        (
            "couldn't find key TOKEN in Secret shop-dev/web-1a2b",
            "config-missing",
            "the Secret web-1a2b has no key TOKEN",
            False,
        ),
        (
            'MountVolume.SetUp failed for volume "config" : configmap references non-existent config key: app.toml',
            "config-missing",
            "the ConfigMap of volume config has no key app.toml",
            False,
        ),
        (
            'MountVolume.SetUp failed for volume "keys" : references non-existent secret key: tls.crt',
            "config-missing",
            "the Secret of volume keys has no key tls.crt",
            False,
        ),
        # The controllers write it into each new namespace, a moment after the namespace is there.
        (
            'MountVolume.SetUp failed for volume "kube-api-access-x" : configmap "kube-root-ca.crt" not found',
            "config-missing",
            "the ConfigMap kube-root-ca.crt does not exist",
            True,
        ),
        (
            'container has runAsNonRoot and image will run as root (pod: "web-a_shop-dev(1)", container: web)',
            "runs-as-root",
            "root is forbidden: image will run as root",
            False,
        ),
        (
            "container has runAsNonRoot and image has non-numeric user (node), cannot verify user is non-root (pod: x)",
            "runs-as-root",
            "root is forbidden: image has non-numeric user (node), cannot verify user is non-root",
            False,
        ),
        (
            "failed to sync secret cache: timed out waiting for the condition",
            "container-not-created",
            "the container cannot be made: failed to sync secret cache: timed out waiting for the condition",
            True,
        ),
    ],
)
def test_why_a_container_was_not_configured(text: str, cause: str, line: str, heals: bool) -> None:
    assert message_parsers.parse_config_error(text) == message_parsers.ParsedMessage(
        cause=cause, line=line, is_transient=heals
    )


RUNC = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc: unable"


@pytest.mark.parametrize(
    ("text", "cause", "line"),
    [
        (
            f'{RUNC} to start container process: error during container init: exec: "pythn": executable file not found'
            " in $PATH: unknown",
            "command-not-found",
            "the program pythn cannot be started: executable file not found in $PATH",
        ),
        (
            f'{RUNC} to start container process: exec: "/app/run.sh": permission denied: unknown',
            "command-not-found",
            "the program /app/run.sh cannot be started: permission denied",
        ),
        (
            f'{RUNC} to start container process: exec: "/no/such": stat /no/such: no such file or directory: unknown',
            "command-not-found",
            "the program /no/such cannot be started: no such file or directory",
        ),
        (
            "exec /program: exec format error",
            "wrong-architecture",
            f"the program of image {WEB} is for another processor (exec format error)",
        ),
        (
            "standard_init_linux.go:228: exec user process caused: exec format error",
            "wrong-architecture",
            f"the program of image {WEB} is for another processor (exec format error)",
        ),
    ],
)
def test_why_a_program_was_not_started(text: str, cause: str, line: str) -> None:
    meaning = message_parsers.parse_start_error(text, WEB)
    assert meaning is not None
    assert (meaning.cause, meaning.line) == (cause, line)


def test_most_ends_of_a_program_say_nothing() -> None:
    assert message_parsers.parse_start_error("Traceback (most recent call last):\nKeyError: 'TOKEN'", WEB) is None


FORBIDDEN = 'pods "web-7d9f-x2x4z" is forbidden: '


@pytest.mark.parametrize(
    ("text", "cause", "line", "heals"),
    [
        (
            f"{FORBIDDEN}exceeded quota: full, requested: pods=1, used: pods=4, limited: pods=4",
            "quota",
            "the quota full is full: pods=1 more asked, pods=4 of pods=4 used",
            False,
        ),
        (
            f"Error creating: {FORBIDDEN}failed quota: cpu: must specify limits.cpu for: web",
            "quota",
            "a quota refuses the pod: failed quota: cpu: must specify limits.cpu for: web",
            False,
        ),
        (
            f'{FORBIDDEN}violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "web"'
            " must set securityContext.allowPrivilegeEscalation=false)",
            "pod-security",
            'the pod violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "web" must'
            " set securityContext.allowPrivilegeEscalation=false)",
            False,
        ),
        (
            '(combined from similar events): Error creating: admission webhook "rules.example.com" denied the request:'
            " images must be signed",
            "refused",
            'the pod is refused: admission webhook "rules.example.com" denied the request: images must be signed',
            False,
        ),
        (
            f"{FORBIDDEN}ValidatingAdmissionPolicy 'signed' with binding 'all' denied request: images must be signed",
            "refused",
            "the pod is refused: ValidatingAdmissionPolicy 'signed' with binding 'all' denied request: images must be"
            " signed",
            False,
        ),
        (
            f"{FORBIDDEN}exceeded quota: seaway, requested: pods=1, used: pods=8, limited: pods=8",
            "quota",
            "the quota seaway is full: pods=1 more asked, pods=8 of pods=8 used",
            True,
        ),
        (
            f"{FORBIDDEN}status unknown for quota: seaway, resources: limits.memory,pods",
            "quota",
            "the quota is new, and nothing is counted yet: status unknown for quota: seaway, resources: limits.memory,"
            "pods",
            True,
        ),
        (
            f"{FORBIDDEN}maximum memory usage per Container is 64Mi, but limit is 128Mi",
            "refused",
            "the pod is refused: maximum memory usage per Container is 64Mi, but limit is 128Mi",
            False,
        ),
        (
            'Internal error occurred: failed calling webhook "rules.example.com": failed to call webhook: Post'
            ' "https://rules.x.svc:443/": dial tcp 10.96.1.2:443: connect: connection refused',
            "refused",
            'the pod is refused: Internal error occurred: failed calling webhook "rules.example.com": failed to call'
            ' webhook: Post "https://rules.x.svc:443/": dial tcp 10.96.1.2:443: connect: connection refused',
            True,
        ),
        (
            'create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: error looking up service account'
            ' shop-dev/db: serviceaccount "db" not found',
            "service-account",
            "the service account db does not exist",
            True,
        ),
    ],
)
def test_why_a_pod_was_refused(text: str, cause: str, line: str, heals: bool) -> None:
    assert message_parsers.parse_admission_error(text) == message_parsers.ParsedMessage(
        cause=cause, line=line, is_transient=heals
    )


def test_probes_of_all_pods_say_the_same() -> None:
    refused = "dial tcp 10.42.0.7:8000: connect: connection refused"
    one = f'Readiness probe failed: Get "http://10.42.0.7:8000/readyz": {refused}'
    other = one.replace("10.42.0.7", "10.42.0.8")
    assert message_parsers.format_probe_failure(one) == message_parsers.format_probe_failure(other)
    assert message_parsers.format_probe_failure(one) == (
        "Readiness probe failed: Get :8000/readyz: dial tcp :8000: connect: connection refused"
    )
    assert message_parsers.format_probe_failure("Readiness probe failed: HTTP probe failed with statuscode: 404") == (
        "Readiness probe failed: HTTP probe failed with statuscode: 404"
    )


def test_what_the_scheduler_says_is_cut_to_the_point() -> None:
    text = (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims"
        " found for incoming pod."
    )
    newer = text.replace(" preemption", " no new claims to deallocate, preemption")
    assert (
        message_parsers.format_scheduler_message(text)
        == message_parsers.format_scheduler_message(newer)
        == "0/1 nodes are available: 1 Insufficient cpu"
    )


def test_long_texts_end() -> None:
    assert message_parsers.truncate_line(f"begin {'- ' * 500} end", 20) == "begin - … - - end"
    assert len(message_parsers.truncate_line("x" * 999)) <= message_parsers.MAX_LENGTH
    assert message_parsers.truncate_line(" a\n b ") == "a b"
