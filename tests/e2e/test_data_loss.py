"""Only accepted disks are deleted: two stores on the real cluster, with `pulumi` and `seaway up`."""

import dataclasses
from collections.abc import Iterator

import pytest
import yaml

from dev import kubectl, project
from seaway.review import disks

pytestmark = pytest.mark.cluster

NAMESPACE, ADOPTED = "vault-kept", "vault-adopted"
DB, LEDGER, ARCHIVE = (f"{NAMESPACE}/{claim}-0" for claim in ("data-db", "data-ledger", "archive-db"))
REFUSED = "would be deleted with"


def store(*, keep: bool = False, size: str = "1Gi") -> dict[str, object]:
    return {
        "image": "postgres:17",
        "port": 5432,
        "volume": {"path": "/var/lib/postgresql/data", "size": size},
        "secrets": {"POSTGRES_PASSWORD": {"generate": 32}},
        "retain": keep,
    }


def write(checkout: project.Project, *, name: str = "vault", **stores: object) -> None:
    (checkout.folder / "app" / "app.yaml").write_text(yaml.safe_dump({"name": name, "stores": stores}))


BOTH = {"db": store(), "ledger": store(keep=True)}


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("vault")
    checkout = project.Project.create(folder, application=project.ROOT / "examples" / "smallest", stack="kept")
    write(checkout, **BOTH)
    checkout.up()
    run_sql(checkout, "create table entries (text text); insert into entries values ('kept')")
    yield checkout
    kubectl.delete_namespaces(NAMESPACE, "cellar-kept")


@pytest.fixture(autouse=True)
def declared_stores(vault: project.Project) -> Iterator[None]:
    """Start each test with the last deployed application."""
    file = vault.folder / "app" / "app.yaml"
    before = file.read_text()
    yield
    file.write_text(before)


def run_sql(checkout: project.Project, text: str) -> str:
    words = ("exec", "-n", NAMESPACE, "db-0", "--", "psql", "-U", "postgres", "-At", "-c", text)
    return checkout.kubectl(*words).stdout.strip()


def list_claims(checkout: project.Project, namespace: str = NAMESPACE) -> dict[str, str]:
    """Return the UIDs of the disks by name."""
    items = checkout.get_objects("persistentvolumeclaims", "-n", namespace)["items"]
    return {
        claim["metadata"]["name"]: claim["metadata"]["uid"]
        for claim in items
        if "deletionTimestamp" not in claim["metadata"]
    }


def accept_loss(checkout: project.Project, *names: str) -> project.Project:
    return dataclasses.replace(checkout, env=checkout.env | {disks.ACCEPT_VARIABLE: ",".join(names)})


def test_renamed_application_is_refused_in_preview_and_update(vault: project.Project) -> None:
    before = list_claims(vault)
    write(vault, name="cellar", **BOTH)
    for result in (vault.preview(check=False), vault.up(check=False), vault.seaway("up", "--stack", vault.stack)):
        assert result.exit_code != 0
        for name in (DB, LEDGER):
            assert f"deletes the disk {name} (1Gi, store" in result.output
        assert f"{disks.ACCEPT_VARIABLE}={DB},{LEDGER}" in result.output
    assert list_claims(vault) == before
    assert run_sql(vault, "select text from entries") == "kept"
    write(vault, **BOTH)
    vault.up()  # until then, the state has the component with the other name
    vault.preview("--expect-no-changes")


def test_removed_store_deletes_its_disk_unless_retained(vault: project.Project) -> None:
    write(vault, ledger=BOTH["ledger"])
    result = vault.preview(check=False)
    assert result.exit_code != 0
    assert DB in result.output
    assert LEDGER not in result.output
    write(vault, ledger=BOTH["ledger"], db={**store(), "secrets": {}, "external": {"host": "10.1.2.3"}})
    moved = vault.preview(check=False)
    assert moved.exit_code != 0
    assert f"deletes the disk {DB} (1Gi, store db): StatefulSet db is deleted" in moved.output
    write(vault, db=BOTH["db"])
    assert REFUSED not in vault.preview().output


def test_impossible_disk_change_is_refused_and_harmless_change_is_not(vault: project.Project) -> None:
    write(vault, **BOTH | {"db": store(size="2Gi")})
    result = vault.preview(check=False)
    assert result.exit_code != 0
    assert "StatefulSet db: spec.volumeClaimTemplates cannot be changed in place" in result.output
    assert "the disk data-db-0 has 1Gi, and its storage class" in result.output
    write(vault, **BOTH | {"ledger": store(keep=False)})
    assert REFUSED not in vault.preview().output
    write(vault, **BOTH | {"db": {**store(), "env": {"A": "b"}}})
    assert REFUSED not in vault.preview().output
    assert REFUSED not in vault.preview("--refresh").output


def test_review_shows_the_complete_change_and_blocks_it(vault: project.Project) -> None:
    write(vault, ledger=BOTH["ledger"])
    result = vault.seaway("preview", "--stack", vault.stack, "--local-backend")
    assert result.exit_code == 5, result.output
    assert f"deletes the disk {DB}" in result.output
    assert "StatefulSet/db" in result.output


