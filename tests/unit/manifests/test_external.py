"""The shop with a managed database, examples/external: its manifests, pictures and compose file."""

import copy
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from seaway.compose.exporter import exporter
from seaway.explain import graph, svg, workload
from seaway.manifests import names, objects, preview
from seaway.model import application
from seaway.model.defaults import resolve
from seaway.project import environments, release
from seaway.release import drift, record
from seaway.syntax import nodes
from tests import golden
from tests.support import rendering

ANYWHERE = ["0.0.0.0/0", "::/0"]

PROD, POD = golden.read_external(), golden.read_external("overlay", "secrets")


def render(environment: environments.Environment) -> list[objects.ReleaseObject]:
    return objects.objects(environment, *golden.make_inputs(environment.app))


def test_nothing_else_than_the_pod_of_the_store_differs() -> None:
    """Also the variables and the policies of its callers, and the names of the Secrets with a value of the stack."""
    before, after = ({one.key: one for one in render(environment)} for environment in (POD, PROD))
    removed = {re.sub("-[0-9a-f]{10}$", "", key) for key in before.keys() - after.keys()}
    own = {f"{kind}/db" for kind in ("NetworkPolicy", "Service", "ServiceAccount", "StatefulSet")}
    assert removed == {*own, "Secret/db-secrets", "NetworkPolicy/api", "NetworkPolicy/migrate", "Job/migrate"}
    assert {one.owner for one in render(PROD)} == {None, "api", "migrate", "web", "worker"}
    quota = dataclasses.replace(PROD, settings=dataclasses.replace(PROD.settings, quota=True))
    (limits,) = (one.manifest["spec"]["hard"] for one in render(quota) if one.kind == "ResourceQuota")
    assert limits["persistentvolumeclaims"] == "0"


def test_the_address_is_in_no_release() -> None:
    tags = {"web": "ctx-1"}
    assert release.compute_id(PROD.base, tags) == release.compute_id(POD.base, tags)
    images, values = golden.make_inputs(PROD.app)
    stored = record.ReleaseRecord.create(PROD, images, values)
    decoded = record.ReleaseRecord.decode(nodes.from_plain(stored.to_plain(), "release.yaml"))
    assert [one.manifest for one in decoded.render_objects()] == [one.manifest for one in stored.render_objects()]


def test_a_service_of_a_compose_file_is_external_in_one_environment(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "name: shop\nservices:\n  web: {image: 'nginx:1', depends_on: [db], environment: {DB: db}}\n"
        "  db: {image: 'postgres:17'}\n"
    )
    (tmp_path / "Pulumi.prod.yaml").write_text(
        "config:\n  seaway:context: prod\n  seaway:app: compose.yaml\n"
        "  seaway:overlay: {stores: {db: {external: {host: 10.1.2.3}}}, services: {web: {env: {DB: 10.1.2.3}}}}\n"
    )
    environment = environments.load_environment(tmp_path, "prod", check_ids=())
    rendered = preview.render_objects(environment)
    assert {one.owner for one in rendered} == {None, "web"}
    (policy,) = (one.manifest["spec"] for one in rendered if one.kind == "NetworkPolicy" and one.owner)
    assert {"ipBlock": {"cidr": "10.1.2.3/32"}} in policy["egress"][1]["to"]


def address(**fields: Any) -> application.External:
    return application.External(**{"host": "db.example.com", **fields})


