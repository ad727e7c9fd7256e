"""The registry: one repository for each image of the application."""

from collections.abc import Mapping, Sequence

import pulumi

from components import image, provider, stack_config
from seaway.manifests import inputs


class Registry(pulumi.ComponentResource):
    """The images of the application in the registry of the environment.

    The credentials are those of the user's Docker configuration (``docker login``). They are no input, so they are not
    in the state, and a new token changes nothing.
    """

    images: Mapping[str, inputs.Image]
    """By name of the service, store or job that is built."""

    def __init__(
        self,
        plans: Sequence[image.BuildPlan],
        stack_inputs: stack_config.StackInputs,
        cluster: provider.Cluster,
        options: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("seaway:index:Registry", stack_inputs.environment.app.name, None, options)
        child = pulumi.ResourceOptions(parent=self)
        images = {plan.name: image.Image(plan, stack_inputs, cluster, child) for plan in plans}
        self.images = {
            plan.name: inputs.Image(reference=images[plan.name].reference, content=plan.record.tag) for plan in plans
        }
        self.register_outputs({name: built.reference for name, built in images.items()})
