"""The two tests of a module that has tables of valid and invalid applications."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.unit.conftest import ExpectErrors, FindErrors


def build_tests(valid: Sequence[str], invalid: Mapping[str, Sequence[Any]]) -> tuple[Callable[..., None], ...]:
    """A test that the texts are valid, and one that each invalid text has its rows of errors.

    ``invalid``: by the name of the case the text, and the rows as ``expect_errors`` takes them.
    """

    @pytest.mark.parametrize("text", valid)
    def test_valid_input_has_no_errors(find_errors: FindErrors, text: str) -> None:
        assert find_errors(text) == ()

    @pytest.mark.parametrize("case", invalid)
    def test_invalid_input_is_reported(expect_errors: ExpectErrors, case: str) -> None:
        expect_errors(*invalid[case])

    return test_valid_input_has_no_errors, test_invalid_input_is_reported
