"""The component in a program of its user: beside other resources, and more than once."""

import base64
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest
import yaml

import components
from components import Application
from plugin import values
from seaway.manifests import config, names
from seaway.release import hold
from seaway.rollout import target
from tests.component import programs, recorder
from tests.support.diagnostics import catch, summarize

BLOG = json.dumps({"blog": {"app": "blog/app.yaml", "publish": "none"}})
BLOG_APP = """\
name: blog
services:
  web: {build: ., port: 80, secrets: {TOKEN: {generate: 32}}}
jobs:
  migrate: {uses: web, command: [migrate], run: before-rollout}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the main application `smallest` and the further application `blog`."""
    programs.copy_example("smallest", tmp_path)
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog" / "app.yaml").write_text(BLOG_APP)
    (tmp_path / "blog" / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(build: Callable[[], Any], **settings: str) -> recorder.Recording:
    return recorder.record(lambda: build() and None, config={**programs.CONFIG, "applications": BLOG, **settings})


def describe(recording: recorder.Recording) -> dict[str, Any]:
    return {one.urn: (one.parent, one.inputs, one.request.aliases) for one in recording.resources}


def test_an_explicit_application_is_that_of_the_stack(folder: Path) -> None:
    """So an existing stack shows no change when its program names the application."""
    assert describe(record(lambda: Application("smallest"))) == describe(record(Application.from_stack))


def test_two_applications_in_one_program(folder: Path) -> None:
    main = describe(record(Application.from_stack))
    both = describe(record(lambda: (Application.from_stack(), Application("blog"))))
    assert {urn: both.get(urn) for urn in main} == main
    blog = [urn.rpartition("::")[2] for urn in both.keys() - main.keys()]
    named = {"blog", "blog-dev", "destroy-guard"}
    assert [name for name in blog if not name.startswith("blog-") and name not in named] == []
    assert {"blog-seaway", "blog-cluster", "blog-objects", "blog-release", "blog-services", "blog-TOKEN"} <= {*blog}
    contexts = {
        inputs["context"]["location"]: inputs["dockerfile"]["location"]
        for _, inputs, _ in both.values()
        if "dockerfile" in inputs
    }
    assert len(contexts) == 2, "each has a build context of its own"
    assert [hold.read_run_result(folder, name) is None for name in ("dev", "dev/blog")] == [False, False]


def test_a_further_application_has_the_manifests_of_its_own_stack(folder: Path) -> None:
    def list_manifests(recording: recorder.Recording) -> list[dict[str, Any]]:
        return [one.inputs for one in recording.resources if one.type.startswith("kubernetes:")]

    further = record(lambda: Application("blog"))
    main = record(Application.from_stack, app="blog/app.yaml", publish="none", applications="{}")
    assert list_manifests(further) == list_manifests(main)


@pytest.mark.parametrize("becomes_main", [False, True])
def test_an_application_that_moves_keeps_its_resources(folder: Path, *, becomes_main: bool) -> None:
    """If the stack has no other application. Otherwise the plugin refuses the move."""
    main = record(Application.from_stack, app="blog/app.yaml", publish="none", applications="{}")
    (folder / "app" / "app.yaml").unlink()
    further = record(lambda: Application("blog"))
    before, now = (further, main) if becomes_main else (main, further)
    kept = {
        f"{one.urn.rpartition('::')[0]}::{alias.spec.name or one.name}"
        for one in now.resources
        for alias in one.request.aliases
    }
    kept |= {one.urn for one in now.resources if not one.request.aliases}
    assert {one.urn for one in before.resources} == kept
    assert len(now.resources) == len(before.resources)


def test_a_main_application_has_no_alias_that_another_resource_may_have(folder: Path) -> None:
    """The alias `blog-2-web` of a service `2-web` could be a resource of the application `blog-2`."""
    config = {"app": "blog/app.yaml", "publish": "none", "applications": json.dumps({"blog-2": {"app": "other.yaml"}})}
    assert all(not one.request.aliases for one in record(Application.from_stack, **config).resources)


CLASHES = {
    "workload": ("services: {blog-web: {image: 'x:1'}}", "services.blog-web", "services.web"),
    "alias": ("services: {a: {image: 'x:1', port: 80, aliases: [blog-web]}}", "services.a", "services.web"),
    "secret": (
        "services: {a: {image: 'x:1', secrets: {blog-TOKEN: {generate: 8}}}}",
        "services.a.secrets.blog-TOKEN",
        "services.web.secrets.TOKEN",
    ),
    "none": ("services: {blog-api: {image: 'x:1', secrets: {blog-KEY: {generate: 8}}}}", "", ""),
}


@pytest.mark.parametrize("case", CLASHES)
def test_two_applications_have_no_resource_of_the_same_name(folder: Path, case: str) -> None:
    """Whichever the program names first; nothing is registered then."""
    app, main_path, path = CLASHES[case]
    (folder / "app" / "app.yaml").write_text(f"name: smallest\n{app}\n")
    if not path:
        assert record(lambda: (Application.from_stack(), Application("blog"))).resources
        return
    for name, own, other in (("", main_path, path), ("blog", path, main_path)):
        (diagnostic,) = catch(lambda name=name: record(lambda: Application(name)))
        assert (diagnostic.path, diagnostic.code) == (own, "duplicate-name")
        assert f" {other} of application " in diagnostic.message


def test_two_applications_have_different_names(folder: Path) -> None:
    (folder / "app" / "app.yaml").write_text("name: blog\nservices: {a: {image: 'x:1'}}\n")
    assert summarize(catch(lambda: record(Application.from_stack))) == ["app/app.yaml:1:1: name: duplicate-name"]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: (Application.from_stack(), Application("smallest")), "Application: duplicate-name"),
        (lambda: Application(cast("str", pulumi.Output.from_input("smallest"))), "Application: invalid-name"),
        (lambda: take_values(env={"web": ["A"]}), "env.web: invalid-type"),
        (lambda: take_values(env={"web": {"PORT": 80}}), "env.web.PORT: invalid-type"),
        (lambda: take_values(external_hosts={"db": 1}), "external_hosts.db: invalid-type"),
    ],
)
def test_errors_of_a_program(folder: Path, build: Callable[[], Any], expected: str) -> None:
    assert summarize(catch(lambda: record(build))) == [f"__main__.py: {expected}"]


