"""Migration of version 0.1.0: the text of its files, and the nodes of its stored releases."""

import json
from pathlib import Path

import pytest
import yaml

from seaway.project import migration
from seaway.syntax import diagnosis, former_keys, hashing, nodes, yaml_parser
from tests.upgrade import restore

OLD = """\
# The shop.
name: shop
services:
  web:  # expose: the page
    image: "nginx"   # two   spaces
    "expose": true
    'after': [api]
    eachNode: false
    nodes: {disk: ssd}
    tolerates: ["a=b:NoSchedule"]
    priority: high
    grace: 20
    drain: 2
    health: {ready: /r, live: /l, every: 2, startup: 30, timeout: 3, retries: 3}
    ports: {stats: {port: 9, expose: true}}
    envFiles: [web.env]
    shares: {/srv: db}
    env: {expose: "tries: 2", ready: nodes}
    init: {first: {image: a, envFiles: [x.env]}}
    sidecars:
      proxy:
        health:
          ready: tcp
    raw: {Deployment: {spec: {keep: true, nodes: 2}}}
  api: &api
    image: a
    priority: low
  other: *api
stores:
  db: {image: postgres, volume: {path: /d, size: 1Gi}, keep: false, grace: 60}
jobs:
  report: {uses: web, tries: 3, schedule: "0 3 * * *", startWithin: 60, overlap: replace, history: 1}
"""
NEW = """\
# The shop.
name: shop
services:
  web:  # expose: the page
    image: "nginx"   # two   spaces
    "publish": true
    'dependsOn': [api]
    daemonSet: false
    nodeSelector: {disk: ssd}
    tolerations: ["a=b:NoSchedule"]
    priorityClass: high
    stopGracePeriod: 20
    preStopDelay: 2
    health: {readiness: /r, liveness: /l, interval: 2, startPeriod: 30, timeout: 3, retries: 3}
    ports: {stats: {port: 9, publish: true}}
    envFile: [web.env]
    sharedVolumes: {/srv: db}
    env: {expose: "tries: 2", ready: nodes}
    init: {first: {image: a, envFile: [x.env]}}
    sidecars:
      proxy:
        health:
          readiness: tcp
    raw: {Deployment: {spec: {keep: true, nodes: 2}}}
  api: &api
    image: a
    priorityClass: low
  other: *api
stores:
  db: {image: postgres, volume: {path: /d, size: 1Gi}, retain: false, stopGracePeriod: 60}
jobs:
  report: {uses: web, backoffLimit: 2, schedule: "0 3 * * *", startingDeadline: 60, concurrencyPolicy: replace, historyLimit: 1}
"""  # noqa: E501 - one line stays one line
OLD_STACK = """\
config:
  other:exposure: clusterIP
  seaway:context: here
  seaway:exposure: "clusterIP" # closed
  seaway:promotesFrom: staging # first there
  seaway:pull: {user: me, secret: P}
  seaway:pullSecrets: [theirs]
  seaway:substitutes: {pull: checks}
  seaway:checks: {AVL-01: error}
  seaway:ingress: {controller: nginx, hosts: {controller: [a.example.com]}}
  seaway:waivers: '{"IMG-02": {"of": ["db"], "reason": "it is late", "owner": "ann", "until": "2026-12-31"}}'
  seaway:overlay:
    services: {web: {drain: 9}}
    jobs: {report: {tries: 1}}
"""
NEW_STACK = """\
config:
  other:exposure: clusterIP
  seaway:context: here
  seaway:publish: none # closed
  seaway:promotion: {from: staging} # first there
  seaway:imagePullCredentials: {user: me, secret: P}
  seaway:imagePullSecrets: [theirs]
  seaway:imageOverrides: {pull: checks}
  seaway:checkSeverity: {AVL-01: error}
  seaway:ingress: {className: nginx, hosts: {controller: [a.example.com]}}
  seaway:waivers: '{"IMG-02": {"workloads": ["db"], "reason": "it is late", "owner": "ann", "until": "2026-12-31"}}'
  seaway:overlay:
    services: {web: {preStopDelay: 9}}
    jobs: {report: {backoffLimit: 0}}
"""


def migrate(text: str) -> str:
    result = migration.migrate(text, "app.yaml", migration.APPLICATION)
    assert result.undecided == ()
    return result.text


def migrate_job(body: str) -> migration.Migration:
    return migration.migrate(f"jobs:\n  job:\n    {body}\n", "app.yaml", migration.APPLICATION)


def test_an_application_keeps_its_comments_and_its_layout() -> None:
    assert migrate(OLD) == NEW


def test_a_stack_keeps_the_keys_of_other_projects() -> None:
    result = migration.migrate(OLD_STACK, "Pulumi.prod.yaml", migration.STACK_FILE)
    assert (result.text, result.undecided) == (NEW_STACK, ())


@pytest.mark.parametrize("text", [NEW, "name: shop\n", "services: [web, api]\n", "", "services: {web: , api: 5}\n"])
def test_a_migrated_file_is_not_changed(text: str) -> None:
    assert migrate(text) == text
    assert migration.migrate(NEW_STACK, "Pulumi.prod.yaml", migration.STACK_FILE).text == NEW_STACK


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_all_other_characters_stay(mark: str, line_break: str) -> None:
    text = OLD.replace("# The shop.", "# Größe 🛒")
    new = NEW.replace("# The shop.", "# Größe 🛒")
    assert migrate(mark + text.replace("\n", line_break)) == mark + new.replace("\n", line_break)


