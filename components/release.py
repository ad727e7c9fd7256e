"""Which release this run deploys: what the source describes or a lock file pins, or the last good one instead."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import pulumi

from components import image, messages, settings
from seaway.manifests import inputs, objects
from seaway.model import application, secrets
from seaway.project import release, release_lock
from seaway.release import hold, record
from seaway.syntax import diagnosis, encode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseChoice:
    """What is deployed."""

    stack_inputs: settings.StackInputs
    plans: list[image.BuildPlan]
    """Images that are built."""
    images: Mapping[str, inputs.Image]
    """Images that are there already, by name; empty where the environment builds and nothing is held back."""
    described: str
    """Id of the record of what the source describes or the lock file pins."""
    deployed: str
    """Id of the record of what is deployed: another one where the described one is held back."""
    recorded_objects: tuple[objects.ReleaseObject, ...] | None = None
    """The objects of a recorded release, as they were deployed; None: they are rendered now."""

    @classmethod
    def resolve(cls, stack_inputs: settings.StackInputs, plans: list[image.BuildPlan]) -> Self:
        """What the source describes or the lock file pins, or what ran before where just that is held back.

        Raises:
            diagnosis.InvalidInput: the file of the release that runs instead is wrong.
        """
        environment, pinned = stack_inputs.environment, stack_inputs.environment.release
        there = inputs.resolve_release_images(pinned, environment.settings.registry) if pinned else {}
        known = {plan.name: inputs.Image(reference="", content=plan.record.tag) for plan in plans}
        described = _make_record(stack_inputs, {**known, **there}).id
        found = environment.lock.fallback
        going = pinned.application.jobs if pinned and environment.lock.is_rollback else ()
        if pinned and (left := [one.name for one in going if one.is_release_job()]):
            messages.warn(
                f"release {pinned.id} was rolled back to: its jobs before and after the rollout do not run again"
                f" ({', '.join(left)}), and what those of the newer release did stays done"
            )
        if found is None or found.held != described:
            return cls(stack_inputs=stack_inputs, plans=plans, images=there, described=described, deployed=described)
        source = (
            f"{release_lock.FOLDER}/{environment.settings.stack}{release_lock.FILE_SUFFIX}"
            if pinned
            else environment.settings.app
        )
        messages.warn(
            f"release {found.held} that {source} describes failed at"
            f" {diagnosis.escape_text(f'{found.since} ({found.because})')};"
            f" running the last good one, {found.release}. Change the source, or try it again: seaway up --retry"
        )
        fallback = hold.read_fallback_release(
            environment.folder, found, app_name=environment.base.name, stack=environment.settings.stack
        )
        good = fallback.record
        content = {name: one.content for name, one in good.images.items()}
        return cls(
            stack_inputs=dataclasses.replace(
                stack_inputs,
                environment=dataclasses.replace(
                    environment,
                    app=good.resolved_app,
                    declared=good.app,
                    base=good.base,
                    settings=good.apply_settings(environment.settings),
                ),
                secrets=_select_recorded_secrets(stack_inputs.secrets, good),
            ),
            # An image whose content the source still has stays registered, or the next release would build it anew.
            plans=[plan for plan in plans if content.get(plan.name) == plan.record.tag],
            images=good.images,
            described=described,
            deployed=found.release,
            recorded_objects=fallback.release_objects,
        )

    @property
    def is_rollback(self) -> bool:
        """Whether an older release than the described one is deployed, or the pinned one was gone back to."""
        return self.described != self.deployed or self.stack_inputs.environment.lock.is_rollback

    def build_objects(
        self, images: Mapping[str, inputs.Image], secrets: Mapping[str, inputs.SecretValue]
    ) -> list[objects.ReleaseObject]:
        """What is registered. A recorded release is not rendered again: another version would make other objects.

        A Secret whose values are not known any more is left out: it stays in the cluster as it is.
        """
        if self.recorded_objects is not None:
            found = record.fill_secret_values(self.recorded_objects, secrets)
        else:
            found = objects.objects(
                self.stack_inputs.environment.app, self.stack_inputs.environment.settings, images, secrets
            )
        return [one for one in found if not _is_without_values(one)]

    def save_run_result(self) -> None:
        """Leave the note that `seaway up` reads; not in a preview."""
        if not pulumi.runtime.is_dry_run():
            note = hold.RunResult(described=self.described, deployed=self.deployed)
            hold.write_run_result(
                self.stack_inputs.environment.folder, self.stack_inputs.environment.settings.stack, note
            )


def list_generated_secrets(
    app: application.Application, configured: Mapping[str, inputs.SecretValue]
) -> dict[str, int]:
    """The secrets that the stack makes itself, with their lengths."""
    return {
        name: length for name, length in sorted(secrets.get_generated_lengths(app).items()) if name not in configured
    }


def fingerprint_generated_secret(length: int) -> str:
    """Of a generated secret: its name in the cluster follows from how it is made."""
    return f"generated-{length}"


def _is_without_values(release_object: objects.ReleaseObject) -> bool:
    return release_object.kind == "Secret" and None in release_object.manifest["data"].values()


def _make_record(stack_inputs: settings.StackInputs, images: Mapping[str, inputs.Image]) -> record.ReleaseRecord:
    lengths = list_generated_secrets(stack_inputs.environment.app, stack_inputs.secrets)
    made = {
        name: inputs.SecretValue(fingerprint=fingerprint_generated_secret(length), value="")
        for name, length in lengths.items()
    }
    return record.ReleaseRecord.create(
        stack_inputs.environment.declared,
        stack_inputs.environment.settings,
        images,
        {**made, **stack_inputs.secrets},
        base=stack_inputs.environment.base,
    )


def _select_recorded_secrets(
    current_secrets: Mapping[str, inputs.SecretValue], good_record: record.ReleaseRecord
) -> dict[str, inputs.SecretValue]:
    """The secrets of a recorded release that the stack does not make itself.

    One that has another value by now has none here: the object with the old value is in the cluster, under the name
    that the fingerprint gives it. Nodes pull with today's account.
    """
    made = {
        name
        for name, length in list_generated_secrets(good_record.resolved_app, {}).items()
        if good_record.secrets.get(name) == fingerprint_generated_secret(length)
    }
    pull = current_secrets.get(inputs.PULL_CREDENTIALS, inputs.SecretValue(fingerprint="", value=None))
    return {inputs.PULL_CREDENTIALS: pull} | {
        name: current_secrets[name]
        if name in current_secrets and current_secrets[name].fingerprint == kept
        else inputs.SecretValue(fingerprint=kept, value=None)
        for name, kept in good_record.secrets.items()
        if name not in made
    }


class Release(pulumi.CustomResource):
    """The record of what was deployed, written into the namespace once all of it is healthy."""

    def __init__(
        self,
        id_: str,
        release_record: record.ReleaseRecord,
        provenance: release.Provenance,
        options: pulumi.ResourceOptions,
    ) -> None:
        properties = {
            "namespace": release_record.namespace,
            "release": id_,
            "record": release_record.to_plain(),
            "provenance": encode.to_plain(provenance),
            release_lock.FORMAT_KEY: release_lock.FORMAT,
            "since": None,
            "history": None,
        }
        super().__init__("seaway:index:Release", "release", properties, options)