def take_values(**values_: Any) -> Application:
    return Application.from_stack(components.ApplicationArgs(**values_))


def test_an_output_that_is_no_text_is_an_error(folder: Path) -> None:
    """As the port of a database."""
    (error,) = catch(lambda: record(lambda: take_values(env={"web": {"PORT": pulumi.Output.from_input(80)}})))
    assert (error.path, error.code, error.hint) == ("env.web.PORT", "invalid-type", "convert it: .apply(str)")


def test_an_alias_is_not_the_name_of_another_secret(folder: Path) -> None:
    (folder / "app" / "app.yaml").write_text(
        "name: a\nservices: {web: {image: 'x:1', secrets: {B: {generate: 8}, a-B: {generate: 8}}}}\n"
    )
    resources = record(Application.from_stack, applications="{}").resources
    assert all(not resource.request.aliases for resource in resources)


@pytest.mark.parametrize(
    ("name", "location", "code"),
    [("shop", "app/app.yaml", "unknown-application"), ("blog", "blog/app.yaml", "unknown-application")],
)
def test_the_program_and_the_file_name_the_same_application(folder: Path, name: str, location: str, code: str) -> None:
    (folder / "blog" / "app.yaml").write_text(BLOG_APP.replace("name: blog", "name: weblog"))
    diagnostics = catch(lambda: record(lambda: Application(name)))
    assert [(str(one.location), one.code) for one in diagnostics] == [(location, code)]


def test_options_of_the_component(folder: Path) -> None:
    def build() -> None:
        parent = pulumi.ComponentResource("test:index:Parent", "parent")
        bucket = pulumi.CustomResource("test:index:Bucket", "bucket", {})
        cluster = pulumi.ProviderResource("kubernetes", "own", {})
        options = pulumi.ResourceOptions(
            parent=parent, providers=[cluster], depends_on=[bucket], protect=True, aliases=[pulumi.Alias(parent=None)]
        )
        Application("smallest", None, options)

    resources = {one.title: one for one in record(build).resources}
    bucket, own = resources["test:index:Bucket bucket"], resources["pulumi:providers:kubernetes own"]
    inside = [one for one in resources.values() if "Application" in one.urn and one.type != "test:index:Bucket"]
    assert resources["seaway:index:Application smallest"].parent == resources["test:index:Parent parent"].urn
    assert len(resources["seaway:index:Application smallest"].request.aliases) == 1
    assert {one.request.protect for one in inside} == {True}
    objects_ = [one for one in inside if one.type.startswith("kubernetes:")]
    assert {one.request.provider.rpartition("::")[0] for one in objects_} == {own.urn}
    assert bucket.urn in resources["seaway:index:Cluster cluster"].request.dependencies


