"""Images: from the build context to a reference by digest. What is built is known before anything is registered."""

import dataclasses
from collections.abc import Mapping

import pulumi
import pulumi_docker_build as docker_build

from components import messages, provider, settings
from seaway.files import roots
from seaway.images import build_inputs, file_index, rebuild_reasons, staging
from seaway.model import application
from seaway.project import images_lock
from seaway.syntax import diagnosis

EXPORT = "type=registry,rewrite-timestamp=true"
"""Pushed, and with the times in its layers set to SOURCE_DATE_EPOCH: the same content is the same digest on every
machine, or two laptops would roll each other's pods."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
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
    record: rebuild_reasons.Record
    warnings: tuple[diagnosis.Problem, ...]

    @property
    def tag(self) -> str:
        """Full name with the tag that stands for its content."""
        return f"{self.repository}:{self.record.tag}"


def plans(given: settings.Given, repositories: Mapping[str, str]) -> list[Plan]:
    """One plan for each container that is built; stages their contexts.

    Raises:
        problems.Invalid: all that is wrong with the contexts and Dockerfiles.
    """
    made: list[Plan] = []
    wrong: list[diagnosis.Problem] = []
    root = roots.find_root(given.folder, given.settings.root)
    lock = images_lock.read((given.folder / given.settings.app).parent, root)
    for name, build in build_inputs.builds(given.app):
        try:
            made.append(_plan(given, name, build, repositories[name], root=root, lock=lock))
        except diagnosis.Invalid as error:
            wrong += error.problems
    if wrong:
        raise diagnosis.Invalid(wrong)
    return made


def _plan(
    given: settings.Given,
    name: str,
    build: application.Build,
    repository: str,
    *,
    root: roots.Root,
    lock: images_lock.Lock | None,
) -> Plan:
    known = file_index.Index.load(staging.index_file(given.folder, name))
    above = (given.folder / given.settings.app).parent
    read = build_inputs.Source.read(above, build, given.settings, root, lock=lock, known=known)
    staged = staging.folder(given.folder, name)
    staging.stage(read.context, staged, known)
    known.save(staging.index_file(given.folder, name))
    contexts = dict(build.contexts)
    for called, other in read.context.others.items():
        # No service has a + in its name.
        beside = staging.folder(given.folder, f"{name}+{called}")
        staging.stage(other, beside, file_index.Index())
        contexts[called] = str(beside.relative_to(given.folder))
    return Plan(
        name=name,
        repository=repository,
        location=str(staged.relative_to(given.folder)),
        dockerfile=build.dockerfile,
        target=build.target,
        args={**read.args, "SOURCE_DATE_EPOCH": "0"},
        build=build,
        contexts=contexts,
        record=read.record,
        warnings=read.warnings,
    )


class Image(pulumi.ComponentResource):
    """One image, built and pushed by the environment's engine."""

    reference: pulumi.Output[str]
    """``repository@sha256:...``: what is deployed."""

    def __init__(
        self, plan: Plan, given: settings.Given, cluster: provider.Cluster, options: pulumi.ResourceOptions
    ) -> None:
        super().__init__("seaway:index:Image", plan.name, None, options)
        for problem in plan.warnings:
            messages.warn(str(problem), self)
        kept = rebuild_reasons.record_file(given.folder, plan.name)
        before = rebuild_reasons.Record.load(kept)
        if before is not None and (why := rebuild_reasons.reason(before, plan.record)):
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
        engine = _docker if given.settings.engine == "docker" else _docker_build
        self.reference = engine(plan, given, own)
        if not pulumi.runtime.is_dry_run():
            self.reference.apply(lambda _: plan.record.save(kept))
        self.register_outputs({"reference": self.reference})


def _docker_build(plan: Plan, given: settings.Given, options: pulumi.ResourceOptions) -> pulumi.Output[str]:
    chosen = given.settings
    image = docker_build.Image(
        plan.name,
        context=docker_build.BuildContextArgs(location=plan.location, named=_named(plan)),
        dockerfile=docker_build.DockerfileArgs(location=f"{plan.location}/{plan.dockerfile}")
        if plan.build.inline is None
        else docker_build.DockerfileArgs(inline=plan.build.inline),
        target=plan.target,
        build_args=dict(plan.args),
        secrets={id_: given.built_with[name] for id_, name in plan.build.secrets.items()} or None,
        ssh=[_agent(said) for said in plan.build.ssh] or None,
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


def _named(plan: Plan) -> dict[str, docker_build.ContextArgs] | None:
    return {name: docker_build.ContextArgs(location=where) for name, where in plan.contexts.items()} or None


def _agent(said: str) -> docker_build.SSHArgs:
    id_, _, path = said.partition("=")
    return docker_build.SSHArgs(id=id_, paths=[path] if path else None)


def _docker(plan: Plan, given: settings.Given, options: pulumi.ResourceOptions) -> pulumi.Output[str]:
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
            platform=given.settings.platform,
            builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
        ),
        image_name=plan.tag,
        build_on_preview=False,
        skip_push=False,
        opts=options,
    )
    return image.repo_digest
