"""Passwords in URLs: a program prints them when it cannot connect, and they must not be printed again or committed."""

import re

_USERINFO = re.compile(r"(?P<scheme>(?:https?)?://)(?P<userinfo>(?:(?!://)[^\s\"'`<>])*)(?=@)", re.IGNORECASE)
"""Everything up to the last @ of a URL: users write passwords with ``/``, ``:`` and ``@`` in them. Each URL is scanned
once, so the time is linear."""

_PORT = re.compile(r"\d{1,5}[/?#]")

_PARAMETER = re.compile(r"(?i)(passw(?:or)?d|passphrase|secret|token|api_?key)=[^\s&;,\"'`<>]+")
"""In the query of a URL, and in connection strings of libpq and ODBC."""

HIDDEN = "***"


def redact_passwords(text: str) -> str:
    """The text without the passwords in URLs and connection strings.

    >>> redact_passwords("cannot connect to postgresql://shop:S3cr3t@db:5432/shop?sslpassword=x")
    'cannot connect to postgresql://shop:***@db:5432/shop?sslpassword=***'
    """
    return _PARAMETER.sub(rf"\1={HIDDEN}", _USERINFO.sub(_hide_password, text))


def _hide_password(match: re.Match[str]) -> str:
    user, colon, password = match["userinfo"].partition(":")
    # The @ of a path, as in https://registry.npmjs.org:443/@types/node, is no password.
    if "/" in user or "?" in user or _PORT.match(password):
        return match[0]
    if colon:
        return f"{match['scheme']}{user}:{HIDDEN}"
    # Over HTTP, the name alone may be a token.
    is_http = match["scheme"].lower() != "://"
    return f"{match['scheme']}{HIDDEN if is_http else user}"
