"""The secrets of an application: where a container gets each, and which values the stack must have."""

from seaway.model import application

MOUNT_FOLDER = "/run/secrets"
"""Where a container finds its secrets, as it does with `docker compose` and in a swarm."""


def format_path(secret: application.Secret) -> str:
    """Where its file is in the container."""
    return f"{MOUNT_FOLDER}/{secret.name}"


def format_variable_name(secret: application.Secret) -> str:
    """The environment variable that its container gets: with the value, or with the path of its file."""
    return secret.name if secret.env else f"{secret.name}_FILE"


def list_secrets(app: application.Application) -> list[tuple[str, application.Secret]]:
    """The secrets of every container, each with the path of its container."""
    return [(path, secret) for path, one in app.get_containers().items() for secret in one.secrets]


def list_managed_names(app: application.Application) -> list[str]:
    """The names of those that need a value of ours, sorted; a resolved application's."""
    return sorted({secret.name for _, secret in list_secrets(app) if secret.existing is None})


def get_generated_lengths(app: application.Application) -> dict[str, int]:
    """The secrets that the stack makes itself, with their lengths."""
    found = (secret for _, secret in list_secrets(app))
    return {secret.name: secret.generate for secret in found if secret.generate is not None}
