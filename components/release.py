"""Which release this run deploys: what the source describes or a lock file pins, or the last good one instead."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import pulumi

from components import image, settings
from seaway.manifests import given as inputs
from seaway.manifests import objects
from seaway.model import application, encode, jobs, secrets
from seaway.release import hold, lock, record, release


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is deployed."""

    given: settings.Given
    plans: list[image.Plan]
    """Images that are built."""
    images: Mapping[str, inputs.Image]
    """Images that are there already, by name; empty where the environment builds and nothing is held back."""

    @classmethod
    def of(cls, given: settings.Given, plans: list[image.Plan]) -> Self:
        """What the source describes or the lock file pins, or what ran before where just that is held back.

        Raises:
            problems.Invalid: the file of the release that runs instead is wrong.
        """
        there = given.release.given(given.settings.registry) if given.release else {}
        known = {plan.name: inputs.Image(reference="", content=plan.record.tag) for plan in plans}
        described = _record(given, {**known, **there})
        stack = given.settings.stack
        found = given.lock.instead
        going = given.release.application.jobs if given.release and given.lock.back else ()
        if given.release and (left := [one.name for one in going if jobs.released(one)]):
            pulumi.log.warn(
                f"release {given.release.id} was rolled back to: its jobs before and after the rollout do not run again"
                f" ({', '.join(left)}), and what those of the newer release did stays done"
            )
        if found is None or found.held != described.id:
            chosen, deployed = cls(given=given, plans=plans, images=there), described.id
        else:
            source = f"{lock.FOLDER}/{stack}{lock.ENDING}" if given.release else given.settings.app
            pulumi.log.warn(
                f"release {found.held} that {source} describes failed at {found.since} ({found.because});"
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
                app=good.resolved,
                stated=good.app,
                base=good.base,
                settings=good.applied(given.settings),
                secrets=_recorded(given.secrets, good),
            ),
            plans=[plan for plan in plans if content.get(plan.name) == plan.record.tag],
            images=good.images,
        )


def generated(app: application.Application, configured: Mapping[str, inputs.SecretValue]) -> dict[str, int]:
    """The secrets that the stack makes itself, with their lengths."""
    return {name: length for name, length in sorted(secrets.generated(app).items()) if name not in configured}


def fingerprint(length: int) -> str:
    """Of a generated secret: its name in the cluster follows from how it is made."""
    return f"generated-{length}"


def kept(one: objects.Object) -> bool:
    """Whether it is a Secret whose values nobody has any more: it stays in the cluster as it is."""
    return one.kind == "Secret" and None in one.manifest["data"].values()


def _record(given: settings.Given, images: Mapping[str, inputs.Image]) -> record.Record:
    lengths = generated(given.app, given.secrets)
    made = {name: inputs.SecretValue(fingerprint=fingerprint(length), value="") for name, length in lengths.items()}
    return record.Record.of(given.stated, given.settings, images, {**made, **given.secrets}, base=given.base)


def _recorded(today: Mapping[str, inputs.SecretValue], good: record.Record) -> dict[str, inputs.SecretValue]:
    """The secrets of a recorded release that the stack does not make itself.

    One that has another value by now has none here: the object with the old value is in the cluster, under the name
    that the fingerprint gives it. Nodes pull with today's account.
    """
    made = {
        name for name, length in generated(good.resolved, {}).items() if good.secrets.get(name) == fingerprint(length)
    }
    pull = today.get(inputs.PULL, inputs.SecretValue(fingerprint="", value=None))
    return {inputs.PULL: pull} | {
        name: today[name]
        if name in today and today[name].fingerprint == kept
        else inputs.SecretValue(fingerprint=kept, value=None)
        for name, kept in good.secrets.items()
        if name not in made
    }


class Release(pulumi.CustomResource):
    """The record of what was deployed, written into the namespace once all of it is healthy."""

    def __init__(self, one: record.Record, provenance: release.Provenance, options: pulumi.ResourceOptions) -> None:
        properties = {
            "namespace": one.namespace,
            "release": one.id,
            "record": one.plain(),
            "provenance": encode.plain(provenance),
            "since": None,
        }
        super().__init__("seaway:index:Release", "release", properties, options)
