"""Projects of the corpus on the real cluster: `seaway render | kubectl apply`, or `pulumi up` with the compose file.

Each test reads a response that is correct only if the project works as in Docker.
"""

import base64
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from dev import environment, kubectl, prober, project
from dev.cluster import node
from dev.compose_comparison import projects

pytestmark = pytest.mark.cluster

CORPUS = project.ROOT / "tests" / "compose" / "corpus"
STACK = "compose"

UP = {
    "greeter": {"services": ["page"]},
    "guestbook": {"services": ["web"], "stores": ["db"]},
    "migrations": {"services": ["web"], "stores": ["db"], "jobs": ["migrate", "seed"]},
}
"""Projects of `pulumi up`, with their services and stores."""

LITTLE = {"resources": {"cpu": "10m"}}
"""Small requests: the node has two cores for about forty pods and for concurrent tests."""

PASSWORD = "known-to-the-stack-alone"
MINE = f"seaway/stack={STACK}"
ALL = ("--all-namespaces", "--selector", MINE)


def namespace_of(case: str) -> str:
    return f"{case}-{STACK}"


@dataclasses.dataclass(frozen=True, slots=True)
class Cluster:
    """The deployed projects, and requests to them."""

    services: dict[str, dict[str, Any]]
    projects: dict[str, project.Project]

    def get(self, *words: str) -> dict[str, Any]:
        return json.loads(kubectl.run("get", *words, "--output", "json"))

    def fetch_page(self, case: str, path: str = "/", *, service: str = "web", port: str = "main") -> str:
        """Return the response of a port from outside. A store is published by a separate Service."""
        name = f"{namespace_of(case)}/{service}"
        ports = (self.services.get(f"{name}-outside") or self.services[name])["spec"]["ports"]
        (number,) = (container_port["nodePort"] for container_port in ports if container_port["name"] == port)
        address = f"http://{node.find_layout(project.ROOT).address}:{number}{path}"
        return httpx.get(address, timeout=10).raise_for_status().text

    def ask(self, case: str, who: str, *, variable: str = "", url: str = "") -> str:
        """Return the response that a container gets at a URL, or at a URL in its environment; or "nothing"."""
        program = (
            "import os, sys, urllib.request\n"
            "url = os.environ.get(sys.argv[1]) or sys.argv[2]\n"
            "try: print(urllib.request.urlopen(url, timeout=4).read().decode())\n"
            "except OSError: print('nothing')\n"
        )
        run = ("python", "-c", program, variable or "-", url)
        return kubectl.run("exec", "--namespace", namespace_of(case), f"deployment/{who}", "--", *run).strip()


def apply(folder: Path, env: dict[str, str], case: str) -> None:
    """Deploy as in the documentation, in the folder of the compose file, with small requests."""
    shutil.copytree(CORPUS / case, folder / case)
    where = namespace_of(case)
    line = (
        f"seaway render --stack {STACK} --app {projects.DEPLOYED[case]} -n {where} | sed 's/cpu: 100m/cpu: 10m/'"
        f" | kubectl --context seaway-dev apply -n {where} -f -"
    )
    result = project.run_command("bash", "-o", "pipefail", "-c", line, cwd=folder / case, env=env)
    assert result.exit_code == 0, f"{case}: {result.output}"
    # The values of secrets are not in the output: the messages have the commands that create the Secrets.
    for command in re.findall(r"kubectl (create secret .*)$", result.output, re.MULTILINE):
        kubectl.run(*command.replace("<value>", PASSWORD).split())


def up(folder: Path, case: str) -> project.Project:
    overlay = {kind: dict.fromkeys(names, LITTLE) for kind, names in UP[case].items()}
    checkout = project.Project.create(
        folder, application=CORPUS / case, stack=STACK, app="app/docker-compose.yml", overlay=overlay
    )
    if case == "guestbook":
        checkout.set_secret("db_password", PASSWORD)
    checkout.env.pop("CI", None)  # a checkout of CI has no key of its own
    checkout.up()
    return checkout


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("applied")
    config = yaml.safe_load((project.ROOT / "Pulumi.dev.yaml").read_text())["config"]
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))
    shutil.copy(project.ROOT / "Pulumi.yaml", folder)
    env = {**os.environ, **environment.format_variables()}
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            raised = {case: pool.submit(up, tmp_path_factory.mktemp(case), case) for case in UP}
            for task in [pool.submit(apply, folder, env, case) for case in projects.DEPLOYED]:
                task.result()
            deployed = Cluster({}, {case: task.result() for case, task in raised.items()})
        wait_until_ready()
        for task in deployed.get("services", *ALL)["items"]:
            deployed.services[f"{task['metadata']['namespace']}/{task['metadata']['name']}"] = task
        yield deployed
    finally:
        remove()


