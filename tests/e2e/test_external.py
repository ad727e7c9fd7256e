"""An external store: PostgreSQL in a namespace that the application does not own, as a managed database would be."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev import kubectl, project

pytestmark = pytest.mark.cluster

STACK = "external"
NAMESPACE, DATABASE = f"notes-{STACK}", "notes-database"
HOST, PORT = f"db.{DATABASE}.svc.cluster.local", 6432
PASSWORD = "of-the-managed-database"

PSQL = "PGPASSWORD=`cat $POSTGRES_PASSWORD_FILE` psql --quiet --tuples-only --no-align --command"
APP: dict[str, Any] = {
    "name": "notes",
    "services": {
        "api": {
            "image": "postgres:17",
            "command": ["sh", "-c", "trap exit TERM; while true; do sleep 1; done"],
            "calls": ["db"],
            "egress": [],
            "scale": 1,
            "env": {"PGHOST": "$(DB_HOST)", "PGPORT": "$(DB_PORT)", "PGUSER": "postgres"},
            "secrets": ["POSTGRES_PASSWORD"],
        },
    },
    "stores": {
        "db": {
            "image": "postgres:17",
            "port": 5432,
            "volume": {"path": "/var/lib/postgresql/data", "size": "1Gi"},
            "secrets": {"POSTGRES_PASSWORD": {"generate": 32}},
        },
    },
    "jobs": {
        "migrate": {"uses": "api", "command": ["sh", "-ec", f"{PSQL} 'create table if not exists notes (text text)'"]}
    },
}


def build_database(image: str) -> list[dict[str, Any]]:
    labels = {"app": "postgres"}
    container = {
        "name": "postgres",
        "image": image,
        "args": ["-p", str(PORT)],
        "env": [
            {"name": "POSTGRES_PASSWORD", "value": PASSWORD},
            {"name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata"},
        ],
        # While it makes the database, it listens on no TCP port.
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1, "timeoutSeconds": 5},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "postgres", "namespace": DATABASE, "labels": labels},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "db", "namespace": DATABASE},
            "spec": {"selector": labels, "ports": [{"port": PORT}]},
        },
    ]


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    checkout = project.Project.create(
        tmp_path_factory.mktemp("notes"),
        application=project.ROOT / "examples" / "smallest",
        stack=STACK,
        publish="none",
        overlay={"stores": {"db": {"external": {"host": HOST, "port": PORT}}}},
    )
    (checkout.folder / "app" / "app.yaml").write_text(yaml.safe_dump(APP))
    checkout.set_secret("POSTGRES_PASSWORD", PASSWORD)
    overrides = yaml.safe_load(checkout.stack_file.read_text())["config"]["seaway:imageOverrides"]
    # A namespace of an earlier run that is still terminating accepts no objects.
    kubectl.run("delete", "namespace", NAMESPACE, DATABASE, "--ignore-not-found")
    try:
        kubectl.run("create", "namespace", DATABASE)
        kubectl.run("wait", "--for=create", "serviceaccount/default", "-n", DATABASE, "--timeout=60s")
        for manifest in build_database(overrides["postgres:17"]):
            kubectl.run("create", "--filename", "-", stdin=manifest)
        kubectl.run("wait", "--for=condition=Ready", "pod/postgres", "-n", DATABASE, "--timeout=110s")
        checkout.up()
        yield checkout
    finally:
        kubectl.delete_namespaces(NAMESPACE, DATABASE)


def run_in_api(notes: project.Project, script: str) -> str:
    return notes.kubectl("exec", "-n", NAMESPACE, "deployment/api", "--", "bash", "-c", script).stdout.strip()


def test_pods_and_jobs_use_it_and_nothing_is_deployed_for_it(notes: project.Project) -> None:
    """The job has created the table, or `up` would have failed."""
    assert run_in_api(notes, f"{PSQL} \"insert into notes values ('hello') returning text\"") == "hello"
    query = ("psql", "-p", str(PORT), "-U", "postgres", "-h", "127.0.0.1", "-At", "-c", "select text from notes")
    result = notes.kubectl("exec", "-n", DATABASE, "postgres", "--", "env", f"PGPASSWORD={PASSWORD}", *query)
    assert result.stdout.strip() == "hello"
    kinds = "statefulsets,persistentvolumeclaims,services,serviceaccounts,poddisruptionbudgets,networkpolicies"
    listed = notes.get_objects(kinds, "-n", NAMESPACE)["items"]
    owners = {one["metadata"]["labels"].get("app.kubernetes.io/name") for one in listed if "labels" in one["metadata"]}
    assert owners == {None, "api", "migrate"}
    assert {one["kind"] for one in listed} == {"NetworkPolicy", "ServiceAccount"}
    notes.preview("--expect-no-changes")


def test_commands_say_where_it_is(notes: project.Project) -> None:
    status = notes.seaway("status", "--stack", STACK)
    assert status.exit_code == 0
    assert f"db is external, at {HOST}:{PORT}" in status.stdout
    for words in (("exec", "db"), ("port-forward", "db")):
        refused = notes.seaway(*words, "--stack", STACK)
        assert refused.exit_code == 2
        assert f"db is external, at {HOST}:{PORT}" in refused.stderr
        assert "seaway exec api" in refused.stderr
    hint = notes.seaway("exec", "api", "--stack", STACK, "--", "sh", "-c", f"{PSQL} 'select 1'")
    assert hint.stdout.strip() == "1"


@pytest.mark.optional
def test_nothing_else_is_open(notes: project.Project) -> None:
    """A connection that a policy drops takes until the timeout; without a listener it is refused at once."""
    pod = notes.get_objects("pod", "postgres", "-n", DATABASE)["status"]["podIP"]
    dns = notes.get_objects("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")["items"][0]["status"]["podIP"]
    targets = {
        f"{HOST}/{PORT}": "open",
        f"{pod}/{PORT}": "open",
        f"{pod}/{PORT + 1}": "closed",
        f"{dns}/{PORT}": "closed",
        f"{dns}/8080": "closed",
        f"{dns}/53": "open",
    }
    script = "timeout 3 bash -c '</dev/tcp/{}' 2>&-; echo $?"
    codes = run_in_api(notes, "; ".join(script.format(target) for target in targets)).split()
    names = {"0": "open", "1": "refused", "124": "closed"}
    results = {target: names[code] for target, code in zip(targets, codes, strict=True)}
    print(json.dumps(results))
    assert results == targets


PROGRAM = f"""
import pulumi
import pulumi_kubernetes as k8s
from components import Application, ApplicationArgs

