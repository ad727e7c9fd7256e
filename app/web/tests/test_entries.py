"""The validation of a new entry."""

import pytest

from guestbook import entries


def test_text_is_trimmed_and_normalized() -> None:
    new_entry = entries.validate({"name": "  Ada ", "message": "one\r\ntwo e\u0301\n"})
    assert new_entry == entries.NewEntry(name="Ada", message="one\ntwo \u00e9")


def test_longest_texts_are_valid() -> None:
    new_entry = entries.validate({"name": "n" * entries.MAX_NAME_LENGTH, "message": "ü" * entries.MAX_MESSAGE_LENGTH})
    assert (len(new_entry.name), len(new_entry.message)) == (60, 1000)


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({}, {"name": "is missing", "message": "is missing"}),
        ({"name": " ", "message": "m"}, {"name": "is empty"}),
        ({"name": "n" * 61, "message": "m"}, {"name": "has 61 characters; the limit is 60"}),
        ({"name": "n", "message": "m" * 1001}, {"message": "has 1001 characters; the limit is 1000"}),
        ({"name": "n", "message": 5}, {"message": "is of type int; send a string"}),
        ({"name": "a\nb", "message": "m"}, {"name": "contains a control character; remove it"}),
        ({"name": "n", "message": "a\x00b"}, {"message": "contains a control character; remove it"}),
        ({"name": "n", "message": "\ud800"}, {"message": "contains a control character; remove it"}),
        ({"name": "n", "message": "m", "nmae": "x"}, {"nmae": "is unknown; send name and message"}),
    ],
)
def test_all_problems_are_reported(fields: dict[str, object], problems: dict[str, str]) -> None:
    with pytest.raises(entries.InvalidError) as raised:
        entries.validate(fields)
    assert raised.value.problems == problems
