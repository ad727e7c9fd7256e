"""The persistent volume claims of stores, as other workloads mount them."""

from seaway.model import application

MAIN_VOLUME_NAME = "data"
"""What the claim of the disk without a name is called."""


def format_claim_name(shared_volume: application.SharedVolume) -> str:
    """The name of the claim of a disk that is shared; a StatefulSet calls it so."""
    return f"{shared_volume.volume or MAIN_VOLUME_NAME}-{shared_volume.store}-0"


def find_group_id(app: application.Application, shared_volume: application.SharedVolume) -> int | None:
    """The group that the files of a shared disk belong to."""
    return next((one.user for one in app.stores if one.name == shared_volume.store), None)
