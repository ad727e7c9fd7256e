"""The record of a release in one environment: everything that its objects are made of, but for the values of secrets.

Its id begins with that of the release (see ``release``), which is the same in every environment; what follows stands
for what this environment adds: overlay, settings, secrets.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from seaway.kubernetes.api import kinds
from seaway.manifests import identity, inputs, objects
from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.project import environments, migration
from seaway.project import release as releases
from seaway.syntax import decode, diagnosis, encode, hashing, nodes

ENVIRONMENT_DIGITS = 6
"""Hexadecimal digits that stand for what the environment adds."""

_UNRECORDED_SETTINGS = frozenset(
    (
        "context",
        "app",
        "root",
        "build",
        "promotion",
        "registry",
        "engine",
        "builder",
        "platform",
        "policy",
        "check_severity",
        "waivers",
        "overlay",
    )
)
"""Settings that no object shows: where to deploy to and how to build. What the overlay says is in the application. A
setting that is not listed here counts."""


# Names for the annotations of classes that have fields called as these modules are.
_Application = application.Application
_Settings = settings.Settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordImage:
    """An image as it is written down."""

    reference: str
    content: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordDocument:
    """A record as it is written down."""

    application: _Application
    base: _Application | None = None
    settings: Any
    images: Mapping[str, RecordImage] = dataclasses.field(default_factory=dict[str, RecordImage])
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """One release of one environment."""

    app: application.Application
    """As the environment has it, resolved or not."""
    base: application.Application
    """Without the environment's overlay: what is promoted."""
    images: Mapping[str, inputs.Image]
    """By name of the service, store or job that is built."""
    settings: Mapping[str, Any]
    """Those that shape objects, by field of settings.Settings."""
    secrets: Mapping[str, str]
    """Fingerprint by name."""

    @classmethod
    def create(
        cls,
        app: application.Application,
        stack_settings: _Settings,
        images: Mapping[str, inputs.Image],
        secrets: Mapping[str, inputs.SecretValue],
        *,
        base: _Application | None = None,
    ) -> Self:
        """What is deployed with these; the same four that ``objects.objects`` takes. ``base``: without any overlay."""
        return cls(
            app=app,
            base=base or app,
            images=images,
            settings={
                field.name: getattr(stack_settings, field.name)
                for field in dataclasses.fields(stack_settings)
                if field.name not in _UNRECORDED_SETTINGS
            },
            secrets={name: one.fingerprint for name, one in secrets.items() if name != inputs.PULL_CREDENTIALS},
        )

    @classmethod
    def decode(cls, node: nodes.Node) -> Self:
        """A record from what ``plain`` made.

        Raises:
            diagnosis.InvalidInput: it is no record, or one that this version of Seaway does not understand.
        """
        written = decode.decode_node(RecordDocument, node)
        said = nodes.MappingNode(
            node.location, {**nodes.get_pairs(node, "settings"), "context": _create_pair("-", node.location)}
        )
        return cls.create(
            written.application,
            decode.decode_node(settings.Settings, said, path="settings"),
            {name: inputs.Image(reference=one.reference, content=one.content) for name, one in written.images.items()},
            {name: inputs.SecretValue(fingerprint=one, value="") for name, one in written.secrets.items()},
            base=written.base,
        )

    @property
    def id(self) -> str:
        """What stands for it: known in a preview, when the images' digests are not.

        The manifests count too: another version of Seaway may make others of the same application.
        """
        return self.compute_id(self.render_objects())

    def compute_id(self, release_objects: Iterable[objects.ReleaseObject]) -> str:
        """The id, from the objects of the record: rendered with its images, and without the values of secrets."""
        images = {name: dataclasses.replace(image, reference=image.content) for name, image in self.images.items()}
        unbuilt = dataclasses.replace(self, images=images)
        contents = {image.reference: image.content for image in self.images.values()}
        manifests = [one.manifest for one in objects.replace_images(release_objects, contents)]
        own = hashing.hash_content([migration.restore_former_keys(unbuilt.to_plain()), manifests], ENVIRONMENT_DIGITS)
        return f"{self.release_id}-{own}"

    @property
    def release_id(self) -> str:
        """The id of the release."""
        return releases.compute_id(self.base, {name: one.content for name, one in self.images.items()})

    def build_release(self, provenance: releases.Provenance, recorded: str) -> releases.Release:
        """The release itself, as it may be given to the next environment."""
        return releases.Release(
            application=self.base,
            images={name: releases.ReleaseImage.parse(one.reference, one.content) for name, one in self.images.items()},
            provenance=provenance,
            recorded=recorded,
        )

    @property
    def namespace(self) -> str:
        """Where it is deployed."""
        return settings.Settings(context="-", **self.settings).format_namespace(self.app.name)

    def to_plain(self) -> dict[str, Any]:
        """As a mapping that YAML, JSON and Pulumi can hold. References may be values that are not known yet."""
        base = {} if self.base == self.app else {"base": encode.to_plain(self.base)}
        return {
            "application": encode.to_plain(self.app),
            **base,
            "images": {name: {"reference": one.reference, "content": one.content} for name, one in self.images.items()},
            "settings": {decode.to_camel_case(name): encode.to_plain(value) for name, value in self.settings.items()},
            "secrets": dict(self.secrets),
        }

    def apply_settings(self, stack_settings: _Settings) -> _Settings:
        """``chosen`` with what the release was deployed with. A record chooses no stack."""
        return dataclasses.replace(stack_settings, **{**self.settings, "stack": stack_settings.stack})

    @property
    def resolved_app(self) -> application.Application:
        """The application as ``objects.objects`` takes it."""
        return resolve.resolve_application(self.app)

    @property
    def environment(self) -> environments.Environment:
        """The recorded application, resolved, with the recorded settings."""
        return environments.Environment.create(self.resolved_app, settings.Settings(context="-", **self.settings))

    def render_objects(self) -> list[objects.ReleaseObject]:
        """Its objects. Secrets are among them by name, without their values.

        Raises:
            LookupError: an image or the fingerprint of a secret is missing.
        """
        fingerprints = {**self.secrets, inputs.PULL_CREDENTIALS: ""}
        secrets = {name: inputs.SecretValue(fingerprint=one, value="") for name, one in fingerprints.items()}
        return objects.objects(self.environment, self.images, secrets)


