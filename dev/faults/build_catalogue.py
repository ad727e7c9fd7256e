"""Faults of an image build that are injected on the real builder, each with the fix that its hint suggests.

``python -m dev.faults`` injects them and writes docs/failures.md.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml

from dev import project
from dev.faults import fault, injections

STACK = "builds"
BASE = "ARG BASE_IMAGE=python:3.12-slim\nFROM ${BASE_IMAGE}\n"
END = 'WORKDIR /app\nCOPY server.py ./\nUSER 10001:10001\nCMD ["python3", "server.py"]\n'
PIP = "RUN python3 -m venv /opt/pip\n"
CERTIFICATE = """RUN <<EOF
set -e
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 1 \\
  -keyout /tmp/key.pem -out /tmp/cert.pem 2>/dev/null
openssl s_server -quiet -accept 5443 -key /tmp/key.pem -cert /tmp/cert.pem -www & sleep 1
{trust}python3 -c "import urllib.request; urllib.request.urlopen('https://localhost:5443')"
EOF
"""
REQUIREMENT = "idna==3.20 --hash=sha256:"
IDNA = "ab7ae7122974553370f0bdb919e1a960b2cd1bc1ef0276416d896db81c14582c"
# Only the header of an ELF file for 64-bit ARM: the kernel reads no further.
FOREIGN = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(40)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a build reads: a Dockerfile, other files of its context, and settings of the stack and of the build."""

    steps: str = ""
    """Between FROM and the program."""
    base: str = BASE
    end: str = END
    files: Mapping[str, str | bytes] = dataclasses.field(default_factory=dict[str, str | bytes])
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    build: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])

    def write(self, checkout: project.Project, settings: Mapping[str, Any]) -> None:
        """Write it into the checkout. ``settings``: of the stack without the fault."""
        app = checkout.folder / "app" / "app.yaml"
        document = yaml.safe_load(app.read_text())
        document["services"]["web"]["build"] = {"context": "./web", **self.build}
        app.write_text(yaml.safe_dump(document, sort_keys=False))
        context = checkout.folder / "app" / "web"
        for file in context.iterdir():
            if file.name not in {"Dockerfile", "server.py"}:
                file.unlink()
        files = {"Dockerfile": self.base + self.steps + self.end, **self.files}
        for name, content in files.items():
            (context / name).write_bytes(content.encode() if isinstance(content, str) else content)
        stack = yaml.safe_load(checkout.stack_file.read_text())
        stack["config"] = {**settings, **{f"seaway:{key}": setting for key, setting in self.settings.items()}}
        checkout.stack_file.write_text(yaml.safe_dump(stack))
        for name, secret in self.secrets.items():
            checkout.set_secret(name, secret)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildFault:
    """A fault of a build.

    Args:
        cause: the id of the expected cause.
        injected: description for the table.
        broken: the source with the fault.
        fix: what the hint suggests, as it was carried out.
        fixed: the source after that.
        place: the expected location, below app/web/; empty: no line of the Dockerfile failed.
        exit_code: of the step.
        around: starts what the fault needs.
    """

    cause: str
    injected: str
    broken: Source
    fix: str
    fixed: Source
    place: str = "Dockerfile:3"
    exit_code: int | None = None
    around: fault.Injection | None = None


def change_steps(broken: str, fixed: str, **files: str | bytes) -> dict[str, Any]:
    """The sources of a fault in the steps; ``files`` are in both."""
    return {"broken": Source(steps=broken, files=files), "fixed": Source(steps=fixed, files=files)}


