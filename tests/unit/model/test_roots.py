"""No file outside of the project is read, whatever names it and whatever stands at that name."""

import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from seaway.files import roots
from seaway.project import environments, load, stack_file
from seaway.syntax import diagnosis, encode

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


def fifo(at: Path) -> None:
    os.mkfifo(at)


def unix(at: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(at.parent)  # the path of a socket must be short
        try:
            one.bind(at.name)
        finally:
            os.chdir(here)


def device(at: Path) -> None:
    if os.geteuid():
        at.symlink_to("/dev/zero")
    else:
        os.mknod(at, 0o600 | stat.S_IFCHR, os.makedev(1, 5))


def closed(name: str) -> Callable[[Path], None]:
    def made(at: Path) -> None:
        (at.parent.parent / name).mkdir(exist_ok=True)
        (at.parent.parent / name / "file").write_text(LINE)
        at.symlink_to(f"../{name}/file")

    return made


TARGETS: dict[str, Callable[[Path], object]] = {
    "link": lambda at: at.symlink_to("../../outside/file"),
    "absolute link": lambda at: at.symlink_to((at.parent / "../../outside/file").resolve()),
    "link to a directory": lambda at: at.symlink_to("../../outside"),
    "environment": lambda at: at.symlink_to("/proc/self/environ"),
    "endless": lambda at: at.symlink_to("/dev/zero"),
    "loop": lambda at: at.symlink_to(at.name),
    "dangling": lambda at: at.symlink_to("../../outside/nothing"),
    "FIFO": fifo,
    "socket": unix,
    "device": device,
    ".git": closed(".git"),
    ".seaway": closed(".seaway"),
    ".pulumi": closed(".pulumi"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("roots")
    (top / "outside").mkdir()
    (top / "outside/file").write_text(LINE)
    (top / "outside/Dockerfile").write_text(f"FROM scratch\nLABEL a={CANARY}\n")
    return top


def project(place: Path) -> Path:
    """The working directory of a project; what is outside of it has the canary."""
    shutil.rmtree(place / "project", ignore_errors=True)
    (place / "project/app/web").mkdir(parents=True)
    (place / "project/app/web/Dockerfile").write_text("FROM scratch\n")
    (place / "project/app/other.yml").write_text("services: {o: {image: $CANARY}}\n")
    (place / "project/Pulumi.yaml").write_text("name: a\nruntime: python\n")
    return place / "project"


def outcome(file: Path) -> tuple[str, bool]:
    """All that can be seen of an application, and whether it was refused."""
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
    place: Path, monkeypatch: pytest.MonkeyPatch, reference: str, target: tuple[str, str], links: tuple[int, bool]
) -> None:
    """``links``: how many lead to the file one after the other, and whether one more is to its folder."""
    folder = project(place)
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
    shown, refused = outcome(file)
    assert CANARY not in shown
    assert os.environ["PATH"] not in shown
    assert refused or reference in {"bind", "build", "secret", "build dockerfile"}, "what is left out has been told"


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize(
    "name", ["app/app.yaml", "app/docker-compose.yml", "app/app.py", "app/images.lock", "Pulumi.dev.yaml", "app/.env"]
)
def test_files_of_a_fixed_name(place: Path, monkeypatch: pytest.MonkeyPatch, name: str, target: str) -> None:
    folder = project(place)
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


def test_the_git_repository_is_the_root_where_the_setting_says_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(place)
    monkeypatch.chdir(folder)
    (folder / "app/app.yaml").write_text(REFERENCES["envFile"].format("../../outside/file"))
    file = folder / "Pulumi.dev.yaml"

    def loaded() -> str:
        try:
            return repr(
                environments.read_environment(stack_file.read_config(file), folder=folder, stack="dev", check_ids=())
                .app.services[0]
                .env
            )
        except diagnosis.InvalidInput as error:
            return str(error)

    file.write_text(STACK.format(""))
    assert loaded() == (
        'app/app.yaml:2:49: services.web.envFile.0: "../../outside/file" is outside the project; copy it into the'
        " folder of Pulumi.yaml; if it is in the same git repository: pulumi config set seaway:root git"
    )
    file.write_text(STACK.format(", seaway:root: git"))
    assert loaded() == (
        "Pulumi.dev.yaml:1:55: seaway:root: is git, and the project is not in a git repository; remove it, or run git"
        " init"
    )
    (place / ".git").mkdir()
    (place / ".git/config").write_text(LINE)
    assert loaded() == repr({"CANARY": CANARY})
    (folder / "app/app.yaml").write_text(REFERENCES["envFile"].format("../../.git/config"))
    assert loaded() == (
        'app/app.yaml:2:49: services.web.envFile.0: "../../.git/config" is in .git, which holds keys and state;'
        " name a file of the application"
    )
    file.write_text(STACK.format(", seaway:root: /"))
    assert 'seaway:root: "/" is not one of its values; write project or git' in loaded()
    shutil.rmtree(place / ".git")


def test_links_that_stay_inside_are_followed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(place)
    monkeypatch.chdir(folder)
    (folder / "shared").mkdir()
    (folder / "shared/file").write_text(LINE)
    (folder / "app/named").symlink_to("../shared/file")
    (folder / "app/app.yaml").write_text(REFERENCES["files"].format("named"))
    assert CANARY in outcome(folder / "app/app.yaml")[0]
    (folder / "app/docker-compose.yml").write_text(COMPOSE["env_file"].format("../shared/file"))
    assert CANARY in outcome(folder / "app/docker-compose.yml")[0]


def test_without_a_project_the_working_directory_is_the_root(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(place)
    (folder / "Pulumi.yaml").unlink()
    (folder / "app/docker-compose.yml").write_text(COMPOSE["env_file"].format("../../outside/file"))
    monkeypatch.chdir(folder)
    shown, refused = outcome(Path("app/docker-compose.yml"))
    assert refused
    assert shown.endswith(
        "is outside the project; copy it below the working directory, or run the command in a folder above both"
    )
    monkeypatch.chdir(place)
    assert CANARY in outcome(Path("project/app/docker-compose.yml"))[0]


def read(folder: Path, name: str, limit: int = 10) -> str:
    try:
        return (
            roots.Root(folder)
            .read(folder / name, "it", diagnosis.SourceLocation("f", 1, 2), "key", limit=limit)
            .decode()
        )
    except diagnosis.InvalidInput as error:
        return str(error)


def test_size_is_bounded_by_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "ten").write_text("0123456789")
    (tmp_path / "more").write_text("01234567890")
    assert read(tmp_path, "ten") == "0123456789"
    assert read(tmp_path, "more") == "f:1:2: key: it has 11 bytes; keep it under 10"
    # A file of the kernel says that it has none.
    kernel = roots.Root(Path("/proc/self"))
    with pytest.raises(diagnosis.InvalidInput, match="it has more than 10 bytes; keep it under 10"):
        kernel.read(Path(f"/proc/{os.getpid()}/status"), "it", diagnosis.SourceLocation("f"), "", limit=10)


def test_what_changes_while_it_is_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("a")
    real = os.fstat
    calls: list[int] = []

    def grown(descriptor: int) -> os.stat_result:
        calls.append(descriptor)
        if len(calls) == 3:
            (tmp_path / "a").write_text("ab")
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", grown)
    assert (
        read(tmp_path, "a") == "f:1:2: key: it changed while it was read; wait until nothing writes it, and run again"
    )


def test_a_link_that_takes_a_files_place_meanwhile_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").write_text(CANARY)
    (tmp_path / "in/a").symlink_to("../out")
    (tmp_path / "in/dir").symlink_to("..")
    for name in ("a", "dir/out"):
        with pytest.raises(OSError, match=r"link|Not a directory"), roots.open_regular_file(tmp_path / "in", name):
            pass
