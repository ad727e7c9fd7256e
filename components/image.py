"""Images: from the build context to a reference by digest. Builds are planned before anything is registered."""

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
import pulumi_docker_build as docker_build

from seaway.images import build_inputs, build_reports, file_index, rebuild_reasons, staging
from seaway.model import application, declarations
from seaway.syntax import diagnosis

from . import build_errors, messages, stack_config
from . import registry as registries

if TYPE_CHECKING:
    import seaway

EXPORT = "type=registry,rewrite-timestamp=true"
"""Pushes the image, and sets the times in its layers to SOURCE_DATE_EPOCH: the same content has the same digest on
every machine. Otherwise two machines would replace each other's pods."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageArgs:
    """What an image is built from, and where it is pushed to."""

    build: "str | seaway.Build"
    """The folder with the Dockerfile, relative to the project; or all keys of `build`."""
    registry: registries.Registry
    repository: str | None = None
    """Name in the registry, without a tag; None: that of the component."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """How one image is built."""

    name: str
    repository: pulumi.Input[str]
    """The repository that it is pushed to, without a tag."""
    stack_inputs: stack_config.StackInputs
    location: str
    """The staged context, relative to the project: the same text in every checkout."""
    args: Mapping[str, str]
    contexts: Mapping[str, str]
    """The named contexts, as the builder reads them: folders are staged."""
    inputs: build_inputs.BuildInputs
    registry: registries.Registry | None = None
    """With credentials; None: the user's Docker configuration has them."""

    @property
    def build(self) -> application.Build:
        """As the application declares it."""
        return self.inputs.context.build

    @property
    def record(self) -> rebuild_reasons.BuildRecord:
        """What the build reads."""
        return self.inputs.build_record

    @property
    def tag(self) -> pulumi.Input[str]:
        """The repository with the tag that stands for the content."""
        tag = self.record.tag
        if isinstance(self.repository, str):
            return f"{self.repository}:{tag}"
        return pulumi.Output.concat(self.repository, ":", tag)


def plan_builds(stack_inputs: stack_config.StackInputs) -> Sequence[BuildPlan]:
    """The plan of each container that is built; none if the environment deploys releases. Stages the build contexts."""
    environment = stack_inputs.environment
    build_reports.clear(environment.folder)
    if not environment.settings.build:
        return []
    return [_plan_build(stack_inputs, name, inputs) for name, inputs in build_inputs.read_all(environment).items()]


def _plan_alone(name: str, args: ImageArgs) -> BuildPlan:
    """The plan of an image that belongs to no application."""
    service = declarations.declare(application.Service, name, build=args.build)
    # The setting is only for messages; the address may be an Output.
    own_settings = {"registry": args.registry.known_address or "registry"}
    try:
        stack_inputs = stack_config.read_inputs(Path.cwd(), name, service, own_settings)
        (inputs,) = build_inputs.read_all(stack_inputs.environment).values()
        plan = _plan_build(stack_inputs, name, inputs)
    except diagnosis.InvalidInput as error:
        messages.report_invalid_input(error)
    repository = pulumi.Output.concat(args.registry.address, "/", args.repository or name)
    return dataclasses.replace(plan, repository=repository, registry=args.registry)


def _plan_build(stack_inputs: stack_config.StackInputs, name: str, inputs: build_inputs.BuildInputs) -> BuildPlan:
    environment = stack_inputs.environment
    folder, build, file_name = environment.folder, inputs.context.build, environment.format_file_name(name)
    staged = staging.get_folder(folder, file_name)
    staging.stage(inputs.context, staged, inputs.index)
    inputs.index.save(staging.get_index_path(folder, file_name))
    contexts = {**build.contexts, **inputs.image_contexts}
    for context_name, context in inputs.context.named_contexts.items():
        # The name of a service cannot contain a +.
        staged_context = staging.get_folder(folder, f"{file_name}+{context_name}")
        staging.stage(context, staged_context, file_index.FileIndex())
        contexts[context_name] = str(staged_context.relative_to(folder))
    return BuildPlan(
        name=name,
        stack_inputs=stack_inputs,
        repository=f"{environment.settings.registry}/{environment.app.name}/{name}",
        location=str(staged.relative_to(folder)),
        args={**inputs.args, "SOURCE_DATE_EPOCH": "0"},
        contexts=contexts,
        inputs=inputs,
    )