BUILD_FAULTS = (
    BuildFault(
        cause="build-program-missing",
        injected="`RUN build-assets`: the image that the stack uses instead of `python:3.12-slim` has no such program",
        exit_code=127,
        fix="a step above installs it",
        **change_steps("RUN build-assets\n", "RUN ln -s /bin/true /usr/local/bin/build-assets\nRUN build-assets\n"),
    ),
    BuildFault(
        cause="build-no-space",
        injected="a step writes 5 MB to a disk of 1 MB (`tmpfs`)",
        exit_code=1,
        fix="a disk with more space",
        **change_steps(
            "RUN --mount=type=tmpfs,target=/t,size=1000000 dd if=/dev/zero of=/t/x bs=1M count=5\n",
            "RUN --mount=type=tmpfs,target=/t,size=9000000 dd if=/dev/zero of=/t/x bs=1M count=5\n",
        ),
    ),
    BuildFault(
        cause="build-network",
        injected="`pip install` from an index whose name is not in DNS",
        exit_code=1,
        place="Dockerfile:4",
        fix="the address of the index is corrected",
        **change_steps(
            PIP + "RUN /opt/pip/bin/pip install --index-url https://pypi.invalid/simple idna==3.20\n",
            PIP + "RUN /opt/pip/bin/pip install idna==3.20\n",
        ),
    ),
    BuildFault(
        cause="build-package-missing",
        injected="`pip install` of a package that does not exist",
        exit_code=1,
        place="Dockerfile:4",
        fix="the name of the package is corrected",
        **change_steps(
            PIP + "RUN /opt/pip/bin/pip install idnaa-no-such-package==3.20\n",
            PIP + "RUN /opt/pip/bin/pip install idna==3.20\n",
        ),
    ),
    BuildFault(
        cause="build-package-missing",
        injected="`apt-get install` of a package that does not exist",
        exit_code=100,
        fix="the name of the package is corrected",
        **change_steps(
            "RUN apt-get update && apt-get install -y --no-install-recommends makee\n",
            "RUN apt-get update && apt-get install -y --no-install-recommends make\n",
        ),
    ),
    BuildFault(
        cause="build-compiler-missing",
        injected="a step that compiles, and an image without `make`",
        exit_code=127,
        fix="a step above installs `make`",
        **change_steps(
            "RUN make --version\n",
            "RUN apt-get update && apt-get install -y --no-install-recommends make\nRUN make --version\n",
        ),
    ),
    BuildFault(
        cause="build-checksum-mismatch",
        injected="`pip install --require-hashes` with a wrong checksum",
        exit_code=1,
        place="Dockerfile:5",
        broken=Source(
            steps=f"{PIP}COPY requirements.txt /\nRUN /opt/pip/bin/pip install --require-hashes -r /requirements.txt\n",
            files={"requirements.txt": REQUIREMENT + "0" * 64},
        ),
        fix="the lock file has the right checksum",
        fixed=Source(
            steps=f"{PIP}COPY requirements.txt /\nRUN /opt/pip/bin/pip install --require-hashes -r /requirements.txt\n",
            files={"requirements.txt": REQUIREMENT + IDNA},
        ),
    ),
    BuildFault(
        cause="build-certificate",
        injected="a server with a certificate of an unknown authority",
        exit_code=1,
        fix="the step trusts the authority (`SSL_CERT_FILE`)",
        **change_steps(CERTIFICATE.format(trust=""), CERTIFICATE.format(trust="SSL_CERT_FILE=/tmp/cert.pem ")),
    ),
    BuildFault(
        cause="build-file-missing",
        injected="`COPY servr.py`: a file that does not exist",
        place="Dockerfile:4",
        broken=Source(end=END.replace("server.py ./", "servr.py ./")),
        fix="the path that the message suggests",
        fixed=Source(),
    ),
    BuildFault(
        cause="build-file-ignored",
        injected="`COPY server.py`, with `*.py` in .dockerignore",
        place="Dockerfile:4",
        broken=Source(files={".dockerignore": "# not needed\n*.py\n"}),
        fix="`!server.py` below that line",
        fixed=Source(files={".dockerignore": "# not needed\n*.py\n!server.py\n"}),
    ),
    BuildFault(
        cause="build-base-missing",
        injected="`FROM` with a tag that is not in the registry",
        place="Dockerfile:1",
        broken=Source(base="FROM registry.localhost:5000/base/python:3.99\n"),
        fix="the tag is corrected",
        fixed=Source(base="FROM registry.localhost:5000/base/python:3.11-bookworm\n"),
    ),
    BuildFault(
        cause="build-base-not-authorised",
        injected="`FROM` with an image in a registry that requires a login",
        place="Dockerfile:1",
        broken=Source(base="FROM 127.0.0.1:5999/base/python:3.11\n"),
        fix="the name of the image is corrected",
        fixed=Source(base="FROM registry.localhost:5000/base/python:3.11-bookworm\n"),
        around=injections.run_closed_registry,
    ),
    BuildFault(
        cause="build-base-unreachable",
        injected="`FROM` with an image in a registry that does not run",
        place="Dockerfile:2",
        broken=Source(base="ARG BASE_IMAGE=127.0.0.1:5998/python:3.12\nFROM ${BASE_IMAGE}\n"),
        fix="`seaway:imageOverrides` has another image for it",
        fixed=Source(
            base="ARG BASE_IMAGE=127.0.0.1:5998/python:3.12\nFROM ${BASE_IMAGE}\n",
            settings={
                "imageOverrides": {"127.0.0.1:5998/python:3.12": "registry.localhost:5000/base/python:3.11-bookworm"}
            },
        ),
    ),
    BuildFault(
        cause="build-stage-missing",
        injected="`COPY --from=instal`: no stage has this name",
        place="Dockerfile:6",
        fix="the name of the stage is corrected",
        **change_steps(
            "RUN true\nFROM ${BASE_IMAGE} AS install\nFROM ${BASE_IMAGE}\nCOPY --from=instal /etc/passwd /copy\n",
            "RUN true\nFROM ${BASE_IMAGE} AS install\nFROM ${BASE_IMAGE}\nCOPY --from=install /etc/passwd /copy\n",
        ),
    ),
    BuildFault(
        cause="build-dockerfile-invalid",
        injected="`FROM ${BASE}`: a build argument without a value",
        place="Dockerfile:2",
        broken=Source(base="ARG BASE\nFROM ${BASE}\n"),
        fix="the argument has a value",
        fixed=Source(base="ARG BASE=registry.localhost:5000/base/python:3.11-bookworm\nFROM ${BASE}\n"),
    ),
    BuildFault(
        cause="build-wrong-platform",
        injected="a step starts a program for another processor",
        exit_code=126,
        place="Dockerfile:4",
        broken=Source(steps="COPY program /\nRUN chmod +x /program && /program\n", files={"program": FOREIGN}),
        fix="a program for this processor",
        fixed=Source(
            steps="COPY program /\nRUN chmod +x /program && /program\n", files={"program": "#!/bin/sh\ntrue\n"}
        ),
    ),
    BuildFault(
        cause="build-permission-denied",
        injected="a step starts a file that is not executable",
        exit_code=126,
        place="Dockerfile:4",
        fix="`RUN chmod +x`",
        **change_steps(
            "COPY program /\nRUN /program\n",
            "COPY program /\nRUN chmod +x /program\nRUN /program\n",
            program="#!/bin/sh\ntrue\n",
        ),
    ),
    BuildFault(
        cause="build-permission-denied",
        injected="a step creates a folder in `/` as user 10001",
        exit_code=1,
        place="Dockerfile:4",
        fix="`USER 0` above the step",
        **change_steps("USER 10001\nRUN mkdir /srv/app\n", "USER 10001\nUSER 0\nRUN mkdir /srv/app\n"),
    ),
    BuildFault(
        cause="build-out-of-memory",
        injected="a program of a step is killed with SIGKILL, as the kernel does when memory runs out",
        exit_code=137,
        fix="a program that needs less",
        **change_steps("RUN sh -c 'kill -9 $$'; exit $?\n", "RUN sh -c 'true'; exit $?\n"),
    ),
    BuildFault(
        cause="build-secret-missing",
        injected="`RUN --mount=type=secret,id=token,required=true`, and no such secret",
        # Another step than the fixed one: the value of a secret is no part of the cache's key.
        broken=Source(steps="RUN --mount=type=secret,id=token,required=true wc -l /run/secrets/token\n"),
        fix="`build.secrets` in app.yaml, and a value in the stack's file",
        fixed=Source(
            steps="RUN --mount=type=secret,id=token,required=true wc -c /run/secrets/token\n",
            build={"secrets": {"token": "TOKEN"}},
            secrets={"TOKEN": "hunter2"},
        ),
    ),
    BuildFault(
        cause="build-timeout",
        injected="`RUN timeout 2 sleep 60`",
        exit_code=124,
        fix="the step does not wait",
        **change_steps("RUN timeout 2 sleep 60\n", "RUN timeout 2 true\n"),
    ),
    BuildFault(
        cause="build-push-failed",
        injected="`seaway:registry` where no registry runs",
        place="",
        broken=Source(settings={"registry": "127.0.0.1:5998"}),
        fix="the address of the registry is corrected",
        fixed=Source(),
    ),
    BuildFault(
        cause="build-builder-unavailable",
        injected="`seaway:builder` with a name that does not exist",
        place="",
        broken=Source(settings={"builder": "nosuch"}),
        fix="the name of the builder is corrected",
        fixed=Source(),
    ),
    BuildFault(
        cause="build-step-failed",
        injected="a step that prints 3,000 lines and ends with exit code 3",
        exit_code=3,
        fix="the step is corrected",
        **change_steps(
            'RUN i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "line $i of the output"; done; exit 3\n', ""
        ),
    ),
)
