"""The registry: one repository for each image of the application."""

from collections.abc import Mapping

import pulumi

from components import image, provider, settings
from seaway.images import build_inputs
from seaway.manifests import inputs
from seaway.project import environments


def name_repositories(environment: environments.Environment) -> dict[str, str]:
    """Where images are pushed to, ``registry/application/service``. A rule has made sure of the registry."""
    return {
        name: f"{environment.settings.registry}/{environment.app.name}/{name}"
        for name, _ in build_inputs.list_builds(environment.app)
    }


class Registry(pulumi.ComponentResource):
    """The application's images in the environment's registry.

    Credentials are those of the user's Docker configuration (``docker login``): none is an input, so none is in the
    state, and a new token changes nothing.
    """

    images: Mapping[str, inputs.Image]
    """By name of the service, store or job that is built."""

    def __init__(
        self,
        plans: list[image.BuildPlan],
        stack_inputs: settings.StackInputs,
        cluster: provider.Cluster,
        options: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("seaway:index:Registry", stack_inputs.environment.app.name, None, options)
        child = pulumi.ResourceOptions(parent=self)
        made = {plan.name: image.Image(plan, stack_inputs, cluster, child) for plan in plans}
        self.images = {
            plan.name: inputs.Image(reference=made[plan.name].reference, content=plan.record.tag) for plan in plans
        }
        self.register_outputs({name: one.reference for name, one in made.items()})
