"""`seaway preview` of examples/shop on the real cluster classifies Pulumi's plan, and gives the same result offline.

Only the first `up` changes the cluster.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import environment, kubectl, prober, project

pytestmark = pytest.mark.cluster

Edit = Callable[[str, str, str], None]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("shop")
    checkout = project.Project.create(folder, application=project.ROOT / "examples" / "shop", stack="proposed")
    app = folder / "app" / "app.yaml"
    app.write_text(app.read_text().replace("env: {TITLE: Shop}", "env: {TITLE: Shop}\n    secrets: [SESSION_KEY]"))
    checkout.set_secret("SESSION_KEY", "first")
    checkout.up()
    (folder / ".gitignore").write_text(".seaway/\n.venv\n__pycache__/\n")
    git(checkout, "init", "--quiet")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "-m", "deployed")
    yield checkout
    kubectl.delete_namespaces("shop-proposed")


@pytest.fixture
def edit(shop: project.Project) -> Iterator[Edit]:
    """Change files until the end of the test."""
    yield shop.replace_text
    git(shop, "checkout", "--quiet", "--", ".")


def git(shop: project.Project, *words: str) -> None:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=shop.folder, check=True, capture_output=True)


def seaway(shop: project.Project, *words: str, **env: str) -> project.CommandResult:
    # In CI, these tests use a backend in a folder on purpose.
    return shop.seaway("preview", "--stack", shop.stack, *words, env={"CI": "", **env})


def preview_both(shop: project.Project, code: int) -> dict[str, Any]:
    """Return the preview. The offline preview from the files must be equal."""
    result = seaway(shop, "--json", "--base", "HEAD", "--markdown", "preview.md")
    assert result.exit_code == code
    proposal = json.loads(result.stdout)
    offline = seaway(shop, "--json", "--base", "HEAD", "--offline")
    assert offline.exit_code == code
    assert list_impacts(json.loads(offline.stdout)) == list_impacts(proposal)
    assert json.loads(offline.stdout)["images"] == proposal["images"]
    assert (
        (shop.folder / "preview.md")
        .read_text()
        .startswith("<!-- seaway preview proposed -->\n### shop, stack proposed: ")
    )
    return proposal


def list_impacts(proposal: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return impact and reason of each change, without hashes in names."""

    def name(change: dict[str, Any]) -> str:
        kind, name = change["object"]["kind"], change["object"]["name"]
        return f"{kind}/{name.rpartition('-')[0] if kind in ('ConfigMap', 'Job', 'Secret') else name}"

    return {f"{change['what']} {name(change)}": (change["impact"], change["reason"]) for change in proposal["changes"]}


def test_preview_without_changes(shop: project.Project) -> None:
    assert preview_both(shop, 0)["changes"] == []


def test_preview_lists_rollouts(shop: project.Project, edit: Edit) -> None:
    """Source, configuration and a secret change together."""
    edit("app/api/api.py", "import", "# newer\nimport")
    edit("app/worker/worker.ini", "[", "# another line\n[")
    shop.set_secret("SESSION_KEY", "a-value-that-nobody-may-see")
    proposal = preview_both(shop, 0)
    assert {name: level for name, (level, _) in list_impacts(proposal).items()} == {
        "changed Deployment/api": "rolling",
        "changed Deployment/web": "rolling",
        "changed Deployment/worker": "rolling",
        "changed ConfigMap/worker-config": "none",
        "changed Secret/web-secrets": "none",
        "changed Job/migrate": "none",
    }
    assert {image["name"]: image["why"] for image in proposal["images"]} == {
        "api": "api.py changed",
        "worker": "worker.ini changed",
    }
    text = (shop.folder / "preview.md").read_text()
    assert "+# another line" in text
    for secret in ("a-value-that-nobody-may-see", "YS12YWx1ZS10aGF0"):  # also in base64
        assert secret not in text + json.dumps(proposal)