def remove() -> None:
    """Delete all namespaces at the same time, as `kubectl.delete_namespaces` does for each."""
    kubectl.run("delete", f"{kubectl.CONTROLLERS},pods", *ALL, "--grace-period=1", "--wait=false")
    homes = [namespace_of(case) for case in (*projects.DEPLOYED, *UP)]
    kubectl.run("delete", "namespace", *homes, "--ignore-not-found", "--wait=false")


def wait_until_ready() -> None:
    for kind, state in (
        ("deployments", "condition=Available"),
        ("statefulsets", "jsonpath={.status.readyReplicas}=1"),
        ("jobs", "condition=Complete"),
    ):
        try:
            kubectl.run("wait", kind, *ALL, f"--for={state}", "--timeout=60s")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{kubectl.run('get', 'pods', *ALL)}") from None


def test_links_lead_to_services_without_ports(cluster: Cluster) -> None:
    assert cluster.ask("no-ports", "web", variable="BACKEND_URL") == "the backend"
    assert cluster.ask("no-ports", "web", variable="HELPER_URL") == "the worker"


def test_invalid_dns_names_are_mapped_to_new_names(cluster: Cluster) -> None:
    assert cluster.ask("names", "front-end", variable="BACK_END_URL") == "the back end"
    assert "Directory listing" in cluster.ask("names", "front-end", variable="WORKER_URL")


def test_networks_connect(cluster: Cluster) -> None:
    app, db = "http://app:8080/", "http://db:8080/"
    assert cluster.ask("tiers", "proxy", url=app) == "the application"
    assert cluster.ask("tiers", "app", url=db) == "the database"


@pytest.mark.optional
def test_networks_are_enforced(cluster: Cluster) -> None:
    """Requires kube-network-policies."""
    assert cluster.ask("tiers", "app", url="http://db:8080/") == "the database"
    assert cluster.ask("tiers", "proxy", url="http://db:8080/") == "nothing"


def test_named_volume_keeps_its_data(cluster: Cluster) -> None:
    (first,) = cluster.fetch_page("journal", "/starts", service="journal").splitlines()
    kubectl.run("delete", "pods", "--all", "--namespace", namespace_of("journal"), "--grace-period=1")

    def starts() -> list[str]:
        try:
            return cluster.fetch_page("journal", "/starts", service="journal").splitlines()
        except httpx.HTTPError:
            return []

    assert prober.wait_until(lambda: len(times := starts()) > 1 and times, seconds=120)[0] == first


def test_configuration_files(cluster: Cluster) -> None:
    assert cluster.fetch_page("configs", "/page") == (CORPUS / "configs" / "page.ini").read_text()
    assert cluster.fetch_page("configs", "/etc/web/inline.ini") == "[page]\ntitle = inline\n"
    assert cluster.fetch_page("bind-files") == (CORPUS / "bind-files" / "site" / "index.html").read_text()


def test_variables_are_those_of_docker(cluster: Cluster) -> None:
    def variables(case: str, service: str = "web") -> str:
        return cluster.fetch_page(case, "/variables", service=service)

    several = variables("env-files", "several")
    for line in ("LEVEL=own", "QUOTED=two words", "SINGLE=no $VARIABLE here", "LINES=first\nsecond", "DEFAULT=there"):
        assert f"{line}\n" in several
    assert 'RAW="as it $stands"\n' in several
    interpolated = variables("interpolation")
    for line in ("PLAIN=3.12-slim", "NESTED=in 3.12-slim", "DOLLAR=$TAG costs $5", "SET_AND_FULL=there is a tag"):
        assert f"{line}\n" in interpolated
    overridden = variables("overrides")
    assert "LEVEL=debug\n" in overridden
    assert "REGION=north\n" in overridden
    extended = variables("extends")
    assert "LEVEL=debug\n" in extended
    assert "FROM=base\n" in extended


def test_each_port_of_a_range(cluster: Cluster) -> None:
    ports = cluster.services[f"{namespace_of('ports')}/web"]["spec"]["ports"]
    named = {port["port"]: port["name"] for port in ports}
    assert [cluster.fetch_page("ports", port=named[port]) for port in (8090, 8091)] == ["8090\n", "8091\n"]


