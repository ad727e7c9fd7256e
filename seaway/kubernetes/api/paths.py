"""Where an object is found in the API."""

_IRREGULAR = {"endpoints": "endpoints"}


def build_path(version: str, kind: str, namespace: str, name: str = "") -> str:
    """The path of an object; without a name, of the list of its kind. No namespace: it belongs to the cluster.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris

    Args:
        version: its ``apiVersion``: ``v1``, ``apps/v1``.
    """
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{group}{within}/{get_plural(kind)}" + (f"/{name}" if name else "")


def get_plural(kind: str) -> str:
    """A kind as the API's paths have it: English plural, in small letters."""
    word = kind.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(("s", "x", "ch")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in set("aeiou"):
        return f"{word[:-1]}ies"
    return f"{word}s"
