"""Which release this run deploys: what the source describes or a lock file pins, or the last good one instead."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import pulumi

from components import image, messages, settings
from seaway.manifests import inputs, objects
from seaway.model import application
from seaway.model.validate import jobs, secrets
from seaway.release import hold, lock, record, release
from seaway.syntax import diagnosis, encode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is deployed."""

    given: settings.Given
    plans: list[image.Plan]
    """Images that are built."""
    images: Mapping[str, inputs.Image]
    """Images that are there already, by name; empty where the environment builds and nothing is held back."""
    described: str
    """Id of the record of what the source describes or the lock file pins."""
    deployed: str
    """Id of the record of what is deployed: another one where the described one is held back."""
    recorded: tuple[objects.Object, ...] | None = None
    """The objects of a recorded release, as they were deployed; None: they are rendered now."""

    @classmethod
    def of(cls, given: settings.Given, plans: list[image.Plan]) -> Self:
        """What the source describes or the lock file pins, or what ran before where just that is held back.

        Raises:
            problems.Invalid: the file of the release that runs instead is wrong.
        """
        there = given.release.given(given.settings.registry) if given.release else {}
        known = {plan.name: inputs.Image(reference="", content=plan.record.tag) for plan in plans}
        described = _record(given, {**known, **there}).id
        found = given.lock.instead
        going = given.release.application.jobs if given.release and given.lock.back else ()
        if given.release and (left := [one.name for one in going if jobs.released(one)]):
            messages.warn(
                f"release {given.release.id} was rolled back to: its jobs before and after the rollout do not run again"
                f" ({', '.join(left)}), and what those of the newer release did stays done"
            )
        if found is None or found.held != described:
            return cls(given=given, plans=plans, images=there, described=described, deployed=described)
        source = f"{lock.FOLDER}/{given.settings.stack}{lock.ENDING}" if given.release else given.settings.app
        messages.warn(
            f"release {found.held} that {source} describes failed at"
            f" {diagnosis.visible(f'{found.since} ({found.because})')};"
            f" running the last good one, {found.release}. Change the source, or try it again: seaway up --retry"
        )
        pinned = hold.pinned(given.folder, found, application=given.base.name, stack=given.settings.stack)
        good = pinned.record
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
            # An image whose content the source still has stays registered, or the next release would build it anew.
            plans=[plan for plan in plans if content.get(plan.name) == plan.record.tag],
            images=good.images,
            described=described,
            deployed=found.release,
            recorded=pinned.objects,
        )

    @property
    def is_rollback(self) -> bool:
        """Whether an older release than the described one is deployed, or the pinned one was gone back to."""
        return self.described != self.deployed or self.given.lock.back

    def objects(
        self, images: Mapping[str, inputs.Image], secrets: Mapping[str, inputs.SecretValue]
    ) -> list[objects.Object]:
        """What is registered. A recorded release is not rendered again: another version would make other objects.

        A Secret whose values are not known any more is left out: it stays in the cluster as it is.
        """
        if self.recorded is not None:
            found = record.with_values(self.recorded, secrets)
        else:
            found = objects.objects(self.given.app, self.given.settings, images, secrets)
        return [one for one in found if not _kept(one)]

    def leave_note(self) -> None:
        """Leave the note that `seaway up` reads; not in a preview."""
        if not pulumi.runtime.is_dry_run():
            note = hold.Note(described=self.described, deployed=self.deployed)
            hold.leave(self.given.folder, self.given.settings.stack, note)


def generated(app: application.Application, configured: Mapping[str, inputs.SecretValue]) -> dict[str, int]:
    """The secrets that the stack makes itself, with their lengths."""
    return {name: length for name, length in sorted(secrets.generated(app).items()) if name not in configured}


def fingerprint(length: int) -> str:
    """Of a generated secret: its name in the cluster follows from how it is made."""
    return f"generated-{length}"


def _kept(one: objects.Object) -> bool:
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

    def __init__(
        self, id_: str, one: record.Record, provenance: release.Provenance, options: pulumi.ResourceOptions
    ) -> None:
        properties = {
            "namespace": one.namespace,
            "release": id_,
            "record": one.plain(),
            "provenance": encode.plain(provenance),
            lock.FORMAT_KEY: lock.FORMAT,
            "since": None,
            "history": None,
        }
        super().__init__("seaway:index:Release", "release", properties, options)
