"""The wheel has one top-level name and works without the checkout, and so does a project that it creates."""

import os
import re
import subprocess
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

import seaway
from dev import project
from seaway.cli import new
from tests.support import wheel

IMPORT_ALL = """
import importlib, pkgutil, seaway
names = [module.name for module in pkgutil.walk_packages(seaway.__path__, "seaway.")]
for name in names:
    importlib.import_module(name)
print(*names)
"""
SCRIPT = "plugin/pulumi-resource-seaway"
COMPOSE = "services:\n  web: {build: ./web, ports: ['8000:8000']}\n"


def run(*command: str, cwd: Path, code: int = 0) -> str:
    """Run a command with the packages of this environment, but not with the checkout; return both streams."""
    site = sysconfig.get_path("purelib")
    env = {**os.environ, "PYTHONPATH": site, "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.build(project.ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def bin_folder(built_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a new environment with the wheel."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    options = ["--quiet", "--no-deps", "--offline", "--python", str(folder / "bin" / "python")]
    subprocess.run([*wheel.UV, "pip", "install", *options, str(built_wheel)], check=True)
    return folder / "bin"


def test_it_has_one_top_level_name_and_all_files(built_wheel: Path) -> None:
    names = {name.partition("/")[2] for name in zipfile.ZipFile(built_wheel).namelist() if name.startswith("seaway/")}
    top = {name.partition("/")[0] for name in zipfile.ZipFile(built_wheel).namelist()}
    assert top == {"seaway", f"seaway-{seaway.__version__}.dist-info"}
    folders = {"seaway": "", "components": "components/", "plugin": "plugin/"}
    tracked = project.run_command("git", "ls-files", *folders, cwd=project.ROOT, env=os.environ).stdout.splitlines()
    expected = {folders[folder] + rest for folder, _, rest in (file.partition("/") for file in tracked)} - {SCRIPT}
    docs = {file.name for file in (project.ROOT / "docs").glob("*.*")}
    assert names == expected | {f"docs/{name}" for name in docs}
    metadata = zipfile.ZipFile(built_wheel).read(f"seaway-{seaway.__version__}.dist-info/METADATA").decode()
    assert "\nDescription-Content-Type: text/markdown\n" in metadata, "PyPI refuses other descriptions"


def test_all_modules_work_without_the_checkout(bin_folder: Path, tmp_path: Path) -> None:
    names = run(str(bin_folder / "python"), "-c", IMPORT_ALL, cwd=tmp_path).split()
    assert {"seaway.components.program", "seaway.plugin.server", "seaway.cli.main"} <= set(names)
    run(str(bin_folder / "python"), "-c", "import components", cwd=tmp_path, code=1)
    assert run(str(bin_folder / "seaway"), "help", "crash-loop", cwd=tmp_path).startswith("### crash-loop")


def test_new_project_passes_its_tests(bin_folder: Path, tmp_path: Path) -> None:
    printed = run(str(bin_folder / "seaway"), "new", "shop", cwd=tmp_path)
    files = [file for file in (tmp_path / "shop").rglob("*") if file.is_file()]
    assert f"{len(files)} files in shop" in printed
    assert len(files) <= 20
    requirement = (tmp_path / "shop" / "requirements.txt").read_text().splitlines()[0]
    assert re.fullmatch(r"seaway @ file:///.+", requirement), "no index has the package that was installed"
    assert requirement in printed
    assert not [file for file in files if "${PROJECT}" in file.read_text()]
    (tmp_path / "shop" / ".venv").symlink_to(bin_folder.parent)
    assert "2 passed" in run(".venv/bin/python", "-m", "pytest", "-p", "no:cacheprovider", cwd=tmp_path / "shop")
    printed = run(f"./{SCRIPT}", cwd=tmp_path / "shop", code=1)
    assert "IndexError" in printed, "it was started without the engine's address"


@pytest.mark.parametrize("folder", ["shop", "."])
def test_new_project_of_a_compose_file(bin_folder: Path, tmp_path: Path, folder: str) -> None:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM python:3.12-slim\n")
    (tmp_path / ".git").mkdir()
    words = ("new", "shop", "--from-compose", "docker-compose.yml", "--dir", folder)
    printed = run(str(bin_folder / "seaway"), *words, cwd=tmp_path)
    assert "written: 12 files" in printed
    assert ("\n  cd shop\n" in printed, "\n  cd " in printed) == (folder == "shop", folder == "shop")
    config = yaml.safe_load((tmp_path / folder / "Pulumi.dev.yaml").read_text())["config"]
    expected = ("../app.yaml", "git") if folder == "shop" else ("app.yaml", None)
    assert (config["seaway:app"], config.get("seaway:root")) == expected
    assert "2 passed" in run(
        str(bin_folder / "python"), "-m", "pytest", "-p", "no:cacheprovider", cwd=tmp_path / folder
    )


def test_a_compose_file_outside_the_project_needs_a_repository(bin_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM python:3.12-slim\n")
    words = (str(bin_folder / "seaway"), "new", "shop", "--from-compose", "docker-compose.yml")
    printed = run(*words, cwd=tmp_path, code=2)
    assert "[no-git-repository]" in printed
    assert not (tmp_path / "shop").exists()
    assert "--dir ." in printed
    run(*words, "--dir", ".", cwd=tmp_path)


def test_python_project(bin_folder: Path, tmp_path: Path) -> None:
    run(str(bin_folder / "seaway"), "new", "shop", "--python", cwd=tmp_path)
    assert not (tmp_path / "shop/app/app.yaml").exists()
    assert "kind: Deployment" in run(str(bin_folder / "seaway"), "render", cwd=tmp_path / "shop")


def test_files_in_the_way_are_named_and_nothing_is_written(bin_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__main__.py").touch()
    (tmp_path / "shop/Pulumi.yaml").symlink_to("nothing")
    printed = run(str(bin_folder / "seaway"), "new", "shop", cwd=tmp_path, code=2)
    assert "2 files would be overwritten: shop/Pulumi.yaml, shop/__main__.py" in printed
    assert len(list((tmp_path / "shop").iterdir())) == 2


def test_template_fits_this_version() -> None:
    """As ``pulumi new`` copies it. The repository has the same script, for its own modules."""
    assert (new.TEMPLATE / SCRIPT).read_bytes() == (project.ROOT / SCRIPT).read_bytes()
    assert (new.TEMPLATE / SCRIPT).stat().st_mode & 0o111
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[a-z]+\d+)?", seaway.__version__), "Pulumi requires a semantic version"
    major, minor = seaway.__version__.split(".")[:2]
    required = f"seaway>={major}.{minor},<{major}.{int(minor) + 1}"
    assert required in (new.TEMPLATE / "requirements.txt").read_text().splitlines()
    placeholders = {word for file in new.read_template("x").values() for word in re.findall(r"\$\{[A-Z]+\}", file)}
    assert placeholders == set()
