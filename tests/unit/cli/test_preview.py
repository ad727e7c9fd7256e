"""`seaway preview`: with a Pulumi that prints what the test says, and offline between two revisions of a repository."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from seaway.checks import all_checks
from seaway.cli import main
from seaway.project import environments, release, release_lock
from seaway.review import offline
from tests import golden
from tests.unit.cli import conftest
from tests.unit.review import previews

STACK = """\
config:
  seaway:context: work
  seaway:registry: registry.example.com
  seaway:secrets:
    SESSION_KEY: {secure: v1:first}
"""


class Shop:
    """A repository with examples/shop, and a program pulumi."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder.parent / "programs"

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "work")

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def pulumi(self, printed: str, code: int = 0, *, backend: str = "https://api.pulumi.com/ann") -> None:
        """From now on `pulumi preview` prints this."""
        (self.programs / "printed").write_text(printed)
        self.program(
            f"""
            import json, pathlib, sys
            calls = pathlib.Path({str(self.programs / "calls")!r})
            with calls.open("a") as file:
                print(json.dumps(sys.argv[1:]), file=file)
            if sys.argv[1] == "whoami":
                print(json.dumps(dict(user="ann", url={backend!r})))
                sys.exit(0)
            print("warning: from pulumi itself", file=sys.stderr)
            print(pathlib.Path({str(self.programs / "printed")!r}).read_text())
            sys.exit({code})
            """
        )

    def program(self, text: str) -> None:
        program = self.programs / "pulumi"
        program.write_text(f"#!{sys.executable}\n{textwrap.dedent(text)}")
        program.chmod(0o755)

    @property
    def calls(self) -> list[list[str]]:
        file = self.programs / "calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    checkout = Shop(tmp_path / "shop")
    shutil.copytree(golden.ROOT / "examples" / "shop", checkout.folder / "app")
    (checkout.folder / "Pulumi.yaml").write_text("name: seaway\nruntime: python\n")
    (checkout.folder / "Pulumi.review.yaml").write_text(STACK)
    checkout.programs.mkdir()
    checkout.replace("app/app.yaml", "env: {TITLE: Shop}", "env: {TITLE: Shop}\n    secrets: [SESSION_KEY]")
    monkeypatch.chdir(checkout.folder)
    monkeypatch.setenv("PATH", f"{checkout.programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PULUMI_HOME", str(checkout.programs))
    for name in ("CI", "PULUMI_STACK", "PULUMI_BACKEND_URL", "GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    checkout.git("init", "--quiet")
    checkout.commit()
    return checkout


def plain(output: Any) -> dict[str, Any]:
    return json.loads(output.out)


@pytest.mark.parametrize(
    ("words", "variable", "expected"),
    [
        (["--stack", "acme/review"], "", "acme/review"),
        (["-s", "acme/seaway/review"], "other/review", "acme/seaway/review"),
        ([], "acme/review", "acme/review"),
        (["--stack", "review"], "acme/review", "review"),
    ],
)
def test_pulumi_gets_the_organization(  # noqa: PLR0917 - a table and fixtures
    shop: Shop, seaway: conftest.Seaway, monkeypatch: pytest.MonkeyPatch, words: list[str], variable: str, expected: str
) -> None:
    shop.pulumi(previews.read_captured("image"))
    monkeypatch.setenv("PULUMI_STACK", variable)
    assert seaway("preview", *words).out.startswith("shop, stack review: ")
    assert shop.calls == [["preview", "--json", "--stack", expected, "--non-interactive"]]


def test_changes_are_printed(shop: Shop, seaway: conftest.Seaway, wording: list[str]) -> None:
    shop.pulumi(previews.read_captured("image"))
    output = seaway("preview", "--", "-c", "a=b")
    assert shop.calls == [["preview", "--json", "--stack", "review", "-c", "a=b", "--non-interactive"]]
    image = "registry.localhost:5000/shop/web"
    lines = output.out.splitlines()
    assert lines[0] == "shop, stack review: 1 changed; rolling: web"
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["CHANGE", "OBJECT", "IMPACT"],
        ["changed", "Deployment/web", "rolling"],
    ]
    assert lines[3:7] == [
        "",
        "Deployment/web",
        f"  spec.template.spec.containers[web].image: {image}:ctx-1aad5ce00e6c -> {image}:ctx-02f60c71653a",
        "image web: ctx-1aad5ce00e6c -> ctx-02f60c71653a (web.py changed)",
    ]
    assert "checks: " in lines[7]
    assert output.err.splitlines() == wording


