"""The context and its hash: which files are sent, and what changes the tag."""

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seaway.files import roots
from seaway.images import context, file_index
from seaway.model import application
from tests.support import diagnostics

BUILD = application.Build(context="web")
PLATFORM = "linux/amd64"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "web/Dockerfile", "FROM scratch\n")
    write(tmp_path / "web/app/a.py", "a = 1\n")
    write(tmp_path / "web/run.sh", "#!/bin/sh\n").chmod(0o755)
    return tmp_path


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def paths(folder: Path, build: application.Build = BUILD) -> list[str]:
    return [file.path for file in context.BuildContext.read(folder, build, roots.Root(folder)).files]


def tag(folder: Path, build: application.Build = BUILD, platform: str = PLATFORM, **bases: str) -> str:
    return context.BuildContext.read(folder, build, roots.Root(folder)).compute_tag(
        platform=platform, base_digests=bases
    )


def list_errors(folder: Path, build: application.Build = BUILD) -> list[str]:
    errors = diagnostics.catch(lambda: context.BuildContext.read(folder, build, roots.Root(folder)))
    return [str(diagnostic).replace(f"{folder}/", "") for diagnostic in errors]


def test_tag_is_short_and_the_same_elsewhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    before = os.umask(0o077)
    try:
        for path, text in (("run.sh", "#!/bin/sh\n"), ("app/a.py", "a = 1\n"), ("Dockerfile", "FROM scratch\n")):
            write(other / "web" / path, text)
    finally:
        os.umask(before)
    (other / "web/run.sh").chmod(0o700)
    os.utime(other / "web/app/a.py", (1, 1))
    assert tag(folder) == tag(other)
    assert len(tag(folder)) == len("ctx-") + 12


def test_tag_is_pinned() -> None:
    # A changed rule rebuilds all images of all users: only on purpose, and with a note in the CHANGELOG.
    file = context.ContextFile(path="Dockerfile", digest="0" * 64)
    build_context = context.BuildContext(folder=Path("web"), build=BUILD, files=(file,))
    assert build_context.compute_tag(platform=PLATFORM) == "ctx-6c04b2f3273f"


@pytest.mark.parametrize(
    "change",
    [
        lambda web: write(web / "app/a.py", "a = 2\n"),
        lambda web: write(web / "app/b.py", ""),
        lambda web: (web / "app/a.py").rename(web / "app/c.py"),
        lambda web: (web / "app/a.py").unlink(),
        lambda web: (web / "app/a.py").chmod(0o755),
        lambda web: write(web / "Dockerfile", "FROM scratch\nUSER 1\n"),
        lambda web: (web / "link").symlink_to("app/a.py"),
    ],
)
def test_tag_changes_with_the_content(folder: Path, change: Callable[[Path], object]) -> None:
    before = tag(folder)
    change(folder / "web")
    assert tag(folder) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda web: os.utime(web / "app/a.py", (1, 1)),
        lambda web: (web / "app/a.py").chmod(0o600),
        lambda web: (web / "empty").mkdir(),
        lambda web: write(web / ".git/HEAD", "x"),
        lambda web: write(web / "app/module/.git", "gitdir: /home/somebody/.git/modules/module"),
        lambda web: write(web / ".seaway/state/stack.json", "{}"),
        lambda web: (web / "app/.seaway").symlink_to("/elsewhere"),
    ],
)
def test_tag_ignores_metadata_git_and_seaway(folder: Path, change: Callable[[Path], object]) -> None:
    before = tag(folder)
    change(folder / "web")
    assert tag(folder) == before


def test_tag_changes_with_the_build(folder: Path) -> None:
    write(folder / "web/Other", "FROM scratch\n")
    tags = {
        tag(folder),
        tag(folder, application.Build(context="web", args={"A": "1"})),
        tag(folder, application.Build(context="web", target="x")),
        tag(folder, application.Build(context="web", dockerfile="Other")),
        tag(folder, platform="linux/arm64"),
        tag(folder, **{"python:3.12-slim": "sha256:1"}),
    }
    assert len(tags) == 6


def test_tag_does_not_depend_on_the_spelling_of_paths(folder: Path) -> None:
    assert tag(folder) == tag(folder, application.Build(context="./web/", dockerfile="./Dockerfile"))


def test_ignored_files_are_not_sent(folder: Path) -> None:
    write(folder / "web/.dockerignore", "app\n!app/keep.py\n")
    write(folder / "web/app/keep.py", "")
    assert paths(folder) == [".dockerignore", "Dockerfile", "app/keep.py", "run.sh"]