cluster = pulumi.ResourceOptions(provider=k8s.Provider("plain", context="seaway-dev"))
metadata = {{"name": "address", "namespace": "{DATABASE}"}}
address = k8s.core.v1.ConfigMap("address", metadata=metadata, data={{"host": "{HOST}"}}, opts=cluster)
Application.from_stack(ApplicationArgs(external_hosts={{"db": address.data["host"]}}))
"""


def test_the_host_is_a_value_of_another_resource(notes: project.Project) -> None:
    """Its pods use it, `seaway status` shows it, and a changed one changes two annotations of its callers."""
    (notes.folder / "__main__.py").write_text(PROGRAM)
    notes.replace_text(notes.stack_file.name, f"host: {HOST}", "cidrs: [0.0.0.0/0]")
    notes.up()
    assert run_in_api(notes, f"{PSQL} 'select count(*) from notes'")
    assert run_in_api(notes, "echo $DB_URL") == f"tcp://{HOST}:{PORT}"
    notes.preview("--expect-no-changes")
    assert f"db is external, at {HOST}:{PORT}" in notes.seaway("status", "--stack", STACK).stdout
    assert notes.seaway("status", "--drift", "--stack", STACK).exit_code == 0
    assert "known-after-update" in notes.seaway("explain", "db", "--stack", STACK).stdout
    notes.replace_text("__main__.py", f'"host": "{HOST}"', '"host": "db.example.com"')
    # The ConfigMap is deleted before it is created again, and its dependents are not.
    steps = json.loads(notes.preview("--json").stdout)["steps"]
    (address,) = (step for step in steps if step["urn"].endswith("ConfigMap::address"))
    (deployment,) = (step for step in steps if step["urn"].endswith("Deployment::api"))
    assert (address["op"], deployment["op"]) == ("replace", "update")
    fields = sorted(deployment["detailedDiff"])
    assert len(fields) == 2, fields
    assert ["external" in fields[0], "program-values" in fields[1]] == [True, True], fields
    notes.replace_text("__main__.py", '"host": "db.example.com"', '"host": "db.example.com:5432"')
    refused = notes.up(check=False).output
    assert "external_hosts.db" in refused, refused
    assert "[invalid-host]" in refused, refused
    assert "Traceback" not in refused, refused
