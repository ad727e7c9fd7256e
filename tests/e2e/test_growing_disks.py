"""A larger disk of a store: the volume grows, its pod keeps running, and the StatefulSet has the new size.

The tests of a stack run in the order of the file.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev import kubectl, project
from tests.support import csi

pytestmark = [pytest.mark.cluster, pytest.mark.optional]

NAMESPACE, CLAIM = "vault-growing", "data-db-0"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    with csi.run_driver():
        folder = tmp_path_factory.mktemp("vault")
        checkout = project.Project.create(
            folder, application=project.ROOT / "examples" / "smallest", stack="growing", storageClass=csi.ONLINE
        )
        write(checkout, size="256Mi")
        checkout.up()
        run_sql(checkout, "create table entries (text text); insert into entries values ('kept')")
        yield checkout
        delete_namespace(NAMESPACE)


def delete_namespace(name: str) -> None:
    """Only the driver can unmount the volumes, so wait while it runs."""
    kubectl.delete_namespaces(name)
    kubectl.run("wait", "--for=delete", f"namespace/{name}", "--timeout=120s")


def write(checkout: project.Project, *, size: str, services: Any = None, **more: Any) -> None:
    db = {
        "image": "postgres:17",
        "port": 5432,
        "volume": {"path": "/var/lib/postgresql/data", "size": size},
        "secrets": {"POSTGRES_PASSWORD": {"generate": 32}},
        # The StatefulSet owns the claim: it must not be deleted with it.
        "retain": False,
        **more,
    }
    app = {"name": "vault", "services": services or {}, "stores": {"db": db}}
    (checkout.folder / "app" / "app.yaml").write_text(yaml.safe_dump(app))


def run_sql(checkout: project.Project, text: str) -> str:
    words = ("exec", "-n", NAMESPACE, "db-0", "--", "psql", "-U", "postgres", "-At", "-c", text)
    return checkout.kubectl(*words).stdout.strip()


def read_sizes(checkout: project.Project) -> dict[str, str]:
    """The sizes that the claim, its volume and the claim template have."""
    claim = checkout.get_objects("pvc", CLAIM, "-n", NAMESPACE)
    templates = checkout.get_objects("statefulset", "db", "-n", NAMESPACE)["spec"]["volumeClaimTemplates"]
    return {
        "requested": claim["spec"]["resources"]["requests"]["storage"],
        "capacity": claim["status"]["capacity"]["storage"],
        "template": templates[0]["spec"]["resources"]["requests"]["storage"],
    }


def read_pod(checkout: project.Project) -> tuple[str, list[int]]:
    """The UID of the pod, and the restarts of its containers."""
    pod = checkout.get_objects("pod", "db-0", "-n", NAMESPACE)
    return pod["metadata"]["uid"], [status["restartCount"] for status in pod["status"]["containerStatuses"]]


def test_a_disk_grows_around_its_running_pod(vault: project.Project) -> None:
    pod = read_pod(vault)
    write(vault, size="512Mi")
    line = f"the disk {NAMESPACE}/{CLAIM} (store db) grows from 256Mi to 512Mi; no pod stops"
    assert line in vault.preview().output
    review = vault.seaway("preview", "--stack", vault.stack, "--json")
    assert review.exit_code == 0, review.output
    (change,) = json.loads(review.stdout)["changes"]
    assert change["object"] == {"kind": "PersistentVolumeClaim", "name": CLAIM}
    assert (change["owner"], change["impact"], change["blocked"]) == ("db", "none", False)
    assert set(read_sizes(vault).values()) == {"256Mi"}
    vault.pulumi("up", "--yes", "--stack", vault.stack, check=True)
    assert set(read_sizes(vault).values()) == {"512Mi"}
    assert read_pod(vault) == pod
    words = ("exec", "-n", NAMESPACE, "db-0", "--", "df", "-m", "--output=size", "/var/lib/postgresql/data")
    assert vault.kubectl(*words).stdout.split()[-1] == "512"
    assert run_sql(vault, "select text from entries") == "kept"
    owners = vault.get_objects("pvc", CLAIM, "-n", NAMESPACE)["metadata"]["ownerReferences"]
    store = vault.get_objects("statefulset", "db", "-n", NAMESPACE)["metadata"]
    assert [owner["uid"] for owner in owners] == [store["uid"]]
    assert vault.seaway("status", "--stack", vault.stack, "--drift").exit_code == 0
    vault.preview("--expect-no-changes")


def test_later_updates_and_a_refresh_change_nothing_of_it(vault: project.Project) -> None:
    before = read_pod(vault)
    write(vault, size="512Mi", env={"A": "b"})
    assert "grows" not in vault.preview().output
    vault.up()
    assert read_pod(vault) != before
    assert run_sql(vault, "select text from entries") == "kept"
    assert set(read_sizes(vault).values()) == {"512Mi"}
    vault.preview("--expect-no-changes")
    vault.preview("--refresh", "--expect-no-changes")
    vault.pulumi("refresh", "--yes", "--stack", vault.stack, check=True)
    vault.preview("--expect-no-changes")
    assert vault.seaway("status", "--stack", vault.stack, "--drift").exit_code == 0


def test_growth_and_a_new_version_at_the_same_time(vault: project.Project) -> None:
    write(vault, size="1Gi", env={"A": "c"})
    vault.preview()
    vault.up()
    assert set(read_sizes(vault).values()) == {"1Gi"}
    assert run_sql(vault, "select text from entries") == "kept"
    vault.preview("--expect-no-changes")


def test_a_disk_cannot_shrink(vault: project.Project) -> None:
    write(vault, size="512Mi", env={"A": "c"})
    for result in (vault.preview(check=False), vault.up(check=False)):
        assert result.exit_code != 0
        assert f"the disk {CLAIM} has 1Gi, and a disk cannot shrink: declare at least 1Gi" in result.output
    assert set(read_sizes(vault).values()) == {"1Gi"}
    write(vault, size="1Gi", env={"A": "c"})
    vault.preview("--expect-no-changes")


def test_a_rollback_keeps_the_disk_that_has_grown(vault: project.Project) -> None:
    pod = read_pod(vault)
    absent = {"image": "registry.localhost:5000/vault/absent:1", "port": 8000, "user": 1000}
    write(vault, size="2Gi", env={"A": "c"}, services={"web": absent})
    result = vault.seaway("up", "--stack", vault.stack, "--rollback-on-failure")
    assert result.exit_code == 3, result.output
    assert set(read_sizes(vault).values()) == {"2Gi"}
    assert read_pod(vault) == pod
    drift = vault.seaway("status", "--stack", vault.stack, "--drift")
    assert drift.exit_code == 4
    assert "declared" in drift.output.lower()
    write(vault, size="2Gi", env={"A": "c"})
    vault.up()
    vault.preview("--expect-no-changes")
    assert vault.seaway("status", "--stack", vault.stack, "--drift").exit_code == 0


def test_a_lost_state_and_a_larger_disk(vault: project.Project) -> None:
    vault.lose_state()
    write(vault, size="128Mi", env={"A": "c"})
    refused = vault.preview(check=False)
    assert refused.exit_code != 0
    assert "a disk cannot shrink" in refused.output
    write(vault, size="3Gi", env={"A": "c"})
    vault.preview()
    vault.up()
    assert set(read_sizes(vault).values()) == {"3Gi"}
    assert run_sql(vault, "select text from entries") == "kept"
    vault.preview("--expect-no-changes")


def test_storage_that_grows_only_without_pods_names_the_command(
    vault: project.Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The size is requested, and the store runs; the printed command completes it."""
    checkout = project.Project.create(
        tmp_path_factory.mktemp("offline"),
        application=project.ROOT / "examples" / "smallest",
        stack="offline",
        storageClass=csi.OFFLINE,
    )
    try:
        write(checkout, size="256Mi")
        checkout.up()
        write(checkout, size="512Mi")
        result = checkout.up(check=False)
        assert result.exit_code != 0
        assert f"the disk {CLAIM} has 256Mi of 512Mi" in result.output
        (command,) = (line.strip() for line in result.output.splitlines() if line.strip().startswith("kubectl delete"))
        differing = checkout.seaway("status", "--stack", checkout.stack, "--drift")
        assert differing.exit_code == 4
        assert "256Mi" in differing.output
        checkout.kubectl(*command.split()[1:])
        checkout.up()
        claim = checkout.get_objects("pvc", CLAIM, "-n", "vault-offline")
        assert claim["status"]["capacity"]["storage"] == "512Mi"
        checkout.preview("--expect-no-changes")
    finally:
        delete_namespace("vault-offline")
