"""No file outside the project is read, whatever names it and whatever is at its path."""

import contextlib
import json
import os
import shutil
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from seaway.files import roots
from seaway.project import environments, load, stack_file
from seaway.syntax import diagnosis, encode
from tests.support import diagnostics

CANARY = "canary-7d1f"
LINE = f"CANARY={CANARY}\n"

REFERENCES: dict[str, str] = {
    "files": "name: a\nservices: {{web: {{image: b, port: 80, files: {{/etc/a: '{0}'}}}}}}\n",
    "envFile": "name: a\nservices: {{web: {{image: b, port: 80, envFile: ['{0}']}}}}\n",
    "sidecar": "name: a\nservices: {{web: {{image: b, port: 80, sidecars: {{c: {{image: d, envFile: ['{0}']}}}}}}}}\n",
    "context": "name: a\nservices: {{web: {{build: '{0}', port: 80}}}}\n",
    "dockerfile": "name: a\nservices: {{web: {{build: {{context: web, dockerfile: '../{0}'}}, port: 80}}}}\n",
    "contexts": "name: a\nservices: {{web: {{build: {{context: web, contexts: {{c: '{0}'}}}}, port: 80}}}}\n",
    "layout": "name: a\nservices: {{web: {{build: {{context: web, contexts: {{c: 'oci-layout://{0}'}}}}, port: 1}}}}\n",
    "scheme": "name: a\nservices: {{web: {{build: {{context: web, contexts: {{c: 'file://{0}'}}}}, port: 80}}}}\n",
}
COMPOSE: dict[str, str] = {
    "env_file": "services: {{web: {{image: b, env_file: '{0}'}}}}\n",
    "label_file": "services: {{web: {{image: b, label_file: '{0}'}}}}\n",
    "include": "include: ['{0}']\nservices: {{web: {{image: b}}}}\n",
    "include env": "include: [{{path: other.yml, env_file: '{0}'}}]\nservices: {{web: {{image: b}}}}\n",
    "extends": "services: {{web: {{extends: {{file: '{0}', service: a}}}}}}\n",
    "config": "services: {{web: {{image: b, configs: [c]}}}}\nconfigs: {{c: {{file: '{0}'}}}}\n",
    "secret": "services: {{web: {{image: b, secrets: [c]}}}}\nsecrets: {{c: {{file: '{0}'}}}}\n",
    "bind": "services: {{web: {{image: b, volumes: ['{0}:/etc/a.conf:ro']}}}}\n",
    "build": "services: {{web: {{build: '{0}'}}}}\n",
    "build dockerfile": "services: {{web: {{build: {{context: web, dockerfile: '../{0}'}}}}}}\n",
}


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(path.parent):  # the path of a socket must be short
        server.bind(path.name)


def make_device(path: Path) -> None:
    if os.geteuid():
        path.symlink_to("/dev/zero")
    else:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))


def link_into(name: str) -> Callable[[Path], None]:
    def make_link(path: Path) -> None:
        (path.parent.parent / name).mkdir(exist_ok=True)
        (path.parent.parent / name / "file").write_text(LINE)
        path.symlink_to(f"../{name}/file")

    return make_link


TARGETS: dict[str, Callable[[Path], object]] = {
    "link": lambda path: path.symlink_to("../../outside/file"),
    "absolute link": lambda path: path.symlink_to((path.parent / "../../outside/file").resolve()),
    "link to a directory": lambda path: path.symlink_to("../../outside"),
    "environment": lambda path: path.symlink_to("/proc/self/environ"),
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path.name),
    "dangling": lambda path: path.symlink_to("../../outside/nothing"),
    "FIFO": make_fifo,
    "socket": make_socket,
    "device": make_device,
    ".git": link_into(".git"),
    ".seaway": link_into(".seaway"),
    ".pulumi": link_into(".pulumi"),
}


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("roots")
    (top / "outside").mkdir()
    (top / "outside/file").write_text(LINE)
    (top / "outside/Dockerfile").write_text(f"FROM scratch\nLABEL a={CANARY}\n")
    return top


def create_project(top: Path) -> Path:
    """A project. The files outside it contain the canary."""
    shutil.rmtree(top / "project", ignore_errors=True)
    (top / "project/app/web").mkdir(parents=True)
    (top / "project/app/web/Dockerfile").write_text("FROM scratch\n")
    (top / "project/app/other.yml").write_text("services: {o: {image: $CANARY}}\n")
    (top / "project/Pulumi.yaml").write_text("name: a\nruntime: python\n")
    return top / "project"


def load_file(file: Path) -> tuple[str, bool]:
    """The application or the errors, and whether it was refused."""
    try:
        return repr(encode.to_plain(load.load_application(file))), False
    except diagnosis.InvalidInput as error:
        return str(error), True


