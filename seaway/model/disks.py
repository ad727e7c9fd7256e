"""The rules about a store's disks. That each is mounted once is one of mounts.py."""

import re
from collections.abc import Iterator

from seaway.model import application, problems, rules

FIRST = "data"
"""What the claim of the disk without a name is called."""

_TAKEN = re.compile(r"data|(config|secrets|writable|tmp)(-.*)?")
"""What other volumes of a pod may be called."""

_LONGEST = 63
_CLASS = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def check(app: application.Application, places: problems.Places) -> Iterator[problems.Problem]:
    """Each disk has a claim of its own, a size, and a kind that Kubernetes can look for."""
    claims: dict[str, str] = {}
    for store in app.stores:
        path = f"stores.{store.name}"
        for name, at, volume in (
            (FIRST, f"{path}.volume", store.volume),
            *((name, f"{path}.volumes.{name}", one) for name, one in store.volumes.items()),
        ):
            if at != f"{path}.volume":
                yield from rules.name(name, at, _LONGEST, places)
                if _TAKEN.fullmatch(name):
                    wrong = f"{name} is what another volume of the pod may be called"
                    yield problems.Problem(places.of(at), at, wrong, "choose another name, as wal")
            yield from rules.size(volume.size, f"{at}.size", "1Gi", places)
            if volume.storage_class is not None and not _CLASS.fullmatch(volume.storage_class):
                wrong = f"{problems.quoted(volume.storage_class)} is no name of a storage class"
                remedy = "write one that `kubectl get storageclasses` shows"
                yield problems.Problem(places.of(f"{at}.storageClass"), f"{at}.storageClass", wrong, remedy)
            claim = f"{name}-{store.name}-0"
            if claim in claims and not (at != f"{path}.volume" and name == FIRST):
                wrong = f"its claim would be {claim}, as that of {claims[claim]}"
                yield problems.Problem(places.of(at), at, wrong, "rename one of the two")
            claims.setdefault(claim, at)