def test_outputs_for_other_resources(folder: Path) -> None:
    def build() -> None:
        shop = Application.from_stack()
        web = shop.services["web"]
        pulumi.export("used", [shop.namespace, web.url, web.address, web.image])

    used = record(build, overlay='{"services": {"web": {"publish": true}}}').stack["used"]
    image = f"registry.example.com/team/smallest/web@{recorder.DIGEST}"
    assert used == ["smallest-dev", "http://10.0.0.7:30080", "web.smallest-dev:8000", image]


DOCUMENTED = re.findall("```python\n(.*?)```", (programs.ROOT / "docs" / "components.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(DOCUMENTED)))
def test_documented_programs(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setitem(sys.modules, "seaway.components", components)  # its name where Seaway is installed
    assert record(lambda: exec(DOCUMENTED[number], {})).resources


def test_a_rollout_of_any_workload(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "seaway.components", components)
    recording = record(lambda: exec(next(text for text in DOCUMENTED if "Rollout(" in text), {}))
    (rollout,), (cache,) = recording.list_resources("Rollout"), recording.list_resources("Deployment")
    assert rollout.request.dependencies == [cache.urn]
    assert rollout.inputs["sources"] == target.UNDECLARED
    (workload,) = rollout.inputs["workloads"]
    target.Target.parse(workload, rollout.inputs["sources"])
    assert (workload["kind"], workload["name"], workload["version"]) == ("Deployment", "cache-1", 7)
    (plugin,) = (one for one in recording.resources if one.type == "pulumi:providers:seaway")
    assert plugin.inputs == {"context": "work", "namespaces": ""}

    def wait_for_service() -> None:
        service = pulumi.CustomResource("kubernetes:core/v1:Service", "cache")
        components.Rollout("r", components.RolloutArgs(workloads=[service]))

    with pytest.raises(TypeError, match="cache is a Service; a Rollout waits for Deployment"):
        record(wait_for_service)


VALUES_APP = """\
name: smallest
services:
  web: {image: 'example.com/web:1', port: 80, secrets: {PASSWORD: {env: true}, KEY: {generate: 32}}, env: {MODE: fast}}
  api: {image: 'example.com/api:1', port: 80}
"""


class Database(pulumi.CustomResource):
    """A resource of another provider."""

    host: pulumi.Output[str]
    password: pulumi.Output[str]

    def __init__(self) -> None:
        super().__init__("test:index:Database", "db", {"host": None, "password": None})


def give_values(
    folder: Path, *, preview: bool = False, names: str = '["PASSWORD"]', app: str = VALUES_APP
) -> recorder.Recording:
    """A program that gives values of another resource to the application."""
    (folder / "app" / "app.yaml").write_text(app)

    def build() -> None:
        database = Database()
        env = {"web": {"HOST": database.host}}
        Application.from_stack(components.ApplicationArgs(env=env, secrets={"PASSWORD": database.password}))

    return recorder.record(build, config={**programs.CONFIG, "programSecrets": names}, preview=preview)


def test_values_of_other_resources(folder: Path) -> None:
    recording = give_values(folder)
    secrets = {one.name: one.inputs for one in recording.list_resources("Secret")}
    given = secrets["web-program-values"]
    text = {name: base64.b64decode(value.value).decode() for name, value in given["data"].items()}
    assert (text, given.get("immutable")) == ({"HOST": "10.0.0.1", "PASSWORD": "hunter2"}, None)
    assert all(isinstance(value, values.Secret) for value in given["data"].values())
    (generated,) = secrets.keys() - {"web-program-values"}
    assert secrets[generated]["data"].keys() == {"KEY"}
    deployments = {one.name: one.inputs["spec"]["template"] for one in recording.list_resources("Deployment")}
    assert deployments["web"]["metadata"]["annotations"] == {config.PROGRAM_ANNOTATION: "f1"}
    assert "annotations" not in deployments["api"]["metadata"]
    (container,) = deployments["web"]["spec"]["containers"]
    assert container["env"][0] == {
        "name": "HOST",
        "valueFrom": {"secretKeyRef": {"name": "web-program-values", "key": "HOST"}},
    }
    (provider,) = (one for one in recording.resources if one.type == "pulumi:providers:kubernetes")
    assert provider.inputs["enableSecretMutable"] == "true"
    record = json.dumps(recording.list_resources("Release")[0].inputs["record"])
    assert ("hunter2" in record, "10.0.0.1" in record) == (False, False)
    assert programs.decode_record(recording).render_objects(), "a rollback renders it without the values"


def test_a_preview_does_not_know_one_leaf(folder: Path) -> None:
    known, previewed = (
        {one.name: one.inputs["spec"] for one in give_values(folder, preview=preview).list_resources("Deployment")}
        for preview in (False, True)
    )
    assert previewed["web"]["template"]["metadata"]["annotations"] == {config.PROGRAM_ANNOTATION: values.UNKNOWN}
    previewed["web"]["template"]["metadata"]["annotations"] = {config.PROGRAM_ANNOTATION: "f1"}
    assert previewed == known


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("[]", ["app/app.yaml:3:57: services.web.secrets.PASSWORD: secret-not-set"]),
        ('["PASSWORD", "KEY"]', ["__main__.py: secrets.KEY: program-secrets-differ"]),
        ('["PASSWORD", "OTHER"]', ["Pulumi.dev.yaml: seaway:programSecrets: unused-secret"]),
    ],
)
def test_the_stack_lists_the_secrets_of_the_program(folder: Path, names: str, expected: list[str]) -> None:
    assert summarize(catch(lambda: give_values(folder, names=names))) == expected


def test_values_for_an_unknown_workload_and_without_a_key(folder: Path) -> None:
    (folder / "app" / "app.yaml").write_text(VALUES_APP.replace("PASSWORD: {env: true}, ", ""))
    args = components.ApplicationArgs(env={"wbe": {"A": "b"}, "web": {"MODE": "x", "KEY": "y"}})
    errors = catch(lambda: record(lambda: Application.from_stack(args), fingerprintKey="short"))
    assert sorted(summarize(errors)) == sorted(
        [
            "__main__.py: env.web.KEY: conflicting-sources",
            "__main__.py: env.web.MODE: conflicting-sources",
            "__main__.py: env.wbe: unknown-workload",
            "__main__.py: seaway:fingerprintKey: fingerprint-key-not-set",
        ]
    )


EXTERNAL_APP = """\
name: smallest
services:
  web: {image: 'example.com/web:1', port: 80}
  api: {image: 'example.com/api:1', port: 80, calls: [db, cache], env: {DSN: 'pg://$(DB_HOST)/x'}, secrets: [PASSWORD]}
jobs:
  migrate: {uses: api, command: [migrate]}
stores:
  db: {image: 'postgres:17', port: 5432, volume: {path: /data, size: 1Gi}, secrets: {PASSWORD: {generate: 32}}}
  cache: {port: 6379, external: {host: cache.example.com}}
"""
LEFT_OPEN = "{port: 6432, cidrs: [10.1.0.0/16]}"


def give_host(
    folder: Path, *, preview: bool = False, external: str = LEFT_OPEN, host: Any = None, store: str = "db"
) -> recorder.Recording:
    """A program that gives the host of an external store, and its password."""
    (folder / "app" / "app.yaml").write_text(EXTERNAL_APP)
    overlay = json.dumps({"stores": {"db": yaml.safe_load(f"{{external: {external}}}")}})

    def build() -> None:
        database = Database()
        hosts = {store: host or database.host} if store else {}
        args = components.ApplicationArgs(external_hosts=hosts, secrets={"PASSWORD": database.password})
        Application.from_stack(args)

    settings = {"programSecrets": '["PASSWORD"]', "overlay": overlay}
    return recorder.record(build, config={**programs.CONFIG, **settings}, preview=preview)


def test_the_host_of_an_external_store_is_an_output(folder: Path) -> None:
    """What shapes objects is known in a preview; the host is only in the callers, and in no release."""
    recording, previewed = (give_host(folder, preview=preview) for preview in (False, True))
    for owner, kind in (("api", "Deployment"), ("migrate", "Job")):
        (secret,) = (one.inputs for one in recording.list_resources("Secret") if one.name == f"{owner}-program-values")
        given = {name: base64.b64decode(value.value).decode() for name, value in secret["data"].items()}
        assert given == {"0.DB_HOST": "10.0.0.1", "0.DB_URL": "tcp://10.0.0.1:6432", "PASSWORD": "hunter2"}
        known, unknown = (
            next(one.inputs for one in run.list_resources(kind) if one.name.startswith(owner))
            for run in (recording, previewed)
        )
        assert known["metadata"]["annotations"][names.EXTERNAL_ANNOTATION] == (
            "db=10.0.0.1:6432 cache=cache.example.com:6379"
        )
        (container,) = known["spec"]["template"]["spec"]["containers"]
        sources = {one["name"]: one.get("value") or one["valueFrom"]["secretKeyRef"] for one in container["env"]}
        reference = {"name": f"{owner}-program-values", "key": "0.DB_HOST"}
        assert (sources["DB_HOST"], sources["DB_PORT"]) == (reference, "6432")
        assert [*sources].index("DB_HOST") < [*sources].index("DSN"), "the kubelet knows only variables before it"
        for part, annotation in (("spec", config.PROGRAM_ANNOTATION), ("metadata", names.EXTERNAL_ANNOTATION)):
            holders = [one[part].get("template", one[part]) for one in (unknown, known)]
            leaves = [holder.get("metadata", holder)["annotations"].pop(annotation) for holder in holders]
            assert leaves[0] is values.UNKNOWN
        assert known == unknown
    kinds = {
        one.type.rpartition(":")[2] for one in recording.resources if one.inputs.get("metadata", {}).get("name") == "db"
    }
    assert kinds == set()
    (web,) = (one for one in recording.list_resources("Deployment") if one.name == "web")
    assert "annotations" not in web.inputs["spec"]["template"]["metadata"]
    policies = json.dumps([one.inputs["spec"] for one in recording.list_resources("NetworkPolicy")])
    assert '{"cidr": "10.1.0.0/16"}' in policies
    assert "10.0.0.1" not in json.dumps(recording.list_resources("Release")[0].inputs["record"])
    assert "CFG-03" not in "".join(recording.messages), "a host is no secret"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"store": ""}, "__main__.py: external_hosts.db: program-hosts-differ"),
        ({"external": "{host: db.example.com}"}, "__main__.py: external_hosts.db: program-hosts-differ"),
        ({"store": "cache"}, "__main__.py: external_hosts.cache: program-hosts-differ"),
        ({"external": "null"}, "__main__.py: external_hosts.db: program-hosts-differ"),
        ({"external": "{port: 6432}"}, "Pulumi.dev.yaml: stores.db.external: missing-value"),
        ({"store": "dbs"}, "__main__.py: external_hosts.dbs: unknown-workload"),
    ],
)
def test_the_stack_leaves_the_hosts_of_the_program_open(folder: Path, given: dict[str, Any], expected: str) -> None:
    assert expected in summarize(catch(lambda: give_host(folder, **given)))


def test_a_host_with_a_port_is_an_error(folder: Path) -> None:
    """As the endpoint of many providers: without an error, the variables would have two ports."""
    (error,) = catch(lambda: give_host(folder, host="db.example.com:5432"))
    assert (error.path, error.code) == ("external_hosts.db", "invalid-host")
    assert "stores.db.external.port" in error.hint


def test_a_release_that_is_restored_has_the_values_of_the_program(folder: Path) -> None:
    first = give_values(folder)
    good, held = programs.decode_record(first), VALUES_APP.replace("example.com/api:1", "example.com/api:2")
    second = give_values(folder, app=held)
    programs.hold_release(folder, programs.get_release_id(second), good)
    restored = give_values(folder, app=held)
    assert programs.get_release_id(restored) == good.id
    for kind in ("Secret", "Deployment"):
        registered, before = ({one.name: one.inputs for one in run.list_resources(kind)} for run in (restored, first))
        assert registered == before