@pytest.mark.parametrize(
    ("rules", "files", "expected"),
    [
        ("data/*", ["data/a"], ["data"]),
        ("data/**", ["data/a/b", "data/c"], ["data"]),
        ("data/*", ["data/a/b"], ["data"]),
        ("data/*", ["data/a", "other/b"], ["data", "other/b"]),
        ("data/*\n!data/keep", ["data/a"], ["data"]),
        ("data/*\n!data/keep", ["data/a", "data/keep"], ["data/keep"]),
        ("**/*.log", ["var/log/x/a.log", "var/b"], ["var/b", "var/log/x"]),
        ("*.log", ["a.log", "var/a.log"], ["var/a.log"]),
        ("data", ["data/a"], []),
        ("data/", ["data/a/b"], []),
        ("*", ["data/a"], []),
        ("**/*.pyc", ["app/__pycache__/a.pyc", "lib/__pycache__/a.pyc"], []),
        ("**/__pycache__", ["lib/__pycache__/a.pyc"], []),
        ("data/.gitkeep", ["data/.gitkeep"], ["data"]),
    ],
)
def test_a_folder_of_ignored_files_is_sent_empty(
    folder: Path, rules: str, files: list[str], expected: list[str]
) -> None:
    write(folder / "web/.dockerignore", f"{rules}\n")
    before = {*paths(folder)}
    for path in files:
        write(folder / "web" / path, "x")
    assert sorted({*paths(folder)} - before) == expected
    (folder / "web/never").mkdir()
    assert "never" not in paths(folder), "a clone does not have it"


def test_dockerfile_and_ignore_file_are_always_sent(folder: Path) -> None:
    write(folder / "web/.dockerignore", "*\n")
    assert paths(folder) == [".dockerignore", "Dockerfile"]


def test_the_ignore_file_of_a_dockerfile_overrides_the_common_one(folder: Path) -> None:
    write(folder / "web/.dockerignore", "run.sh\n")
    write(folder / "web/Dockerfile.dockerignore", "app\n.dockerignore\n")
    assert paths(folder) == ["Dockerfile", "Dockerfile.dockerignore", "run.sh"]


def test_a_context_never_has_git_and_seaway(folder: Path) -> None:
    build = application.Build(context=".", dockerfile="web/Dockerfile")
    write(folder / ".dockerignore", "!.seaway\n!.git\n")
    for name in (".git/config", ".gitignore", ".seaway/keys/ca.pem", ".seaway/context/web/Dockerfile", "seaway/a"):
        write(folder / name, "")
    assert paths(folder, build) == [
        ".dockerignore",
        ".gitignore",
        "seaway/a",
        "web/Dockerfile",
        "web/app/a.py",
        "web/run.sh",
    ]


def test_a_dockerfile_cannot_be_in_seaway(folder: Path) -> None:
    write(folder / "web/.seaway/Dockerfile", "FROM scratch\n")
    (line,) = list_errors(folder, application.Build(context="web", dockerfile=".seaway/Dockerfile"))
    assert "is in .seaway, which holds keys and state" in line


def test_an_invalid_ignore_file_is_reported_with_its_line(folder: Path, wording: Any) -> None:
    write(folder / "web/.dockerignore", "a\n[z-a]\n")
    lines = list_errors(folder)
    (folder / "web/.dockerignore").write_bytes(b"a\nb\n\xe9\n")
    lines += list_errors(folder)
    (folder / "web/.dockerignore").unlink()
    (folder / "web/.dockerignore").mkdir()
    lines += list_errors(folder)
    assert lines == wording


def test_links_stay_links(folder: Path) -> None:
    (folder / "web/to-folder").symlink_to("app")
    (folder / "web/app/to-file").symlink_to("../run.sh")
    files = {file.path: file.link for file in context.BuildContext.read(folder, BUILD, roots.Root(folder)).files}
    assert files["to-folder"] == "app"
    assert files["app/to-file"] == "../run.sh"
    assert "to-folder/a.py" not in files


def test_links_that_lead_out_are_sent_as_links(folder: Path) -> None:
    """BuildKit does not follow them either."""
    (folder / "secret").write_text("secret")
    links = {"absolute": "/etc/passwd", "app/up": "../../secret", "nothing": "/nowhere/at/all", "loop": "loop"}
    for name, target in links.items():
        (folder / "web" / name).symlink_to(target)
    build_context = context.BuildContext.read(folder, BUILD, roots.Root(folder))
    assert {file.path: file.link for file in build_context.files if file.link is not None} == links
    before = tag(folder)
    (folder / "secret").write_text("another secret")
    assert tag(folder) == before, "the hash covers the target path"
    (folder / "web/absolute").unlink()
    (folder / "web/absolute").symlink_to("/etc/group")
    assert tag(folder) != before


def test_a_context_outside_of_the_project_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = write(tmp_path_factory.mktemp("other") / "Dockerfile", "FROM scratch\n").parent
    (folder / "linked").symlink_to(other)
    write(folder / "beside/Dockerfile", "FROM scratch\n")
    (folder / "web/linked").symlink_to("../beside")
    for build in (
        application.Build(context="/"),
        application.Build(context=str(other)),
        application.Build(context=os.path.relpath(other, folder)),
        application.Build(context="linked"),
        application.Build(context="web", contexts={"other": "linked"}),
    ):
        (line,) = list_errors(folder, build)
        assert "is outside the project" in line
    (line,) = list_errors(folder, application.Build(context="web", dockerfile="linked/Dockerfile"))
    assert "web/linked/Dockerfile: is behind a link that leads out of the build context" in line