def test_only_named_or_allowed_disks_are_accepted(vault: project.Project) -> None:
    write(vault, ledger=BOTH["ledger"])
    assert accept_loss(vault, LEDGER).preview(check=False).exit_code != 0
    assert accept_loss(vault, DB).preview(check=False).exit_code == 0
    file = vault.stack_file.read_text()
    config = yaml.safe_load(file)
    for key, value in {
        "seaway:policy": {"dataLoss": "allow"},
        "seaway:waivers": {
            "DATA-LOSS": {"workloads": ["db"], "reason": "it is empty", "owner": "ann", "until": "2999-01-01"}
        },
    }.items():
        allowed = {**config, "config": {**config["config"], key: value}}
        vault.stack_file.write_text(yaml.safe_dump(allowed))
        assert vault.preview(check=False).exit_code == 0, key
    vault.stack_file.write_text(file)
    assert vault.preview(check=False).exit_code != 0


def test_destroy_is_refused_with_and_without_preview(vault: project.Project) -> None:
    before = list_claims(vault)
    stack = ("--stack", vault.stack)
    for words in (
        ("destroy", "--preview-only"),
        ("destroy", "--yes"),
        ("destroy", "--yes", "--skip-preview"),
        ("destroy", "--yes", "--skip-preview", "--ignore-protect"),
        ("destroy", "--yes", "--run-program"),
    ):
        result = vault.pulumi(*words, *stack)
        assert result.exit_code != 0, words
        assert f"deletes the disk {DB}" in result.output, result.output
        assert (
            f"{disks.ACCEPT_VARIABLE}={DB},{LEDGER} pulumi destroy --stack {vault.stack} --ignore-protect"
            in result.output
        )
    result = accept_loss(vault, DB).pulumi("destroy", "--yes", "--skip-preview", "--ignore-protect", *stack)
    assert result.exit_code != 0
    assert LEDGER in result.output
    assert list_claims(vault) == before
    vault.preview("--expect-no-changes")


def test_only_disks_of_the_preview_are_accepted(vault: project.Project) -> None:
    ledger = list_claims(vault)["data-ledger-0"]
    write(vault, ledger=BOTH["ledger"])
    result = vault.seaway("up", "--stack", vault.stack, "--accept-data-loss")
    assert result.exit_code == 0, result.output
    assert f"accepted: deletes the disk {DB}" in result.stderr
    assert LEDGER not in result.stderr
    assert list_claims(vault) == {"data-ledger-0": ledger}
    write(vault, **BOTH)
    vault.up()


def test_adopted_namespace_with_foreign_objects_is_never_deleted(
    vault: project.Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("adopted")
    checkout = project.Project.create(folder, application=project.ROOT / "examples" / "smallest", stack="adopted")
    write(checkout, db=store())
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "theirs", "namespace": ADOPTED},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    (folder / "claim.yaml").write_text(yaml.safe_dump(claim))
    try:
        checkout.kubectl("create", "namespace", ADOPTED)
        checkout.kubectl("create", "configmap", "notes", "-n", ADOPTED)
        checkout.kubectl("create", "-f", str(folder / "claim.yaml"))
        checkout.kubectl("label", f"namespace/{ADOPTED}", "app.kubernetes.io/part-of=vault", "seaway/stack=adopted")
        checkout.up()
        destroy = ("destroy", "--yes", "--ignore-protect", "--stack", checkout.stack)
        everything = accept_loss(checkout, f"{ADOPTED}/data-db-0", f"{ADOPTED}/theirs")
        result = everything.pulumi(*destroy)
        assert result.exit_code != 0
        assert f"ConfigMap {ADOPTED}/notes" in result.output
        assert f"PersistentVolumeClaim {ADOPTED}/theirs" in result.output
        # Pulumi's display shows the first line of the message before, in any order with the resources.
        assert "db" not in result.output.rpartition("objects of others")[2].partition("Move them")[0]
        write(checkout, name="cellar", db=store())
        assert "objects of others" in everything.preview(check=False).output
        write(checkout, db=store())
        assert set(list_claims(checkout, ADOPTED)) == {"data-db-0", "theirs"}
        checkout.kubectl("delete", "configmap/notes", "persistentvolumeclaim/theirs", "-n", ADOPTED)
        assert everything.pulumi(*destroy).exit_code == 0
        assert checkout.kubectl("get", "namespace", ADOPTED, check=False).exit_code != 0
    finally:
        kubectl.delete_namespaces(ADOPTED)


def test_the_printed_commands_add_a_disk_and_keep_the_data(vault: project.Project) -> None:
    """The store keeps the disk: only the last test follows."""
    run_sql(vault, "create table notes (text text); insert into notes values ('kept')")
    claims = list_claims(vault)
    write(vault, **BOTH | {"db": {**store(), "volumes": {"archive": {"path": "/archive", "size": "1Gi"}}}})
    result = vault.preview(check=False)
    assert result.exit_code != 0
    commands = [line.strip() for line in result.output.splitlines() if line.strip().startswith("kubectl ")]
    assert len(commands) == 2
    for words in commands:
        vault.kubectl(*words.split()[1:])
    vault.up()
    assert claims.items() < list_claims(vault).items()
    assert run_sql(vault, "select text from notes") == "kept"
    vault.preview("--expect-no-changes")


def test_destroy_with_acceptance_deletes_everything(vault: project.Project) -> None:
    write(vault, name="cellar", **BOTH)
    accept_loss(vault, DB, LEDGER, ARCHIVE).up()
    assert vault.kubectl("get", "namespace", NAMESPACE, check=False).exit_code != 0
    vault.preview("--expect-no-changes")
    assert "cellar-kept/data-db-0" in vault.pulumi("destroy", "--preview-only", "--stack", vault.stack).output
    vault.destroy()
    assert vault.kubectl("get", "namespace", "cellar-kept", check=False).exit_code != 0
