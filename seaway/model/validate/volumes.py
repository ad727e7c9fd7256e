"""The rules about a store's disks. That each is mounted once is one of mounts.py."""

import re
from collections.abc import Iterator

from seaway.model import application, rollout_order
from seaway.model.validate import structure
from seaway.syntax import decode, diagnosis

FIRST = "data"
"""What the claim of the disk without a name is called."""

_TAKEN = re.compile(r"data|(config|secrets|shared|writable|tmp)(-.*)?")
"""What other volumes of a pod may be called."""

_LONGEST = 63
_CLASS = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def check(app: application.Application, places: diagnosis.Places) -> Iterator[diagnosis.Problem]:
    """Each disk has a claim of its own, a size, and a kind that Kubernetes can look for."""
    claims: dict[str, str] = {}
    for store in app.stores:
        path = f"stores.{store.name}"
        for name, at, volume in (
            (FIRST, f"{path}.volume", store.volume),
            *((name, f"{path}.volumes.{name}", one) for name, one in store.volumes.items()),
        ):
            if at != f"{path}.volume":
                yield from structure.name(name, at, _LONGEST, places)
                if _TAKEN.fullmatch(name):
                    wrong = f"{name} is what another volume of the pod may be called"
                    yield diagnosis.Problem(places.of(at), at, wrong, "choose another name, as wal")
            yield from structure.size(volume.size, f"{at}.size", "1Gi", places)
            if volume.storage_class is not None and not _CLASS.fullmatch(volume.storage_class):
                wrong = f"{diagnosis.quoted(volume.storage_class)} is no name of a storage class"
                remedy = "write one that `kubectl get storageclasses` shows"
                yield diagnosis.Problem(places.of(f"{at}.storageClass"), f"{at}.storageClass", wrong, remedy)
            made = f"{name}-{store.name}-0"
            if made in claims and not (at != f"{path}.volume" and name == FIRST):
                wrong = f"its claim would be {made}, as that of {claims[made]}"
                yield diagnosis.Problem(places.of(at), at, wrong, "rename one of the two")
            claims.setdefault(made, at)
    yield from _shares(app, places)


def claim(share: application.Share) -> str:
    """The name of the claim of a disk that is shared; a StatefulSet calls it so."""
    return f"{share.volume or FIRST}-{share.store}-0"


def group(app: application.Application, share: application.Share) -> int | None:
    """The group that the files of a shared disk belong to."""
    return next((one.user for one in app.stores if one.name == share.store), None)


def _shares(app: application.Application, places: diagnosis.Places) -> Iterator[diagnosis.Problem]:
    """What is shared is there. It may be a disk of its own, at another path."""
    stores = {one.name: one for one in app.stores}
    others = {name: sorted({share.store for share in one.shares} - {name}) for name, one in stores.items()}
    for circle in rollout_order.around(others):
        at = f"stores.{circle[0]}.shares"
        wrong = f"{' -> '.join(circle)} each run where the disk of the next is, and none would start"
        yield diagnosis.Problem(places.of(at), at, wrong, "let one of them own both disks")
    for path, one in structure.workloads(app).items():
        for share in one.shares:
            at = f"{path}.shares.{share.path}"
            owner = stores.get(share.store)
            if owner is None and not places.lost("stores", f"stores.{share.store}"):
                wrong = f"there is no store {diagnosis.quoted(share.store)}"
                yield diagnosis.Problem(places.of(at), at, wrong, decode.nearest(share.store, stores))
            elif owner is not None and share.volume is not None and share.volume not in owner.volumes:
                wrong = f"{share.store} has no disk {diagnosis.quoted(share.volume)}"
                yield diagnosis.Problem(places.of(at), at, wrong, decode.nearest(share.volume, owner.volumes))
            elif isinstance(one, application.Service) and one.each_node:
                wrong = "is a disk of one node, and eachNode asks for all of them"
                yield diagnosis.Problem(places.of(at), at, wrong, "leave out one of the two")