class Image(pulumi.ComponentResource):
    """One image, built and pushed by the engine of the stack. The same content has the same tag on every machine.

    Args:
        args: an application gives a plan, because it plans all builds before it registers anything.
        opts: ``depends_on`` and ``replacement_trigger``: of the build. ``providers``: of docker-build.

    Raises:
        diagnosis.InvalidInput: see ``Application``.
    """

    ref: pulumi.Output[str]
    """The image by digest, ``repository@sha256:...``. A preview does not know it if it is built."""
    tag: pulumi.Output[str]
    """``repository:ctx-...``, with a hash of all that the build reads. A preview knows it."""
    content: str
    """The hash in the tag: it stands for the content."""

    def __init__(self, name: str, args: ImageArgs | BuildPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        opts = opts or pulumi.ResourceOptions()
        component = copy.copy(opts)
        component.replacement_trigger = None  # a component that is replaced replaces all that depends on it
        component.depends_on = None  # a refresh that finds the dependency gone would skip the component
        super().__init__("seaway:index:Image", name, None, component)
        plan = args if isinstance(args, BuildPlan) else _plan_alone(name, args)
        environment = plan.stack_inputs.environment
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
            depends_on=opts.depends_on,
            replacement_trigger=opts.replacement_trigger,
        )
        explained = build_errors.explain_failures(plan.name, plan.inputs, plan.location, plan.stack_inputs)
        own = pulumi.ResourceOptions.merge(own, explained)
        build = _build_with_docker if environment.settings.engine == "docker" else _build_with_docker_build
        self.ref = build(name, plan, own)
        self.tag, self.content = pulumi.Output.from_input(plan.tag), plan.record.tag
        if not pulumi.runtime.is_dry_run():
            self.ref.apply(lambda _: plan.record.save(record_path))
        self.register_outputs({"reference": self.ref})


def _build_with_docker_build(name: str, plan: BuildPlan, options: pulumi.ResourceOptions) -> pulumi.Output[str]:
    stack_settings, build, build_secrets = (
        plan.stack_inputs.environment.settings,
        plan.build,
        plan.stack_inputs.build_secrets,
    )
    login = plan.registry.login if plan.registry else None
    contexts = {name: docker_build.ContextArgs(location=location) for name, location in plan.contexts.items()}
    dockerfile = f"{plan.location}/{build.dockerfile}"
    image = docker_build.Image(
        name,
        context=docker_build.BuildContextArgs(location=plan.location, named=contexts or None),
        dockerfile=docker_build.DockerfileArgs(location=dockerfile)
        if build.inline is None
        else docker_build.DockerfileArgs(inline=build.inline),
        target=build.target,
        build_args=dict(plan.args),
        secrets={id_: build_secrets[secret] for id_, secret in build.secrets.items()} or None,
        ssh=[_parse_ssh_agent(agent) for agent in build.ssh] or None,
        cache_from=[docker_build.CacheFromArgs(raw=source) for source in build.cache_from] or None,
        cache_to=[docker_build.CacheToArgs(raw=target) for target in build.cache_to] or None,
        platforms=[docker_build.Platform(stack_settings.platform)],
        tags=[plan.tag],
        exports=[docker_build.ExportArgs(raw=EXPORT)],
        registries=[docker_build.RegistryArgs(**login)] if login else None,
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


def _build_with_docker(name: str, plan: BuildPlan, options: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """`engine: docker`, for machines with a Docker daemon only. Tested with mocks only.

    It cannot rewrite the times in layers, so two builds of the same content may have different digests.
    """
    import pulumi_docker as docker  # noqa: PLC0415 - its import costs 0.3 s, and few need it

    login = plan.registry.login if plan.registry else None
    image = docker.Image(
        name,
        build=docker.DockerBuildArgs(
            context=plan.location,
            dockerfile=f"{plan.location}/{plan.build.dockerfile}",
            target=plan.build.target,
            args=dict(plan.args),
            platform=plan.stack_inputs.environment.settings.platform,
            builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
        ),
        image_name=plan.tag,
        registry=docker.RegistryArgs(server=login["address"], username=login["username"], password=login["password"])
        if login
        else None,
        build_on_preview=False,
        skip_push=False,
        opts=options,
    )
    return image.repo_digest
