"""Kubernetes quantities: parsed exactly, formatted, and rounded up."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.kubernetes.api import quantity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100m", Fraction(1, 10)),
        ("1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        (2, 2),
        ("128Mi", 128 * 2**20),
        ("1.5Gi", 3 * 2**29),
        ("1G", 10**9),
        ("1E", 10**18),
        ("1e3", 1000),
        ("12E-1", Fraction(6, 5)),
        ("5u", Fraction(5, 10**6)),
        ("-1k", -1000),
    ],
)
def test_quantities_are_parsed_exactly(text: str | int, expected: Fraction | int) -> None:
    assert quantity.parse(text) == expected


@pytest.mark.parametrize("text", ["", "Mi", "1.2.3", "1Xi", "x", "1 Gi", "1mi", "1e999999"])
def test_invalid_quantities_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a quantity$"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("cores", "expected"),
    [(2, "2"), (0, "0"), (Fraction(3, 2), "1500m"), (Fraction(1, 3), "334m"), (Fraction(1, 10**9), "1m")],
)
def test_cpu_is_formatted_in_thousandths(cores: Fraction | int, expected: str) -> None:
    assert quantity.format_cpu(cores) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, "0"), (1, "1"), (1024, "1Ki"), (3 * 2**29, "1536Mi"), (2**40, "1Ti"), (10**9, "1000000000"), (0.5, "1")],
)
def test_bytes_are_formatted_in_the_largest_exact_unit(amount: int, expected: str) -> None:
    assert quantity.format_size(Fraction(amount)) == expected


@pytest.mark.parametrize(
    ("amount", "expected"), [("1334m", "1400m"), ("13.4", "14"), ("10", "10"), ("134", "140"), ("7m", "7m"), ("0", "0")]
)
def test_cpu_is_rounded_up_to_two_digits(amount: str, expected: str) -> None:
    assert quantity.round_cpu(quantity.parse(amount)) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("1365.3Mi", "1400Mi"),
        ("13.4Gi", "14Gi"),
        ("170.6Mi", "180Mi"),
        ("128Mi", "130Mi"),
        ("100Mi", "100Mi"),
        ("9.5Gi", "9800Mi"),
        ("1", "1"),
    ],
)
def test_bytes_are_rounded_up_to_two_digits(amount: str, expected: str) -> None:
    assert quantity.round_size(quantity.parse(amount)) == expected


def test_counts_are_rounded_up_to_two_digits() -> None:
    rounded = {"0": 0, "1/3": 1, "5.4": 6, "99.5": 100, "134": 140, "1001": 1100}
    assert {number: quantity.round_count(Fraction(number)) for number in rounded} == rounded


@settings(max_examples=50)
@given(st.integers(0, 2**60))
def test_formatting_is_exact_and_rounding_is_within_a_tenth(number: int) -> None:
    assert quantity.parse(quantity.format_size(number)) == number
    assert quantity.parse(quantity.format_cpu(Fraction(number, 1000))) == Fraction(number, 1000)
    for rounded, exact in (
        (quantity.parse(quantity.round_size(number)), Fraction(number)),
        (quantity.parse(quantity.round_cpu(Fraction(number, 1000))), Fraction(number, 1000)),
        (Fraction(quantity.round_count(number)), Fraction(number)),
    ):
        assert exact <= rounded <= exact * Fraction(111, 100) + 1
