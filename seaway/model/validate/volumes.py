"""The rules about a store's disks. That each is mounted once is one of mounts.py."""

import re
from collections.abc import Iterator

from seaway.model import application, rollout_order
from seaway.model import volumes as facts
from seaway.model.validate import structure
from seaway.syntax import decode, diagnosis

_RESERVED_NAME = re.compile(r"data|(config|secrets|shared|writable|tmp)(-.*)?")
"""What other volumes of a pod may be called."""

_MAX_NAME_LENGTH = 63
_STORAGE_CLASS = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Iterator[diagnosis.Diagnostic]:
    """Each disk has a claim of its own, a size, and a kind that Kubernetes can look for."""
    claims: dict[str, str] = {}
    for store in app.stores:
        path = f"stores.{store.name}"
        for name, at, volume in (
            (facts.MAIN_VOLUME_NAME, f"{path}.volume", store.volume),
            *((name, f"{path}.volumes.{name}", one) for name, one in store.volumes.items()),
        ):
            if at != f"{path}.volume":
                yield from structure.check_name(name, at, _MAX_NAME_LENGTH, locations)
                if _RESERVED_NAME.fullmatch(name):
                    wrong = f"{name} is what another volume of the pod may be called"
                    yield diagnosis.Diagnostic(locations.find(at), at, wrong, "choose another name, as wal")
            yield from structure.check_size(volume.size, f"{at}.size", "1Gi", locations)
            if volume.storage_class is not None and not _STORAGE_CLASS.fullmatch(volume.storage_class):
                wrong = f"{diagnosis.quote(volume.storage_class)} is no name of a storage class"
                remedy = "write one that `kubectl get storageclasses` shows"
                yield diagnosis.Diagnostic(locations.find(f"{at}.storageClass"), f"{at}.storageClass", wrong, remedy)
            made = f"{name}-{store.name}-0"
            if made in claims and not (at != f"{path}.volume" and name == facts.MAIN_VOLUME_NAME):
                wrong = f"its claim would be {made}, as that of {claims[made]}"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, "rename one of the two")
            claims.setdefault(made, at)
    yield from _check_shared_volumes(app, locations)


def _check_shared_volumes(
    app: application.Application, locations: diagnosis.SourceLocations
) -> Iterator[diagnosis.Diagnostic]:
    """What is shared is there. It may be a disk of its own, at another path."""
    stores = {one.name: one for one in app.stores}
    others = {name: sorted({share.store for share in one.shared_volumes} - {name}) for name, one in stores.items()}
    for circle in rollout_order.find_name_cycles(others):
        at = f"stores.{circle[0]}.sharedVolumes"
        wrong = f"{' -> '.join(circle)} each run where the disk of the next is, and none would start"
        yield diagnosis.Diagnostic(locations.find(at), at, wrong, "let one of them own both disks")
    for path, one in app.get_workloads().items():
        for share in one.shared_volumes:
            at = f"{path}.sharedVolumes.{share.path}"
            owner = stores.get(share.store)
            if owner is None and not locations.has_undecoded("stores", f"stores.{share.store}"):
                wrong = f"there is no store {diagnosis.quote(share.store)}"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, decode.suggest_name(share.store, stores))
            elif owner is not None and share.volume is not None and share.volume not in owner.volumes:
                wrong = f"{share.store} has no disk {diagnosis.quote(share.volume)}"
                yield diagnosis.Diagnostic(
                    locations.find(at), at, wrong, decode.suggest_name(share.volume, owner.volumes)
                )
            elif isinstance(one, application.Service) and one.daemon_set:
                wrong = "is a disk of one node, and daemonSet asks for all of them"
                yield diagnosis.Diagnostic(locations.find(at), at, wrong, "leave out one of the two")
