"""The causes of a failed build: how each is recognised, its message and its hint.

The id of a cause is stable, and its anchor in docs/runbook.md.
"""

import dataclasses
import re

from seaway.images import build_log

UNKNOWN, STAGE_MISSING = "build-step-failed", "build-stage-missing"
FILE_MISSING, FILE_IGNORED = "build-file-missing", "build-file-ignored"
_PULL = r"failed to resolve source metadata for (\S+): "
_NETWORK = (
    r"Temporary failure (?:in name resolution|resolving)|Name or service not known|Could not resolve|no such host"
    r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|bad address|ECONNREFUSED|Connection refused|ETIMEDOUT|Connection timed out"
    r"|Network is unreachable|Failed to connect to|i/o timeout|connect timeout"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Cause:
    """A cause. Its texts name ``{subject}``, the first group of the pattern that matches, and what the caller fills in.

    Args:
        error: pattern of the builder's error, if no program of a step failed.
        output: pattern of the last lines of a program that failed.
        exit_code: of the program, which is enough.
    """

    id: str
    message: str
    hint: str
    _: dataclasses.KW_ONLY
    error: str = ""
    output: str = ""
    exit_code: int | None = None


CAUSES = (
    Cause(
        "build-builder-unavailable",
        "the builder does not answer: {error}",
        "list the builders with docker buildx ls, and set seaway:builder in the stack's file to one that runs; without"
        " it, docker-build creates one, which needs a Docker daemon",
        error=r"no builder \"[^\"]+\" found|failed to list workers|listing workers|error reading preface|Docker daemon",
    ),
    Cause(
        "build-push-failed",
        "the image cannot be pushed: {error}",
        "check seaway:registry in the stack's file; log in with docker login {registry}",
        error=r"failed to push (\S+): ",
    ),
    Cause(
        "build-wrong-platform",
        "{subject} is for another processor than {platform}",
        "use an image and programs for {platform}, or change it: pulumi config set seaway:platform linux/amd64 (or"
        " linux/arm64)",
        error=r"(\S+): no match for platform in manifest|(\S+) .*does not match the specified platform",
        output=r"(\S+?):? exec format error",
    ),
    Cause(
        "build-base-not-authorised",
        "the builder may not pull {base}",
        "check its name{similar_image}, and log in to its registry: docker login {subject_registry}",
        error=_PULL + r"(?=.*(?:401|403|unauthorized|denied|authorization))",
    ),
    Cause(
        "build-base-missing",
        "{base} does not exist",
        "correct the name in {place}{similar_image}",
        error=_PULL + ".*: not found",
    ),
    Cause(
        "build-base-unreachable",
        "the registry of {base} does not answer: {error}",
        "correct the name in {place}{similar_image}, or check that the builder reaches {subject_registry}; or set"
        " another image for it in seaway:imageOverrides of the stack's file (on the one-node cluster: make image)",
        error=_PULL,
    ),
    Cause(
        STAGE_MISSING,
        "the Dockerfile has no stage {subject} that can be used here",
        "correct the name in {place}, or build.target in {app}",
        error=r"target stage \"(\S+)\" could not be found|invalid from flag value (\S+?):|dependency .* stage: (\S+)",
    ),
    Cause(FILE_IGNORED, "{subject} is excluded by {ignore_rule}", "remove that line, or write !{subject} below it"),
    Cause(
        FILE_MISSING,
        "{subject} does not exist in {context}{suggestion}",
        "correct the path in {place}; it is relative to {context}",
        error=r"failed to calculate checksum of ref [^\"]*\"/?([^\"]+)\": not found",
    ),
    Cause(
        "build-secret-missing",
        "the build has no secret {subject}",
        "add {subject} to build.secrets of {image} in {app}, with the name of a secret of the stack, and set its value:"
        " pulumi config set --secret --path 'seaway:secrets.NAME'",
        error=r"secret (\S+): not found",
    ),
    Cause(
        "build-dockerfile-invalid",
        "{subject}",
        "correct {place}",
        error=r"dockerfile parse error on line \d+: (.*)|(base name .* should not be blank)",
    ),
    Cause(
        "build-out-of-memory",
        "the program was killed, usually because the builder has too little memory",
        "give the builder more memory, or let the step use less, for example with fewer parallel jobs",
        exit_code=137,
    ),
    Cause(
        "build-timeout",
        "the step, or a download, took too long",
        "build again; if it happens again, find out what the step waits for",
        error="context deadline exceeded",
        exit_code=124,
    ),
    Cause(
        "build-no-space",
        "the builder's disk is full",
        "free disk space on the builder: docker buildx prune; see its usage with docker buildx du",
        error="no space left on device",
        output="no space left on device|ENOSPC|disk quota exceeded",
    ),
    Cause(
        "build-compiler-missing",
        "a package must be compiled, and {base} has no compiler ({subject})",
        "install a compiler in a step above {place} (Debian: apt-get install -y build-essential), or use a version of"
        " the package that needs none",
        output=r"command '(\S*(?:cc|\+\+)\S*)' failed|unable to execute '?(\S*(?:cc|\+\+))'?|linker `(cc)` not found"
        r"|gyp ERR! .*(not found: make)|\b(gcc|cc|g\+\+|make): (?:command )?not found",
    ),
    Cause(
        "build-program-missing",
        "{subject} is not in {base}",
        "install it in a step above {place}, or use a base image that has it",
        output=r"exec: \"([^\"]+)\": executable file not found|sh: (?:line )?(?:\d+: )?(\S+?): (?:command )?not found"
        r"|env: ['‘]?([^\s:'’]+)['’]?: No such file",
        exit_code=127,
    ),
    Cause(
        "build-certificate",
        "the certificate of a server is not trusted in {base}",
        "add the certificate authority of your network to the base image, and name it to the program (SSL_CERT_FILE,"
        " PIP_CERT, NODE_EXTRA_CA_CERTS)",
        error="x509: certificate",
        output="certificate.verify.failed|x509: certificate|self[- ]signed certificate|unable to get local issuer",
    ),
    Cause(
        "build-checksum-mismatch",
        "a downloaded package has another checksum than the lock file",
        "write the lock file again, and check that the index has not changed",
        output="DO NOT MATCH THE HASHES|EINTEGRITY|Hash Sum mismatch|checksum mismatch",
    ),
    Cause(
        "build-network",
        "a server cannot be reached ({subject})",
        "check the address, and that builds reach it; a proxy is passed with build.args of {image} in {app}"
        " (HTTPS_PROXY)",
        error=rf"failed to load cache key: (.*(?:{_NETWORK}))",
        output=f"({_NETWORK})",
    ),
    Cause(
        "build-package-missing",
        "the package index has no {subject}",
        "correct the name or version of {subject}; or the index does not answer, or has none for this base image",
        output=r"No matching distribution found for (\S+)|Unable to locate package (\S+)"
        r"|Package '?(\S+?)'? has no installation candidate|Version '\S+' for '(\S+)' was not found"
        r"|404 Not Found - GET \S*/(\S+)|No matching version found for (\S+)|(\S+) \(no such package\)"
        r"|No match for argument: (\S+)|Could not find a valid gem '(\S+)'|no matching package named `(\S+)` found"
        r"|(\S+): (?:unknown revision|module \S+: not found)",
    ),
    Cause(
        "build-permission-denied",
        "permission denied: {subject}",
        "make the file executable (RUN chmod +x), or run the step as root: USER 0 above {place}",
        output=r"([^\s']+)'?: Permission denied|(EACCES)|(Operation not permitted)",
        exit_code=126,
    ),
    Cause(UNKNOWN, "{error}", "read the output, and correct {place}"),
)
"""The first that matches decides; the last matches always."""


def find(id_: str) -> Cause:
    """The cause with an id."""
    return next(cause for cause in CAUSES if cause.id == id_)


def recognise(error: str, output: str) -> tuple[Cause, str, str]:
    """The cause of a failed build, its subject, and the part of the error that says more."""
    exit_code = build_log.parse_exit_code(error)
    for cause in CAUSES:
        pattern, text = (cause.error, error) if exit_code is None else (cause.output, output)
        if pattern and (match := re.search(pattern, text, re.IGNORECASE)):
            rest = error[match.end() :] if exit_code is None and match[0].endswith(": ") else error
            return cause, next(filter(None, match.groups()), ""), rest
        if exit_code is not None and exit_code == cause.exit_code:
            return cause, "a program of the step", error
    return CAUSES[-1], "", error