WRITTEN = st.one_of(
    st.sampled_from(sorted(TARGETS)).map(lambda name: ("at", name)),
    st.sampled_from(
        ["../../outside/file", "../../outside", "../../outside/nothing", "/proc/self/environ", "/dev/zero"]
    ).map(lambda path: ("is", path)),
)


@hypothesis.settings(max_examples=150, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    reference=st.sampled_from([*REFERENCES, *COMPOSE]),
    target=WRITTEN,
    links=st.tuples(st.integers(0, 2), st.booleans()),
)
def test_nothing_outside_is_read(
    top: Path, monkeypatch: pytest.MonkeyPatch, reference: str, target: tuple[str, str], links: tuple[int, bool]
) -> None:
    """``links``: how many lead to the file one after the other, and whether one more is to its folder."""
    folder = create_project(top)
    monkeypatch.chdir(folder)
    how, name = target
    written = name
    if how == "at":
        TARGETS[name](folder / "app/named")
        written = "named"
    for number in range(links[0] if how == "at" else 0):
        (folder / f"app/link{number}").symlink_to(written)
        written = f"link{number}"
    if links[1] and how == "at":
        (folder / "dir").symlink_to("app")
        written = f"../dir/{written}"
    known = {**REFERENCES, **COMPOSE}
    file = folder / "app" / ("app.yaml" if reference in REFERENCES else "docker-compose.yml")
    file.write_text(known[reference].format(f"./{written}" if reference == "bind" and how == "at" else written))
    text, refused = load_file(file)
    assert CANARY not in text
    assert os.environ["PATH"] not in text
    assert refused or reference in {"bind", "build", "secret", "build dockerfile"}, (
        "a file that is left out is reported"
    )


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize(
    "name", ["app/app.yaml", "app/docker-compose.yml", "app/app.py", "app/images.lock", "Pulumi.dev.yaml", "app/.env"]
)
def test_files_of_a_fixed_name(top: Path, monkeypatch: pytest.MonkeyPatch, name: str, target: str) -> None:
    folder = create_project(top)
    monkeypatch.chdir(folder)
    compose = name in {"app/docker-compose.yml", "app/.env"}
    app = name if name.endswith((".py", "compose.yml")) else "app/docker-compose.yml" if compose else "app/app.yaml"
    (folder / "Pulumi.dev.yaml").write_text(f"config: {{seaway:context: c, seaway:app: {app}}}\n")
    (folder / "app/app.yaml").write_text("name: a\nservices: {web: {image: b, port: 80}}\n")
    (folder / "app/docker-compose.yml").write_text("services: {web: {image: $CANARY}}\n")
    (folder / name).unlink(missing_ok=True)
    (folder / "app/below").mkdir()
    below = folder / "app/below/file"
    TARGETS[target](below)
    (folder / name).symlink_to(below)
    with pytest.raises(diagnosis.InvalidInput) as caught:
        environments.read_environment(
            stack_file.read_config(folder / "Pulumi.dev.yaml"), folder=folder, stack="dev", check_ids=()
        )
    assert CANARY not in str(caught.value)


STACK = "config: {{seaway:context: c, seaway:app: app/app.yaml{0}}}\n"


def test_the_root_is_the_git_repository_where_it_is_set(
    top: Path, monkeypatch: pytest.MonkeyPatch, wording: list[str]
) -> None:
    folder = create_project(top)
    monkeypatch.chdir(folder)
    (folder / "app/app.yaml").write_text(REFERENCES["envFile"].format("../../outside/file"))
    file = folder / "Pulumi.dev.yaml"

    def load_env() -> Mapping[str, str] | list[str]:
        try:
            config = stack_file.read_config(file)
            return environments.read_environment(config, folder=folder, stack="dev", check_ids=()).app.services[0].env
        except diagnosis.InvalidInput as error:
            messages.append(str(error))
            return diagnostics.summarize(error.diagnostics)

    messages: list[str] = []
    file.write_text(STACK.format(""))
    assert load_env() == ["app/app.yaml:2:48: services.web.envFile.0: outside-root"]
    file.write_text(STACK.format(", seaway:root: git"))
    assert load_env() == ["Pulumi.dev.yaml:1:55: seaway:root: no-git-repository"]
    (top / ".git").mkdir()
    (top / ".git/config").write_text(LINE)
    assert load_env() == {"CANARY": CANARY}
    (folder / "app/app.yaml").write_text(REFERENCES["envFile"].format("../../.git/config"))
    assert load_env() == ["app/app.yaml:2:48: services.web.envFile.0: closed-folder"]
    file.write_text(STACK.format(", seaway:root: /"))
    assert "Pulumi.dev.yaml:1:55: seaway:root: invalid-value" in load_env()
    assert messages[:3] == wording
    shutil.rmtree(top / ".git")


