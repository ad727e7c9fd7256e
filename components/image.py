"""Images: from the build context to a reference by digest. Builds are planned before anything is registered."""

import dataclasses
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_docker_build as docker_build

from seaway.images import build_inputs, build_reports, file_index, rebuild_reasons, staging
from seaway.model import application
from seaway.project import environments

from . import build_errors, messages, provider, stack_config

EXPORT = "type=registry,rewrite-timestamp=true"
"""Pushes the image, and sets the times in its layers to SOURCE_DATE_EPOCH: the same content has the same digest on
every machine. Otherwise two machines would replace each other's pods."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """How one image is built."""

    name: str
    repository: str
    """The repository that it is pushed to, without a tag."""
    location: str
    """The staged context, relative to the project: the same text in every checkout."""
    args: Mapping[str, str]
    contexts: Mapping[str, str]
    """The staged named contexts."""
    inputs: build_inputs.BuildInputs

    @property
    def build(self) -> application.Build:
        """As the application declares it."""
        return self.inputs.context.build

    @property
    def record(self) -> rebuild_reasons.BuildRecord:
        """What the build reads."""
        return self.inputs.build_record

    @property
    def tag(self) -> str:
        """The repository with the tag that stands for the content."""
        return f"{self.repository}:{self.record.tag}"


def plan_builds(environment: environments.Environment) -> Sequence[BuildPlan]:
    """The plan of each container that is built; none if the environment deploys releases. Stages the build contexts."""
    build_reports.clear(environment.folder)
    if not environment.settings.build:
        return []
    return [_plan_build(environment, name, inputs) for name, inputs in build_inputs.read_all(environment).items()]


def _plan_build(environment: environments.Environment, name: str, inputs: build_inputs.BuildInputs) -> BuildPlan:
    folder, build, file_name = environment.folder, inputs.context.build, environment.format_file_name(name)
    staged = staging.get_folder(folder, file_name)
    staging.stage(inputs.context, staged, inputs.index)
    inputs.index.save(staging.get_index_path(folder, file_name))
    contexts = dict(build.contexts)
    for context_name, context in inputs.context.named_contexts.items():
        # The name of a service cannot contain a +.
        staged_context = staging.get_folder(folder, f"{file_name}+{context_name}")
        staging.stage(context, staged_context, file_index.FileIndex())
        contexts[context_name] = str(staged_context.relative_to(folder))
    return BuildPlan(
        name=name,
        repository=f"{environment.settings.registry}/{environment.app.name}/{name}",
        location=str(staged.relative_to(folder)),
        args={**inputs.args, "SOURCE_DATE_EPOCH": "0"},
        contexts=contexts,
        inputs=inputs,
    )


class Image(pulumi.ComponentResource):
    """One image, built and pushed by the environment's engine."""

    reference: pulumi.Output[str]
    """The deployed image, ``repository@sha256:...``."""

    def __init__(
        self,
        plan: BuildPlan,
        stack_inputs: stack_config.StackInputs,
        cluster: provider.Cluster,
        options: pulumi.ResourceOptions,
    ) -> None:
        environment = stack_inputs.environment
        super().__init__("seaway:index:Image", environment.add_prefix(plan.name), None, options)
        for warning in plan.inputs.warnings:
            messages.warn(str(warning), self)
        record_path = rebuild_reasons.get_record_path(environment.folder, environment.format_file_name(plan.name))
        previous = rebuild_reasons.BuildRecord.load(record_path)
        if previous is not None and (reason := rebuild_reasons.explain_rebuild(previous, plan.record)):
            messages.info(f"{plan.name}: rebuild, {reason}", self)
        own = pulumi.ResourceOptions(
            parent=self,
            # Destroying dev must not delete the manifest that another environment runs (pulumi-docker-build issue 606).
            retain_on_delete=True,
            depends_on=[cluster],
            # A cluster that was created again may have lost its registry, and docker-build cannot see that over http:
            # so the image is built and pushed again. The same content has the same digest.
            replacement_trigger=cluster.uid,
        )
        explained = build_errors.explain_failures(plan.name, plan.inputs, plan.location, stack_inputs)
        own = pulumi.ResourceOptions.merge(own, explained)
        build = _build_with_docker if environment.settings.engine == "docker" else _build_with_docker_build
        self.reference = build(plan, stack_inputs, own)
        if not pulumi.runtime.is_dry_run():
            self.reference.apply(lambda _: plan.record.save(record_path))
        self.register_outputs({"reference": self.reference})


def _build_with_docker_build(
    plan: BuildPlan, stack_inputs: stack_config.StackInputs, options: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    stack_settings, build = stack_inputs.environment.settings, plan.build
    contexts = {name: docker_build.ContextArgs(location=location) for name, location in plan.contexts.items()}
    dockerfile = f"{plan.location}/{build.dockerfile}"
    image = docker_build.Image(
        stack_inputs.environment.add_prefix(plan.name),
        context=docker_build.BuildContextArgs(location=plan.location, named=contexts or None),
        dockerfile=docker_build.DockerfileArgs(location=dockerfile)
        if build.inline is None
        else docker_build.DockerfileArgs(inline=build.inline),
        target=build.target,
        build_args=dict(plan.args),
        secrets={id_: stack_inputs.build_secrets[name] for id_, name in build.secrets.items()} or None,
        ssh=[_parse_ssh_agent(agent) for agent in build.ssh] or None,
        cache_from=[docker_build.CacheFromArgs(raw=source) for source in build.cache_from] or None,
        cache_to=[docker_build.CacheToArgs(raw=target) for target in build.cache_to] or None,
        platforms=[docker_build.Platform(stack_settings.platform)],
        tags=[plan.tag],
        exports=[docker_build.ExportArgs(raw=EXPORT)],
        builder=docker_build.BuilderConfigArgs(name=stack_settings.builder) if stack_settings.builder else None,
        # A preview must not need a builder; the build itself validates the Dockerfile.
        build_on_preview=False,
        push=False,  # the export pushes it
        opts=options,
    )
    return pulumi.Output.concat(plan.repository, "@", image.digest)


def _parse_ssh_agent(declared: str) -> docker_build.SSHArgs:
    id_, _, path = declared.partition("=")
    return docker_build.SSHArgs(id=id_, paths=[path] if path else None)


def _build_with_docker(
    plan: BuildPlan, stack_inputs: stack_config.StackInputs, options: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """`engine: docker`, for machines with a Docker daemon only. Tested with mocks only.

    It cannot rewrite the times in layers, so two builds of the same content may have different digests.
    """
    import pulumi_docker as docker  # noqa: PLC0415 - its import costs 0.3 s, and few need it

    image = docker.Image(
        stack_inputs.environment.add_prefix(plan.name),
        build=docker.DockerBuildArgs(
            context=plan.location,
            dockerfile=f"{plan.location}/{plan.build.dockerfile}",
            target=plan.build.target,
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
