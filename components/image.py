"""Images: from the build context to a reference by digest. What is built is known before anything is registered."""

import dataclasses
from collections.abc import Mapping

import pulumi
import pulumi_docker_build as docker_build

from components import messages, provider, settings
from seaway.files import roots
from seaway.images import build_inputs, file_index, rebuild_reasons, staging
from seaway.model import application
from seaway.project import environments, images_lock
from seaway.syntax import diagnosis

EXPORT = "type=registry,rewrite-timestamp=true"
"""Pushed, and with the times in its layers set to SOURCE_DATE_EPOCH: the same content is the same digest on every
machine, or two laptops would roll each other's pods."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """How one image is built."""

    name: str
    repository: str
    """Where it is pushed to, without a tag."""
    location: str
    """The staged context, relative to the project: the same text in every checkout."""
    dockerfile: str
    target: str | None
    args: Mapping[str, str]
    build: application.Build
    contexts: Mapping[str, str]
    """The other contexts, staged as well, by name."""
    record: rebuild_reasons.BuildRecord
    warnings: tuple[diagnosis.Diagnostic, ...]

    @property
    def tag(self) -> str:
        """Full name with the tag that stands for its content."""
        return f"{self.repository}:{self.record.tag}"


def plan_builds(environment: environments.Environment, repositories: Mapping[str, str]) -> list[BuildPlan]:
    """One plan for each container that is built; stages their contexts.

    Raises:
        diagnosis.InvalidInput: all that is wrong with the contexts and Dockerfiles.
    """
    made: list[BuildPlan] = []
    wrong: list[diagnosis.Diagnostic] = []
    root = roots.find_root(environment.folder, environment.settings.root)
    lock = images_lock.read_lock((environment.folder / environment.settings.app).parent, root)
    for name, build in build_inputs.list_builds(environment.app):
        try:
            made.append(_plan_build(environment, name, build, repositories[name], root=root, lock=lock))
        except diagnosis.InvalidInput as error:
            wrong += error.diagnostics
    if wrong:
        raise diagnosis.InvalidInput(wrong)
    return made


def _plan_build(
    environment: environments.Environment,
    name: str,
    build: application.Build,
    repository: str,
    *,
    root: roots.Root,
    lock: images_lock.ImagesLock | None,
) -> BuildPlan:
    known = file_index.FileIndex.load(staging.get_index_path(environment.folder, name))
    above = (environment.folder / environment.settings.app).parent
    read = build_inputs.BuildInputs.read(above, build, environment.settings, root, lock=lock, cached_index=known)
    staged = staging.get_folder(environment.folder, name)
    staging.stage(read.context, staged, known)
    known.save(staging.get_index_path(environment.folder, name))
    contexts = dict(build.contexts)
    for called, other in read.context.named_contexts.items():
        # No service has a + in its name.
        beside = staging.get_folder(environment.folder, f"{name}+{called}")
        staging.stage(other, beside, file_index.FileIndex())
        contexts[called] = str(beside.relative_to(environment.folder))
    return BuildPlan(
        name=name,
        repository=repository,
        location=str(staged.relative_to(environment.folder)),
        dockerfile=build.dockerfile,
        target=build.target,
        args={**read.args, "SOURCE_DATE_EPOCH": "0"},
        build=build,
        contexts=contexts,
        record=read.build_record,
        warnings=read.warnings,
    )


class Image(pulumi.ComponentResource):
    """One image, built and pushed by the environment's engine."""

    reference: pulumi.Output[str]
    """``repository@sha256:...``: what is deployed."""

    def __init__(
        self,
        plan: BuildPlan,
        stack_inputs: settings.StackInputs,
        cluster: provider.Cluster,
        options: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("seaway:index:Image", plan.name, None, options)
        for problem in plan.warnings:
            messages.warn(str(problem), self)
        kept = rebuild_reasons.get_record_path(stack_inputs.environment.folder, plan.name)
        before = rebuild_reasons.BuildRecord.load(kept)
        if before is not None and (why := rebuild_reasons.explain_rebuild(before, plan.record)):
            messages.info(f"{plan.name}: rebuild, {why}", self)
        # Destroying dev must not delete the manifest that another environment runs (pulumi-docker-build issue 606).
        own = pulumi.ResourceOptions(
            parent=self,
            retain_on_delete=True,
            depends_on=[cluster],
            # A cluster that was made anew may have taken its registry along, and docker-build does not see that over
            # http: so the image is built and pushed again. The same content is the same digest.
            replacement_trigger=cluster.uid,
        )
        engine = (
            _build_with_docker if stack_inputs.environment.settings.engine == "docker" else _build_with_docker_build
        )
        self.reference = engine(plan, stack_inputs, own)
        if not pulumi.runtime.is_dry_run():
            self.reference.apply(lambda _: plan.record.save(kept))
        self.register_outputs({"reference": self.reference})


def _build_with_docker_build(
    plan: BuildPlan, stack_inputs: settings.StackInputs, options: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    chosen = stack_inputs.environment.settings
    image = docker_build.Image(
        plan.name,
        context=docker_build.BuildContextArgs(location=plan.location, named=_build_named_contexts(plan)),
        dockerfile=docker_build.DockerfileArgs(location=f"{plan.location}/{plan.dockerfile}")
        if plan.build.inline is None
        else docker_build.DockerfileArgs(inline=plan.build.inline),
        target=plan.target,
        build_args=dict(plan.args),
        secrets={id_: stack_inputs.build_secrets[name] for id_, name in plan.build.secrets.items()} or None,
        ssh=[_parse_ssh_agent(said) for said in plan.build.ssh] or None,
        cache_from=[docker_build.CacheFromArgs(raw=said) for said in plan.build.cache_from] or None,
        cache_to=[docker_build.CacheToArgs(raw=said) for said in plan.build.cache_to] or None,
        platforms=[docker_build.Platform(chosen.platform)],
        tags=[plan.tag],
        exports=[docker_build.ExportArgs(raw=EXPORT)],
        builder=docker_build.BuilderConfigArgs(name=chosen.builder) if chosen.builder else None,
        # A preview must not need a builder; the Dockerfile is judged by the build.
        build_on_preview=False,
        push=False,  # the export above does it
        opts=options,
    )
    return pulumi.Output.concat(plan.repository, "@", image.digest)


def _build_named_contexts(plan: BuildPlan) -> dict[str, docker_build.ContextArgs] | None:
    return {name: docker_build.ContextArgs(location=where) for name, where in plan.contexts.items()} or None


def _parse_ssh_agent(declared: str) -> docker_build.SSHArgs:
    id_, _, path = declared.partition("=")
    return docker_build.SSHArgs(id=id_, paths=[path] if path else None)


def _build_with_docker(
    plan: BuildPlan, stack_inputs: settings.StackInputs, options: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """`engine: docker`: for where there is only a Docker daemon. Tested under mocks only.

    It cannot rewrite the times in layers, so the same content built twice may have two digests.
    """
    import pulumi_docker as docker  # noqa: PLC0415 - its import costs 0.3 s, and few need it

    image = docker.Image(
        plan.name,
        build=docker.DockerBuildArgs(
            context=plan.location,
            dockerfile=f"{plan.location}/{plan.dockerfile}",
            target=plan.target,
            args=dict(plan.args),
            platform=stack_inputs.environment.settings.platform,
            builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
        ),
        image_name=plan.tag,
        build_on_preview=False,
        skip_push=False,
        opts=options,
    )
    return image.repo_digest
