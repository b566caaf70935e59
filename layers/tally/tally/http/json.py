"""JSON as Tally takes it: UTF-8, exact numbers, nothing that is not JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from tally.domain.errors import InvalidRequest


def load_json(body: str | bytes) -> Any:
    """Numbers with a fraction become Decimal. InvalidRequest says what is wrong with the text."""
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise InvalidRequest("The body is not valid UTF-8.", field="body") from error
    except json.JSONDecodeError as error:
        raise InvalidRequest(
            f"The body is not valid JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}.",
            field="body",
        ) from error
    except RecursionError as error:
        raise InvalidRequest("The body is nested too deeply.", field="body") from error
    except ValueError as error:  # a number of thousands of digits
        raise InvalidRequest("The body holds a number that is too long.", field="body") from error


def _refuse(constant: str) -> NoReturn:
    raise InvalidRequest(f"The body is not valid JSON: {constant} is no number.", field="body")
