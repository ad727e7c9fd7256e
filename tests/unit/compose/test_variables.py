"""Interpolation, files of variables, and the notation of sizes, durations and commands."""

from fractions import Fraction

import pytest

from seaway.compose.loader import dotenv, interpolation, scalars, short_syntax
from seaway.syntax import diagnosis, duration
from tests.support import diagnostics

LOCATION = diagnosis.SourceLocation("compose.yaml", 1, 1)
VARIABLES = interpolation.Variables({"A": "a", "EMPTY": "", "LONG_1": "l"}, host_names={"HOME", "A"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$A/$LONG_1-$A", "a/l-a"),
        ("${A}b", "ab"),
        ("${EMPTY:-d}${EMPTY-d}${NONE:-d}${NONE-d}${A:-d}", "ddda"),
        ("${EMPTY:+p}|${EMPTY+p}|${NONE+p}|${A:+p}", "|p||p"),
        ("${A:?e}${EMPTY?e}", "a"),
        ("${NONE:-${EMPTY:-in $A}}", "in a"),
        ('${NONE:-{"a": 1}}', '{"a": 1}'),
        ("${NONE:-a-b:c?d}", "a-b:c?d"),
        ("$$A $${A} $5 $ $", "$A ${A} $5 $ $"),
        ("${A}}", "a}"),
        ("<$NONE${NONE}>", "<>"),
    ],
)
def test_variables_are_interpolated(text: str, expected: str) -> None:
    assert VARIABLES.interpolate(text, LOCATION) == expected


def test_invalid_variables_are_errors(wording: object) -> None:
    texts = {
        "$HOME": "missing-variable",
        "${NONE:?say $A}": "missing-variable",
        "${EMPTY:?}": "missing-variable",
        "${NONE?}": "missing-variable",
        "${}": "invalid-variable",
        "${A!}": "invalid-variable",
        "${1}": "invalid-variable",
        "x ${A:-b": "invalid-variable",
    }
    messages: list[str] = []
    for text, code in texts.items():
        with pytest.raises(interpolation.InterpolationError) as caught:
            VARIABLES.interpolate(text, LOCATION)
        assert caught.value.code == code
        messages.append(f"{text}: {caught.value.message}; {caught.value.hint}")
    assert messages == wording


def parse(text: str) -> dict[str, str]:
    return {name: node.text for name, node in dotenv.parse(text, "a.env", "", VARIABLES).items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# only\n\n  # this", {}),
        ("B=1\nC = 2 \nexport D=3", {"B": "1", "C": "2", "D": "3"}),
        ("B=1 # said\nC=1#2\nD=#x\n", {"B": "1", "C": "1#2", "D": ""}),
        ("B=\"x # y\" # z\nC='$A'\n", {"B": "x # y", "C": "$A"}),
        (r'B="a\tb\"c\$A"' + "\nC='it\\'s \\n'", {"B": 'a\tb"c$A', "C": "it's \\n"}),
        ("B=$A-${C:-c}\nC=1\nD=$C\n", {"B": "a-c", "C": "1", "D": "1"}),
        ("A=own\nB=$A", {"A": "own", "B": "a"}),
        ("A\nNONE\nB=1", {"A": "a", "B": "1"}),
        ("B=1\nB=2", {"B": "2"}),
    ],
)
def test_env_files_are_parsed(text: str, expected: dict[str, str]) -> None:
    assert parse(text) == expected


def test_invalid_env_files_are_errors(wording: object) -> None:
    texts = {
        "B=1\nno name\n": ["a.env:2:1: : invalid-assignment"],
        "\nB='x\n": ["a.env:2:1: : invalid-assignment"],
        'B="x"y\n': ["a.env:1:1: : invalid-assignment"],
        "B=${NONE?}": ["a.env:1:1: : missing-variable"],
    }
    messages: list[str] = []
    for text, expected in texts.items():
        errors = diagnostics.catch(lambda text=text: parse(text))
        assert diagnostics.summarize(errors) == expected
        messages += map(str, errors)
    errors = diagnostics.catch(lambda: dotenv.parse_raw("=1\nA B=1\n", "a.env", "", VARIABLES))
    assert diagnostics.summarize(errors) == ["a.env:1:1: : invalid-assignment", "a.env:2:1: : invalid-assignment"]
    messages += map(str, errors)
    errors = diagnostics.catch(
        lambda: dotenv.decode_text(b"A=1\n" * 300_000, diagnosis.SourceLocation("a.env", 1, 1), "")
    )
    assert diagnostics.summarize(errors) == ["a.env:1:1: : file-too-large"]
    assert [*messages, *map(str, errors)] == wording


def test_a_file_without_variables_ends_early() -> None:
    assert len(diagnostics.catch(lambda: parse("x y\n" * 100_000))) == 50


def test_the_location_of_a_variable_is_its_line() -> None:
    assert str(dotenv.parse('B="1\n2"\n\nC=3', "a.env", "", VARIABLES)["C"].location) == "a.env:4:1"


def test_raw_files_are_not_interpolated() -> None:
    variables = dotenv.parse_raw("# x\nB='$A' # y\nA\nNONE\n C==\n", "a.env", "", VARIABLES)
    assert {name: node.text for name, node in variables.items()} == {"B": "'$A' # y", "A": "a", "C": "="}


def test_sizes() -> None:
    sizes = {"0": 0, "1024": 1024, "2b": 2, "1k": 1024, "1KB": 1024, "1 MiB": 2**20, "1.5g": 1610612736, "1t": 2**40}
    assert {text: scalars.parse_size(text) for text in sizes} == sizes
    for text in ("", "m", "-1", "1x", "1kk", "1bb", "1e3", "9" * 50):
        with pytest.raises(ValueError, match="is not a valid size"):
            scalars.parse_size(text)


def test_durations() -> None:
    durations = {"0": 0, "10s": 10, "1m30s": 90, "1.5h": 5400, "500ms": Fraction(1, 2), "1w2d": 777600}
    durations["1us"] = Fraction(1, 10**6)
    assert {text: duration.parse_seconds(text) for text in durations} == durations
    for text in ("", "10", "s", "1 s", "1s ", "-1s", "1y", "1s" * 30):
        with pytest.raises(ValueError, match="is not a valid duration"):
            duration.parse_seconds(text)


def test_commands_are_split_into_words() -> None:
    words = {
        "a  b\tc": ["a", "b", "c"],
        "a b&& c": ["a", "b"],
        "a 1> c": ["a"],
        "a b2>&1": ["a", "b2"],
        "a 'b c' \"d e\"f": ["a", "b c", "d ef"],
        r"a\ b '\n' \"": ["a b", r"\n", '"'],
        "a '' b": ["a", "", "b"],
        "a $(b c) `d e`": ["a", "$(b c)", "`d e`"],
        "a 'b && c'": ["a", "b && c"],
    }
    assert {line: short_syntax.split_words(line)[0] for line in words} == words
    for line, message in {"a 'b": "has an open quote", "a\\": "has an open quote", "(a)": "has a bracket"}.items():
        with pytest.raises(ValueError, match=message):
            short_syntax.split_words(line)
