"""Answers as CSV, for spreadsheets: a header line always, then a line for each row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any, get_args, get_type_hints
from urllib.parse import urlencode

from tally.http.answers import written

_FORMULA = re.compile(r"(^|[;\t])(\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
CSV_IN_UTF8 = "text/csv; charset=utf-8"


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table in the form of RFC 4180. `rows` have cells as `plain` or numbers."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(columns)
    lines.writerows(rows)
    return text.getvalue()


def plain(text: str) -> str:
    """What a spreadsheet would run as a formula gets an apostrophe in front of it: also behind a
    semicolon or a tab, at which some cut a line, and in full width, which some read alike."""
    return _FORMULA.sub(r"\1'\2", text)


def rows_as_csv(answer: Any, rows: str, name: Callable[[str], str] = str) -> str:
    """The rows of an answer, which are in its field of this name.

    `name`: what a field is called on the wire. The columns are the fields of the rows' type, so
    they are there without any row.
    """
    (kind,) = get_args(get_type_hints(type(answer))[rows])
    columns = [each.name for each in fields(kind)]
    cells = ([_cell(getattr(row, column), name) for column in columns] for row in _of(answer, rows))
    return csv_text([name(column) for column in columns], cells)


def link_to_next(answer: Any, query: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
    """The header that leads to the page after the answer's (RFC 8288); none after the last one.

    `query` is what was asked for: the next page is of the same list.
    """
    following = _following(answer)
    if not following:
        return {}
    asked = urlencode({**query, **following}, doseq=True)
    return {"Link": f'<?{asked}>; rel="next"'}


def _following(answer: Any) -> Mapping[str, str]:
    """What the query for the next page must have: its cursor, or its number."""
    if cursor := getattr(answer, "next_cursor", None):
        return {"cursor": cursor}
    if hasattr(answer, "page") and answer.page * answer.page_size < answer.total:
        return {"page": str(answer.page + 1)}
    return {}


def _of(answer: Any, rows: str) -> Iterable[Any]:
    found: Iterable[Any] = getattr(answer, rows)
    return found


def _cell(value: Any, name: Callable[[str], str]) -> Any:
    """Numbers are exact, without an exponent; what has parts is the text of its JSON."""
    match value:
        case None:
            return ""
        case str():
            return plain(value)
        case Decimal():
            return f"{value:f}"
        case date():
            return written(value).strip('"')
        case _:
            return written(value, name)