def test_the_policy_blocks_and_a_waiver_lets_pass(shop: Shop, seaway: conftest.Seaway) -> None:
    shop.pulumi(previews.read_captured("removal"))
    message = seaway("preview", "--markdown", "preview.md", code=5).err.splitlines()[-1].removeprefix("seaway: ")
    assert message.startswith("blocked by the policy of stack review: Deployment/worker (OUTAGE); ")
    assert f"**{message}**" in (shop.folder / "preview.md").read_text()
    waiver = "{workloads: [worker], reason: it goes, owner: ann, until: 2999-12-31}"
    shop.replace("Pulumi.review.yaml", "config:\n", f"config:\n  seaway:waivers: {{OUTAGE: {waiver}}}\n")
    assert "Deployment/worker: waived until 2999-12-31 by ann: it goes" in seaway("preview").out
    shop.replace("Pulumi.review.yaml", "2999", "2001")
    document = plain(seaway("preview", "--json", code=5))
    assert "the waiver OUTAGE for Deployment/worker ended on 2001-12-31" in document["notes"]
    assert [(change["object"]["name"], change["impact"]) for change in document["changes"] if change["blocked"]] == [
        ("worker", "outage")
    ]
    shop.replace("Pulumi.review.yaml", "config:\n", "config:\n  seaway:policy: {outage: allow}\n")
    seaway("preview")


UNREACHABLE = 'cannot reach the cluster of context "work" (https://10.0.0.1:6443: timed out)'


def test_an_unreachable_cluster_is_never_no_changes(shop: Shop, seaway: conftest.Seaway) -> None:
    """As the plugin ends a preview: one line, and nothing that would change."""
    diagnostics = [{"severity": "error", "message": f"error: {UNREACHABLE}\n"}]
    for code in (0, 1, 255):
        shop.pulumi(json.dumps({"steps": [], "diagnostics": diagnostics}), code)
        output = seaway("preview", "--markdown", "preview.md", code=1)
        assert output.err.splitlines()[-1] == f"seaway: {UNREACHABLE}"
        assert output.out.startswith("shop, stack review: the preview failed\n")
        assert UNREACHABLE in (shop.folder / "preview.md").read_text()
    shop.pulumi(json.dumps({"steps": []}), 1)
    assert seaway("preview", code=1).err.splitlines()[-1] == "seaway: pulumi preview ended with exit code 1"


def test_a_preview_that_did_not_begin(shop: Shop, seaway: conftest.Seaway) -> None:
    """No stack, a wrong passphrase: no JSON at all. The comment of the run before must not stay."""
    (shop.folder / "preview.md").write_text("all is well")
    shop.pulumi("", 255)
    message = "pulumi preview failed before it compared anything: see its output above"
    assert seaway("preview", "--markdown", "preview.md", code=1).err.splitlines()[-2:] == [
        "warning: from pulumi itself",
        message,
    ]
    assert message in (shop.folder / "preview.md").read_text()


def test_the_policy_applies_to_the_changes_before_a_failure(shop: Shop, seaway: conftest.Seaway) -> None:
    shop.pulumi(previews.read_captured("volume"), 255)
    output = seaway("preview", code=5)
    assert output.out.startswith("shop, stack review: the preview failed; 1 replaced; outage: db\n")
    assert "pulumi up --skip-preview deletes the object first" in output.out
    assert "seaway: preview failed\n" in output.err
    shop.replace("Pulumi.review.yaml", "config:\n", "config:\n  seaway:policy: {outage: allow}\n")
    seaway("preview", code=1)


def test_without_pulumi(shop: Shop, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway) -> None:
    monkeypatch.setenv("PATH", str(shop.programs))
    assert "pulumi is not installed" in seaway("preview", code=2).err


