"""Values arrive in the program byte for byte, finished jobs may be gone, and what others add to the namespace blocks
nothing: one pod on the real cluster."""

import base64
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev import kubectl, project

pytestmark = pytest.mark.cluster

STACK = "values"
NAMESPACE = f"nasty-{STACK}"
N = ("-n", NAMESPACE)
SLEEP = "trap exit TERM; while true; do sleep 1; done"

TEXTS = {
    "DOLLARS": "pa$$word $x ${Y} $$$ $",
    "PARENTHESES": "$(UNKNOWN) $(date +%s) $( $()",
    "UNICODE": "$é ß 漢 \U0001f600 $漢",
    "LINES": "a\r\n\tb \n\n",
    "QUOTES": "'\"`\\ \\n #a: - {b}",
    "SPACES": "  x  ",
    "NUMBER": "1e3",
    "BOOLEAN": "yes",
    "EMPTY": "",
}
REFERENCES = {
    "A_URL": ("x://$(Z_USER):$(SECRET)@$(DOLLARS)", "x://me:{SECRET}@pa$$word $x ${{Y}} $$$ $"),
    "ESCAPED": ("$$(Z_USER) $$$(Z_USER) $$$$(Z_USER)", "$(Z_USER) $me $$(Z_USER)"),
    "Z_USER": ("me", "me"),
}
SECRET = "$(Z_USER)$$pa$word\\ é'\"\n"
ENV_FILE = {"FILE_DOLLARS": "pa$$word$(Z_USER)$$(Z_USER)", "FILE_TEXT": "q $x # c"}


def write_app(checkout: project.Project, document: dict[str, Any]) -> None:
    """JSON: PyYAML writes 1e3 without quotes, which is a number in YAML 1.2."""
    (checkout.folder / "app" / "app.yaml").write_text(json.dumps(document, ensure_ascii=False))


def build_app() -> dict[str, Any]:
    return {
        "image": "postgres:17",
        "user": 999,
        "command": ["sh", "-c", SLEEP, "x", *TEXTS.values(), "$(Z_USER)$$(Z_USER)"],
        "scale": 1,
        "env": {**TEXTS, **{name: text for name, (text, _) in REFERENCES.items()}},
        "envFile": "values.env",
        "secrets": {"SECRET": {"env": True}, "SECRET_AS_FILE": None, "GENERATED": {"generate": 24}},
        "files": {f"/etc/values/{name}": {"content": text} for name, text in TEXTS.items() if text},
        "health": ["sh", "-c", "test \"$1\" = '$$'", "x", "$$"],
        "resources": {"cpu": "20m"},
    }


def build_compose() -> dict[str, Any]:
    """As Compose has them: there each dollar is written twice."""
    environment = {name: text.replace("$", "$$") for name, text in {**TEXTS, "ESCAPED": "$(EMPTY)"}.items()}
    words = ["sh", "-c", SLEEP, "x", *(text.replace("$", "$$") for text in TEXTS.values())]
    service = {"image": "postgres:17", "entrypoint": words, "command": [], "user": "999", "environment": environment}
    return {"name": "nasty", "services": {"imported": service}}


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    checkout = project.Project.create(
        tmp_path_factory.mktemp("nasty"),
        application=project.ROOT / "examples" / "smallest",
        stack=STACK,
        publish="none",
    )
    app = checkout.folder / "app"
    shutil.rmtree(app)
    app.mkdir()
    (app / "compose.yaml").write_text(json.dumps(build_compose(), ensure_ascii=False))
    imported = checkout.seaway("import", "app/compose.yaml", "--out", "app/app.yaml")
    assert imported.exit_code == 0
    document = yaml.safe_load((app / "app.yaml").read_text())
    document["services"]["imported"] |= {"scale": 1, "resources": {"cpu": "20m"}}
    document["services"]["web"] = build_app()
    # Kubernetes deletes a Job so many seconds after its end.
    document["jobs"] = {
        name: {
            "uses": "web",
            "command": ["sh", "-c", f"sleep {seconds}"],
            "raw": {"Job": {"spec": {"ttlSecondsAfterFinished": ttl}}},
        }
        for name, seconds, ttl in (("quick", 0, 0), ("slow", 8, 1), ("stays", 0, 9999))
    }
    write_app(checkout, document)
    (app / "compose.yaml").unlink()
    (app / "values.env").write_text("".join(f"{name}='{text}'\n" for name, text in ENV_FILE.items()))
    checkout.set_secret("SECRET", SECRET)
    checkout.set_secret("SECRET_AS_FILE", SECRET)
    kubectl.run("delete", "namespace", NAMESPACE, "--ignore-not-found")
    try:
        checkout.up()
        yield checkout
    finally:
        kubectl.delete_namespaces(NAMESPACE)


def read_bytes(nasty: project.Project, path: str, service: str = "web") -> bytes:
    words = ("exec", *N, f"deployment/{service}", "--", "base64", "-w0", path)
    return base64.b64decode(nasty.kubectl(*words).stdout)