def test_preview_lists_outages(shop: project.Project, edit: Edit) -> None:
    """A changed port and a removed service."""
    edit("app/app.yaml", "  api:\n    build: ./api\n    port: 8000", "  api:\n    build: ./api\n    port: 9000")
    text = (shop.folder / "app" / "app.yaml").read_text()
    edit("app/app.yaml", text[text.index("  worker:") : text.index("stores:")], "")
    changes = list_impacts(preview_both(shop, 5))
    assert changes["changed Service/api"] == (
        "outage",
        "port 8000 of api no longer answers, and callers use it until they are replaced",
    )
    assert changes["removed Deployment/worker"] == ("outage", "worker is stopped")
    assert changes["removed ConfigMap/worker-config"][0] == "none"
    assert changes["changed Deployment/web"][0] == "rolling"


def test_replacement_without_a_dry_run_is_classified(shop: project.Project, edit: Edit) -> None:
    """A disk that cannot grow is refused before the dry run, which the API server would reject; offline it may grow."""
    edit("app/app.yaml", "size: 1Gi", "size: 2Gi")
    result = seaway(shop)
    assert result.exit_code == 1
    assert result.stdout.startswith("shop, stack proposed: the preview failed\n")
    assert "StatefulSet db: spec.volumeClaimTemplates cannot be changed in place" in result.stderr
    offline = seaway(shop, "--offline", "--base", "HEAD")
    assert offline.exit_code == 0
    assert "ALLOWVOLUMEEXPANSION" in offline.stdout


def test_preview_requires_a_cluster(shop: project.Project) -> None:
    kubeconfig = shop.folder / ".seaway" / "nowhere"
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "seaway-dev", "context": {"cluster": "c", "user": "u"}}
    config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "u", "user": {"token": "t"}}]}
    kubeconfig.write_text(json.dumps(config))
    result = seaway(shop, "--markdown", "preview.md", KUBECONFIG=str(kubeconfig))
    assert result.exit_code == 1
    assert 'cannot reach the cluster of context "seaway-dev"' in result.stderr
    text = (shop.folder / "preview.md").read_text()
    assert "the preview failed" in text
    assert "no changes" not in result.stdout + text


def test_local_backend_is_refused_in_ci(shop: project.Project) -> None:
    result = seaway(shop, CI="true")
    assert result.exit_code == 2
    assert "in CI every preview would start from nothing" in result.stderr


def test_the_account_of_ci_may_only_dry_run(shop: project.Project, edit: Edit, tmp_path: Path) -> None:
    """docs/ci/preview-account.yaml gives a preview all it needs, and nothing that changes the cluster."""
    objects = (project.ROOT / "docs/ci/preview-account.yaml").read_text().replace("shop-dev", "shop-proposed")
    kubectl.run("apply", "--filename", "-", stdin=objects)
    try:
        token = kubectl.run("create", "token", "seaway-preview", "--namespace", "seaway-ci").strip()
        config = yaml.safe_load(environment.KUBECONFIG.read_text())
        for user in config["users"]:
            user["user"] = {"token": token}
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))

        def run(*words: str) -> str:
            try:
                return kubectl.run("--kubeconfig", str(kubeconfig), "--namespace", "shop-proposed", *words)
            except AssertionError as error:
                return str(error)

        create = ("create", "configmap")
        # The policy is in force a moment after it was created.
        early = (*create, "made-too-early")
        prober.wait_until(lambda: "the account of previews may only dry-run" in run(*early), seconds=30)
        assert "created (server dry run)" in run(*create, "made-by-a-branch", "--dry-run=server")
        scale = ("patch", "deployment", "web", "--patch", '{"spec": {"replicas": 7}}')
        assert "the account of previews may only dry-run" in run(*scale)
        assert "patched" in run(*scale, "--dry-run=server")
        for words in (("delete", "deployment", "web"), ("exec", "deployment/web", "--", "true"), ("get", "pods", "-A")):
            assert "orbidden" in run(*words), words
        edit("app/app.yaml", "env: {TITLE: Shop}", "env: {TITLE: Changed}")
        results = [seaway(shop, "--json", **env) for env in ({}, {"KUBECONFIG": str(kubeconfig)})]
        assert [result.exit_code for result in results] == [0, 0], results[1].output
        assert json.loads(results[0].stdout) == json.loads(results[1].stdout)
    finally:
        kubectl.run("delete", "--ignore-not-found", "--wait=false", "--filename", "-", stdin=objects)
