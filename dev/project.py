"""A copy of the checkout with an application and a stack of its own, driven through the real Pulumi CLI."""

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
from dev.cluster import node
from seaway.review import disks

ROOT = environment.ROOT
# Not dev's: a stack that is not dev refuses the passphrase that is public on purpose.
PASSPHRASE = "for-the-end-to-end-tests"  # noqa: S105


@dataclasses.dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command printed and how it ended."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def output(self) -> str:
        """Both streams, as a person at a terminal sees them."""
        return f"{self.stdout}\n{self.stderr}"


def run_command(*command: str, cwd: Path, env: Mapping[str, str], timeout: float = 300) -> CommandResult:
    """Run a command to its end; the caller judges the exit code."""
    start = time.monotonic()
    done = subprocess.run(command, cwd=cwd, env=dict(env), capture_output=True, text=True, timeout=timeout, check=False)
    return CommandResult(
        exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr, seconds=time.monotonic() - start
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
        """Copy what git would give a newcomer, put `application` (a folder) in place of app/, and make the stack.

        ``backend`` is where its state is kept, instead of a folder of its own. ``settings`` change or add `seaway:`
        keys of the dev stack's file; None removes one.
        """
        copy_checkout(folder, exclude=("app/", "Pulumi.dev.yaml", "dev/cluster/modules/"))
        shutil.copytree(application, folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
        env = environment.prepare_environment(state=folder / ".seaway")
        env["PULUMI_CONFIG_PASSPHRASE"] = PASSPHRASE
        if backend:
            env["PULUMI_BACKEND_URL"] = backend
        project = cls(folder, stack, env)
        config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
        config |= {f"seaway:{name}": value for name, value in settings.items()}
        file = {"config": {key: value for key, value in config.items() if value is not None}}
        project.stack_file.write_text(yaml.safe_dump(file))
        project.pulumi("stack", "init", stack, check=True)
        return project

    @property
    def stack_file(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    def pulumi(self, *arguments: str, check: bool = False, timeout: float = 300) -> CommandResult:
        """Run the CLI; with ``check`` a failure shows everything that it printed."""
        done = run_command("pulumi", *arguments, "--non-interactive", cwd=self.folder, env=self.env, timeout=timeout)
        if check and done.exit_code:
            raise AssertionError(f"pulumi {' '.join(arguments)}: exit {done.exit_code}\n{done.output}")
        return done

    def up(self, *arguments: str, check: bool = True) -> CommandResult:
        return self.pulumi("up", "--yes", "--skip-preview", "--stack", self.stack, *arguments, check=check)

    def preview(self, *arguments: str, check: bool = True) -> CommandResult:
        return self.pulumi("preview", "--stack", self.stack, *arguments, check=check)

    def destroy(self) -> CommandResult:
        """With the disks: tests have no data that anybody misses."""
        accepting = dataclasses.replace(self, env=self.env | format_data_loss_acceptance(self.env))
        words = ("destroy", "--yes", "--skip-preview", "--ignore-protect", "--stack", self.stack)
        return accepting.pulumi(*words, check=True)

    def set_secret(self, name: str, value: str) -> None:
        """Set a secret of the application, and the key of the fingerprints where it is missing.

        In CI no command writes that key, and the tests run there too.
        """
        wanted = {f"seaway:secrets.{name}": value}
        if "seaway:fingerprintKey" not in yaml.safe_load(self.stack_file.read_text())["config"]:
            wanted["seaway:fingerprintKey"] = secrets.token_hex(32)
        for key, text in wanted.items():
            path = ("--path",) if "." in key else ()
            self.pulumi("config", "set", "--stack", self.stack, "--secret", *path, key, text, check=True)

    def read_outputs(self) -> dict[str, Any]:
        done = self.pulumi("stack", "output", "--json", "--stack", self.stack, check=True)
        return json.loads(done.stdout)

    def kubectl(self, *arguments: str, check: bool = True) -> CommandResult:
        done = run_command("kubectl", "--context", "seaway-dev", *arguments, cwd=self.folder, env=self.env)
        if check and done.exit_code:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit {done.exit_code}\n{done.output}")
        return done

    def get_objects(self, *arguments: str) -> dict[str, Any]:
        """`kubectl get ... -o json`."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)

    def clone(self, folder: Path, *, umask: int) -> "Project":
        """The same tree elsewhere, with other file modes, on the same stack and backend."""
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
    """The variable that accepts the loss of all disks that these namespaces hold now; None: of all in the cluster."""
    command = ["kubectl", "--context", "seaway-dev", "get", "persistentvolumeclaims", "--all-namespaces", "-o", "json"]
    claims = json.loads(subprocess.run(command, check=True, env=env, stdout=subprocess.PIPE).stdout)["items"]
    names = [(claim["metadata"]["namespace"], claim["metadata"]["name"]) for claim in claims]
    accepted = [f"{space}/{name}" for space, name in names if namespaces is None or space in namespaces]
    return {disks.ACCEPT_VARIABLE: ",".join(accepted)}


def copy_checkout(folder: Path, *, exclude: tuple[str, ...] = ()) -> None:
    """Every file that git tracks or would track, but `without`, and a link to the Python environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = ROOT / name
        if name.startswith(exclude) or not source.is_file():
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    # Older than the environment, or `make` in the copy would make the environment that it shares new.
    for lock in folder.glob("requirements*.txt"):
        os.utime(lock, (0, 0))


def run_cluster(*arguments: str, folder: Path = ROOT, check: bool = True, timeout: float = 300) -> CommandResult:
    """`python -m dev.cluster ...` of a checkout."""
    done = run_command(sys.executable, "-m", "dev.cluster", *arguments, cwd=folder, env=os.environ, timeout=timeout)
    if check and done.exit_code:
        raise AssertionError(f"dev.cluster {' '.join(arguments)}: exit {done.exit_code}\n{done.output}")
    return done


def ensure_base_images(folder: Path = ROOT) -> None:
    """Make the local base images and push them to a checkout's registry, where they are not there yet."""
    registry = f"{node.find_layout(folder).address}:5000"
    subprocess.run([sys.executable, "-m", "dev.images", "ensure", "--registry", registry], cwd=folder, check=True)