def read_environment(nasty: project.Project, service: str = "web") -> dict[str, str]:
    pairs = read_bytes(nasty, "/proc/1/environ", service).decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def test_every_value_arrives_byte_for_byte(nasty: project.Project) -> None:
    expected = {**TEXTS, **{name: text.format(SECRET=SECRET) for name, (_, text) in REFERENCES.items()}}
    expected["ESCAPED"] = REFERENCES["ESCAPED"][1]
    expected |= {**ENV_FILE, "SECRET": SECRET}
    environment = read_environment(nasty)
    assert {name: environment.get(name) for name in expected} == expected
    assert read_bytes(nasty, "/run/secrets/SECRET_AS_FILE").decode() == SECRET
    for name, text in TEXTS.items():
        if text:
            assert read_bytes(nasty, f"/etc/values/{name}").decode() == text
    words = read_bytes(nasty, "/proc/1/cmdline").decode().split("\0")
    assert words[4:-1] == [*TEXTS.values(), "me$(Z_USER)"]
    imported = read_environment(nasty, "imported")
    assert {name: imported.get(name) for name in TEXTS} == TEXTS
    assert imported["ESCAPED"] == "$(EMPTY)"
    assert read_bytes(nasty, "/proc/1/cmdline", "imported").decode().split("\0")[4:-1] == [*TEXTS.values()]
    nasty.preview("--expect-no-changes")


def test_words_of_seaway_run_arrive_as_typed(nasty: project.Project) -> None:
    script = 'printf %s "$1"'
    done = nasty.seaway("run", "web", "--stack", STACK, "--", "sh", "-c", script, "x", "$$(Z_USER)$(Z_USER)$$")
    assert (done.exit_code, done.stdout) == (0, "$$(Z_USER)$(Z_USER)$$")


def list_jobs(nasty: project.Project) -> list[str]:
    jobs = nasty.get_objects("jobs", *N)["items"]
    return sorted(job["metadata"]["labels"]["app.kubernetes.io/name"] for job in jobs)


def test_finished_jobs_may_be_gone(nasty: project.Project) -> None:
    kubectl.run("wait", "--for=delete", "jobs", "-l", "app.kubernetes.io/name=slow", *N, "--timeout=30s")
    assert list_jobs(nasty) == ["stays"]
    nasty.preview("--expect-no-changes")
    nasty.kubectl("delete", "jobs", "--all", *N)
    status = nasty.seaway("status", "--drift", "--stack", STACK)
    assert (status.exit_code, "no drift" in " ".join(status.stdout.split())) == (0, True)
    nasty.preview("--expect-no-changes")
    # Another job of the same step, and a later step.
    document = yaml.safe_load((nasty.folder / "app" / "app.yaml").read_text())
    document["services"]["web"]["stopGracePeriod"] = 3
    document["jobs"]["late"] = {**document["jobs"]["stays"], "command": ["true"]}
    write_app(nasty, document)
    nasty.up()  # it would wait until the deadline of a job
    assert list_jobs(nasty) == ["late"]
    nasty.preview("--expect-no-changes")


def test_additions_of_others_block_nothing(nasty: project.Project) -> None:
    nasty.kubectl("label", "namespace", NAMESPACE, "field.cattle.io/projectId=p-2", "--field-manager=rancher")
    nasty.kubectl("annotate", *N, "deployment", "web", "example.com/by=me", "--field-manager=somebody")
    nasty.kubectl("create", *N, "configmap", "istio-ca-root-cert", "--from-literal=root-cert.pem=x")
    nasty.kubectl("create", *N, "rolebinding", "pullers", "--clusterrole=view", "--serviceaccount=default:default")
    nasty.kubectl("rollout", "restart", *N, "deployment/web")
    nasty.kubectl("rollout", "status", *N, "deployment/web", "--timeout=60s")
    status = nasty.seaway("status", "--drift", "--json", "--stack", STACK)
    differences = json.loads(status.stdout)["drift"]
    assert {each["harmless"] for each in differences} == {True}, differences
    assert (status.exit_code, len(differences)) == (0, 5)
    nasty.kubectl("set", "env", *N, "deployment/web", "DEBUG=1")
    assert nasty.seaway("status", "--drift", "--stack", STACK).exit_code == 4


def test_a_lost_state_is_told_and_keeps_what_runs(nasty: project.Project) -> None:
    nasty.kubectl("set", "env", *N, "deployment/web", "DEBUG-")
    nasty.kubectl("rollout", "status", *N, "deployment/web", "--timeout=60s")
    generated = read_bytes(nasty, "/run/secrets/GENERATED")
    config = nasty.stack_file.read_text()
    nasty.pulumi("stack", "rm", STACK, "--force", "--yes", "--preserve-config", check=True)
    nasty.pulumi("stack", "init", STACK, check=True)
    nasty.stack_file.write_text(config)
    told = "objects of this stack exist already, and its state does not have them: Namespace nasty-values"
    assert told in nasty.preview().output
    nasty.up()
    assert read_bytes(nasty, "/run/secrets/GENERATED") == generated
    nasty.preview("--expect-no-changes")