def test_selected_profile(cluster: Cluster) -> None:
    assert "Directory listing" in cluster.ask("profiles", "web", variable="DEBUG_URL")


def test_included_file(cluster: Cluster) -> None:
    assert cluster.ask("include", "web", variable="MAIL_URL") == "[mail]"
    assert "Directory listing" in cluster.ask("include", "web", variable="CACHE_URL")
    store = cluster.get("statefulset", "db", "--namespace", namespace_of("include"))
    assert store["status"]["readyReplicas"] == 1


def test_commands_and_users(cluster: Cluster) -> None:
    def run_inside(who: str, *words: str) -> str:
        return kubectl.run("exec", "--namespace", namespace_of("commands"), f"deployment/{who}", "--", *words).strip()

    for who in ("words", "entry", "cleared"):
        assert "Directory listing" in cluster.ask("commands", "line", url=f"http://{who}:8080/")
    assert run_inside("words", "sh", "-c", "id -u; pwd").split() == ["1000", "/etc"]
    assert run_inside("line", "pwd") == "/srv"


def test_workers_and_jobs(cluster: Cluster) -> None:
    (worker,) = cluster.get("deployments", "--namespace", namespace_of("worker"))["items"]
    assert worker["status"]["readyReplicas"] == 3
    (once,) = cluster.get("jobs", "--namespace", namespace_of("worker"))["items"]
    name = once["metadata"]["name"]
    assert kubectl.run("logs", "--namespace", namespace_of("worker"), f"job/{name}") == "done\n"


def test_pulumi_builds_the_image_of_the_file(cluster: Cluster) -> None:
    assert cluster.fetch_page("greeter", service="page") == "hello from compose\n"
    (page,) = cluster.get("deployments", "--namespace", namespace_of("greeter"))["items"]
    assert page["status"]["readyReplicas"] == 2


def test_pulumi_gives_secrets_as_files(cluster: Cluster) -> None:
    reached, hashed = cluster.fetch_page("guestbook").split()
    assert reached in {"N", "S"}, "no PostgreSQL"
    assert hashed == hashlib.sha256(PASSWORD.encode()).hexdigest()
    asked = ("env", f"PGPASSWORD={PASSWORD}", "psql", "-h", "127.0.0.1", "-U", "postgres", "-d", "guestbook")
    output = kubectl.run(
        "exec", "--namespace", namespace_of("guestbook"), "statefulset/db", "--", *asked, "-Atc", "select 7"
    )
    assert output == "7\n"


def test_pulumi_runs_jobs_in_their_order(cluster: Cluster) -> None:
    where = ("--namespace", namespace_of("migrations"))
    asked = ("psql", "-U", "postgres", "-Atc", "select words from greetings")
    assert kubectl.run("exec", *where, "statefulset/db", "--", *asked) == "hello\n"
    (web,) = cluster.get("deployments", *where)["items"]
    jobs = cluster.get("jobs", *where)["items"]
    ends = sorted(job["status"]["completionTime"] for job in jobs)
    assert len(ends) == 2
    assert ends[-1] <= web["metadata"]["creationTimestamp"]


def test_a_password_of_the_file_is_in_a_secret_only(cluster: Cluster) -> None:
    """The jobs of `migrations` connect to the store with it, from a stack without any configured secret."""
    where = ("--namespace", namespace_of("migrations"))
    (secret,) = (
        secret["data"]["POSTGRES_PASSWORD"]
        for secret in cluster.get("secrets", *where)["items"]
        if "POSTGRES_PASSWORD" in secret.get("data", {})
    )
    assert base64.b64decode(secret).decode() == "only-for-tests"
    program = 'psql "postgres://postgres:$POSTGRES_PASSWORD@db.$0/postgres" -Atc "select words from greetings"'
    asked = ("sh", "-c", program, namespace_of("migrations"))
    assert kubectl.run("exec", *where, "statefulset/db", "--", *asked) == "hello\n"
    checkout = cluster.projects["migrations"]
    stored = [cluster.get(f"{kubectl.CONTROLLERS},pods,jobs,configmaps", *where)]
    stored.append(json.loads(checkout.pulumi("stack", "export", "--stack", STACK, check=True).stdout))
    for text in ("only-for-tests", secret):
        assert text not in json.dumps(stored)


def test_repeated_up_of_the_same_file_changes_nothing(cluster: Cluster) -> None:
    cluster.projects["migrations"].preview("--expect-no-changes")