def parse_release_id(record_id: str) -> str:
    """The id of the release in that of a record."""
    return record_id.partition("-")[0]


def encode_objects(release_objects: Iterable[objects.ReleaseObject]) -> list[dict[str, Any]]:
    """Objects as plain values: the manifest, and how it is rolled out. The values of secrets are left out."""
    return [
        {
            "manifest": _remove_secret_values(one.manifest),
            "owner": one.owner,
            "wave": one.phase.name,
            "turn": one.order,
            "deadline": one.deadline,
            "version": one.version,
        }
        for one in release_objects
    ]


def decode_objects(written: Iterable[Mapping[str, Any]]) -> list[objects.ReleaseObject]:
    """The objects that ``written_objects`` wrote.

    Raises:
        ValueError: it is no such list.
    """
    try:
        found = [
            objects.ReleaseObject(
                manifest=dict(one["manifest"]),
                owner=one["owner"],
                phase=objects.Phase[one["wave"]],
                order=one["turn"],
                deadline=one["deadline"],
                version=one["version"],
            )
            for one in written
        ]
        texts: list[Any] = [text for one in found for text in (one.kind, one.name, one.manifest["apiVersion"])]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a list of objects ({error})") from None
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("not a list of objects (one has no name)")
    return found


def fill_secret_values(
    release_objects: Iterable[objects.ReleaseObject], secrets: Mapping[str, inputs.SecretValue]
) -> Iterator[objects.ReleaseObject]:
    """Recorded objects with the values of their secrets; a value that is not known any more is None."""
    unknown = inputs.SecretValue(fingerprint="", value=None)
    for one in release_objects:
        if one.kind != "Secret":
            yield one
            continue
        login = one.name == identity.PULL_SECRET_NAME
        data = {
            key: secrets.get(inputs.PULL_CREDENTIALS if login else key, unknown).value for key in one.manifest["data"]
        }
        yield dataclasses.replace(one, manifest={**one.manifest, "data": data})


def find_target_mismatch(
    release_record: ReleaseRecord, release_objects: Sequence[objects.ReleaseObject], *, app_name: str, stack: str
) -> str | None:
    """Why a record must not be deployed to a stack; None: it may. It chooses neither application, stack nor namespace.

    ``found``: its objects.
    """
    if (release_record.app.name, release_record.base.name, release_record.settings["stack"]) != (
        app_name,
        app_name,
        stack,
    ):
        return f"is a release of {release_record.app.name} in stack {release_record.settings['stack']}, not of {app_name} in {stack}"
    for each in release_objects:
        meta = each.manifest["metadata"]
        inside = meta["name"] if each.kind == "Namespace" else meta.get("namespace")
        if inside != release_record.namespace or each.manifest["apiVersion"] != {
            **kinds.MANAGED_VERSIONS,
            "Namespace": "v1",
        }.get(each.kind):
            return f"has an object outside of namespace {release_record.namespace}: {each.identity}"
    if [each.kind for each in release_objects].count("Namespace") != 1:
        return "has not exactly one Namespace"
    return None


def _remove_secret_values(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["kind"] != "Secret":
        return manifest
    return {**manifest, "data": dict.fromkeys(manifest["data"], "")}


def _create_pair(text: str, place: diagnosis.SourceLocation) -> nodes.Pair:
    return nodes.Pair(place, nodes.ScalarNode(place, text))
