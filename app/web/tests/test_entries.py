"""The rules for a new entry."""

import pytest

from guestbook import entries


def test_text_is_trimmed_and_normalised() -> None:
    new = entries.check({"name": "  Ada ", "message": "one\r\ntwo e\u0301\n"})
    assert new == entries.New(name="Ada", message="one\ntwo \u00e9")


def test_the_longest_texts_fit() -> None:
    new = entries.check({"name": "n" * entries.NAME_MAX, "message": "ü" * entries.MESSAGE_MAX})
    assert (len(new.name), len(new.message)) == (60, 1000)


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({}, {"name": "is missing", "message": "is missing"}),
        ({"name": " ", "message": "m"}, {"name": "is empty; write something"}),
        ({"name": "n" * 61, "message": "m"}, {"name": "has 61 characters; at most 60 fit"}),
        ({"name": "n", "message": "m" * 1001}, {"message": "has 1001 characters; at most 1000 fit"}),
        ({"name": "n", "message": 5}, {"message": "is a int; send text"}),
        ({"name": "a\nb", "message": "m"}, {"name": "holds a control character; leave it out"}),
        ({"name": "n", "message": "a\x00b"}, {"message": "holds a control character; leave it out"}),
        ({"name": "n", "message": "\ud800"}, {"message": "holds a control character; leave it out"}),
        ({"name": "n", "message": "m", "nmae": "x"}, {"nmae": "is not known; send name and message"}),
    ],
)
def test_all_problems_are_told(fields: dict[str, object], problems: dict[str, str]) -> None:
    with pytest.raises(entries.InvalidError) as raised:
        entries.check(fields)
    assert raised.value.problems == problems
