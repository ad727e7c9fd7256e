"""Secrets from every source are planted in one stack. They reach its Secrets, and no other place."""

import base64
import gzip
import json
import os
import re
import secrets
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import kubectl, project
from seaway.images import registry

pytestmark = pytest.mark.cluster

STACK = "planted"
NAMESPACE = f"canary-{STACK}"
IN_NAMESPACE = ("-n", NAMESPACE)
SLEEP = "trap exit TERM; while true; do sleep 1; done"

CANARIES = {
    source: f"cnry-{source}+{secrets.token_hex(8)}="
    for source in (
        *("dotenv", "env_file", "environment", "command", "healthcheck", "hook", "config_file", "label"),
        *("stack", "build", "program", "external"),
    )
}
"""A value for each source, with characters that URLs escape. The stack generates one more."""

PROGRAM = f"""
import pulumi
from components import Application, ApplicationArgs

value = pulumi.Output.secret({CANARIES["program"]!r})
app = Application.from_stack(ApplicationArgs(secrets={{"PROGRAM": value}}))
"""
DOCKERFILE = """\
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN --mount=type=secret,id=npm test -s /run/secrets/npm
COPY page /srv/page
USER 10001
"""
PLANTED = ("app/.env", "app/web.env", "app/compose.yaml", "__main__.py")
KINDS = f"{kubectl.CONTROLLERS},pods,services,endpointslices,configmaps,serviceaccounts,roles,networkpolicies,events"


def build_compose() -> dict[str, Any]:
    web = {
        "build": {"context": "./web", "secrets": ["npm"]},
        "entrypoint": ["sh", "-c", SLEEP, "x", "--api-key", CANARIES["command"]],
        "environment": {"DB_PASSWORD": "${DB_PASSWORD}", "SESSION_SECRET": CANARIES["environment"]},
        "env_file": "web.env",
        "healthcheck": {"test": ["CMD", "true", "--password", CANARIES["healthcheck"]]},
        "post_start": [{"command": ["true", "--token", CANARIES["hook"]]}],
        "configs": [{"source": "ini", "target": "/etc/canary.ini"}],
        "labels": {"example.com/url": f"http://me:{CANARIES['label']}@example.com/"},
    }
    return {
        "name": "canary",
        "services": {"web": web},
        "secrets": {"npm": {"file": "./npm.txt"}},
        "configs": {
            "ini": {"content": f"[db]\npassword = {CANARIES['config_file']}\nurl = x://me:${{DB_PASSWORD}}@db\n"}
        },
    }


