"""Builds OCI images from layers, and pushes images that a registry lacks.

https://github.com/opencontainers/image-spec/blob/main/spec.md
"""

import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.error
import urllib.request

from dev.images import layers, recipes

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
RECIPE_ANNOTATION = "dev.seaway.recipe"
"""The annotation of a manifest with the id of its recipe."""


def compute_recipe_id(image: recipes.Image) -> str:
    """Return 12 hex digits of a hash over the image's layer and its runtime settings."""
    return hashlib.sha256(
        json.dumps([image.layer.compute_key(), image.config, format_environment(image), image.labels]).encode()
    ).hexdigest()[:12]


def is_in_registry(image: recipes.Image, registry: str) -> bool:
    """Return whether the registry (`host:port`, plain http) has this image, built from the same recipe."""
    url = f"http://{registry}/v2/{image.repository}/manifests/{image.tag}"
    request = urllib.request.Request(url, headers={"Accept": MANIFEST})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a local address never goes to a proxy
    try:
        with direct.open(request, timeout=10) as response:
            manifest = json.load(response)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise layers.CannotMakeError(
            f"registry {registry}: {url} returns {error.code}; see the log of the registry"
        ) from error
    except OSError as error:
        raise layers.CannotMakeError(
            f"registry {registry}: no response ({error}); check that the cluster runs"
        ) from error
    return manifest.get("annotations", {}).get(RECIPE_ANNOTATION) == compute_recipe_id(image)


def push_image(image: recipes.Image, stack: list[layers.BuiltLayer], registry: str) -> str:
    """Push the image without layers that the registry has. Returns its digest."""
    with tempfile.TemporaryDirectory(prefix=".push-", dir=layers.cache_folder()) as scratch:
        layout = pathlib.Path(scratch)
        digest = write_layout(image, stack, layout)
        source, target = f"oci:{layout}:{image.tag}", f"docker://{registry}/{image.name}"
        options = ["--quiet", "--preserve-digests", "--insecure-policy", "--dest-tls-verify=false"]
        environment = {**os.environ, "no_proxy": registry.partition(":")[0]}
        result = subprocess.run(
            ["skopeo", "copy", *options, source, target], env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise layers.CannotMakeError(f"push of {image.name} to {registry} failed: {result.stderr.strip()}")
    return digest


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
    config = write_blob(
        {
            "architecture": recipes.find_architecture(),
            "os": "linux",
            "config": {**image.config, "Env": format_environment(image), "Labels": image.labels},
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
