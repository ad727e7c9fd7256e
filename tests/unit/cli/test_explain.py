"""``seaway explain`` and ``seaway graph`` read only files; ``--defaults`` reads none."""

import json
import shutil
from pathlib import Path

import pytest

from seaway.checks import all_checks
from seaway.images import build_inputs
from seaway.project import environments, release, release_lock
from tests.unit.cli import conftest
from tests.unit.cli import environments as fakes

STACK = """\
config:
  seaway:context: nowhere
  seaway:registry: registry.example.com
  seaway:imageOverrides: {'postgres:17': 'mirror.example.com/postgres:17'}
  seaway:overlay: {services: {web: {scale: 4, env: {MODE: try}}}}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the example shop and the stack dev, where nothing but files can be had."""
    return fakes.prepare_project(tmp_path, monkeypatch, dev=STACK)


def lines(seaway: conftest.Seaway, *words: str) -> list[str]:
    """What is shown, with one blank between words."""
    return [" ".join(line.split()) for line in run(seaway, "explain", *words).splitlines()]


def run(seaway: conftest.Seaway, *words: str) -> str:
    out, err = seaway(*words)
    assert err == ""
    return out


def test_defaults_need_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway) -> None:
    monkeypatch.chdir(tmp_path)
    rows = lines(seaway, "--defaults")
    assert rows[:2] == ["services, stores, jobs", "FIELD DEFAULT PURPOSE REASON"]
    assert [row for row in rows if row.startswith("scale.min 2 ")]
    assert [row for row in rows if row.startswith("port none ")]
    (strategy,) = [row for row in rows if row.startswith("strategy.rollingUpdate.maxUnavailable 0 ")]
    assert strategy.endswith(" (AVL-05)")


def test_defaults_as_json(seaway: conftest.Seaway) -> None:
    listed = json.loads(run(seaway, "explain", "--defaults", "--json"))
    (read_only,) = [default for default in listed if default["check"] == "SEC-05"]
    assert (read_only["of"], read_only["field"]) == ("all pods", "container.securityContext.readOnlyRootFilesystem")
    assert (read_only["value"], list(read_only)[3:5]) == (True, ["means", "why"])
    owners = {default["of"] for default in listed}
    assert owners > {"services, stores, jobs", "services", "Pulumi.<stack>.yaml", "Namespace"}


def test_the_fields_of_extra_containers_are_listed_once(seaway: conftest.Seaway) -> None:
    listed = json.loads(run(seaway, "explain", "--defaults", "--json"))
    names = [default["field"] for default in listed]
    assert "init.<name>.uses" in names
    assert "init.<name>.env" not in names
    assert [name for name in names if name.startswith("sidecars.")] == ["sidecars.<name>.*"]


def test_a_service(shop: Path, seaway: conftest.Seaway) -> None:
    environment = environments.load_environment(shop, "dev", check_ids=all_checks.IDS)
    tag = build_inputs.read_build_records(environment)["web"].tag
    output = lines(seaway, "web")
    assert output[:12] == [
        "web · service of shop · stack dev",
        "",
        f"image registry.example.com/shop/web:{tag} (built from ./web, app/app.yaml:6:5)",
        "address http://web:8000",
        "from outside not reachable: publish is true, but the stack's seaway:publish is none",
        "calls api",
        "",
        "OBJECT PURPOSE",
        "NetworkPolicy/web-0e6ca6eced limits the connections to and from its pods",
        "PodDisruptionBudget/web limits how many pods a node drain may evict at once",
        "Service/web its name and address in the cluster",
        "ServiceAccount/web the identity of its pods",
    ]
    for row in (
        "FIELD VALUE SOURCE BECOMES",
        "port 8000 app/app.yaml:7:5 Deployment container.ports.0.containerPort",
        "scale.min 4 Pulumi.dev.yaml:5:37 Deployment replicas",
        'env ["MODE", "TITLE"] app/app.yaml:11:5 and Pulumi.dev.yaml:5:53 -',
    ):
        assert row in output
    assert output[-1] == "All fields: --json. All defaults: seaway explain --defaults"


def test_a_requested_token_is_not_a_default(shop: Path, seaway: conftest.Seaway) -> None:
    token = "Deployment pod.automountServiceAccountToken"
    assert [line for line in lines(seaway, "web") if line.startswith(f"{token} false default: ")]
    file = shop / "app" / "app.yaml"
    file.write_text(
        file.read_text().replace("    build: ./web\n", "    build: ./web\n    kubernetesApi: {pods: [get]}\n")
    )
    output = lines(seaway, "web")
    assert 'kubernetesApi ["pods"] app/app.yaml:7:5 Role rules' in output
    assert not [line for line in output if line.startswith(token)]


@pytest.mark.parametrize("name", ["web", "api", "worker", "db", "migrate"])
def test_an_explanation_fits_on_one_screen(shop: Path, name: str, seaway: conftest.Seaway) -> None:
    assert len(lines(seaway, name)) <= 45


def test_publication(shop: Path, seaway: conftest.Seaway) -> None:
    (shop / "Pulumi.dev.yaml").write_text(f"{STACK}  seaway:publish: loadBalancer\n")
    assert "from outside by seaway:publish loadBalancer" in lines(seaway, "web")
    assert not [line for line in lines(seaway, "api") if line.startswith("from outside")]
    hosts = "{hosts: {web: [shop.example.com, example.com/shop]}, tlsSecret: shop}"
    (shop / "Pulumi.dev.yaml").write_text(f"{STACK}  seaway:publish: ingress\n  seaway:ingress: {hosts}\n")
    output = lines(seaway, "web")
    assert "from outside https://example.com/shop, https://shop.example.com/" in output
    assert "Ingress/web routes requests from outside to it, by host and path" in output


