"""JSON that a reader of YAML reads as JSON does: the API server parses an applied object as YAML."""

import json
import re
from typing import Any

_NOT_PLAIN = re.compile(r"[\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def format_json(value: Any) -> str:
    r"""The JSON of a value, on one line.

    JSON escapes a character such as an emoji as two (``\ud83d\ude00``), which is an error in YAML, so it stays as it
    is. In quotes YAML folds or refuses some characters that JSON leaves as they are, so they are escaped.
    """
    return _NOT_PLAIN.sub(lambda character: f"\\u{ord(character[0]):04x}", json.dumps(value, ensure_ascii=False))
