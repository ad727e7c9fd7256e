"""The record of a release in one environment: all inputs of its objects except the values of secrets.

Its id starts with that of the release (see ``seaway.project.release``), which is the same in every environment. The
rest is a hash of what this environment adds: overlay, settings, secrets.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from seaway.kubernetes.api import kinds
from seaway.manifests import identity, inputs, objects
from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.project import environments, migration, release
from seaway.syntax import decode, encode, hashing, nodes

ENVIRONMENT_DIGITS = 6
"""Hexadecimal digits of the hash of what the environment adds."""

_UNRECORDED_SETTINGS = frozenset(
    [
        "app",
        "builder",
        "build",
        "check_severity",
        "context",
        "debug_image",
        "engine",
        "overlay",
        "platform",
        "policy",
        "promotion",
        "registry",
        "root",
        "trust",
        "waivers",
    ]
)
"""Settings that do not shape objects: the target and the build. The overlay is part of the application. All other
settings are recorded, new ones too."""

_UNKNOWN_PROVENANCE = release.Provenance()

_Application = application.Application
"""Alias for annotations: a field of ``RecordDocument`` has the name of the module."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordImage:
    """An image in a stored record."""

    reference: str
    content: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordDocument:
    """A stored record."""

    application: _Application
    base: _Application | None = None
    settings: Any
    images: Mapping[str, RecordImage] = dataclasses.field(default_factory=dict[str, RecordImage])
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """A release in one environment."""

    environment: environments.Environment
    """A stored record has only the settings that shape objects: the others have their defaults."""
    images: Mapping[str, inputs.Image]
    """The built images, by name of the service, store or job."""
    secrets: Mapping[str, str]
    """Fingerprints by name."""

    @classmethod
    def create(
        cls,
        environment: environments.Environment,
        images: Mapping[str, inputs.Image],
        secrets: Mapping[str, inputs.SecretValue],
    ) -> Self:
        """The record of a deployment with the arguments of ``objects.objects``."""
        fingerprints = {name: secret.fingerprint for name, secret in secrets.items() if name != inputs.PULL_CREDENTIALS}
        return cls(environment=environment, images=images, secrets=fingerprints)

    @classmethod
    def decode(cls, node: nodes.Node) -> Self:
        """Decode a record that ``to_plain`` encoded."""
        document = decode.decode_node(RecordDocument, node)
        context = nodes.Pair(node.location, nodes.ScalarNode(node.location, "-"))
        pairs = {**nodes.get_pairs(node, "settings"), "context": context}
        return cls(
            environment=environments.Environment(
                app=resolve.resolve_application(document.application),
                declared=document.application,
                base=document.base or document.application,
                settings=decode.decode_node(
                    settings.Settings, nodes.MappingNode(node.location, pairs), path="settings"
                ),
            ),
            images={
                name: inputs.Image(reference=image.reference, content=image.content)
                for name, image in document.images.items()
            },
            secrets=document.secrets,
        )

    @property
    def id(self) -> str:
        """The id of the record. It is known in a preview, before the digests of images are.

        It covers the manifests: another version of Seaway may render others from the same application.
        """
        return self.compute_id(self.render_objects())

    def compute_id(self, release_objects: Iterable[objects.ReleaseObject]) -> str:
        """The id, from the objects of the record: rendered with its images, and without the values of secrets."""
        images = {name: dataclasses.replace(image, reference=image.content) for name, image in self.images.items()}
        plain = migration.restore_former_keys(dataclasses.replace(self, images=images).to_plain())
        contents = {image.reference: image.content for image in self.images.values()}
        manifests = [unbuilt.manifest for unbuilt in objects.replace_images(release_objects, contents)]
        return f"{self.release_id}-{hashing.hash_content([plain, manifests], ENVIRONMENT_DIGITS)}"

    @property
    def release_id(self) -> str:
        """The id of the release."""
        return release.compute_id(self.environment.base, {name: image.content for name, image in self.images.items()})

    def build_release(self, provenance: release.Provenance, recorded: str) -> release.Release:
        """The release, which may be promoted to other environments."""
        return release.Release(
            application=self.environment.base,
            images={
                name: release.ReleaseImage.parse(image.reference, image.content) for name, image in self.images.items()
            },
            provenance=provenance,
            recorded=recorded,
        )

    def to_plain(self) -> dict[str, Any]:
        """A mapping for YAML, JSON and Pulumi. References may be values that are not known yet."""
        declared, base = self.environment.declared, self.environment.base
        images = {name: {"reference": image.reference, "content": image.content} for name, image in self.images.items()}
        recorded = _get_recorded(self.environment.settings)
        return {
            "application": encode.to_plain(declared),
            **({} if base == declared else {"base": encode.to_plain(base)}),
            "images": images,
            "settings": {decode.to_camel_case(name): encode.to_plain(value) for name, value in recorded.items()},
            "secrets": dict(self.secrets),
        }

    def apply_settings(self, stack_settings: settings.Settings) -> settings.Settings:
        """The settings with the recorded ones. A record does not choose the stack."""
        recorded = _get_recorded(self.environment.settings)
        return dataclasses.replace(stack_settings, **{**recorded, "stack": stack_settings.stack})

    def render_objects(self) -> list[objects.ReleaseObject]:
        """Its objects, with Secrets by name but without their values.

        Raises:
            LookupError: an image or the fingerprint of a secret is missing.
        """
        fingerprints = {**self.secrets, inputs.PULL_CREDENTIALS: ""}
        secrets = {name: inputs.SecretValue(fingerprint=text, value="") for name, text in fingerprints.items()}
        return objects.objects(self.environment, self.images, secrets)