@pytest.mark.parametrize("ci", ["true", "1"])
def test_in_ci_a_backend_on_the_runners_disk_is_refused(
    shop: Shop, ci: str, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway, wording: list[str]
) -> None:
    monkeypatch.setenv("CI", ci)
    shop.pulumi(previews.read_captured("image"), backend="file:///home/runner/state")
    assert seaway("preview", "--markdown", "preview.md", code=2).err.splitlines() == wording
    assert "in CI every preview would start from nothing" in (shop.folder / "preview.md").read_text()
    assert shop.calls == [["whoami", "--json", "--non-interactive"]]
    seaway("preview", "--local-backend")
    shop.pulumi(previews.read_captured("image"))
    seaway("preview")


def test_elsewhere_a_local_backend_is_fine(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway
) -> None:
    monkeypatch.setenv("CI", "false")
    shop.pulumi(previews.read_captured("image"), backend="file:///home/me/state")
    seaway("preview")
    assert [call[0] for call in shop.calls] == ["preview"]


def test_invalid_files_are_reported_before_pulumi_runs(shop: Shop, seaway: conftest.Seaway) -> None:
    shop.replace("app/app.yaml", "port: 8000", "port: 80000")
    assert "services.web.port: " in seaway("preview", "--markdown", "preview.md", code=2).err
    assert "services.web.port: " in (shop.folder / "preview.md").read_text()
    assert shop.calls == []


def test_the_base_says_why_an_image_is_rebuilt(shop: Shop, seaway: conftest.Seaway) -> None:
    """A fresh runner has built nothing, so Pulumi's program does not know."""
    (shop.folder / "app" / "web" / "web.py").write_text("# other\n")
    now = offline.render_tree(shop.folder, "review").images["web"].content
    shop.pulumi(previews.read_captured("image").replace("ctx-02f60c71653a", now).replace("web: rebuild, ", ""))
    assert [image["why"] for image in plain(seaway("preview", "--json"))["images"]] == [None]
    (image,) = plain(seaway("preview", "--json", "--base", "HEAD"))["images"]
    assert image["why"] in ("web.py changed", "since HEAD: web.py changed")


def changes(output: Any) -> dict[str, str]:
    """The impact of each change; what is called after its content is told without the hash."""
    impacts: dict[str, str] = {}
    for change in plain(output)["changes"]:
        kind, name = change["object"]["kind"], change["object"]["name"]
        short = name if kind in ("Deployment", "GeneratedSecret", "StatefulSet") else re.sub("-[0-9a-f]{10}$", "", name)
        impacts[f"{change['what']} {kind}/{short}"] = change["impact"]
    return impacts


OFFLINE = ["preview", "--offline", "--base", "HEAD", "--json"]


def test_offline_nothing_changes(shop: Shop, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway) -> None:
    """In CI, without Pulumi, a cluster, a passphrase or a backend."""
    monkeypatch.setenv("CI", "true")
    assert seaway(*OFFLINE[:-1]).out.startswith("shop, stack review: no changes\n")


ANOTHER_VALUE = {
    "replaced GeneratedSecret/POSTGRES_PASSWORD": "outage",
    "changed StatefulSet/db": "outage",
    "changed Deployment/api": "rolling",
    "changed Secret/api-secrets": "none",
    "changed Secret/db-secrets": "none",
    "changed Secret/migrate-secrets": "none",
    "changed Job/migrate": "none",
}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("TITLE: Shop", "TITLE: Sale", {"changed Deployment/web": "rolling"}),
        ("v1:first", "v1:second", {"changed Deployment/web": "rolling", "changed Secret/web-secrets": "none"}),
        ("size: 1Gi", "size: 2Gi", {"changed StatefulSet/db": "none"}),
        ("size: 1Gi", "size: 512Mi", {"replaced StatefulSet/db": "data loss"}),
        ("image: postgres:17", "image: postgres:17.9", {"changed StatefulSet/db": "outage"}),
        ("generate: 32", "generate: 40", ANOTHER_VALUE),
        (
            "config:",
            "config:\n  seaway:publish: nodePort",
            {"changed Service/web": "none", "changed NetworkPolicy/web": "none"},
        ),
        (
            "config:",
            "config:\n  seaway:overlay: {services: {web: {scale: 1}}}",
            {"changed Deployment/web": "none", "removed PodDisruptionBudget/web": "none"},
        ),
    ],
)
def test_offline_a_change_of_the_files(
    shop: Shop, old: str, new: str, expected: dict[str, str], seaway: conftest.Seaway
) -> None:
    stack = old == "config:" or old.startswith("v1")
    shop.replace("Pulumi.review.yaml" if stack else "app/app.yaml", old, new)
    assert changes(seaway(*OFFLINE, code=5 if {"outage", "data loss"} & {*expected.values()} else 0)) == expected


