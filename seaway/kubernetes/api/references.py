"""References to variables, which the kubelet expands in variables, commands, arguments and exec probes.

In the syntax of Kubernetes, ``$(NAME)`` is the variable of that name, ``$$`` is a dollar, and all else is what it is.
Manifests, the model and records have this syntax.
https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/

A user writes the syntax of an application: ``$$`` is a dollar only in front of ``(``. All other dollars are what they
are, so a password needs no escape.
"""

import re
from collections.abc import Mapping

_BEFORE_PARENTHESIS = re.compile(r"(?<!\$)\$+(?=\()")
# Kubelets of older versions break a character that is not ASCII behind a single dollar.
_ELSEWHERE = re.compile(r"(?<!\$)(?:\$\$+(?![$(])|\$(?=[^\x00-\x7f]))")
_EXPANDED = re.compile(r"\$\$|\$\(([^)]*)\)")


def escape(text: str) -> str:
    """A text as an application has it, where none of it is a reference."""
    return _BEFORE_PARENTHESIS.sub(_double, text)


def to_kubernetes(text: str) -> str:
    """A text of an application in the syntax of Kubernetes. Only dollars that the kubelet would change are doubled."""
    return _ELSEWHERE.sub(_double, text)


def quote(text: str) -> str:
    """A text in the syntax of Kubernetes, where none of it is a reference."""
    return to_kubernetes(escape(text))


def unquote(text: str) -> str:
    """What the kubelet makes of a text in the syntax of Kubernetes that has no references."""
    return _EXPANDED.sub(lambda match: "$" if match[1] is None else match[0], text)


def list_names(text: str) -> list[str]:
    """The names in the references of a text, in the syntax of Kubernetes."""
    return [match[1] for match in _EXPANDED.finditer(text) if match[1] is not None]


def sort_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables by name, each after those that it refers to: the kubelet knows only the variables before it."""
    references = {name: {*list_names(text)} - {name} for name, text in sorted(variables.items())}
    ordered: dict[str, str] = {}
    while references:
        ready = (name for name, others in references.items() if references.keys().isdisjoint(others))
        name = next(ready, next(iter(references)))  # variables that refer to each other cannot all be expanded
        ordered[name] = variables[name]
        del references[name]
    return ordered


def _double(dollars: re.Match[str]) -> str:
    return dollars[0] * 2