@pytest.mark.parametrize(
    ("external", "fields", "cidrs", "ports"),
    [
        (address(host="10.1.2.3"), {}, ["10.1.2.3/32"], [(5432, "TCP")]),
        (address(host="fd00::1", port=6432), {}, ["fd00::1/128"], [(6432, "TCP")]),
        (address(cidrs=("10.1.0.0/16", "10.2.0.0/16")), {}, ["10.1.0.0/16", "10.2.0.0/16"], [(5432, "TCP")]),
        (address(host="10.1.2.3", cidrs=("10.1.0.0/16",)), {}, ["10.1.0.0/16"], [(5432, "TCP")]),
        (address(), {}, ANYWHERE, [(5432, "TCP")]),
        (address(host="db.prod.svc.example.com"), {}, ANYWHERE, [(5432, "TCP")]),
        (
            address(host="10.1.2.3"),
            {"ports": (application.Port("stats", port=9, protocol="udp"),)},
            ["10.1.2.3/32"],
            [(5432, "TCP"), (9, "UDP")],
        ),
        (address(host="10.1.2.3"), {"port": None, "all_ports": True}, ["10.1.2.3/32"], []),
        (address(host="db.other.svc"), {}, "other", [(5432, "TCP")]),
        (address(host="db-0.db.other.svc.cluster.local"), {}, "other", [(5432, "TCP")]),
    ],
)
def test_callers_may_reach_the_ports_of_the_store_and_nothing_else(
    external: application.External, fields: dict[str, Any], cidrs: list[str] | str, ports: list[tuple[int, str]]
) -> None:
    callers = [
        rendering.service(calls=("db",), egress=()),
        rendering.service("other", egress=()),
        rendering.job(calls=("db",), egress=()),
    ]
    store = rendering.store(external=external, calls=("other",), **fields)
    app = rendering.create_app(*callers, store)
    rendered = preview.render_objects(
        environments.Environment.create(resolve.resolve_application(app), rendering.STACK)
    )
    policies = {one.owner: one.manifest["spec"] for one in rendered if one.kind == "NetworkPolicy"}
    assert policies.keys() == {None, "web", "other", "migrate"}
    for owner in ("web", "migrate"):
        dns, rule = policies[owner]["egress"]
        assert dns == policies["other"]["egress"][0]
        assert [(port["port"], port["protocol"]) for port in rule.get("ports", ())] == ports
        if isinstance(cidrs, str):
            assert rule["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": cidrs}}}]
        else:
            assert [peer["ipBlock"]["cidr"] for peer in rule["to"]] == cidrs
    assert "ingress" not in policies["other"], "the store has no pod that could call it"
    assert policies["other"]["egress"] == [dns]


def test_the_picture_shows_the_address() -> None:
    picture = graph.build_graph(PROD.app, PROD.settings)
    assert picture.title == "shop · stack prod · 3 services, 1 external store, 1 job"
    (node,) = (node for node in picture.nodes if node.name == "db")
    assert (node.kind, node.detail) == ("external", "shop.cluster-abc.eu-central-1.rds.amazonaws.com:5432")
    assert {edge.start for edge in picture.edges if edge.end == "stores.db"} == {"services.api", "jobs.migrate"}
    assert 'class="node external"' in svg.render(picture)


def test_it_is_explained_without_what_is_for_other_environments() -> None:
    explanation = workload.explain_workload(PROD, "db")
    assert explanation.address == "tcp://shop.cluster-abc.eu-central-1.rds.amazonaws.com:5432"
    assert (explanation.image, explanation.objects, explanation.called_by) == (None, [], ["api", "migrate"])
    fields = {row.field: row.place for row in explanation.rows if row.place}
    assert fields.keys() == {"external.host", "external.cidrs"}
    assert fields["external.host"] == "Pulumi.prod.yaml:10:11"


def test_a_compose_file_has_its_callers_with_the_address() -> None:
    result = exporter.export_application(PROD.app, PROD.node)
    api = result.document["services"]["api"]
    assert "db" not in result.document["services"]
    assert api["environment"]["DB_HOST"] == "shop.cluster-abc.eu-central-1.rds.amazonaws.com"
    assert "db" not in api["depends_on"]
    (outcome,) = (outcome for outcome in result.outcomes if outcome.path == "stores.db")
    assert outcome.kind == "approximated"
    closed = tuple(dataclasses.replace(service, egress=()) for service in PROD.app.services)
    document = exporter.export_application(dataclasses.replace(PROD.app, services=closed), PROD.node).document
    networks = {name: document["networks"][name] for name in document["services"]["api"]["networks"]}
    assert None in networks.values(), "a network that is not internal"


def test_the_host_of_the_program_is_known_after_the_update() -> None:
    """Commands do not run the program."""
    (store,) = PROD.app.stores
    opened = dataclasses.replace(store, external=application.External(cidrs=("10.40.0.0/24",)))
    environment = dataclasses.replace(PROD, app=dataclasses.replace(PROD.app, stores=(opened,)))
    (node,) = (node for node in graph.build_graph(environment.app, PROD.settings).nodes if node.name == "db")
    assert (node.kind, node.detail) == ("external", "known-after-update:5432")
    assert workload.explain_workload(environment, "db").address == "tcp://known-after-update:5432"
    exported = exporter.export_application(environment.app, PROD.node).document["services"]["api"]["environment"]
    assert (exported["DB_HOST"], exported["DB_PORT"]) == (None, "5432"), "the user of Docker sets it"
    (deployment,) = (one.manifest for one in render(environment) if one.key == "Deployment/api")
    live = copy.deepcopy(deployment)
    live["metadata"]["annotations"][names.EXTERNAL_ANNOTATION] = "db=db.example.com:5432"
    differences = drift.compare_objects([deployment], {"Deployment": [live]})
    assert {difference.kind for difference in differences} == {"Secret"}, "the annotation does not differ"