def test_offline_a_file_in_a_build_context_that_looks_like_a_secret_is_a_note(
    shop: Shop, seaway: conftest.Seaway
) -> None:
    (shop.folder / "app" / "web" / "id_ed25519").write_text("key\n")
    (note,) = plain(seaway(*OFFLINE))["notes"]
    assert "app/web/id_ed25519" in note
    assert "[secret-in-context]" in note


def test_offline_what_git_ignores_is_not_new(shop: Shop, seaway: conftest.Seaway) -> None:
    web = shop.folder / "app" / "web"
    (shop.folder / ".git" / "info" / "exclude").write_text("dist/\n*.log\nnode modules\n")
    for path in ("dist/deep/a.js", "x.log", "node modules/a/b.js", "src/y.log"):
        (web / path).parent.mkdir(parents=True, exist_ok=True)
        (web / path).write_text("built\n")
    assert plain(seaway(*OFFLINE))["images"] == []
    (web / "src" / "new.js").write_text("new\n")
    (image,) = plain(seaway(*OFFLINE))["images"]
    assert image["why"] == "src/new.js added"


RAW = """raw:
      Deployment:
        metadata: {annotations: {example.com/team: notices}}
        spec:
          revisionHistoryLimit: 3
          template:
            spec:
              hostAliases: [{ip: 192.0.2.7, hostnames: [archive.example.com]}]
              containers:
                - {name: web, tty: true, securityContext: {readOnlyRootFilesystem: false, capabilities: null}}
      Service: {spec: {sessionAffinity: ClientIP}}
      ServiceAccount: {metadata: {annotations: {eks.amazonaws.com/role-arn: "arn:x"}}}
    env: {TITLE: Shop}"""


def test_each_raw_field_that_changes_a_secure_default_is_shown(
    shop: Shop, tmp_path: Path, seaway: conftest.Seaway
) -> None:
    shop.replace("app/app.yaml", "env: {TITLE: Shop}", RAW)
    shop.commit()
    container = "spec.template.spec.containers[web].securityContext"
    expected = [
        ("Deployment/web", f"{container}.capabilities", {"drop": ["ALL"]}, None),
        ("Deployment/web", f"{container}.readOnlyRootFilesystem", True, False),
        (
            "Deployment/web",
            "spec.template.spec.hostAliases",
            None,
            [{"ip": "192.0.2.7", "hostnames": ["archive.example.com"]}],
        ),
        ("ServiceAccount/web", "metadata.annotations[eks.amazonaws.com/role-arn]", None, "arn:x"),
    ]
    assert [tuple(field.values()) for field in plain(seaway(*OFFLINE))["raw"]] == expected
    file = tmp_path / "comment.md"
    printed = seaway(*OFFLINE[:-1], "--markdown", str(file)).out
    assert f"raw Deployment/web {container}.readOnlyRootFilesystem: default true, set to false" in printed
    assert f"| `Deployment/web` | `{container}.readOnlyRootFilesystem` | `true` | `false` |" in file.read_text()


def test_offline_a_renamed_application_is_another_namespace(shop: Shop, seaway: conftest.Seaway) -> None:
    shop.replace("app/app.yaml", "name: shop", "name: store")
    impacts = changes(seaway(*OFFLINE, code=5))
    assert impacts["removed Namespace/shop-review"] == impacts["replaced StatefulSet/db"] == "data loss"
    assert impacts["replaced Deployment/web"] == "outage"


