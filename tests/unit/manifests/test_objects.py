"""Names, labels, order, versions and images of all objects."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from seaway.manifests import inputs, names, objects, yaml_writer
from seaway.model import application
from tests import golden
from tests.support import rendering
from tests.support.rendering import DEPLOYMENT, IMAGE, SECRETS, STATEFUL_SET, job, render, service, store


def test_a_selector_matches_its_own_pods_by_labels_that_never_change() -> None:
    rendered = render(service(), service("api"), store())
    selector = {"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop"}
    assert rendered.get_spec()["selector"] == {"matchLabels": selector}
    assert rendered.get_spec("Service/web")["selector"] == selector
    assert rendered.get_spec("PodDisruptionBudget/web")["selector"] == {"matchLabels": selector}
    own, other = (rendered.get_spec(key)["template"]["metadata"]["labels"] for key in (DEPLOYMENT, "Deployment/api"))
    assert selector.items() <= own.items()
    assert not selector.items() <= other.items()


def test_long_names_are_shortened_with_a_hash() -> None:
    one, other = "a" * 60 + "-one", "a" * 60 + "-two"
    assert names.shorten_name("short") == "short"
    assert len(names.shorten_name(one)) == 63
    assert names.shorten_name(one) != names.shorten_name(other)
    rendered = render(store("d" * 60))
    assert len(rendered.get_only("StatefulSet").name) == 52
    assert rendered.get_only("Service").name == "d" * 60, "links use the full name"


@pytest.mark.parametrize(
    ("path", "slug"), [("/var/run/postgresql", "var-run-postgresql"), ("/a-b", "a-b-"), ("/A", "a-"), ("/a_b", "a-b-")]
)
def test_similar_paths_have_different_slugs(path: str, slug: str) -> None:
    assert names.slugify_path(path).startswith(slug)
    assert names.slugify_path(path) not in {names.slugify_path(other) for other in ("/a/b", "/a", "/b")}


def test_the_namespace_is_restricted_unless_a_pod_needs_baseline() -> None:
    for security in ("restricted", "baseline"):
        namespace = render(service(), store(security=security))["Namespace/shop-test"].manifest
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == security


def test_every_object_has_an_identity_in_the_cluster() -> None:
    identities = sorted(one.identity for one in render(service()).values())
    assert [re.sub("-[0-9a-f]{10}$", "-<hash>", identity) for identity in identities] == [
        "apps/v1/Deployment/shop-test/web",
        "networking.k8s.io/v1/NetworkPolicy/shop-test/default-deny",
        "networking.k8s.io/v1/NetworkPolicy/shop-test/web-<hash>",
        "policy/v1/PodDisruptionBudget/shop-test/web",
        "v1/Namespace//shop-test",
        "v1/Service/shop-test/web",
        "v1/ServiceAccount/shop-test/web",
    ]


def test_pulumi_waits_until_workloads_are_recorded_and_deleted() -> None:
    """Not skipAwait: it would skip the wait for a deletion too."""
    for key, one in render(service(), store(), job()).items():
        annotations = one.manifest["metadata"].get("annotations", {})
        waits = annotations.get("pulumi.com/waitFor") == "jsonpath={.metadata.uid}"
        assert waits == (one.kind in {"Deployment", "StatefulSet", "Job"}), key
        assert ("pulumi.com/skipAwait" in annotations) == (one.kind == "Service"), key
        assert (one.deadline is not None) == (one.version is not None) == waits, key


def test_steps_follow_phases_and_dependencies() -> None:
    rendered = render(
        service("a", depends_on=("b",)),
        service("b", depends_on=("c",)),
        service("c"),
        store(),
        job(uses="c"),
        job("warm", run="after-rollout"),
        job("report", schedule="0 3 * * *"),
        job("repair", run="on-demand"),
    )
    steps = objects.group_by_step(rendered.values())
    assert {step: [one.owner for one in step_objects] for step, step_objects in steps.items()} == {
        "stores": ["db"],
        "jobs": ["migrate"],
        "services": ["c", "repair", "report"],
        "services-2": ["b"],
        "services-3": ["a"],
        "late-jobs": ["warm"],
    }
    assert list(steps) == ["stores", "jobs", "services", "services-2", "services-3", "late-jobs"]
    assert [one.owner for one in steps["services"] if one.deadline is not None] == ["c"], "a schedule needs no wait"
    assert steps["late-jobs"][0].manifest["metadata"]["annotations"]["seaway/run"] == "after-rollout"
    assert list(objects.group_by_step(render(service()).values())) == ["services"], "no empty steps"


def test_links_do_not_change_the_order() -> None:
    rendered = render(service("a", calls=("b",)), service("b", calls=("a",)))
    assert {one.order for one in rendered.values()} == {0}


def test_a_changed_spec_is_another_version() -> None:
    def get_version(image: inputs.Image = IMAGE, **fields: Any) -> str | None:
        return render(service(**fields), image=image)[DEPLOYMENT].version

    same = get_version()
    assert get_version(inputs.Image(reference=object(), content="ctx-1")) == same, "unknown in a preview"
    changed = (
        get_version(inputs.Image(reference=IMAGE.reference, content="ctx-2")),
        get_version(env={"A": "1"}),
        get_version(files=(application.File("/etc/a", content="1"),)),
        get_version(secrets=(application.Secret("KEY"),)),
        get_version(scale=application.Scale(min=3)),
        get_version(sidecars=(rendering.extra(image="a:1"),)),
        get_version(sidecars=(rendering.extra(image="a:2"),)),
    )
    assert len({same, *changed}) == 1 + len(changed)


def test_an_image_override_replaces_the_image_but_not_its_name_in_hashes() -> None:
    overrides = {"postgres:17": "registry.example.com/postgres:17"}
    rendered = render(store(), image_overrides=overrides)
    assert rendered.get_container(STATEFUL_SET)["image"] == "registry.example.com/postgres:17"
    load = job("load", image="postgres:17")
    assert render(load, image_overrides=overrides).get_only("Job").name == render(load).get_only("Job").name


def test_the_digest_of_the_deployed_image_is_part_of_hashes() -> None:
    """A job that ran with one image runs again with another one, whatever its registry is."""

    def get_name(image: str, override: str | None = None) -> str:
        overrides = {"postgres:17": override} if override else {}
        rendered = render(job("load", image=image), image_overrides=overrides)
        load = rendered.get_only("Job")
        assert rendered.get_container(load.key)["image"] == (override or image)
        return load.name

    first, second = (f"sha256:{number:064}" for number in (1, 2))
    unpinned, pinned = get_name("postgres:17"), get_name(f"postgres:17@{first}")
    assert len({unpinned, pinned, get_name(f"postgres:17@{second}")}) == 3
    # The digest that the application pins is not the digest of the override.
    assert get_name(f"postgres:17@{first}", "mirror/postgres:17") == unpinned
    assert get_name(f"postgres:17@{second}", f"mirror/postgres:17@{first}") == pinned


def test_a_build_without_an_image_is_an_error() -> None:
    with pytest.raises(LookupError, match="web: it is built, but its image is missing"):
        render(job(uses="web"), application.Service("web", build=None, image=None, port=8000))


def test_images_are_replaced_in_every_container() -> None:
    pending = inputs.Image(reference=inputs.PendingImage("web"), content="ctx-1")
    workloads = (service(sidecars=(rendering.extra(),)), job("report", uses="web", schedule="0 3 * * *"))
    filled = objects.replace_images(
        render(*workloads, image=pending).values(), {inputs.PendingImage("web"): IMAGE.reference}
    )
    assert list(filled) == list(render(*workloads).values())


def test_the_order_of_keys_changes_nothing() -> None:
    def format_objects(step: int) -> str:
        web = service(
            env=dict(list({"A": "1", "B": "2", "C": "3"}.items())[::step]),
            secrets=(application.Secret("KEY"), application.Secret("TOKEN"))[::step],
            files=(application.File("/a", content="1"), application.File("/b", content="2"))[::step],
            writable=("/x", "/y")[::step],
            calls=("api", "db")[::step],
        )
        workloads = (web, service("api"), store())[::step]
        return yaml_writer.dump_objects(render(*workloads, secrets=dict(list(SECRETS.items())[::step])).values())

    assert format_objects(1) == format_objects(-1)


def test_another_process_renders_the_same() -> None:
    code = "from tests import golden; print(golden.format_manifests('shop'), end='')"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=golden.ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {golden.format_manifests("shop")}


def test_secret_values_are_in_secrets_only() -> None:
    rendered = render(service(secrets=(application.Secret("KEY"), application.Secret("TOKEN"))))
    secret = rendered.get_only("Secret")
    assert secret.manifest["data"] == {"KEY": "a2V5", "TOKEN": "dG9r"}
    assert (secret.manifest["immutable"], secret.is_retained) == (True, True)
    assert "a2V5" not in json.dumps([one.manifest for one in rendered.values() if one is not secret])
    assert "a2V5" not in repr(SECRETS)
    text = yaml_writer.dump_objects(rendered.values())
    assert "a2V5" not in text
    assert "KEY: (secret)" in text
