# ruff: noqa: E501 - a message stands in one line, as it is printed
"""What a workload may reach outside of the application: what passes, what fails, and the exact words."""

from collections.abc import Callable

import pytest

from seaway.model import application, egress
from seaway.model.defaults import resolve

Said = Callable[..., list[str]]
AT = "app/app.yaml:3:42: services.web.egress.0: "
HOW = "write internet, or addresses as 10.1.0.0/16 or 10.1.2.3/32:5432"


def web(words: str) -> str:
    return f"name: shop\nservices:\n  web: {{image: nginx, port: 80, egress: [{words}]}}\n  api: {{image: x}}\n"


@pytest.mark.parametrize(
    "words",
    ["", "internet", "internet, 10.0.0.0/8", "10.1.2.3/32:5432", '"2001:db8::/32:443", "fd00::/8"', "0.0.0.0/0", "10.0.0.0/8, 10.0.0.0/8:1"],
)  # fmt: skip
def test_passes(said: Said, words: str) -> None:
    assert said(web(words)) == []


FAILS = {
    "word": ("intranet", '"intranet" is no range of addresses; did you mean internet?'),
    "capitals": ("Internet", '"Internet" is no range of addresses; did you mean internet?'),
    "host": ("db.example.com", f'"db.example.com" is a name, and a network policy knows only addresses; {HOW}'),
    "link": ("api", "api is part of the application; write `calls: [api]`"),
    "nonsense": ("10.1/16", f'"10.1/16" is no range of addresses; {HOW}'),
    "bits": ("10.0.0.0/33", f'"10.0.0.0/33" is no range of addresses; {HOW}'),
    "one": ("10.1.2.3", '"10.1.2.3" is one address, and a range of them is wanted; write 10.1.2.3/32'),
    "one with a port": ('"10.1.2.3:5432"', '"10.1.2.3:5432" is one address, and a range of them is wanted; write 10.1.2.3/32:5432'),
    "one of version 6": ('"[2001:db8::1]:443"', '"[2001:db8::1]:443" is one address, and a range of them is wanted; write 2001:db8::1/128:443'),
    "inside": ("10.1.2.3/16:80", '"10.1.2.3/16:80" does not begin where the range does; write 10.1.0.0/16:80'),
    "port": ("10.1.0.0/16:70000", f"70000 is no port (1 to 65535); {HOW}"),
    "zero": ("10.1.0.0/16:0", f"0 is no port (1 to 65535); {HOW}"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILS)
def test_fails(said: Said, case: str) -> None:
    words, line = FAILS[case]
    assert said(web(words)) == [f"{AT}{line}"]


@pytest.mark.parametrize("word", ["internet", "10.0.0.0/8", "10.0.0.0/8:80"])
def test_twice(said: Said, word: str) -> None:
    (line,) = said(web(f"{word}, {word}"))
    assert line.endswith(f"services.web.egress.1: {word} is in the list twice; remove one of the two")


def test_a_text_is_no_list(said: Said) -> None:
    assert said(web("x").replace("[x]", "internet")) == [
        'app/app.yaml:3:33: services.web.egress: "internet" is no list; write [internet], or one a line after `- `'
    ]


def test_a_job_has_that_of_its_service() -> None:
    service = application.Service("web", image="x", egress=())
    jobs = (application.Job("one", uses="web"), application.Job("two", uses="web", egress=("10.0.0.0/8",)))
    one, two = resolve.resolve_application(application.Application("a", services=(service,), jobs=jobs)).jobs
    assert (one.egress, two.egress) == ((), ("10.0.0.0/8",))


def test_a_range_as_it_is_meant() -> None:
    assert egress.parse_range("10.1.2.3/16:80") == egress.AddressRange("10.1.0.0/16", 80)
    assert egress.parse_range("FD00::/8") == egress.AddressRange("fd00::/8")
    assert egress.parse_range("internet") is None