def test_offline_images_and_texts(shop: Shop, seaway: conftest.Seaway) -> None:
    (shop.folder / "app" / "web" / "web.py").write_text("# other\n")
    shop.replace("app/worker/worker.ini", "[", "# another line\n[")
    images = {
        image["name"]: (image["repository"], image["why"])
        for image in plain(seaway(*OFFLINE, "--markdown", "preview.md"))["images"]
    }
    assert images == {
        "web": ("registry.example.com/shop/web", "web.py changed"),
        "worker": ("registry.example.com/shop/worker", "worker.ini changed"),
    }
    assert "\n  data[etc_shop_worker.ini]:\n    @@ -1,2 +1,3 @@\n    +# another line\n" in seaway(*OFFLINE[:-1]).out
    text = (shop.folder / "preview.md").read_text()
    assert text.startswith("<!-- seaway preview review -->\n### shop, stack review: 3 changed; rolling: web, worker\n")
    assert "\n```diff\n@@ -1,2 +1,3 @@\n+# another line\n [worker]\n" in text


def test_offline_leaves_the_checkout_alone(shop: Shop, seaway: conftest.Seaway) -> None:
    """A staged change stays staged, a file that git does not know stays unknown."""
    shop.replace("app/app.yaml", "TITLE: Shop", "TITLE: Sale")
    shop.git("add", "app/app.yaml")
    (shop.folder / "notes.txt").write_text("x")

    def state() -> str:
        status = ["git", "status", "--porcelain"]
        return subprocess.run(status, cwd=shop.folder, check=True, capture_output=True, text=True).stdout

    before = state()
    assert list(changes(seaway(*OFFLINE))) == ["changed Deployment/web"]
    assert state() == before == "M  app/app.yaml\n?? notes.txt\n"


def test_offline_in_a_folder_of_a_repository(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway
) -> None:
    below = shop.folder / "infra"
    below.mkdir()
    for name in ("app", "Pulumi.yaml", "Pulumi.review.yaml"):
        (shop.folder / name).rename(below / name)
    shop.commit()
    monkeypatch.chdir(below)
    shop.replace("infra/app/app.yaml", "TITLE: Shop", "TITLE: Sale")
    assert list(changes(seaway(*OFFLINE))) == ["changed Deployment/web"]


@pytest.mark.parametrize("side", ["working tree", "base"])
def test_a_branch_cannot_read_environment_variables(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway, side: str
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "top-secret-pass")
    ini = shop.folder / "app/shop.ini"  # in no build context
    shop.replace("app/app.yaml", "worker/worker.ini", "shop.ini")
    content = b"[worker]\n"
    ini.symlink_to("/proc/self/environ")
    if side == "base":
        shop.commit()
        ini.unlink()
        ini.write_bytes(content)
    output = seaway(*OFFLINE, "--markdown", "preview.md", code=2)
    text = (shop.folder / "preview.md").read_text()
    base = "HEAD:" if side == "base" else ""
    assert f"{base}app/app.yaml:" in text
    assert 'shop.ini" is outside the project (it resolves to ' in text
    assert "top-secret-pass" not in text + "".join(output)


def test_offline_the_base_has_a_root_of_its_own(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway
) -> None:
    """`seaway:root: git` is the tree of the base, also where the same path is a file of the checkout."""
    below = shop.folder / "infra"
    below.mkdir()
    for name in ("app", "Pulumi.yaml", "Pulumi.review.yaml"):
        (shop.folder / name).rename(below / name)
    (shop.folder / "shared.ini").write_text("[worker]\n")
    shop.replace("infra/app/app.yaml", "worker/worker.ini", "shop.ini")
    (below / "app/shop.ini").symlink_to("../../shared.ini")
    monkeypatch.chdir(below)
    shop.commit()
    assert "is outside the project (it resolves to ../shared.ini)" in seaway(*OFFLINE, code=2).err
    shop.replace("infra/Pulumi.review.yaml", "config:", "config:\n  seaway:root: git")
    shop.commit()
    (shop.folder / "shared.ini").write_text("[worker]\nmore = 1\n")
    assert "changed Deployment/worker" in changes(seaway(*OFFLINE))
    (below / "app/shop.ini").unlink()
    (below / "app/shop.ini").symlink_to("../../../outside.ini")
    shop.commit()
    (shop.folder.parent / "outside.ini").write_text("outside")
    (below / "app/shop.ini").unlink()
    (below / "app/shop.ini").write_text("[worker]\n")
    assert "HEAD:app/app.yaml:" in (errors := seaway(*OFFLINE, code=2).err)
    assert "copy it into the git repository" in errors


