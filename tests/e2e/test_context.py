"""BuildKit keeps the symbolic links of the staged context, also if their target exists on this machine, and the
folders of which all files are ignored."""

import stat
from collections.abc import Iterator

import pytest

from dev import kubectl, project

pytestmark = pytest.mark.cluster

NAMESPACE = "smallest-links"
LINKS = {
    "absolute": "/etc/hostname",
    "up": "../../../../outside",
    "nothing": "/nowhere",
    "folder": "/etc",
    "masked": "/dev/null",
}


@pytest.fixture
def smallest(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    example = project.ROOT / "examples" / "smallest"
    checkout = project.Project.create(tmp_path_factory.mktemp("links"), application=example, stack="links")
    yield checkout
    kubectl.delete_namespaces(NAMESPACE)


def test_symbolic_links_are_kept_in_the_image(smallest: project.Project) -> None:
    web = smallest.folder / "app" / "web"
    (web / "links").mkdir()
    for name, target in LINKS.items():
        (web / "links" / name).symlink_to(target)
    (smallest.folder.parent / "outside").write_text("outside")
    (web / "state").mkdir()
    (web / "state" / "old").write_text("")
    (web / ".dockerignore").write_text("state/*\n")
    (web / "server.py").chmod(0o600)
    (web / "common").write_text(
        (web / "Dockerfile").read_text().replace("USER", "COPY links ./links\nCOPY state ./state\nUSER")
    )
    (web / "Dockerfile").unlink()
    (web / "Dockerfile").symlink_to("common")
    smallest.up()
    pod = ("exec", "-n", NAMESPACE, "deployment/web", "--")
    for name, target in LINKS.items():
        assert smallest.kubectl(*pod, "readlink", f"links/{name}").stdout.strip() == target
    assert smallest.kubectl(*pod, "ls", "state").stdout == ""
    assert smallest.kubectl(*pod, "stat", "-c", "%a", "server.py").stdout.strip() == "644", (
        "or its user could not read it"
    )
    assert stat.S_IMODE((smallest.folder / ".seaway").stat().st_mode) == 0o700
    (smallest.folder.parent / "outside").write_text("changed")
    smallest.preview("--expect-no-changes")