def test_links_that_stay_inside_are_followed(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create_project(top)
    monkeypatch.chdir(folder)
    (folder / "shared").mkdir()
    (folder / "shared/file").write_text(LINE)
    (folder / "app/named").symlink_to("../shared/file")
    (folder / "app/app.yaml").write_text(REFERENCES["files"].format("named"))
    assert CANARY in load_file(folder / "app/app.yaml")[0]
    (folder / "app/docker-compose.yml").write_text(COMPOSE["env_file"].format("../shared/file"))
    assert CANARY in load_file(folder / "app/docker-compose.yml")[0]


def test_without_a_project_the_working_directory_is_the_root(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create_project(top)
    (folder / "Pulumi.yaml").unlink()
    (folder / "app/docker-compose.yml").write_text(COMPOSE["env_file"].format("../../outside/file"))
    monkeypatch.chdir(folder)
    text, refused = load_file(Path("app/docker-compose.yml"))
    assert refused
    assert "is outside the project; copy it below the working directory" in text
    monkeypatch.chdir(top)
    assert CANARY in load_file(Path("project/app/docker-compose.yml"))[0]


def read(folder: Path, name: str) -> bytes | str:
    location = diagnosis.SourceLocation("f", 1, 2)
    try:
        return roots.Root(folder).read(folder / name, name, location, "key", limit=10)
    except diagnosis.InvalidInput as error:
        return str(error)


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wording: list[str]) -> None:
    (tmp_path / "ten").write_text("0123456789")
    (tmp_path / "eleven").write_text("01234567890")
    assert read(tmp_path, "ten") == b"0123456789"
    # A file of the kernel reports a size of 0.
    messages = [read(tmp_path, "eleven"), read(Path("/proc/self"), "status"), read(tmp_path, "."), read(tmp_path, "no")]
    calls: list[int] = []
    real_fstat = os.fstat

    def change_file(descriptor: int) -> os.stat_result:
        calls.append(descriptor)
        if len(calls) == 3:
            (tmp_path / "ten").write_text("ab")
        return real_fstat(descriptor)

    monkeypatch.setattr(os, "fstat", change_file)
    messages.append(read(tmp_path, "ten"))
    codes = ("file-too-large", "file-too-large", "not-a-regular-file", "file-not-found", "unstable-file")
    for message, code in zip(messages, codes, strict=True):
        assert str(message).startswith("f:1:2: key: ")
        assert str(message).endswith(f" [{code}]")
    assert messages == wording


def test_a_link_that_replaces_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").write_text(CANARY)
    (tmp_path / "in/a").symlink_to("../out")
    (tmp_path / "in/dir").symlink_to("..")
    for name in ("a", "dir/out"):
        with pytest.raises(OSError, match=r"link|Not a directory"), roots.open_regular_file(tmp_path / "in", name):
            pass


@pytest.mark.parametrize(
    ("key", "text", "is_allowed"),
    [
        ("ssh", "default", True),
        ("ssh", "default=keys/deploy", True),
        ("ssh", "default=/etc/shadow", False),
        ("ssh", "default=~/.ssh/id_ed25519", False),
        ("cacheFrom", "type=local,src=cache", True),
        ("cacheFrom", "type=local,src=../../outside", False),
        ("cacheFrom", "type=registry,ref=example.com/cache", True),
        ("cacheTo", "TYPE=local,mode=max,DEST=/root/.ssh", False),
        ("cacheTo", '"type=local","dest=link"', False),
        ("cacheTo", "type=local,dest=.git/hooks", False),
    ],
)
def test_the_builder_reads_and_writes_in_the_project_only(top: Path, key: str, text: str, *, is_allowed: bool) -> None:
    project = create_project(top)
    (project / "link").symlink_to(top / "outside")
    build = {"context": "web", key: [text]}
    file = project / "app/app.yaml"
    file.write_text(json.dumps({"name": "a", "services": {"web": {"build": build, "port": 8000}}}))
    if is_allowed:
        assert load.load_application(file, root=roots.find_root(project))
        return
    code = "closed-folder" if ".git" in text else "outside-root"
    refused = diagnostics.catch(lambda: load.load_application(file, root=roots.find_root(project)))
    assert [(error.path, error.code) for error in refused] == [(f"services.web.build.{key}.0", code)]


@pytest.mark.parametrize("name", [".seaway", ".pulumi"])
@pytest.mark.parametrize("choice", ["project", "git"])
def test_what_a_link_called_like_a_closed_folder_leads_to_is_closed(
    top: Path, name: str, choice: roots.RootChoice
) -> None:
    """A branch has committed it: CI would write its kubeconfig where app.yaml can name it."""
    project = create_project(top)
    (project / ".git").mkdir()
    (project / name).symlink_to("app/conf")
    (project / "app/conf").mkdir()
    (project / "app/conf/kubeconfig").write_text("token")
    root = roots.find_root(project / "app", choice)
    location = diagnosis.SourceLocation("app.yaml")
    refused = diagnostics.catch(lambda: root.read(project / "app/conf/kubeconfig", "", location, ""))
    assert [error.code for error in refused] == ["closed-folder"]
    assert root.read(project / "app/web/Dockerfile", "", location, "")
