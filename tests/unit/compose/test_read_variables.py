"""Variables in values, and files of them; sizes and durations."""

from fractions import Fraction

import pytest

from seaway.compose.loader import dotenv, interpolation, scalars, shell_words
from seaway.syntax import diagnosis

VARIABLES = interpolation.Variables({"A": "a", "EMPTY": "", "LONG_1": "l"}, host_names={"HOME", "A"})


@pytest.mark.parametrize(
    ("text", "after"),
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
def test_every_form(text: str, after: str) -> None:
    assert VARIABLES.interpolate(text) == after


@pytest.mark.parametrize(
    ("text", "wrong", "remedy"),
    [
        (
            "$HOME",
            "the variable HOME is one of this machine, and none of the project",
            "write HOME=... into .env, or ${HOME:-} with a default; $$HOME where the container replaces it",
        ),
        ("${NONE:?say $A}", 'the variable NONE is required: "say a"', "write NONE=... into .env"),
        ("${EMPTY:?}", "the variable EMPTY is required", "write EMPTY=... into .env"),
        ("${NONE?}", "the variable NONE is required", "write NONE=... into .env"),
        ("${}", '"${}" is no variable', "write ${NAME}, ${NAME:-default}, or $$ for a $"),
        ("${A!}", '"${A!}" is no variable', "write ${NAME}, ${NAME:-default}, or $$ for a $"),
        ("${1}", '"${1}" is no variable', "write ${NAME}, ${NAME:-default}, or $$ for a $"),
        ("x ${A:-b", '"${A:-b" has no } at its end', "close it, or write $$ for a $"),
    ],
)
def test_wrong_variables(text: str, wrong: str, remedy: str) -> None:
    with pytest.raises(interpolation.InterpolationError) as caught:
        VARIABLES.interpolate(text)
    assert (caught.value.message, caught.value.hint) == (wrong, remedy)


def env(text: str) -> dict[str, str]:
    return {name: node.text for name, node in dotenv.parse(text, "a.env", "", VARIABLES).items()}


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", {}),
        ("# only\n\n  # this", {}),
        ("B=1\nC = 2 \nexport D=3", {"B": "1", "C": "2", "D": "3"}),
        ("B=1 # said\nC=1#2\nD=#x\n", {"B": "1", "C": "1#2", "D": ""}),
        ("B=\nC=x", {"B": "", "C": "x"}),
        ("B: yaml\n", {"B": "yaml"}),
        ("B=\"x # y\" # z\nC='$A'\n", {"B": "x # y", "C": "$A"}),
        ('B="one\ntwo"\nC=3', {"B": "one\ntwo", "C": "3"}),
        (r'B="a\tb\"c\$A"' + "\nC='it\\'s \\n'", {"B": 'a\tb"c$A', "C": "it's \\n"}),
        ("B=$A-${C:-c}\nC=1\nD=$C\n", {"B": "a-c", "C": "1", "D": "1"}),
        ("A=own\nB=$A", {"A": "own", "B": "a"}),
        ("A\nNONE\nB=1", {"A": "a", "B": "1"}),
        ("B=1\r\nC=2\r\n".replace("\r\n", "\n"), {"B": "1", "C": "2"}),
        ("B=1\nB=2", {"B": "2"}),
    ],
)
def test_files_of_variables(text: str, after: dict[str, str]) -> None:
    assert env(text) == after


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "B=1\nno name\n",
            "a.env:2:1: is no NAME=value; write NAME=value; a comment begins with #, several lines need quotes",
        ),
        ("\nB='x\n", "a.env:2:1: the value of B has no end; end it with the quote that it begins with"),
        ('B="x"y\n', "a.env:1:1: the value of B goes on after its quote; put the quotes round all of it"),
        (
            "B=${NONE?}",
            "a.env:1:1: B: the variable NONE is required; write NONE=... into .env",
        ),
    ],
)
def test_wrong_files_of_variables(text: str, message: str) -> None:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        env(text)
    assert str(caught.value) == message


def test_what_is_no_file_of_variables_ends_soon() -> None:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        env("x y\n" * 100_000)
    assert len(caught.value.diagnostics) == 50
    with pytest.raises(diagnosis.InvalidInput) as caught:
        dotenv.decode_text(b"A=1\n" * 300_000, diagnosis.SourceLocation("a.env", 1, 1), "")
    assert str(caught.value) == (
        "a.env:1:1: has 1200000 bytes; keep it under 1000000; long texts belong in files of their own"
    )


def test_the_place_of_a_value_is_its_line() -> None:
    assert str(dotenv.parse('B="1\n2"\n\nC=3', "a.env", "", VARIABLES)["C"].location) == "a.env:4:1"


def test_raw_files() -> None:
    read = dotenv.parse_raw("# x\nB='$A' # y\nA\nNONE\n C==\n", "a.env", "", VARIABLES)
    assert {name: node.text for name, node in read.items()} == {"B": "'$A' # y", "A": "a", "C": "="}
    with pytest.raises(diagnosis.InvalidInput) as caught:
        dotenv.parse_raw("=1\nA B=1\n", "a.env", "", VARIABLES)
    assert str(caught.value) == (
        "a.env:1:1: is no NAME=value; write a name before the =\n"
        "a.env:2:1: is no NAME=value; write the name without blanks"
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1024", 1024),
        ("2b", 2),
        ("1k", 1024),
        ("1KB", 1024),
        ("1 MiB", 2**20),
        ("1.5g", 1610612736),
        ("1t", 2**40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert scalars.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "m", "-1", "1x", "1kk", "1bb", "1e3", "9" * 50])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount of bytes"):
        scalars.parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("10s", 10),
        ("1m30s", 90),
        ("1.5h", 5400),
        ("500ms", Fraction(1, 2)),
        ("1us", Fraction(1, 10**6)),
        ("1w2d", 777600),
    ],
)
def test_durations(text: str, seconds: Fraction) -> None:
    assert scalars.parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "s", "1 s", "1s ", "-1s", "1y", "1s" * 30])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        scalars.parse_seconds(text)


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("a b&& c", ["a", "b"]),
        ("a 1> c", ["a"]),
        ("a b2>&1", ["a", "b2"]),
        ("a 'b c' \"d e\"f", ["a", "b c", "d ef"]),
        (r"a\ b '\n' \"", ["a b", r"\n", '"']),
        ("a '' b", ["a", "", "b"]),
        ("a $(b c) `d e`", ["a", "$(b c)", "`d e`"]),
        ("a 'b && c'", ["a", "b && c"]),
    ],
)
def test_words(line: str, after: list[str]) -> None:
    assert shell_words.split(line)[0] == after


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("a 'b", "has no end: a quote, a bracket or a \\ is open"),
        ("a\\", "has no end: a quote, a bracket or a \\ is open"),
        ("(a)", "has a bracket of a shell"),
    ],
)
def test_no_words(line: str, wrong: str) -> None:
    with pytest.raises(ValueError) as caught:
        shell_words.split(line)
    assert str(caught.value) == wrong
