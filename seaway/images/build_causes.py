"""The causes of a failed build: how each is recognised in the error or the output of a step, and its hint.

The id of a cause is stable, and its anchor in docs/runbook.md.
"""

import dataclasses
import re
from collections.abc import Mapping

from seaway.images import build_log

UNKNOWN = "build-step-failed"
STAGE_MISSING = "build-stage-missing"
FILE_MISSING = "build-file-missing"
FILE_IGNORED = "build-file-ignored"
PROGRAM_MISSING = "build-program-missing"

CAUSES: Mapping[str, str] = {
    "build-builder-unavailable": "list the builders with docker buildx ls, and set seaway:builder in the stack's file"
    " to one that runs; without it, docker-build creates one, which needs a Docker daemon",
    "build-push-failed": "check seaway:registry in the stack's file; log in with docker login {registry}",
    "build-base-not-authorised": "check its name, and log in to its registry: docker login {subject_registry}",
    "build-base-missing": "correct the name in {place}",
    "build-base-unreachable": "check that the builder reaches {subject_registry}; or set another image for it in"
    " seaway:imageOverrides of the stack's file",
    "build-wrong-platform": "use an image and programs for {platform}, or change it: pulumi config set seaway:platform"
    " linux/amd64 (or linux/arm64)",
    STAGE_MISSING: "correct the name in {place}, or build.target in {app}",
    FILE_IGNORED: "remove that line, or write !{subject} below it",
    FILE_MISSING: "correct the path in {place}; it is relative to {context}",
    "build-secret-missing": "add {subject} to build.secrets of {image} in {app}, and its value to the stack",
    "build-dockerfile-invalid": "correct {place}",
    "build-out-of-memory": "give the builder more memory, or let the step use less, for example with fewer parallel"
    " jobs",
    "build-no-space": "free disk space on the builder: docker buildx prune; see its usage with docker buildx du",
    PROGRAM_MISSING: "install it in a step above {place}, or use a base image that has it",
    "build-compiler-missing": "install a compiler in a step above {place} (on Debian: apt-get install -y"
    " build-essential), or use a version of the package that needs none",
    "build-certificate": "add the certificate authority of your network to the base image, and name it to the program"
    " (SSL_CERT_FILE, PIP_CERT, NODE_EXTRA_CA_CERTS)",
    "build-checksum-mismatch": "write the lock file again, and check that the index has not changed",
    "build-network": "check the address, and that builds reach it; a proxy is passed with build.args of {image} in"
    " {app} (HTTPS_PROXY)",
    "build-package-missing": "correct the name or version of {subject}; or the index does not answer, or has none for"
    " this base image",
    "build-permission-denied": "make the file executable (RUN chmod +x), or run the step as root: USER 0 above {place}",
    "build-timeout": "build again; if it happens again, find out what the step waits for",
    UNKNOWN: "read the output, and correct {place}",
}
"""The hint of each cause, in one line."""

