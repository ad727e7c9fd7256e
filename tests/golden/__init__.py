"""Golden manifests: the rendered examples as text, so that a change of them is reviewed.

``python -m tests.golden`` writes them.
"""

import base64
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from seaway.files import roots
from seaway.manifests import inputs, objects, yaml_writer
from seaway.model import application, secrets, settings
from seaway.project import environments, load, stack_file
from seaway.release import record
from seaway.syntax import decode, encode, nodes

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ("smallest", "shop", "everything")
EXTERNAL = "external"
STACK_EXAMPLES = (EXTERNAL, "gateway")
"""Examples without an application of their own: stack files for examples/shop."""
STATED: dict[str, dict[str, Any]] = {
    "everything": {
        "publish": "ingress",
        "ingress": settings.Ingress(
            hosts={"board": ("board.example.com",)}, class_name="traefik", issuer="letsencrypt", namespace="traefik"
        ),
        "image_pull_credentials": settings.PullCredentials(user="robot", secret="REGISTRY_PASSWORD"),
    }
}
"""The settings of each example's environment."""
ACCOUNT = base64.b64encode(b'{"auths": {}}').decode()
"""Without an account, in the format that the API server requires."""


def file(example: str) -> Path:
    """Return the golden file of an example."""
    return Path(__file__).with_name(f"{example}.yaml")


def make_inputs(app: application.Application) -> tuple[dict[str, inputs.Image], dict[str, inputs.SecretValue]]:
    """Return constant images and secrets, so that golden files do not depend on the source of the examples."""
    images = {
        workload.name: inputs.Image(
            reference=f"registry.example.com/{app.name}/{workload.name}@sha256:{hashlib.sha256(workload.name.encode()).hexdigest()}",
            content="ctx-000000000000",
        )
        for workload in (*app.services, *app.stores)
        if workload.build is not None
    }
    values = {
        name: inputs.SecretValue(fingerprint=f"fingerprint of {name}", value="c2VjcmV0")
        for name in secrets.list_managed_names(app)
    }
    values[inputs.PULL_CREDENTIALS] = inputs.SecretValue(
        fingerprint=f"fingerprint of {inputs.PULL_CREDENTIALS}", value=ACCOUNT
    )
    return images, values


def create_record(app: application.Application, stack_settings: settings.Settings) -> record.ReleaseRecord:
    """Return the record of a resolved application without an overlay."""
    return record.ReleaseRecord.create(environments.Environment.create(app, stack_settings), *make_inputs(app))


def change_record(
    release_record: record.ReleaseRecord, app: application.Application | None = None, **changed: Any
) -> record.ReleaseRecord:
    """Return a record with another application or other settings."""
    environment = release_record.environment
    app = app or environment.app
    stack_settings = dataclasses.replace(environment.settings, **changed)
    other = dataclasses.replace(environment, app=app, declared=app, base=app, settings=stack_settings)
    return dataclasses.replace(release_record, environment=other)


def load_example(example: str) -> application.Application:
    """Load an example."""
    return load.load_application(ROOT / "examples" / example / "app.yaml", root=roots.Root(ROOT))


def format_config(example: str) -> str:
    """Format the settings of an example as lines of a stack's file, below `config:`."""
    stated = {decode.to_camel_case(name): encode.to_plain(value) for name, value in STATED.get(example, {}).items()}
    if "imagePullCredentials" in stated:
        stated["secrets"] = {stated["imagePullCredentials"]["secret"]: {"secure": "v1:x:y"}}
    return "".join(f"  seaway:{key}: {json.dumps(value)}\n" for key, value in stated.items())


def read_external(*removed: str, example: str = EXTERNAL) -> environments.Environment:
    """Read the environment of examples/external or another stack file, without some of its settings."""
    config = stack_file.read_config(ROOT / "examples" / example / "Pulumi.prod.yaml")
    pairs = {key: pair for key, pair in config.pairs.items() if key not in removed}
    node = nodes.MappingNode(config.location, pairs)
    return environments.read_environment(node, folder=ROOT, stack="prod", check_ids=())


def build_objects(example: str, **stated: Any) -> list[objects.ReleaseObject]:
    """Render the objects of an example in its environment, with additional settings."""
    if example in STACK_EXAMPLES:
        environment = read_external(example=example)
        return objects.objects(environment, *make_inputs(environment.app))
    app = load_example(example)
    stack = settings.Settings(
        stack="test", context="test", registry="registry.example.com", **STATED.get(example, {}) | stated
    )
    return objects.objects(environments.Environment.create(app, stack), *make_inputs(app))


def format_manifests(example: str) -> str:
    """What the golden file should hold."""
    return yaml_writer.dump_objects(build_objects(example))
