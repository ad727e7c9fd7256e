"""A copy of the checkout with its own application and stack, operated with the real Pulumi CLI."""

import dataclasses
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from dev import environment
from dev.cluster import layout, node
from seaway.review import disks

ROOT = environment.ROOT
# Other stacks than dev reject the public passphrase of dev.
PASSPHRASE = "for-the-end-to-end-tests"  # noqa: S105


@dataclasses.dataclass(frozen=True, slots=True)
class CommandResult:
    """The output and the exit code of a command."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def output(self) -> str:
        """Both streams."""
        return f"{self.stdout}\n{self.stderr}"


def run_command(*command: str, cwd: Path, env: Mapping[str, str], timeout: float = 300) -> CommandResult:
    """Run a command to its end. The caller checks the exit code."""
    start = time.monotonic()
    result = subprocess.run(
        command, cwd=cwd, env=dict(env), capture_output=True, text=True, timeout=timeout, check=False
    )
    return CommandResult(
        exit_code=result.returncode, stdout=result.stdout, stderr=result.stderr, seconds=time.monotonic() - start
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Project:
    """A project folder with one stack."""

    folder: Path
    stack: str
    env: dict[str, str]

    @classmethod
    def create(
        cls, folder: Path, *, application: Path, stack: str, backend: str | None = None, **settings: Any
    ) -> "Project":
        """Copy the checkout with the folder `application` in place of app/, and create the stack.

        ``backend`` is the URL of its state, instead of a folder of its own. ``settings`` change or add `seaway:` keys
        of the dev stack's file; None removes a key.
        """
        copy_checkout(folder, exclude=("app/", "Pulumi.dev.yaml", "dev/cluster/modules/"))
        shutil.copytree(application, folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
        env = environment.prepare_environment(state=folder / ".seaway")
        env["PULUMI_CONFIG_PASSPHRASE"] = PASSPHRASE
        env.pop("CI", None)  # a developer's checkout, also where CI runs the tests
        if backend:
            env["PULUMI_BACKEND_URL"] = backend
        project = cls(folder, stack, env)
        config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
        config |= {f"seaway:{name}": setting for name, setting in settings.items()}
        file = {"config": {key: setting for key, setting in config.items() if setting is not None}}
        project.stack_file.write_text(yaml.safe_dump(file))
        project.pulumi("stack", "init", stack, check=True)
        return project

    @property
    def stack_file(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    def pulumi(self, *arguments: str, check: bool = False, timeout: float = 300) -> CommandResult:
        """Run the CLI. With ``check``, a failure raises AssertionError with its output."""
        result = run_command("pulumi", *arguments, "--non-interactive", cwd=self.folder, env=self.env, timeout=timeout)
        if check and result.exit_code:
            raise AssertionError(f"pulumi {' '.join(arguments)}: exit {result.exit_code}\n{result.output}")
        return result

    def up(self, *arguments: str, check: bool = True) -> CommandResult:
        return self.pulumi("up", "--yes", "--skip-preview", "--stack", self.stack, *arguments, check=check)

    def preview(self, *arguments: str, check: bool = True) -> CommandResult:
        return self.pulumi("preview", "--stack", self.stack, *arguments, check=check)

    def lose_state(self) -> None:
        """Remove the state and keep the objects, as after an accident."""
        self.pulumi("stack", "rm", "--force", "--yes", "--preserve-config", self.stack, check=True)
        self.pulumi("stack", "init", self.stack, check=True)

    def destroy(self) -> CommandResult:
        """Destroy the stack with its disks: tests have no valuable data."""
        accepting = dataclasses.replace(self, env=self.env | format_data_loss_acceptance(self.env))
        words = ("destroy", "--yes", "--skip-preview", "--ignore-protect", "--stack", self.stack)
        return accepting.pulumi(*words, check=True)

    def set_secret(self, name: str, value: str) -> None:
        """Set a secret of the application, and the fingerprint key if it is missing.

        In CI, where the tests run too, no command writes that key.
        """
        settings = {f"seaway:secrets.{name}": value}
        if "seaway:fingerprintKey" not in yaml.safe_load(self.stack_file.read_text())["config"]:
            settings["seaway:fingerprintKey"] = secrets.token_hex(32)
        for key, text in settings.items():
            path = ("--path",) if "." in key else ()
            self.pulumi("config", "set", "--stack", self.stack, "--secret", *path, key, text, check=True)

    def seaway(self, *arguments: str, timeout: float = 400, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run `seaway ...` with the code of the copy, and print its output, which pytest shows for a failed test."""
        command = (sys.executable, "-m", "seaway.cli", *arguments)
        result = run_command(*command, cwd=self.folder, env={**self.env, **(env or {})}, timeout=timeout)
        print(f"seaway {' '.join(arguments)} ({result.seconds:.1f} s)\n{result.output}")
        return result

    def replace_text(self, file: str, old: str, new: str) -> None:
        """Replace the first occurrence of a text in a file. Raises AssertionError: the file does not contain it."""
        path = self.folder / file
        text = path.read_text()
        if old not in text:
            raise AssertionError(f"{path} does not contain {old!r}")
        path.write_text(text.replace(old, new, 1))

    def read_outputs(self) -> dict[str, Any]:
        return json.loads(self.pulumi("stack", "output", "--json", "--stack", self.stack, check=True).stdout)

    def kubectl(self, *arguments: str, check: bool = True) -> CommandResult:
        result = run_command("kubectl", "--context", "seaway-dev", *arguments, cwd=self.folder, env=self.env)
        if check and result.exit_code:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit {result.exit_code}\n{result.output}")
        return result

    def read_address(self, namespace: str, service: str = "web") -> str:
        """Return the URL on this machine of a service with a node port."""
        port = self.get_objects("service", service, "-n", namespace)["spec"]["ports"][0]["nodePort"]
        return run_cluster("forward", str(port)).stdout.strip()

    def get_objects(self, *arguments: str) -> dict[str, Any]:
        """Return the result of `kubectl get ... -o json`."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)

    def clone(self, folder: Path, *, umask: int) -> "Project":
        """Copy the project to a folder with other file modes. The copy uses the same stack and backend."""
        before = os.umask(umask)
        try:
            for source in sorted(self.folder.rglob("*")):
                relative = source.relative_to(self.folder)
                if relative.parts[0] in {".seaway", ".venv"}:
                    continue
                if source.is_dir():
                    (folder / relative).mkdir(parents=True, exist_ok=True)
                else:
                    (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                    (folder / relative).write_bytes(source.read_bytes())
                    if source.stat().st_mode & 0o100:
                        (folder / relative).chmod(0o777 & ~umask)
        finally:
            os.umask(before)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        return dataclasses.replace(self, folder=folder)


def format_data_loss_acceptance(env: Mapping[str, str], namespaces: Collection[str] | None = None) -> dict[str, str]:
    """Return the variable that accepts the loss of all current disks in these namespaces, or in the cluster."""
    command = ["kubectl", "--context", "seaway-dev", "get", "persistentvolumeclaims", "--all-namespaces", "-o", "json"]
    claims = json.loads(subprocess.run(command, check=True, env=env, stdout=subprocess.PIPE).stdout)["items"]
    names = [(claim["metadata"]["namespace"], claim["metadata"]["name"]) for claim in claims]
    accepted = [f"{namespace}/{name}" for namespace, name in names if namespaces is None or namespace in namespaces]
    return {disks.ACCEPT_VARIABLE: ",".join(accepted)}


def copy_checkout(folder: Path, *, exclude: tuple[str, ...] = ()) -> None:
    """Copy every file that git tracks or would track, except `exclude`, and link the Python environment."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, files.stdout.split("\0")):
        source = ROOT / name
        if name.startswith(exclude) or not source.is_file():
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    # Older than the environment: otherwise, `make` in the copy would recreate the shared environment.
    for lock in folder.glob("requirements*.txt"):
        os.utime(lock, (0, 0))


def run_cluster(*arguments: str, folder: Path = ROOT, check: bool = True, timeout: float = 300) -> CommandResult:
    """Run `python -m dev.cluster ...` for a checkout."""
    result = run_command(sys.executable, "-m", "dev.cluster", *arguments, cwd=folder, env=os.environ, timeout=timeout)
    if check and result.exit_code:
        raise AssertionError(f"dev.cluster {' '.join(arguments)}: exit {result.exit_code}\n{result.output}")
    return result


def ensure_base_images(folder: Path = ROOT) -> None:
    """Build missing local base images, and push them to a checkout's registry."""
    command = [sys.executable, "-m", "dev.images", "ensure", "--registry", find_registry(folder)]
    subprocess.run(command, cwd=folder, check=True)


def find_registry(folder: Path) -> str:
    """Return the address of a checkout's registry on this machine."""
    return f"{node.find_layout(folder).address}:{layout.REGISTRY.partition(':')[2]}"