def _get_recorded(stack_settings: settings.Settings) -> dict[str, Any]:
    """The settings that a record has, by field."""
    names = [field.name for field in dataclasses.fields(stack_settings) if field.name not in _UNRECORDED_SETTINGS]
    recorded = {name: getattr(stack_settings, name) for name in names}
    if not stack_settings.program_secrets:
        del recorded["program_secrets"]  # records that are older than this setting keep their ids
    if stack_settings.gateway == settings.Gateway():
        del recorded["gateway"]  # likewise
    if stack_settings.test == settings.Test():
        del recorded["test"]
    return recorded


def parse_release_id(record_id: str) -> str:
    """The id of the release in the id of a record."""
    return record_id.partition("-")[0]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordSummary:
    """A record that was stored, without its files."""

    id: str
    recorded: str
    """Time of the first deployment: RFC 3339, in UTC."""
    sha256: str | None = None
    """Of its stored bytes, see ``stored_record.StoredRecord``. None: the stack's state does not have it."""
    provenance: release.Provenance = _UNKNOWN_PROVENANCE

    @property
    def release_id(self) -> str:
        """The id of its release."""
        return parse_release_id(self.id)


def encode_objects(release_objects: Iterable[objects.ReleaseObject]) -> list[dict[str, Any]]:
    """Objects as plain values: the manifest without the values of secrets, and the order of the rollout."""
    return [
        {
            "manifest": _remove_secret_values(release_object.manifest),
            "owner": release_object.owner,
            "wave": release_object.phase.name,
            "turn": release_object.order,
            "deadline": release_object.deadline,
            "version": release_object.version,
        }
        for release_object in release_objects
    ]


def decode_objects(encoded: Iterable[Mapping[str, Any]]) -> list[objects.ReleaseObject]:
    """Decode the objects of ``encode_objects``.

    Raises:
        ValueError: the list is invalid.
    """
    try:
        release_objects = [
            objects.ReleaseObject(
                manifest=dict(plain["manifest"]),
                owner=plain["owner"],
                phase=objects.Phase[plain["wave"]],
                order=plain["turn"],
                deadline=plain["deadline"],
                version=plain["version"],
            )
            for plain in encoded
        ]
        texts: list[Any] = [
            text
            for release_object in release_objects
            for text in (release_object.kind, release_object.name, release_object.manifest["apiVersion"])
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a list of objects ({error})") from None
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("not a list of objects (an object has no name)")
    return release_objects


def fill_secret_values(
    release_objects: Iterable[objects.ReleaseObject], secret_values: Mapping[str, Any]
) -> Iterator[objects.ReleaseObject]:
    """Recorded objects with the values of their secrets, by name; a value that is no longer known is None."""
    for release_object in release_objects:
        if release_object.kind != "Secret":
            yield release_object
            continue
        manifest = release_object.manifest
        names = dict.fromkeys(manifest["data"], inputs.PULL_CREDENTIALS)
        if release_object.name != identity.PULL_SECRET_NAME:
            names = {key: key for key in names}
        data = {key: secret_values.get(name) for key, name in names.items()}
        yield dataclasses.replace(release_object, manifest={**manifest, "data": data})


def find_target_mismatch(
    release_record: ReleaseRecord, release_objects: Sequence[objects.ReleaseObject], *, app_name: str, stack: str
) -> str | None:
    """Why a record must not be deployed to a stack; None: it may. It chooses neither application, stack nor namespace.

    ``release_objects``: those of the record.
    """
    recorded, namespace = release_record.environment, release_record.environment.namespace
    if (recorded.app.name, recorded.base.name, recorded.settings.stack) != (app_name, app_name, stack):
        return f"is a release of {recorded.app.name} in stack {recorded.settings.stack}, not of {app_name} in {stack}"
    versions = {**kinds.MANAGED_VERSIONS, "Namespace": "v1"}
    for release_object in release_objects:
        metadata = release_object.manifest["metadata"]
        actual = metadata["name"] if release_object.kind == "Namespace" else metadata.get("namespace")
        if actual != namespace or release_object.manifest["apiVersion"] != versions.get(release_object.kind):
            return f"has an object outside of namespace {namespace}: {release_object.identity}"
    if [release_object.kind for release_object in release_objects].count("Namespace") != 1:
        return "does not have exactly one Namespace"
    return None


def _remove_secret_values(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["kind"] != "Secret":
        return manifest
    return {**manifest, "data": dict.fromkeys(manifest["data"], "")}