def test_a_context_may_be_a_link_that_stays_inside(folder: Path) -> None:
    (folder / "linked").symlink_to("web")
    assert tag(folder, application.Build(context="linked")) == tag(folder)


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", "Dockerfile.dockerignore"])
def test_dockerfile_and_ignore_file_must_be_inside(folder: Path, name: str) -> None:
    """If such a file is a link, its content is sent: the builder cannot read outside of the context."""
    write(folder / "common", "FROM scratch\n# app\n")
    (folder / "web" / name).unlink(missing_ok=True)
    (folder / "web" / name).symlink_to("../common")
    (file,) = (file for file in context.BuildContext.read(folder, BUILD, roots.Root(folder)).files if file.path == name)
    assert (file.link, file.digest) == (None, hashlib.sha256(b"FROM scratch\n# app\n").hexdigest())
    for target in ("/etc/passwd", "/proc/self/environ", "/dev/zero"):
        (folder / "web" / name).unlink()
        (folder / "web" / name).symlink_to(target)
        (line,) = list_errors(folder)
        assert line.startswith(f"web/{name}: is outside the project (it resolves to ")


def test_all_errors_are_reported_at_once_and_sockets_are_not_sent(folder: Path, wording: Any) -> None:
    os.mkfifo(folder / "web/pipe")
    os.mkfifo(folder / "web/app/pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        here = Path.cwd()
        os.chdir(folder / "web")  # the path of a socket must be short
        try:
            unix.bind("socket")
        finally:
            os.chdir(here)
    lines = list_errors(folder)
    assert [line.partition(":")[0] for line in lines] == ["web/app/pipe", "web/pipe"]
    assert lines == wording
    write(folder / "web/.dockerignore", "**/pipe\n")
    assert paths(folder) == [".dockerignore", "Dockerfile", "app/a.py", "run.sh"]


def test_unreadable_files_are_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, who can read everything.
    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(file_index.FileIndex, "hash_file", refuse)
    assert "web/app/a.py: cannot be read: Permission denied" in {line.partition(";")[0] for line in list_errors(folder)}


def test_an_unreadable_folder(folder: Path) -> None:
    long = "x" * 300
    (line,) = list_errors(folder, application.Build(context=long))
    assert line.startswith(f"{long}: cannot be read (File name too long); correct `build`, or create the directory")


def test_missing_folder(folder: Path) -> None:
    (line,) = list_errors(folder, application.Build(context="wbe"))
    assert line.startswith("wbe: is not a directory; correct `build`, or create the directory")


@pytest.mark.parametrize("name", ["Dockerfil", "../Dockerfile", "/Dockerfile"])
def test_missing_dockerfile(folder: Path, name: str) -> None:
    write(folder / "Dockerfile", "FROM scratch\n")
    (line,) = list_errors(folder, application.Build(context="web", dockerfile=name))
    assert line.endswith(" [file-not-found]")


def test_files_that_look_like_secrets_are_warnings(folder: Path) -> None:
    for name in (".env", ".env.local", "deep/id_rsa", "tls.key", "ca.pem", ".env.example", "id_rsa.pub", "keys.py"):
        write(folder / "web" / name, "")
    warnings = context.BuildContext.read(folder, BUILD, roots.Root(folder)).list_warnings()
    assert {warning.code for warning in warnings} == {"secret-in-context"}
    assert [warning.location.file.removeprefix(f"{folder}/web/") for warning in warnings] == [
        ".env",
        ".env.local",
        "ca.pem",
        "deep/id_rsa",
        "tls.key",
    ]


def test_unchanged_files_are_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_index, "SETTLE_NANOSECONDS", -1)
    known = file_index.FileIndex()
    first = context.BuildContext.read(folder, BUILD, roots.Root(folder), cached_index=known)
    known.save(folder / "index.json")
    again = file_index.FileIndex.load(folder / "index.json")
    assert again == known
    write(folder / "web/app/a.py", "a = 2\n")
    opened: list[str] = []
    real = roots.open_regular_file

    def watched(top: Path, path: str) -> object:
        opened.append(path)
        return real(top, path)

    monkeypatch.setattr(roots, "open_regular_file", watched)
    second = context.BuildContext.read(folder, BUILD, roots.Root(folder), cached_index=again)
    assert opened == ["app/a.py"]
    assert second.compute_tag(platform=PLATFORM) != first.compute_tag(platform=PLATFORM)


def test_a_new_file_is_read_again(folder: Path) -> None:
    known = file_index.FileIndex()
    context.BuildContext.read(folder, BUILD, roots.Root(folder), cached_index=known)
    assert known.sources == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 0}', '{"version": 1, "sources": {"a": 1}, "staged": {}}']
)
def test_an_unreadable_index_is_empty(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "index.json", text)
    assert file_index.FileIndex.load(file) == file_index.FileIndex()
