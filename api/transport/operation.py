"""What clients send, over either transport: JSON text, and in it one operation."""

import json
from collections.abc import Mapping

_PARTS: Mapping[str, type] = {
    "query": str,
    "operationName": str,
    "variables": dict,
    "extensions": dict,
}


def load_json(text: str | bytes) -> object:
    """Return the value of JSON text in UTF-8. Raises JSONDecodeError, whatever is wrong with it."""
    try:
        decoded = text if isinstance(text, str) else text.decode()
        return json.loads(decoded, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        # Not UTF-8, nested too deeply, or a number of too many digits.
        raise json.JSONDecodeError(str(error), "", 0) from error


def what_is_wrong(operation: object) -> str | None:
    """Say what keeps a JSON value from being an operation; None if nothing does."""
    if not isinstance(operation, dict):
        return "An operation is one JSON object; batches are not taken."
    for name, kind in _PARTS.items():
        if not isinstance(operation.get(name), kind | None):
            return f"`{name}` is {'a string' if kind is str else 'an object'} or null."
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
