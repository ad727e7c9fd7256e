"""The providers, explicit, and the resources of our own plugin (see plugin/)."""

import importlib.metadata
from collections.abc import Iterable

import pulumi

from seaway.manifests import names, objects
from seaway.model import settings
from seaway.review import disks

KUBERNETES_VERSION = importlib.metadata.version("pulumi-kubernetes")
"""Of the plugin: the one that the pinned package was made for."""


class Kubernetes(pulumi.ProviderResource):
    """The Kubernetes provider, bound to one context of the user's kubeconfig.

    Not the class of pulumi_kubernetes: that one takes an unset ``kubeconfig`` from KUBECONFIG, and then the path (or
    the credentials) of one machine are in the state and a difference on the next. The plugin reads KUBECONFIG itself.
    The constant identifier keeps every resource when the address or the certificate of the same cluster changes,
    and that it is the same cluster is what ``Cluster`` looks after. Objects that cannot be seen are not
    gone: they are never dropped from the state because the cluster is away.
    """

    def __init__(self, name: str, context: str, options: pulumi.ResourceOptions) -> None:
        # A provider's inputs are texts, with JSON for what is none.
        inputs = {
            "context": context,
            "clusterIdentifier": name,
            "enableServerSideApply": "true",
            "deleteUnreachable": "false",
        }
        own = pulumi.ResourceOptions(version=KUBERNETES_VERSION)
        super().__init__("kubernetes", name, inputs, pulumi.ResourceOptions.merge(options, own))


class Seaway(pulumi.ProviderResource):
    """Our plugin, bound to a context. It fails a preview in one line where the cluster cannot be reached.

    Its inputs also tell the guard of disks the namespace and the accepted losses: a destroy runs no program.
    """

    def __init__(
        self, name: str, stack_settings: settings.Settings, namespace: str, options: pulumi.ResourceOptions
    ) -> None:
        inputs = {
            "context": stack_settings.context,
            "namespaces": namespace,
            "dataLoss": disks.encode_exceptions(stack_settings),
        }
        super().__init__("seaway", name, inputs, options)


class Cluster(pulumi.CustomResource):
    """The guard that the stack stays in the cluster that it was deployed to."""

    uid: pulumi.Output[str]

    def __init__(self, name: str, context: str, options: pulumi.ResourceOptions) -> None:
        super().__init__("seaway:index:Cluster", name, {"context": context, "uid": None}, options)


class Objects(pulumi.CustomResource):
    """Refuses to take over other people's objects, which server-side apply would do silently, and to delete disks.

    ``found``: all objects of the stack, the namespace among them. Their labels say whose they are.
    """

    def __init__(
        self, name: str, release_objects: Iterable[objects.ReleaseObject], options: pulumi.ResourceOptions
    ) -> None:
        release_objects = list(release_objects)
        labels = release_objects[0].manifest["metadata"]["labels"]
        properties = {
            "partOf": labels[names.PART_OF_LABEL],
            "stack": labels[names.STACK_LABEL],
            "objects": sorted(one.identity for one in release_objects),
            "sets": {
                one.identity: disks.extract_shape(one.manifest) for one in release_objects if one.kind == "StatefulSet"
            },
        }
        super().__init__("seaway:index:Objects", name, properties, options)


class JobAttempt(pulumi.CustomResource):
    """Counts the runs of one Job: a failed one is in the way of the next, so it must be replaced.

    ``name`` is that of the Job. What `pulumi.com/replaceUnready` does, but here the Job is not replaced while it runs.
    """

    attempt: pulumi.Output[int]

    def __init__(self, name: str, namespace: str, options: pulumi.ResourceOptions) -> None:
        properties = {"namespace": namespace, "name": name, "attempt": None}
        super().__init__("seaway:index:JobAttempt", name, properties, options)


class GeneratedSecret(pulumi.CustomResource):
    """A value that is made once, of ``length`` letters and digits, and kept in the stack's state, encrypted."""

    value: pulumi.Output[str]

    def __init__(self, name: str, length: int, options: pulumi.ResourceOptions) -> None:
        properties = {"name": name, "length": length, "value": None}
        secret = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(
            "seaway:index:GeneratedSecret", name, properties, pulumi.ResourceOptions.merge(options, secret)
        )
