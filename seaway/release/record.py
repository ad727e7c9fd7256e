"""The record of a release in one environment: everything that its objects are made of, but for the values of secrets.

Its id begins with that of the release (see ``release``), which is the same in every environment; what follows stands
for what this environment adds: overlay, settings, secrets.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from seaway.manifests import identity, inputs, names, objects
from seaway.model import application, settings
from seaway.project import load
from seaway.release import release as releases
from seaway.syntax import decode, diagnosis, encode, nodes

OWN_LENGTH = 6
"""Hexadecimal digits that stand for what the environment adds."""

_ELSEWHERE = frozenset(
    (
        "context",
        "app",
        "root",
        "build",
        "promotes_from",
        "registry",
        "engine",
        "builder",
        "platform",
        "policy",
        "checks",
        "waivers",
        "overlay",
    )
)
"""Settings that no object shows: where to deploy to and how to build. What the overlay says is in the application. A
setting that is not listed here counts."""


KINDS: Mapping[str, str] = {
    "ConfigMap": "v1",
    "Secret": "v1",
    "Service": "v1",
    "ServiceAccount": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "ResourceQuota": "v1",
    "LimitRange": "v1",
}
"""The kinds of the objects of a release, beside its namespace; all of them are in it."""


# Names for the annotations of classes that have fields called as these modules are.
_Application = application.Application
_Settings = settings.Settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as it is written down."""

    reference: str
    content: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A record as it is written down."""

    application: _Application
    base: _Application | None = None
    settings: Any
    images: Mapping[str, Image] = dataclasses.field(default_factory=dict[str, Image])
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
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
    def of(
        cls,
        app: application.Application,
        chosen: _Settings,
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
                field.name: getattr(chosen, field.name)
                for field in dataclasses.fields(chosen)
                if field.name not in _ELSEWHERE
            },
            secrets={name: one.fingerprint for name, one in secrets.items() if name != inputs.PULL},
        )

    @classmethod
    def decode(cls, node: nodes.Node) -> Self:
        """A record from what ``plain`` made.

        Raises:
            problems.Invalid: it is no record, or one that this version of Seaway does not understand.
        """
        written = decode.decode(Release, node)
        said = nodes.Table(node.place, {**nodes.inside(node, "settings"), "context": _entry("-", node.place)})
        return cls.of(
            written.application,
            decode.decode(settings.Settings, said, path="settings"),
            {name: inputs.Image(reference=one.reference, content=one.content) for name, one in written.images.items()},
            {name: inputs.SecretValue(fingerprint=one, value="") for name, one in written.secrets.items()},
            base=written.base,
        )

    @property
    def id(self) -> str:
        """What stands for it: known in a preview, when the images' digests are not.

        The manifests count too: another version of Seaway may make others of the same application.
        """
        unbuilt = dataclasses.replace(
            self, images={name: dataclasses.replace(one, reference=one.content) for name, one in self.images.items()}
        )
        own = names.digest([unbuilt.plain(), [one.manifest for one in unbuilt.objects()]], OWN_LENGTH)
        return f"{self.release}-{own}"

    @property
    def release(self) -> str:
        """The id of the release."""
        return releases.identity(self.base, {name: one.content for name, one in self.images.items()})

    def promoted(self, provenance: releases.Provenance, recorded: str) -> releases.Release:
        """The release itself, as it may be given to the next environment."""
        return releases.Release(
            application=self.base,
            images={name: releases.Image.of(one.reference, one.content) for name, one in self.images.items()},
            provenance=provenance,
            recorded=recorded,
        )

    @property
    def namespace(self) -> str:
        """Where it is deployed."""
        return settings.Settings(context="-", **self.settings).namespace(self.app.name)

    def plain(self) -> dict[str, Any]:
        """As a mapping that YAML, JSON and Pulumi can hold. References may be values that are not known yet."""
        base = {} if self.base == self.app else {"base": encode.plain(self.base)}
        return {
            "application": encode.plain(self.app),
            **base,
            "images": {name: {"reference": one.reference, "content": one.content} for name, one in self.images.items()},
            "settings": {decode.camel(name): encode.plain(value) for name, value in self.settings.items()},
            "secrets": dict(self.secrets),
        }

    def applied(self, chosen: _Settings) -> _Settings:
        """``chosen`` with what the release was deployed with. A record chooses no stack."""
        return dataclasses.replace(chosen, **{**self.settings, "stack": chosen.stack})

    @property
    def resolved(self) -> application.Application:
        """The application as ``objects.objects`` takes it."""
        return load.resolve(self.app)

    def objects(self) -> list[objects.Object]:
        """Its objects. Secrets are among them by name, without their values.

        Raises:
            LookupError: an image or the fingerprint of a secret is missing.
        """
        chosen = settings.Settings(context="-", **self.settings)
        fingerprints = {**self.secrets, inputs.PULL: ""}
        secrets = {name: inputs.SecretValue(fingerprint=one, value="") for name, one in fingerprints.items()}
        return objects.objects(self.resolved, chosen, self.images, secrets)


def release_of(id_: str) -> str:
    """The id of the release in that of a record."""
    return id_.partition("-")[0]


def written_objects(found: Iterable[objects.Object]) -> list[dict[str, Any]]:
    """Objects as plain values: the manifest, and how it is rolled out. The values of secrets are left out."""
    return [
        {
            "manifest": _without_values(one.manifest),
            "owner": one.owner,
            "wave": one.wave.name,
            "turn": one.turn,
            "deadline": one.deadline,
            "version": one.version,
        }
        for one in found
    ]


def read_objects(written: Iterable[Mapping[str, Any]]) -> list[objects.Object]:
    """The objects that ``written_objects`` wrote.

    Raises:
        ValueError: it is no such list.
    """
    try:
        found = [
            objects.Object(
                manifest=dict(one["manifest"]),
                owner=one["owner"],
                wave=objects.Wave[one["wave"]],
                turn=one["turn"],
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


def with_values(
    recorded: Iterable[objects.Object], secrets: Mapping[str, inputs.SecretValue]
) -> Iterator[objects.Object]:
    """Recorded objects with the values of their secrets; a value that is not known any more is None."""
    unknown = inputs.SecretValue(fingerprint="", value=None)
    for one in recorded:
        if one.kind != "Secret":
            yield one
            continue
        login = one.name == identity.LOGIN
        data = {key: secrets.get(inputs.PULL if login else key, unknown).value for key in one.manifest["data"]}
        yield dataclasses.replace(one, manifest={**one.manifest, "data": data})


def foreign(one: Record, found: Sequence[objects.Object], *, application: str, stack: str) -> str | None:
    """Why a record must not be deployed to a stack; None: it may. It chooses neither application, stack nor namespace.

    ``found``: its objects.
    """
    if (one.app.name, one.base.name, one.settings["stack"]) != (application, application, stack):
        return f"is a release of {one.app.name} in stack {one.settings['stack']}, not of {application} in {stack}"
    for each in found:
        meta = each.manifest["metadata"]
        inside = meta["name"] if each.kind == "Namespace" else meta.get("namespace")
        if inside != one.namespace or each.manifest["apiVersion"] != {**KINDS, "Namespace": "v1"}.get(each.kind):
            return f"has an object outside of namespace {one.namespace}: {each.identity}"
    if [each.kind for each in found].count("Namespace") != 1:
        return "has not exactly one Namespace"
    return None


def _without_values(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["kind"] != "Secret":
        return manifest
    return {**manifest, "data": dict.fromkeys(manifest["data"], "")}


def _entry(text: str, place: diagnosis.Place) -> nodes.Entry:
    return nodes.Entry(place, nodes.Scalar(place, text))
