"""Which release this run deploys: what the source describes, or the last good one where that is held back."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import pulumi

from components import image, settings
from seaway.manifests import given as inputs
from seaway.manifests import objects
from seaway.model import application
from seaway.release import hold, record


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is deployed."""

    given: settings.Given
    plans: list[image.Plan]
    """Images that are built."""
    images: Mapping[str, inputs.Image]
    """Images that are there already, by name; empty unless a release is held back."""

    @classmethod
    def of(cls, given: settings.Given, plans: list[image.Plan]) -> Self:
        """What the source describes, or the release that a lock file names instead of just that.

        Raises:
            problems.Invalid: the lock file, or the file of the release that it names, is wrong.
        """
        described = _record(given, {plan.name: inputs.Image(reference="", content=plan.record.tag) for plan in plans})
        stack = given.settings.stack
        found = hold.read(given.folder, stack)
        if found is None or found.held != described.id:
            chosen, deployed = cls(given=given, plans=plans, images={}), described.id
        else:
            pulumi.log.warn(
                f"release {found.held} that {given.settings.app} describes failed at {found.since} ({found.because});"
                f" running the last good one, {found.release}. Change the source, or try it again: seaway up --retry"
            )
            chosen, deployed = cls._pinned(given, plans, hold.pinned(given.folder, found)), found.release
        if not pulumi.runtime.is_dry_run():
            hold.leave(given.folder, stack, hold.Note(described=described.id, deployed=deployed))
        return chosen

    @classmethod
    def _pinned(cls, given: settings.Given, plans: list[image.Plan], good: record.Record) -> Self:
        """A recorded release: its application, its settings, its images; and its secrets, which are in the cluster.

        An image whose content the source still has stays registered, or the next release would build it anew.
        """
        content = {name: one.content for name, one in good.images.items()}
        return cls(
            given=dataclasses.replace(
                given,
                app=good.app,
                settings=good.applied(given.settings),
                secrets=_recorded(given.secrets, good),
            ),
            plans=[plan for plan in plans if content.get(plan.name) == plan.record.tag],
            images=good.images,
        )


def generated(app: application.Application, configured: Mapping[str, inputs.SecretValue]) -> dict[str, int]:
    """The secrets that the stack makes itself, with their lengths."""
    containers = (*app.services, *app.stores, *app.jobs)
    lengths = {one.name: one.generate for each in containers for one in each.secrets if one.generate is not None}
    return {name: length for name, length in sorted(lengths.items()) if name not in configured}


def fingerprint(length: int) -> str:
    """Of a generated secret: its name in the cluster follows from how it is made."""
    return f"generated-{length}"


def kept(one: objects.Object) -> bool:
    """Whether it is a Secret whose values nobody has any more: it stays in the cluster as it is."""
    return one.kind == "Secret" and None in one.manifest["data"].values()


def _record(given: settings.Given, images: Mapping[str, inputs.Image]) -> record.Record:
    lengths = generated(given.app, given.secrets)
    made = {name: inputs.SecretValue(fingerprint=fingerprint(length), value="") for name, length in lengths.items()}
    return record.Record.of(given.app, given.settings, images, {**made, **given.secrets})


def _recorded(today: Mapping[str, inputs.SecretValue], good: record.Record) -> dict[str, inputs.SecretValue]:
    """The secrets of a recorded release that the stack does not make itself.

    One that has another value by now has none here: the object with the old value is in the cluster, under the name
    that the fingerprint gives it.
    """
    made = {name for name, length in generated(good.app, {}).items() if good.secrets.get(name) == fingerprint(length)}
    return {
        name: today[name]
        if name in today and today[name].fingerprint == kept
        else inputs.SecretValue(fingerprint=kept, value=None)
        for name, kept in good.secrets.items()
        if name not in made
    }


class Release(pulumi.CustomResource):
    """The record of what was deployed, written into the namespace once all of it is healthy."""

    def __init__(self, one: record.Record, options: pulumi.ResourceOptions) -> None:
        properties = {"namespace": one.namespace, "release": one.id, "record": one.plain(), "since": None}
        super().__init__("seaway:index:Release", "release", properties, options)