def test_offline_the_base_of_a_compose_file_without_a_name_has_its_folders(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway
) -> None:
    """Otherwise its namespace would be another one, and a preview would show the loss of all data."""
    for file in ("compose.yaml", "infra/compose.yaml"):
        (shop.folder / file).parent.mkdir(exist_ok=True)
        (shop.folder / file).write_text("services: {web: {image: 'nginx:1.27', ports: ['80:80']}}\n")
    stack = STACK.partition("  seaway:secrets")[0]
    (shop.folder / "Pulumi.review.yaml").write_text(f"{stack}  seaway:app: compose.yaml\n")
    for file in ("Pulumi.yaml", "Pulumi.review.yaml"):
        shutil.copy(shop.folder / file, shop.folder / "infra")
    shop.commit()
    link = shop.folder.with_name("a-link")
    link.symlink_to("shop")
    for folder in (shop.folder, shop.folder / "infra", link):
        monkeypatch.chdir(folder)
        assert changes(seaway(*OFFLINE)) == {}


def test_offline_a_submodule_has_the_commit_of_the_base(shop: Shop, seaway: conftest.Seaway) -> None:
    """Also a nested one, and one that is not checked out any more; a commit that was not fetched is named."""
    inner, lib = Shop(shop.folder.with_name("inner")), Shop(shop.folder.with_name("lib"))
    for repository, file, text in ((inner, "note", "one"), (lib, "web/Dockerfile", "FROM scratch\nCOPY . /\n")):
        (repository.folder / file).parent.mkdir(parents=True)
        (repository.folder / file).write_text(text)
        repository.git("init", "--quiet")
        repository.commit()
    add = ("-c", "protocol.file.allow=always", "submodule", "add", "--quiet")
    lib.git(*add, str(inner.folder), "web/inner")
    lib.commit()
    shop.git(*add, str(lib.folder), "sub")
    shop.git("-c", "protocol.file.allow=always", "submodule", "update", "--init", "--recursive")
    shop.replace("app/app.yaml", "build: ./web", "build: ../sub/web")
    shop.commit()
    assert changes(seaway(*OFFLINE)) == {}
    note = shop.folder / "sub/web/inner/note"
    note.write_text("two")
    assert changes(seaway(*OFFLINE)) == {"changed Deployment/web": "rolling"}
    note.write_text("one")
    shop.git("-C", "sub", "commit", "--quiet", "--allow-empty", "-m", "unknown")
    shop.commit()
    shop.git("-C", "sub", "reset", "--quiet", "--hard", "HEAD^")
    assert changes(seaway(*OFFLINE)) == {}
    shop.git("-C", "sub", "reflog", "expire", "--expire=now", "--all")
    shop.git("-C", "sub", "gc", "--quiet", "--prune=now")
    errors = seaway(*OFFLINE, code=2).err
    assert '"HEAD:sub": cannot be read from git' in errors
    assert "git fetch" in errors
    shop.git("reset", "--quiet", "--hard", "HEAD^")
    shutil.rmtree(shop.folder / "sub")
    shop.replace("app/app.yaml", "build: ../sub/web", "build: ./web")
    assert "changed Deployment/web" in changes(seaway(*OFFLINE)), "the base is read from .git/modules"


def test_offline_with_a_new_stack(shop: Shop, seaway: conftest.Seaway) -> None:
    (shop.folder / "Pulumi.review.yaml").rename(shop.folder / "Pulumi.next.yaml")
    document = plain(seaway(*OFFLINE, "--stack", "next"))
    assert {change["what"] for change in document["changes"]} == {"added"}
    assert "HEAD has no stack next: everything is new" in document["notes"]


def test_offline_with_an_invalid_base(shop: Shop, seaway: conftest.Seaway) -> None:
    shop.replace("app/app.yaml", "port: 8000", "port: 80000")
    shop.commit()
    shop.replace("app/app.yaml", "port: 80000", "port: 8000")
    assert seaway(*OFFLINE, code=2).err.startswith("HEAD:app/app.yaml:")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--base", "nowhere"], '--base: "nowhere": cannot be read from git: the revision does not exist here; use a'),
        (["--base", "--all"], '--base: "--all": cannot be read from git: '),
        ([], "seaway: --offline requires a revision to compare with: --base HEAD^1\n"),
        (["--base", "HEAD", "--", "-c", "a=b"], "seaway: --offline accepts no arguments for pulumi\n"),
    ],
)
def test_offline_with_invalid_options(shop: Shop, words: list[str], expected: str, seaway: conftest.Seaway) -> None:
    words = [f"--base={words[1]}"] if words[1:] == ["--all"] else words
    assert seaway("preview", "--offline", *words, code=2).err.startswith(expected)


