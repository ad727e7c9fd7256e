"""Which release this run deploys: the one of the source or the lock file, or the last good one instead."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import pulumi

from seaway import errors
from seaway.manifests import inputs, objects
from seaway.model import secrets
from seaway.project import environments, release, release_lock
from seaway.release import hold, record, signatures
from seaway.syntax import diagnosis, encode

from . import image, messages, program_values, provider, stack_config


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseChoice:
    """The release that is deployed, and its objects: rendered once, checked, then registered."""

    stack_inputs: stack_config.StackInputs
    plans: Sequence[image.BuildPlan]
    """Images that are built."""
    release_objects: Sequence[objects.ReleaseObject]
    """Without the values of secrets, and with a placeholder for each image that is built."""
    release_record: record.ReleaseRecord
    """With a placeholder for each image that is built, as in the objects."""
    described: str
    """Id of the record of the source, or of the pinned release."""
    deployed: str
    """Id of the record of the deployed release: another one if the described one is held back."""

    @classmethod
    def resolve(cls, stack_inputs: stack_config.StackInputs, plans: Sequence[image.BuildPlan]) -> Self:
        """The release of the source or the lock file; or the previous one, if exactly that release is held back."""
        environment, pinned = stack_inputs.environment, stack_inputs.environment.release
        images = inputs.resolve_release_images(pinned, environment.settings.registry) if pinned else {}
        images |= {
            plan.name: inputs.Image(reference=inputs.PendingImage(plan.name), content=plan.record.tag) for plan in plans
        }
        fingerprints = fingerprint_generated_secrets(environment, stack_inputs.secrets)
        fingerprints |= {name: secret.fingerprint for name, secret in stack_inputs.secrets.items()}
        values = {
            name: inputs.SecretValue(fingerprint=fingerprint, value="") for name, fingerprint in fingerprints.items()
        }
        release_objects = objects.objects(environment, images, values)
        release_record = record.ReleaseRecord.create(environment, images, values)
        described = release_record.compute_id(release_objects)
        if pinned and environment.lock.is_rollback:
            _warn_of_skipped_jobs(pinned)
        fallback = environment.lock.fallback
        choice = cls(
            stack_inputs=stack_inputs,
            plans=plans,
            release_objects=release_objects,
            release_record=release_record,
            described=described,
            deployed=described,
        )
        if fallback is None or fallback.held != described:
            return choice
        source = release_lock.format_path(environment.lock_name) if pinned else environment.settings.app
        messages.warn(
            f"release {described} of {source} failed at"
            f" {diagnosis.escape_text(f'{fallback.since} ({fallback.because})')}; the last good release"
            f" {fallback.release} is deployed instead. Change the source, or try the release again:"
            f" seaway up {environment.options} --retry"
        )
        good, good_objects = hold.read_fallback_release(
            environment.folder, fallback, app_name=environment.base.name, stack=environment.settings.stack
        )
        return dataclasses.replace(
            choice,
            stack_inputs=_select_recorded_inputs(stack_inputs, good),
            # An image with the same content stays registered, or the next release would build it again.
            plans=[
                plan for plan in plans if plan.name in good.images and good.images[plan.name].content == plan.record.tag
            ],
            release_objects=good_objects,
            release_record=good,
            deployed=fallback.release,
        )

    def check_signatures(self) -> None:
        """Refuse a pinned release that is not signed, if the stack requires it. A preview contacts no registry.

        Raises:
            diagnosis.InvalidInput: the release, or an image of it, is not signed.
        """
        environment = self.stack_inputs.environment
        if environment.settings.trust is None:
            return
        images = {name: image.reference for name, image in self.release_record.images.items()}
        try:
            unsigned = list(
                signatures.find_unsigned(
                    environment.folder,
                    self.release_record.release_id,
                    self.release_record.environment.base,
                    images,
                    environment.settings.trust,
                    check_images=not pulumi.runtime.is_dry_run(),
                )
            )
        except errors.Unavailable as error:
            location, hint = diagnosis.SourceLocation("signatures"), "run it again when they can be verified"
            raise diagnosis.reject(location, "", "not-verified", str(error), hint) from None
        # The file of a fallback has its objects: a record that is signed must not come with others.
        rendered = {known.key: known.manifest for known in self.release_record.render_objects()}
        deployed = {known.key: known.manifest for known in self.release_objects}
        if foreign := sorted(key for key in {*rendered, *deployed} if rendered.get(key) != deployed.get(key)):
            location = diagnosis.SourceLocation(f"{release.FOLDER}/{self.deployed}.yaml")
            message = f"has objects that its record does not describe: {', '.join(foreign)}"
            hint = "restore it from git, or deploy the release that the source describes: seaway up --retry"
            unsigned.append(diagnosis.Diagnostic(location, hold.OBJECTS_KEY, message, hint, "not-signed"))
        if unsigned:
            raise diagnosis.InvalidInput(unsigned)

    @property
    def is_rollback(self) -> bool:
        """Whether an older release than the described one is deployed, or the pinned release is a rollback."""
        return self.described != self.deployed or self.stack_inputs.environment.lock.is_rollback

    def fill_objects(
        self, images: Mapping[str, inputs.Image], secret_values: Mapping[str, Any]
    ) -> list[objects.ReleaseObject]:
        """The objects to register, with the images that were built and the values of secrets.

        A Secret with an unknown value is left out: it stays in the cluster as it is.
        """
        built = {inputs.PendingImage(name): built_image.reference for name, built_image in images.items()}
        filled = record.fill_secret_values(objects.replace_images(self.release_objects, built), secret_values)
        return [
            release_object
            for release_object in filled
            if release_object.kind != "Secret" or None not in release_object.manifest["data"].values()
        ]

    def save_run_result(self) -> None:
        """Save the ids for `seaway up`, unless this is a preview."""
        if not pulumi.runtime.is_dry_run():
            environment = self.stack_inputs.environment
            run_result = hold.RunResult(described=self.described, deployed=self.deployed)
            hold.write_run_result(environment.folder, environment.lock_name, run_result)


def list_generated_secrets(environment: environments.Environment, configured: Collection[str]) -> dict[str, int]:
    """The secrets that the stack generates, with their lengths; ``configured``: those with a configured value."""
    lengths = secrets.get_generated_lengths(environment.app)
    others = {*configured, *environment.settings.program_secrets}
    return {name: length for name, length in sorted(lengths.items()) if name not in others}


def register_secret_values(
    stack_inputs: stack_config.StackInputs,
    args: program_values.ApplicationArgs,
    options: pulumi.ResourceOptions,
) -> dict[str, Any]:
    """The values of all secrets, as in ``Secret.data``: those that the stack generates (``options``: with the plugin),
    and those of its configuration and of the program."""
    add_prefix = stack_inputs.environment.add_prefix
    lengths = list_generated_secrets(stack_inputs.environment, stack_inputs.secrets)
    generated = {
        name: provider.GeneratedSecret(add_prefix(name), name, length, options).value.apply(stack_config.encode_base64)
        for name, length in lengths.items()
    }
    configured = {name: secret.value for name, secret in stack_inputs.secrets.items()}
    return {**generated, **configured, **args.encode_values(stack_inputs.environment.app)}


def fingerprint_generated_secrets(environment: environments.Environment, configured: Collection[str]) -> dict[str, str]:
    """The fingerprints of generated secrets. They name how a value is generated, so a preview knows them."""
    return {name: f"generated-{length}" for name, length in list_generated_secrets(environment, configured).items()}


def _warn_of_skipped_jobs(pinned: release.Release) -> None:
    if jobs := [job.name for job in pinned.application.jobs if job.is_release_job()]:
        messages.warn(
            f"release {pinned.id} is a rollback: its jobs before and after the rollout do not run again"
            f" ({', '.join(jobs)}), and the changes by jobs of the newer release stay"
        )


def _select_recorded_inputs(
    stack_inputs: stack_config.StackInputs, release_record: record.ReleaseRecord
) -> stack_config.StackInputs:
    """The inputs of a recorded release: its application and settings, and the configured secrets that it had.

    A secret with another value now has none here: the object with the old value is in the cluster, under a name with
    the old fingerprint. Nodes pull with the current credentials.
    """
    environment, current, recorded = stack_inputs.environment, stack_inputs.secrets, release_record.environment
    generated = fingerprint_generated_secrets(recorded, ())
    secret_values = {
        name: current[name]
        if name in current and current[name].fingerprint == fingerprint
        else inputs.SecretValue(fingerprint=fingerprint, value=None)
        for name, fingerprint in release_record.secrets.items()
        if generated.get(name) != fingerprint
    }
    unknown = inputs.SecretValue(fingerprint="", value=None)
    credentials = {inputs.PULL_CREDENTIALS: current.get(inputs.PULL_CREDENTIALS, unknown)}
    return dataclasses.replace(
        stack_inputs,
        environment=dataclasses.replace(
            environment,
            app=recorded.app,
            declared=recorded.declared,
            base=recorded.base,
            settings=release_record.apply_settings(environment.settings),
        ),
        secrets=secret_values | credentials,
    )


class Release(pulumi.CustomResource):
    """The record of the deployed release. It is written into the namespace when all workloads are healthy."""

    def __init__(
        self,
        name: str,
        id_: str,
        release_record: record.ReleaseRecord,
        provenance: release.Provenance,
        options: pulumi.ResourceOptions,
    ) -> None:
        properties = {
            "namespace": release_record.environment.namespace,
            "release": id_,
            "record": release_record.to_plain(),
            "provenance": encode.to_plain(provenance),
            release_lock.FORMAT_KEY: release_lock.FORMAT,
            "since": None,
            "history": None,
        }
        super().__init__("seaway:index:Release", name, properties, options)