def test_a_store_and_its_callers(shop: Path, seaway: conftest.Seaway) -> None:
    output = lines(seaway, "db")
    assert output[0] == "db · store of shop · stack dev"
    assert "address tcp://db:5432" in output
    assert "called by api, migrate" in output
    assert "image mirror.example.com/postgres:17 (app/app.yaml:33:5, with the stack's seaway:imageOverrides)" in output
    assert "Secret/db-secrets-unresolved its secret values" in output
    assert [line for line in output if line.startswith("user 999 default: ")], "a known image"
    assert [line for line in output if line.startswith("env.PGDATA /var/lib/postgresql/data/pgdata default: ")]


def test_a_job_has_the_values_of_its_service(shop: Path, seaway: conftest.Seaway) -> None:
    output = lines(seaway, "migrate")
    assert "address none: it accepts no requests" in output
    assert "resources.cpu 50m app/app.yaml:21:17 Job container.resources.requests.cpu" in output
    assert 'command ["python3", "migrate.py"] app/app.yaml:41:24 -' in output


def test_a_job_on_demand_has_a_start_command(shop: Path, seaway: conftest.Seaway) -> None:
    file = shop / "app" / "app.yaml"
    file.write_text(f"{file.read_text()}  repair: {{uses: api, command: [python3, repair.py], run: on-demand}}\n")
    output = lines(seaway, "repair")
    assert "start it kubectl create job repair-1 --from=cronjob/repair -n shop-dev" in output
    assert "CronJob/repair runs it on a schedule, or when you start it" in output


def test_a_service_as_json(shop: Path, seaway: conftest.Seaway) -> None:
    document = json.loads(run(seaway, "explain", "api", "--json"))
    assert {key: document[key] for key in ("name", "kind", "application", "stack", "address", "published")} == {
        "name": "api",
        "kind": "service",
        "application": "shop",
        "stack": "dev",
        "address": "http://api:8000",
        "published": None,
    }
    assert (document["calls"], document["called_by"]) == (["db"], ["web", "worker"])
    assert {
        "kind": "PodDisruptionBudget",
        "name": "api",
        "purpose": "limits how many pods a node drain may evict at once",
    } in document["objects"]
    (row,) = [row for row in document["rows"] if row["field"] == "container.imagePullPolicy"]
    assert (row["object"], row["becomes"], row["value"], row["place"]) == ("Deployment", None, "IfNotPresent", None)


def test_locations_in_a_pinned_release(shop: Path, seaway: conftest.Seaway) -> None:
    images = {
        name: release.ReleaseImage.parse(f"registry.example.com/shop/{name}@sha256:{'1' * 64}", f"ctx-{name}")
        for name in ("web", "api", "worker")
    }
    pinned_release = release.Release(
        application=environments.load_environment(shop, "dev", check_ids=all_checks.IDS).base, images=images
    )
    release.save_release(shop, pinned_release)
    release_lock.write(shop, "dev", release_lock.Lock(release=pinned_release.id))
    (shop / "Pulumi.dev.yaml").write_text(f"{STACK}  seaway:build: false\n")
    shutil.rmtree(shop / "app")
    output = lines(seaway, "web")
    assert f"image registry.example.com/shop/web@sha256:{'1' * 64} (release {pinned_release.id})" in output
    (port,) = [line for line in output if line.startswith("port ")]
    assert port.startswith(f"port 8000 releases/{pinned_release.id}.yaml:")


def test_a_workload_by_its_path(shop: Path, seaway: conftest.Seaway) -> None:
    (shop / "app" / "app.yaml").write_text("name: shop\nservices:\n  defaults: {image: 'nginx:1.27'}\n")
    (shop / "Pulumi.dev.yaml").write_text("config:\n  seaway:context: nowhere\n")
    assert lines(seaway, "services.defaults")[0] == "defaults · service of shop · stack dev"


def test_an_unknown_workload(shop: Path, seaway: conftest.Seaway, wording: list[str]) -> None:
    out, err = seaway("explain", "wbe", code=2)
    assert (out, err.splitlines()) == ("", wording)


def test_the_graph_as_a_list(shop: Path, seaway: conftest.Seaway) -> None:
    file = shop / "app" / "app.yaml"
    file.write_text(
        file.read_text().replace("    calls: [api]\n    scale: 1\n", "    dependsOn: [api]\n    scale: 1\n")
    )
    file.write_text(file.read_text().replace("stores:\n", "  alone: {image: 'nginx:1.27'}\n\nstores:\n"))
    assert [" ".join(line.split()) for line in run(seaway, "graph").splitlines()] == [
        "shop · stack dev · 4 services, 1 store, 1 job",
        "FROM TO",
        "outside reaches web",
        "web calls api",
        "api calls db",
        "worker starts after api",
        "migrate calls db",
        "alone has no links -",
    ]


def test_the_graph_as_json(shop: Path, seaway: conftest.Seaway) -> None:
    document = json.loads(run(seaway, "graph", "--json"))
    assert {"start": "services.web", "end": "services.api", "relation": "calls"} in document["edges"]
    assert {"id": "stores.db", "name": "db", "kind": "store", "detail": "1Gi, port 5432"} in document["nodes"]


def test_the_graph_as_a_picture(shop: Path, seaway: conftest.Seaway) -> None:
    assert run(seaway, "graph", "--out", "shop.svg") == "shop.svg is written\n"
    assert (shop / "shop.svg").read_text().startswith('<svg xmlns="http://www.w3.org/2000/svg" role="img"')


def test_a_picture_that_cannot_be_written(shop: Path, seaway: conftest.Seaway) -> None:
    assert seaway("graph", "--out", "app", code=2).err.endswith("[unwritable-file]\n")
