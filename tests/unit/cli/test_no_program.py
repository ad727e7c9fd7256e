"""`--no-program` refuses to run an application in Python, and no command without the option runs one."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from seaway.cli import command, main
from tests.unit.cli import conftest

PROGRAM = """\
import pathlib
import seaway as sw
pathlib.Path("ran").touch()
application = sw.Application("shop", services=[sw.Service("web", image="nginx:1.27", port=80)])
"""
YAML = "name: shop\nservices: {web: {image: 'nginx:1.27', port: 80}}\n"
STACK = "config: {seaway:context: work, seaway:registry: registry.example.com, seaway:app: app.%s}\n"
WORDS = {
    "new": ["other"],
    "preview": ["--offline", "--base", "HEAD"],
    "diff": ["dev", "prod"],
    "explain": ["web"],
    "logs": ["web"],
    "exec": ["web"],
    "run": ["web"],
    "port-forward": ["web"],
    "import": ["compose.yaml"],
    "release promote": ["dev", "prod"],
    "release sign": ["--key", "cosign.key"],
}


def list_commands(commands: Iterable[command.Command] = main.COMMANDS) -> Iterator[tuple[str, command.Command]]:
    for declared in commands:
        yield from ((f"{declared.name} {name}", below) for name, below in list_commands(declared.subcommands))
        if not declared.subcommands:
            yield declared.name, declared


COMMANDS = {name: declared for name, declared in list_commands() if declared.pulumi != "up"}
"""All but those that let Pulumi run the program of the project."""


def build_words(name: str) -> list[str]:
    has_stack = "release promote", "diff", "images outdated", "images lock"
    stack = ["--stack", "dev"] if COMMANDS[name].runs_application and name not in has_stack else []
    return [*name.split(), *WORDS.get(name, ()), *stack]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: seaway\nruntime: python\n")
    (tmp_path / "app.py").write_text(PROGRAM)
    (tmp_path / "app.yaml").write_text(YAML)
    for stack in ("dev", "prod"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(STACK % "py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/home")
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    subprocess.run(["git", "init", "--quiet"], check=True)
    commit()
    return tmp_path


def commit() -> None:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
    for words in (["add", "."], [*who, "commit", "--quiet", "-m", "work"]):
        subprocess.run(["git", *words], check=True)


@pytest.mark.parametrize("name", COMMANDS)
def test_which_commands_run_the_program(name: str, project: Path) -> None:
    main.main(build_words(name))
    assert (project / "ran").exists() == COMMANDS[name].runs_application


@pytest.mark.parametrize("name", [name for name, declared in COMMANDS.items() if declared.runs_application])
def test_the_option_refuses_it(name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main.main([*build_words(name), "--no-program"])
    assert "[program-refused]" in capsys.readouterr().err
    assert code == (command.SUCCESS if name == "release list" else command.USAGE_ERROR), "the list has all stacks"
    assert not (project / "ran").exists()


def test_other_applications_need_no_program(project: Path, seaway: conftest.Seaway) -> None:
    (project / "Pulumi.dev.yaml").write_text(STACK % "yaml")
    assert "web" in seaway("graph", "--stack", "dev", "--no-program").out
    assert "requires --offline" in seaway("preview", "--stack", "dev", "--no-program", code=2).err


@pytest.mark.parametrize(
    "words",
    [
        ("preview", "--offline", "--base", "HEAD", "--stack", "dev", "--no-program", "--markdown"),
        ("graph", "--stack", "dev", "--no-program", "--out"),
        ("import", "compose.yaml", "--force", "--out"),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("is_folder", [False, True])
def test_a_committed_link_is_not_followed(project: Path, words: tuple[str, ...], *, is_folder: bool) -> None:
    """The output would replace a file of the user who reads a branch, such as ~/.bashrc."""
    (project / "Pulumi.dev.yaml").write_text(STACK % "yaml")
    (project / "compose.yaml").write_text("services: {web: {image: 'nginx:1.27', ports: ['80']}}\n")
    home = project.parent / f"{project.name}-home"
    home.mkdir()
    (home / "file").write_text("mine")
    commit()
    (project / "out").symlink_to(home if is_folder else home / "file")
    assert main.main([*words, "out/file" if is_folder else "out"]) == (command.USAGE_ERROR if is_folder else 0)
    assert [(file.name, file.read_text()) for file in home.iterdir()] == [("file", "mine")]
    assert is_folder or not (project / "out").is_symlink()


def test_a_committed_repository_configures_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The project is a folder of the repository, and itself looks like a bare repository: its filter would be run."""
    (project / "Pulumi.dev.yaml").write_text(STACK % "yaml")
    (project / ".gitattributes").write_text("* filter=evil\n")
    commit()
    inner = project / "infra"
    shutil.copytree(project, inner)
    for name in ("HEAD", "objects", "refs"):
        (inner / ".git" / name).rename(inner / name)
    shutil.rmtree(inner / ".git")
    filter_ = f'[filter "evil"]\n\tsmudge = "touch {project}/ran; cat"\n'
    (inner / "config").write_text(f'[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = "."\n{filter_}')
    commit()
    monkeypatch.chdir(inner)
    words = ["preview", "--offline", "--no-program", "--stack", "dev", "--base", "HEAD"]
    assert main.main(words) == command.USAGE_ERROR
    assert "[unknown-revision]" in capsys.readouterr().err
    assert not (project / "ran").exists()