def test_offline_without_git(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway, wording: list[str]
) -> None:
    monkeypatch.setenv("PATH", str(shop.programs))
    assert seaway(*OFFLINE, code=2).err.splitlines() == wording


def save_release(shop: Shop) -> str:
    """Save what the working tree would deploy as a release; return its id."""
    environment = environments.load_environment(shop.folder, "review", check_ids=all_checks.IDS)
    images = {
        name: release.ReleaseImage(
            content=image.content, repository=f"registry.example.com/shop/{name}", digest=f"sha256:{0:064}"
        )
        for name, image in offline.render_tree(shop.folder, "review").images.items()
    }
    saved = release.Release(application=environment.base, images=images)
    release.save_release(shop.folder, saved)
    return saved.id


def test_offline_a_pinned_stack(shop: Shop, seaway: conftest.Seaway) -> None:
    """It deploys the release that its lock file pins, whatever app/ says: a promotion is a diff of that file."""
    first = save_release(shop)
    shop.replace("app/web/web.py", "import", "# newer\nimport")
    second = save_release(shop)
    (shop.folder / "Pulumi.prod.yaml").write_text(f"{STACK}  seaway:build: false\n")
    release_lock.write(shop.folder, "prod", release_lock.Lock(release=first))
    shop.commit()
    assert plain(seaway(*OFFLINE, "--stack", "prod"))["changes"] == []
    shop.replace("app/app.yaml", "TITLE: Shop", "TITLE: Sale")
    release_lock.write(shop.folder, "prod", release_lock.Lock(release=second))
    assert [environment["name"] for environment in plain(seaway(*OFFLINE, "--stack", "prod"))["images"]] == ["web"]


@pytest.mark.parametrize(("is_rollback", "impact"), [(True, "none"), (False, "data loss")])
def test_offline_a_release_with_a_smaller_disk(
    shop: Shop, seaway: conftest.Seaway, wording: list[str], is_rollback: bool, impact: str
) -> None:
    """A rollback keeps the disk; a promotion of that release would be refused."""
    first = save_release(shop)
    shop.replace("app/app.yaml", "size: 1Gi", "size: 2Gi")
    second = save_release(shop)
    (shop.folder / "Pulumi.prod.yaml").write_text(f"{STACK}  seaway:build: false\n")
    release_lock.write(shop.folder, "prod", release_lock.Lock(release=second))
    shop.commit()
    release_lock.write(shop.folder, "prod", release_lock.Lock(release=first, is_rollback=is_rollback))
    output = seaway(*OFFLINE, "--stack", "prod", code=0 if is_rollback else 5)
    (change,) = [change for change in plain(output)["changes"] if change["object"]["kind"] == "StatefulSet"]
    assert change["impact"] == impact
    assert [change["reason"]] == wording


def test_a_ctrl_c_ends_pulumi_and_the_preview(shop: Shop) -> None:
    shop.program("import os, signal, sys, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(30)\n")
    assert main.main(["preview"]) == 130


def test_a_fallback_of_the_branch_is_not_compared_offline(
    shop: Shop, capfd: pytest.CaptureFixture[str], wording: list[str]
) -> None:
    """Its objects are deployed instead of those that the source describes, and may be any."""
    deployed = shop.folder / "releases" / f"{'1' * 12}-{'2' * 6}.yaml"
    deployed.parent.mkdir()
    deployed.write_text("objects: [anything]\n")
    held = release_lock.Fallback(
        release=deployed.stem, held="3" * 12, because="crash-loop", since="2026-01-01T00:00:00Z"
    )
    release_lock.write(shop.folder, "review", release_lock.Lock(fallback=held))
    words = ["preview", "--offline", "--stack", "review", "--base", "HEAD"]
    assert main.main(words) == 1
    assert capfd.readouterr().err.splitlines() == wording
    shop.commit()
    assert main.main(words) == 0, "the base has it too"