def encode(text: str) -> set[bytes]:
    """How the text may be written: as it is, in JSON, in URLs, and within a longer text in base64."""
    plain = text.encode()
    forms = {plain, json.dumps(text)[1:-1].encode(), urllib.parse.quote(text, safe="").encode()}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + plain)
        forms.add(encoded[4 if offset else 0 : len(encoded) // 4 * 4 - 4])
    return forms


def find_canaries(places: Mapping[str, bytes], values: Mapping[str, str]) -> set[tuple[str, str]]:
    """The source of each canary, and the place that contains it."""
    sources = {form: source for source, text in values.items() for form in encode(text)}
    pattern = re.compile(b"|".join(map(re.escape, sources)))
    return {(sources[match], place) for place, content in places.items() for match in pattern.findall(content)}


def read_files(folder: Path) -> dict[str, bytes]:
    """The files of the checkout: state, its backups and history, lock, releases, staged contexts, records of builds."""
    paths = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    files = {str(path.relative_to(folder)): path for path in paths if path.is_file() and not path.is_symlink()}
    return {name: path.read_bytes() for name, path in files.items() if name not in PLANTED}


def read_image(checkout: project.Project, image: str, folder: Path) -> dict[str, bytes]:
    """The manifests, the configuration with its history, and the layers, unpacked."""
    host, _, path = image.partition("/")
    source = f"docker://{registry.parse_addresses(checkout.env)[host]}/{path}"
    words = ("copy", "--quiet", "--all", "--src-tls-verify=false", source, f"dir:{folder}")
    command = ["skopeo", "--insecure-policy", *words]
    subprocess.run(command, check=True, env=checkout.env)
    blobs = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {
        f"blob {name}": gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        for name, content in blobs.items()
    }


def read_cluster() -> dict[str, bytes]:
    """The objects without the Secrets, with the events and the records of releases, unpacked; and the logs."""
    places: dict[str, bytes] = {}
    for item in json.loads(kubectl.run("get", KINDS, *IN_NAMESPACE, "-o", "json"))["items"]:
        name = f"{item['kind']}/{item['metadata']['name']}"
        places[name] = json.dumps(item, ensure_ascii=False).encode()
        for key, text in item.get("binaryData", {}).items():
            content = base64.b64decode(text)
            places[f"{name} {key}"] = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    places["logs"] = kubectl.run("logs", *IN_NAMESPACE, "deployment/web", "--all-containers").encode()
    return places


def read_secrets() -> bytes:
    items = json.loads(kubectl.run("get", "secrets", *IN_NAMESPACE, "-o", "json"))["items"]
    return b"\n".join(base64.b64decode(text) for item in items for text in item.get("data", {}).values())


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    own = {
        "STACK": None,
        "GENERATED": {"generate": 24},
        "PROGRAM": None,
        "VAULT": {"existing": "vault", "key": "password"},
    }
    result = project.Project.create(
        tmp_path_factory.mktemp("canary"),
        application=project.ROOT / "examples" / "smallest",
        stack=STACK,
        app="app/compose.yaml",
        publish="none",
        programSecrets=["PROGRAM"],
        overlay={"services": {"web": {"scale": 1, "secrets": own, "resources": {"cpu": "10m"}}}},
    )
    app = result.folder / "app"
    shutil.rmtree(app)
    (app / "web").mkdir(parents=True)
    (app / "compose.yaml").write_text(yaml.safe_dump(build_compose()))
    (app / ".env").write_text(f"DB_PASSWORD={CANARIES['dotenv']}\n")
    (app / "web.env").write_text(f"API_TOKEN={CANARIES['env_file']}\n")
    (app / "web" / "Dockerfile").write_text(DOCKERFILE)
    (app / "web" / "page").write_text("1")
    (result.folder / "__main__.py").write_text(PROGRAM)
    result.set_secret("STACK", CANARIES["stack"])
    result.set_secret("npm", CANARIES["build"])
    kubectl.run("create", "namespace", NAMESPACE)
    vault = ("create", "secret", "generic", "vault", f"--from-literal=password={CANARIES['external']}", *IN_NAMESPACE)
    kubectl.run(*vault)
    kubectl.run("label", "namespace", NAMESPACE, "app.kubernetes.io/part-of=canary", f"seaway/stack={STACK}")
    yield result
    kubectl.delete_namespaces(NAMESPACE)


def test_a_secret_is_nowhere_but_in_secrets(checkout: project.Project, tmp_path: Path) -> None:
    places: dict[str, bytes] = {}

    def run(*words: str) -> None:
        result = checkout.seaway(*words, "--stack", STACK)
        assert result.exit_code == 0 or "--drift" in words, "the Secret of the vault is drift"
        places[f"seaway {' '.join(words)}"] = result.output.encode()

    run("preview", "--json")
    run("up", "--yes")
    (checkout.folder / "app" / "web" / "page").write_text("2")
    run("preview", "--markdown", "preview.md")
    run("up", "--yes")
    for words in (
        ("status", "--json"),
        ("status", "--drift"),
        ("check",),
        ("check", "--json"),
        ("render",),
        ("explain", "web"),
    ):
        run(*words)
    run("release", "list")
    run("release", "save")
    exported = checkout.pulumi("stack", "export", "--stack", STACK, check=True)
    history = checkout.pulumi("stack", "history", "--json", "--stack", STACK, check=True)
    places |= {"pulumi stack export": exported.output.encode(), "pulumi stack history": history.output.encode()}
    places |= read_cluster()
    places |= {f"file {name}": content for name, content in read_files(checkout.folder).items()}
    (pod,) = json.loads(places["Deployment/web"])["spec"]["template"]["spec"]["containers"]
    places |= read_image(checkout, pod["image"], tmp_path / "image")

    stored = read_secrets()
    reached = {source for source, _ in find_canaries({"Secrets": stored}, CANARIES)}
    assert reached == CANARIES.keys() - {"label", "build"}, "a label has no Secret, and a build reads the stack's"
    generated = kubectl.run("exec", *IN_NAMESPACE, "deployment/web", "--", "cat", "/run/secrets/GENERATED")
    values = {**CANARIES, "generated": generated.strip()}
    assert find_canaries({"Secrets": stored}, {"generated": values["generated"]})

    print(f"{len(values)} values, {len(places)} places, {sum(map(len, places.values())):,} bytes")
    assert find_canaries(places, values) == set()

    for text in (CANARIES["stack"], base64.b64encode(b"x" + CANARIES["stack"].encode()).decode()):
        kubectl.run("annotate", "--overwrite", *IN_NAMESPACE, "deployment/web", f"planted={text}")
        assert ("stack", "Deployment/web") in find_canaries(read_cluster(), values), "the search must be able to fail"
