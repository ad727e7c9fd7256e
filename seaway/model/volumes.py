"""The persistent volume claims of stores, as other workloads mount them."""

from seaway.model import application

MAIN_VOLUME_NAME = "data"
"""The name of the claim template of ``volume``, which has no name of its own."""


def format_claim_name(shared_volume: application.SharedVolume) -> str:
    """The name of the claim of a shared volume, as its StatefulSet creates it."""
    return f"{shared_volume.volume or MAIN_VOLUME_NAME}-{shared_volume.store}-0"


def find_group_id(app: application.Application, shared_volume: application.SharedVolume) -> int | None:
    """The group that owns the files of a shared volume."""
    return next((store.user for store in app.stores if store.name == shared_volume.store), None)


def list_claims(store: application.Store) -> dict[str, application.Volume]:
    """The volumes of a store by the names of their claim templates."""
    return ({MAIN_VOLUME_NAME: store.volume} if store.volume else {}) | dict(store.volumes)
