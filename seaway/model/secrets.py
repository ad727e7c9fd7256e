"""The secrets of an application: how a container gets them, and which need a value in the stack."""

from seaway.model import application

MOUNT_FOLDER = "/run/secrets"
"""The folder of the secrets in a container, as with `docker compose` and in a swarm."""


VOLUME_NAME = "secrets"
"""The volume of a pod that has them: the file of each has its name."""


def format_path(secret: application.Secret) -> str:
    """The path of its file in the container."""
    return f"{MOUNT_FOLDER}/{secret.name}"


def format_variable_name(secret: application.Secret) -> str:
    """The environment variable that holds the value, or the path of the file."""
    return secret.name if secret.env else f"{secret.name}_FILE"


def list_secrets(app: application.Application) -> list[tuple[str, application.Secret]]:
    """The secrets of all containers, each with the path of its container."""
    return [
        (path, secret) for path, container_spec in app.get_containers().items() for secret in container_spec.secrets
    ]


def list_managed_names(app: application.Application) -> list[str]:
    """The secrets whose value the stack holds, sorted. The application is resolved."""
    return sorted({secret.name for _, secret in list_secrets(app) if secret.existing is None})


def get_generated_lengths(app: application.Application) -> dict[str, int]:
    """The secrets that the stack generates, with their lengths in characters."""
    return {secret.name: secret.generate for _, secret in list_secrets(app) if secret.generate is not None}