NETWORK_ERROR = (
    r"Temporary failure (?:in name resolution|resolving)|Name or service not known|Could not resolve|no such host"
    r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|bad address|ECONNREFUSED|Connection refused"
    r"|ETIMEDOUT|Connection timed out|Network is unreachable|Failed to connect to|i/o timeout|connect timeout"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a cause is recognised.

    Args:
        pattern: the first group that matches is the subject.
        exit_codes: of the step; empty: any.
        message: ``{subject}`` and ``{base}``, the base image.
    """

    cause: str
    message: str
    pattern: str = ""
    exit_codes: tuple[int, ...] = ()


ERROR_RULES = (
    Rule(
        cause="build-builder-unavailable",
        pattern=r"no builder \"([^\"]+)\" found|(?:failed to list workers|error reading preface|listing workers)"
        r"|(Cannot connect to the Docker daemon)|checking buildkit compatibility",
        message="the builder does not answer: {error}",
    ),
    Rule(cause="build-push-failed", pattern=r"failed to push (\S+): ", message="the image cannot be pushed: {error}"),
    Rule(
        cause="build-wrong-platform",
        pattern=r"no match for platform in manifest|does not match the specified platform",
        message="{base} does not exist for {platform}",
    ),
    Rule(
        cause="build-base-not-authorised",
        pattern=r"failed to resolve source metadata for (\S+): (?=.*(?:401|403|unauthorized|denied|authorization))",
        message="the builder may not pull {base}",
    ),
    Rule(
        cause="build-base-missing",
        pattern=r"failed to resolve source metadata for (\S+): .*(?<!dial tcp): not found",
        message="{base} does not exist",
    ),
    Rule(
        cause="build-base-unreachable",
        pattern=r"failed to resolve source metadata for (\S+): ",
        message="the registry of {base} does not answer: {error}",
    ),
    Rule(
        cause=STAGE_MISSING,
        pattern=r"target stage \"(\S+)\" could not be found|invalid from flag value (\S+?):|dependency .* stage: (\S+)",
        message="the Dockerfile has no stage {subject} that can be used here",
    ),
    Rule(
        cause=FILE_MISSING,
        pattern=r"failed to calculate checksum of ref [^\"]*\"/?([^\"]+)\": not found",
        message="{subject} does not exist",
    ),
    Rule(cause="build-secret-missing", pattern=r"secret (\S+): not found", message="the build has no secret {subject}"),
    Rule(
        cause="build-dockerfile-invalid",
        pattern=r"dockerfile parse error on line \d+: (.*)|(base name .* should not be blank)",
        message="{subject}",
    ),
    Rule(cause="build-network", pattern=rf"failed to load cache key: .*(?:{NETWORK_ERROR})", message="{error}"),
    Rule(cause="build-timeout", pattern=r"context deadline exceeded", message="it took too long: {error}"),
)
"""Rules for the error of the build. The first that matches decides."""

OUTPUT_RULES = (
    Rule(cause="build-out-of-memory", exit_codes=(137,), message="the program was killed: it took too much memory"),
    Rule(
        cause="build-no-space",
        pattern=r"no space left on device|ENOSPC|disk quota exceeded",
        message="the builder's disk is full",
    ),
    Rule(
        cause="build-wrong-platform",
        pattern=r"(\S+?):? exec format error",
        message="{subject} is for another processor than {platform}",
    ),
    Rule(
        cause="build-compiler-missing",
        pattern=r"command '(\S*(?:cc|\+\+)\S*)' failed|unable to execute '?(\S*(?:cc|\+\+))'?|"
        r"gyp ERR! .*(not found: make)|\b(gcc|cc|g\+\+|make): (?:command )?not found|linker `(cc)` not found",
        message="a package must be compiled, and {base} has no compiler ({subject})",
    ),
    Rule(
        cause=PROGRAM_MISSING,
        pattern=r"exec: \"([^\"]+)\": executable file not found|(?:sh|bash): (?:line )?(?:\d+: )?(\S+?): "
        r"(?:command |No such file or directory)?(?:not found)?|env: '?([^\s:']+)'?: No such file",
        exit_codes=(127,),
        message="{subject} is not in {base}",
    ),
    Rule(
        cause=PROGRAM_MISSING,
        pattern=r"exec: \"([^\"]+)\": executable file not found in \$PATH",
        message="{subject} is not in {base}",
    ),
    Rule(cause=PROGRAM_MISSING, exit_codes=(127,), message="a program that the step starts is not in {base}"),
    Rule(
        cause="build-certificate",
        pattern=r"certificate verify failed|CERTIFICATE_VERIFY_FAILED|x509: certificate|self[- ]signed certificate"
        r"|unable to get local issuer",
        message="the certificate of a server is not trusted in {base}",
    ),
    Rule(
        cause="build-checksum-mismatch",
        pattern=r"DO NOT MATCH THE HASHES|EINTEGRITY|Hash Sum mismatch|checksum mismatch",
        message="a downloaded package has another checksum than the lock file",
    ),
    Rule(cause="build-network", pattern=f"({NETWORK_ERROR})", message="a server cannot be reached ({subject})"),
    Rule(
        cause="build-package-missing",
        pattern=r"No matching distribution found for (\S+)|Unable to locate package (\S+)"
        r"|Package '?(\S+?)'? has no installation candidate|Version '\S+' for '(\S+)' was not found"
        r"|404 Not Found - GET \S*/(\S+)|No matching version found for (\S+)|(\S+) \(no such package\)"
        r"|No match for argument: (\S+)|Could not find a valid gem '(\S+)'|no matching package named `(\S+)` found"
        r"|(\S+): (?:unknown revision|module \S+: not found)",
        message="the package index has no {subject}",
    ),
    Rule(cause="build-timeout", exit_codes=(124,), message="the step took longer than its own limit"),
    Rule(
        cause="build-permission-denied",
        pattern=r"([^\s']+)'?: Permission denied|(EACCES)|(Operation not permitted)",
        message="permission denied: {subject}",
    ),
    Rule(cause="build-permission-denied", exit_codes=(126,), message="the program is not executable"),
)
"""Rules for the output of a program that failed. The first that matches decides."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A recognised cause.

    Args:
        subject: what its message and its hint name.
        error: the part of the error that follows what was recognised.
    """

    cause: str
    message: str
    subject: str = ""
    error: str = ""


def recognise_cause(error: str, output: str) -> Recognised:
    """The cause of a failed build.

    Args:
        error: of the build.
        output: the last lines of the step.
    """
    exit_code = build_log.parse_exit_code(error)
    rules, text = (ERROR_RULES, error) if exit_code is None else (OUTPUT_RULES, output)
    for rule in rules:
        if rule.exit_codes and exit_code not in rule.exit_codes:
            continue
        if match := re.search(rule.pattern, text, re.IGNORECASE):
            subject = next(filter(None, match.groups()), "")
            rest = text[match.end() :] if rules is ERROR_RULES and match[0].endswith(": ") else error
            return Recognised(cause=rule.cause, message=rule.message, subject=subject, error=rest)
    return Recognised(cause=UNKNOWN, message="{error}", error=error)
