"""Rules about the volumes of stores, and about sharing them. ``mounts`` checks that no path is mounted twice."""

import re

from seaway.model import application, rollout_order
from seaway.model import volumes as model_volumes
from seaway.model.validate import parts, structure
from seaway.syntax import decode, diagnosis

_RESERVED_NAME = re.compile(r"data|(config|secrets|shared|writable|tmp)(-.*)?")
"""Names of the other volumes of a pod."""

_STORAGE_CLASS = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def check(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """Each volume has a claim of its own, a size and a valid storage class."""
    claims: dict[str, str] = {}
    for store in app.stores:
        store_part = locations.at(f"stores.{store.name}")
        if store.volume is None and store.external is None and not store_part.has_undecoded("volume", "external"):
            hint = "add `volume: {path: /data, size: 1Gi}`, or `external:` if the store runs elsewhere"
            yield store_part.at("volume").report("missing-value", "is missing", hint)
        main = [(model_volumes.MAIN_VOLUME_NAME, store_part.at("volume"), store.volume)] if store.volume else []
        further = [(name, store_part.at("volumes", name), volume) for name, volume in store.volumes.items()]
        for name, part, volume in (*main, *further):
            is_reserved = volume is not store.volume and _RESERVED_NAME.fullmatch(name)
            if volume is not store.volume:
                yield from structure.check_name(name, part, structure.MAX_LABEL_LENGTH)
            claim = f"{name}-{store.name}-0"
            if is_reserved:
                message = f"{name} is reserved for another volume of the pod"
                yield part.report("reserved-name", message, "choose another name, as wal")
            elif claim in claims:
                message = f"its claim would be {claim}, as the claim of {claims[claim]}"
                yield part.report("duplicate-name", message, "rename one of the two")
            yield from _check_volume(volume, part)
            claims.setdefault(claim, part.path)
    yield from _check_shared_volumes(app, locations)


def _check_volume(volume: application.Volume, part: diagnosis.Part) -> diagnosis.Diagnostics:
    yield from structure.check_size(volume.size, part.at("size"), "1Gi")
    if volume.storage_class is not None and not _STORAGE_CLASS.fullmatch(volume.storage_class):
        message = f"{diagnosis.quote(volume.storage_class)} is not a valid name of a storage class"
        hint = "write a name that `kubectl get storageclasses` shows"
        yield part.at("storageClass").report("invalid-name", message, hint)


def _check_shared_volumes(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """A shared volume exists. It may belong to the store itself, at another path."""
    stores = {store.name: store for store in app.stores}
    owners = {name: sorted({share.store for share in store.shared_volumes} - {name}) for name, store in stores.items()}
    for cycle in rollout_order.find_name_cycles(owners):
        message = f"{' -> '.join(cycle)} each run where the volume of the next is, so none would start"
        path = f"stores.{cycle[0]}.sharedVolumes"
        yield locations.at(path).report("dependency-cycle", message, "make one of them the owner of both volumes")
    for workload, workload_part in parts.list_workloads(app, locations):
        for share in workload.shared_volumes:
            part = workload_part.at("sharedVolumes", share.path)
            owner = stores.get(share.store)
            if owner is None:
                if not parts.has_undecoded_workload(locations, share.store, "stores"):
                    message = f"there is no store {diagnosis.quote(share.store)}"
                    yield part.report("unknown-store", message, decode.suggest_name(share.store, stores))
            elif owner.external is not None:
                message = f"{share.store} is external: it has no volume to share"
                yield part.report("unknown-volume", message, "remove it, with `null` in the overlay")
            elif share.volume is not None and share.volume not in owner.volumes:
                message = f"{share.store} has no volume {diagnosis.quote(share.volume)}"
                yield part.report("unknown-volume", message, decode.suggest_name(share.volume, owner.volumes))
            elif isinstance(workload, application.Service) and workload.daemon_set:
                message = "is a volume of one node, but daemonSet runs a pod on every node"
                yield part.report("conflicting-keys", message, "remove one of the two")
