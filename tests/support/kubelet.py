"""How the kubelet expands references to variables, as Kubernetes documents it.

"If Kubernetes cannot resolve a variable reference, it leaves the reference unchanged"; "use the syntax $$(VAR_NAME) to
prevent the expansion", and "$$ becomes $".
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#environment-variables
"""

from collections.abc import Mapping


def expand(text: str, variables: Mapping[str, str]) -> str:
    """The text that a program gets: read from left to right, a dollar and what follows it at a time."""
    result = ""
    while text:
        before, dollar, text = text.partition("$")
        result += before
        if dollar and text.startswith("$"):
            result, text = result + "$", text[1:]
        elif dollar and text.startswith("(") and ")" in text:
            name, _, text = text[1:].partition(")")
            result += variables.get(name, f"$({name})")
        else:
            result += dollar
    return result
