"""The providers, explicit, and the resources of our own plugin (see plugin/)."""

import pulumi
import pulumi_kubernetes

from seaway.model import settings


def kubernetes(scope: str, chosen: settings.Settings, options: pulumi.ResourceOptions) -> pulumi_kubernetes.Provider:
    """The Kubernetes provider for one context of the user's kubeconfig.

    Without a ``kubeconfig`` input, which would land in the state: the provider reads KUBECONFIG itself. The constant
    identifier keeps every resource when the address or the certificate of the same cluster changes (traps.md 14);
    that it is the same cluster is what ``Cluster`` looks after. ``delete_unreachable`` stays off: objects that cannot
    be seen are not gone.
    """
    return pulumi_kubernetes.Provider(
        scope,
        context=chosen.context,
        cluster_identifier=scope,
        delete_unreachable=False,
        opts=options,
    )


class Seaway(pulumi.ProviderResource):
    """Our plugin, bound to a context. It fails a preview in one line where the cluster cannot be reached."""

    def __init__(self, name: str, context: str, options: pulumi.ResourceOptions) -> None:
        super().__init__("seaway", name, {"context": context}, options)


class Cluster(pulumi.CustomResource):
    """The guard that the stack stays in the cluster that it was deployed to."""

    uid: pulumi.Output[str]

    def __init__(self, name: str, context: str, options: pulumi.ResourceOptions) -> None:
        super().__init__("seaway:index:Cluster", name, {"context": context, "uid": None}, options)


class GeneratedSecret(pulumi.CustomResource):
    """A value that is made once, of ``length`` letters and digits, and kept in the stack's state, encrypted."""

    value: pulumi.Output[str]

    def __init__(self, name: str, length: int, options: pulumi.ResourceOptions) -> None:
        properties = {"name": name, "length": length, "value": None}
        secret = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(
            "seaway:index:GeneratedSecret", name, properties, pulumi.ResourceOptions.merge(options, secret)
        )