def test_every_old_key_is_migrated() -> None:
    old = former_keys.WORKLOAD.keys() | former_keys.HEALTH.keys()
    assert {key for key in old if f"{key}: " in OLD.replace("'", "").replace('"', "")} == old
    settings = former_keys.SETTINGS.keys() | former_keys.INGRESS.keys() | former_keys.WAIVER.keys()
    assert {key for key in settings if f"{key}: " in OLD_STACK.replace('"', "")} == settings


def test_an_invalid_number_of_tries_is_left_to_the_user(wording: list[str]) -> None:
    for value in ("0", '"2"', "two", "[2]", "&n 2"):
        result = migrate_job(f"tries: {value}")
        (found,) = result.undecided
        assert (str(found.location), found.path) == ("app.yaml:3:5", "jobs.job.tries"), value
        assert f"tries: {value}" in result.text
        assert [str(found)] == wording


def test_an_old_key_beside_the_new_one_is_left_to_the_user() -> None:
    result = migrate_job("{history: 1, historyLimit: 2}")
    (found,) = result.undecided
    assert found.path == "jobs.job.history"
    assert "{history: 1, historyLimit: 2}" in result.text


def test_json_with_escapes_is_left_to_the_user(wording: list[str]) -> None:
    for old, count in (("of", 1), ("workloads", 0)):
        waivers = json.dumps(json.dumps({"IMG-02": {old: ["db"]}}))
        text = f"config:\n  seaway:waivers: {waivers}\n"
        result = migration.migrate(text, "Pulumi.dev.yaml", migration.STACK_FILE)
        assert result.text == text
        assert [str(found.location) for found in result.undecided] == ["Pulumi.dev.yaml:2:19"] * count
        if count:
            assert list(map(str, result.undecided)) == wording


def test_a_file_that_is_not_yaml_is_refused() -> None:
    with pytest.raises(diagnosis.InvalidInput):
        migration.migrate("services: {web: [", "app.yaml", migration.APPLICATION)


@pytest.mark.parametrize(
    "file", sorted((restore.FIXTURE / "shop" / "releases").glob("*.yaml")), ids=lambda file: file.stem
)
def test_the_id_of_an_old_release_follows_from_its_new_words(file: Path) -> None:
    node = yaml_parser.parse(file.read_bytes(), file.name)
    new = nodes.to_plain(migration.translate_stored(node))
    assert new["application"]["services"]["web"]["publish"] is True
    assert new["application"]["services"]["api"]["health"] == {"readiness": "/readyz", "liveness": "/healthz"}
    former = migration.restore_former_keys(new)
    assert former == nodes.to_plain(node)
    contents = {name: image["content"] for name, image in former["images"].items()}
    assert hashing.hash_content([former["application"], contents], 12) == file.stem


def test_a_record_is_translated_there_and_back() -> None:
    application = yaml.safe_load(OLD.replace("  other: *api\n", ""))
    settings = {"exposure": "clusterIP", "substitutes": {"a": "b"}, "pullSecrets": ["theirs"], "quota": True}
    record = {"application": application, "base": application, "settings": settings, "images": {"web": {"keep": "1"}}}
    new = nodes.to_plain(migration.translate_stored(nodes.from_plain(record, "record")))
    assert new["settings"] == {
        "publish": "none", "imageOverrides": {"a": "b"}, "imagePullSecrets": ["theirs"], "quota": True,
    }  # fmt: skip
    assert new["base"] == new["application"] == yaml.safe_load(NEW.replace("  other: *api\n", ""))
    assert new["images"] == record["images"]
    assert migration.restore_former_keys(new) == record


def test_a_lock_file_is_translated() -> None:
    lock = {"release": "a", "back": True, "instead": {"release": "b", "held": "c"}}
    new = {"release": "a", "isRollback": True, "fallback": {"release": "b", "held": "c"}}
    assert nodes.to_plain(migration.translate_stored(nodes.from_plain(lock, "lock"))) == new


@pytest.mark.parametrize("text", ["5", "[application]", "application: 5", "application: {services: [a]}"])
def test_a_text_that_is_not_a_record_is_not_changed(text: str) -> None:
    node = yaml_parser.parse(text, "record")
    assert migration.translate_stored(node) == node


def test_a_stored_old_key_beside_the_new_one_is_left_to_the_decoder() -> None:
    node = yaml_parser.parse("application: {jobs: {job: {tries: 5, backoffLimit: 1}}}", "record")
    assert migration.translate_stored(node) == node


@pytest.mark.parametrize(
    ("pair", "known", "suggestion"),
    [
        ("expose: true", ("publish", "port"), "publish"),
        ("tries: 2", ("backoffLimit",), "backoffLimit: 1"),
        ("tries: many", ("backoffLimit",), "backoffLimit"),
        ("promotesFrom: staging", ("promotion",), "promotion: {from: staging}"),
        ("exposure: clusterIP", ("publish",), "publish: none"),
        ("exposure: nodePort", ("publish",), "publish"),
        ("keep: true", ("publish", "port"), None),
        ("colour: red", ("publish",), None),
    ],
)
def test_the_decoder_suggests_the_new_key(pair: str, known: tuple[str, ...], suggestion: str | None) -> None:
    node = yaml_parser.parse(pair, "app.yaml")
    assert isinstance(node, nodes.MappingNode)
    ((key, value),) = node.pairs.items()
    replacement = former_keys.find_replacement(key, known) and former_keys.format_replacement(key, value.node)
    assert replacement == suggestion
