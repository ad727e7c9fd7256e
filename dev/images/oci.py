"""Builds OCI images from layers, and pushes images that a registry lacks.

https://github.com/opencontainers/image-spec/blob/main/spec.md
"""

import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import typing
import urllib.error
import urllib.request

from dev.images import layers, recipes

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MANIFESTS = (
    MANIFEST,
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
RECIPE_ANNOTATION = "dev.seaway.recipe"
"""The annotation of a manifest with the id of its recipe."""
CONTENT_LABEL = "dev.seaway.content"
"""The label with the packages of an image and their versions."""


def compute_recipe_id(image: recipes.Image) -> str:
    """Return 12 hex digits of a hash over the image's layer and its runtime settings."""
    return hashlib.sha256(
        json.dumps([image.layer.compute_key(), image.config, format_environment(image), image.labels]).encode()
    ).hexdigest()[:12]


def is_in_registry(image: recipes.Image, registry: str) -> bool:
    """Return whether the registry (`host:port`, plain http) has this image, built from the same recipe."""
    manifest = read_registry(registry, f"{image.repository}/manifests/{image.tag}")
    return (manifest or {}).get("annotations", {}).get(RECIPE_ANNOTATION) == compute_recipe_id(image)


def read_registry(registry: str, path: str) -> dict[str, typing.Any] | None:
    """Return the JSON of a path below /v2/. None: the registry does not have it. Raises CannotMakeError."""
    url = f"http://{registry}/v2/{path}"
    request = urllib.request.Request(url, headers={"Accept": ", ".join(MANIFESTS)})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a local address never goes to a proxy
    try:
        with direct.open(request, timeout=10) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise layers.CannotMakeError(
            f"registry {registry}: {url} returns {error.code}; see the log of the registry"
        ) from error
    except OSError as error:
        raise layers.CannotMakeError(
            f"registry {registry}: no response ({error}); check that the cluster runs: make cluster-up"
        ) from error


def push_image(image: recipes.Image, stack: list[layers.BuiltLayer], registry: str) -> str:
    """Push the image without layers that the registry has. Returns its digest."""
    with tempfile.TemporaryDirectory(prefix=".push-", dir=layers.cache_folder()) as scratch:
        layout = pathlib.Path(scratch)
        digest = write_layout(image, stack, layout)
        copy_image(f"oci:{layout}:{image.tag}", image.name, registry, "--preserve-digests")
    return digest


def copy_image(source: str, name: str, registry: str, *options: str) -> None:
    """Copy an image to the registry. `source` is in the form of skopeo, `name` is `repository:tag`."""
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", *options, source]
    environment = {**os.environ, "no_proxy": registry.partition(":")[0]}
    result = subprocess.run(
        [*command, f"docker://{registry}/{name}"], env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise layers.CannotMakeError(f"copying {source} to {registry}/{name} failed: {result.stderr.strip()}")


def write_layout(image: recipes.Image, stack: list[layers.BuiltLayer], layout: pathlib.Path) -> str:
    """Write an OCI image layout with hard links to the cached layers. Returns the digest of the manifest."""
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def write_blob(content: object, media_type: str) -> dict[str, object]:
        encoded = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
        digest = hashlib.sha256(encoded).hexdigest()
        (blobs / digest).write_bytes(encoded)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(encoded)}

    for layer in stack:
        (blobs / layer.digest.removeprefix("sha256:")).hardlink_to(layer.file)
    versions = layers.read_versions(stack[-1], image.layer.packages)
    content = {CONTENT_LABEL: ", ".join(f"{package} {version}" for package, version in versions.items())}
    config = write_blob(
        {
            "architecture": recipes.find_architecture(),
            "os": "linux",
            "config": {**image.config, "Env": format_environment(image), "Labels": {**image.labels, **content}},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in stack]},
        },
        "application/vnd.oci.image.config.v1+json",
    )
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    manifest = write_blob(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": [
                {"mediaType": kind, "digest": layer.digest, "size": layer.file.stat().st_size} for layer in stack
            ],
            "annotations": {RECIPE_ANNOTATION: compute_recipe_id(image)},
        },
        MANIFEST,
    )
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    descriptor = {**manifest, "annotations": {"org.opencontainers.image.ref.name": image.tag}}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    return str(manifest["digest"])


def format_environment(image: recipes.Image) -> list[str]:
    """Format the image's variables, with the trusted authorities: pip has its own otherwise."""
    bundle = str(recipes.HOST_BUNDLE)
    variables = {**image.environment, "SSL_CERT_FILE": bundle, "PIP_CERT": bundle}
    return [f"{name}={value}" for name, value in sorted(variables.items())]
