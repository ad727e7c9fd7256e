"""What a workload may reach outside of the application."""

import subprocess
import sys

import pytest

from seaway.model import application, egress
from seaway.model.defaults import resolve
from tests import golden
from tests.unit.conftest import ExpectErrors, FindErrors


def web(words: str) -> str:
    return f"name: shop\nservices:\n  web: {{image: nginx, port: 80, egress: [{words}]}}\n  api: {{image: x}}\n"


INVALID = {
    "unknown word": "intranet",
    "upper case": "Internet",
    "host name": "db.example.com",
    "workload": "api",
    "no address": "10.1/16",
    "prefix length": "10.0.0.0/33",
    "single address": "10.1.2.3",
    "address with a port": '"10.1.2.3:5432"',
    "IPv6 address": '"[2001:db8::1]:443"',
    "address inside the range": "10.1.2.3/16:80",
    "high port": "10.1.0.0/16:70000",
    "port zero": "10.1.0.0/16:0",
}


VALID = [
    "",
    "internet",
    "internet, 10.0.0.0/8",
    "10.1.2.3/32:5432",
    '"2001:db8::/32:443", "fd00::/8"',
    "0.0.0.0/0",
    "10.0.0.0/8, 10.0.0.0/8:1",
]


@pytest.mark.parametrize("words", VALID)
def test_valid_targets_have_no_errors(find_errors: FindErrors, words: str) -> None:
    assert find_errors(web(words)) == ()


@pytest.mark.parametrize("case", INVALID)
def test_invalid_targets_are_reported(expect_errors: ExpectErrors, case: str) -> None:
    expect_errors(web(INVALID[case]), "3:42: .egress.0: invalid-egress")


@pytest.mark.parametrize("text", [30_000 * ":" + "x", 20_000 * "1:" + "x", 10_000 * "::1" + "g", "[" + 30_000 * ":"])
def test_a_long_text_takes_no_minutes(text: str) -> None:
    """Of such a text, an expression with two repetitions of colons tries every pair of lengths."""
    script = "import sys\nfrom seaway.model.validate import egress\negress._find_error(sys.stdin.read(), set())"
    subprocess.run([sys.executable, "-c", script], cwd=golden.ROOT, input=text, text=True, check=True, timeout=60)


@pytest.mark.parametrize(("word", "column"), [("internet", 52), ("10.0.0.0/8", 54), ("10.0.0.0/8:80", 57)])
def test_a_target_is_in_the_list_once(expect_errors: ExpectErrors, word: str, column: int) -> None:
    expect_errors(web(f"{word}, {word}"), f"3:{column}: services.web.egress.1: duplicate-value")


def test_egress_is_a_list(expect_errors: ExpectErrors) -> None:
    expect_errors(web("x").replace("[x]", "internet"), "3:33: .egress: invalid-type")


def test_a_job_inherits_the_egress_of_its_service() -> None:
    service = application.Service("web", image="x", egress=())
    jobs = (application.Job("a", uses="web"), application.Job("b", uses="web", egress=("10.0.0.0/8",)))
    resolved = resolve.resolve_application(application.Application("a", services=(service,), jobs=jobs))
    assert [job.egress for job in resolved.jobs] == [(), ("10.0.0.0/8",)]


def test_a_range_begins_at_its_first_address() -> None:
    assert egress.parse_range("10.1.2.3/16:80") == egress.AddressRange("10.1.0.0/16", 80)
    assert egress.parse_range("FD00::/8") == egress.AddressRange("fd00::/8")
    assert egress.parse_range("internet") is None
