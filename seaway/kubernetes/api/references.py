"""References to variables, which the kubelet expands in variables, commands, arguments and exec probes.

``$(NAME)`` is the variable of that name, and ``$$`` is a dollar; all else is what it is.
https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
"""

import re

_EXPANDED = re.compile(r"\$\$+|\$(?=\()")


def escape(text: str) -> str:
    """A text that the kubelet passes on as ``text``. Only dollars that it would expand are doubled."""
    return _EXPANDED.sub(lambda dollars: dollars[0] * 2, text)
