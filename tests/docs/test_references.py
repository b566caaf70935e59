"""The references in docs/ say what the code says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import pytest
from annotated_types import Interval
from pydantic import AliasChoices, BaseModel, Field, StringConstraints

from dev import ROOT, references
from dev.references import FieldRow, field_rows, filled, table
from dev.template import pages, resources, routes
from tally.access.model.scopes import Scope
from tally.http.errors import STATUSES, internal_error
from tally.http.partner import PartnerEndpoint
from tally.kernel.errors import TallyError
from tally.kernel.events import Rejected

DOCS = ROOT / "docs"
REWRITE = "run `python -m dev.references` and read what it changed"
# Errors that no route of the partner API answers with.
MARKETPLACE_ONLY = {
    "invalid_cursor",
    "already_exists",
    "key_not_active",
    "invalid_transition",
    "period_open",
    "unsupported_media_type",
    "too_many_requests",
}


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of each table, without the code marks."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")]


def sections(text: str) -> Mapping[str, str]:
    """Heading -> what stands below it, up to the next heading."""
    _, *parts = re.split(r"^#+ ", text, flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def kinds_of(error: type[TallyError]) -> Iterator[type[TallyError]]:
    """Those that Tally declares: tests declare errors, too."""
    for kind in error.__subclasses__():
        if kind.__module__.startswith("tally."):
            yield from (kind, *kinds_of(kind))


@pytest.mark.parametrize("path", references.references(), ids=lambda path: path.name)
def test_tables_are_up_to_date(path: Path) -> None:
    assert path.read_text() == references.references()[path], REWRITE


def test_every_route_is_listed_once_with_its_scope_and_nothing_else_is() -> None:
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE"}
    text = (DOCS / "routes.md").read_text()
    listed = [tuple(row[:3]) for row in rows(text) if row[0] in methods]

    expected = []
    for route in routes():
        endpoint = route.module.endpoint
        owner = " of the platform tenant" if endpoint.platform_only else ""
        unscoped = "any API key" if route.path == "/v1/sessions" else "any credential"
        scope = endpoint.scope.value if endpoint.scope else unscoped
        expected.append((route.method, route.path, scope + owner))
    expected += [(page.method, page.path, "no credential") for page in pages()]
    assert sorted(listed) == sorted(expected)


def test_routes_link_to_their_functions() -> None:
    text = (DOCS / "routes.md").read_text()
    linked = dict(re.findall(r"\[(\w+)\]\((\.\./functions/\S+)\)", text))

    assert linked.keys() == {route.function for route in (*routes(), *pages())}
    for link in linked.values():
        assert (DOCS / link).resolve().is_file()


@pytest.mark.parametrize("name", references.event_models())
def test_every_event_type_has_a_section_with_each_of_its_fields(name: str) -> None:
    found = sections((DOCS / "events.md").read_text())
    (section,) = (text for heading, text in found.items() if f"`{name}`" in heading)
    listed = {row[0]: row[1].partition(",")[0] for row in rows(section) if row[0] != "field"}

    expected = {}
    for field_name, field in references.event_models()[name].model_fields.items():
        alias = field.validation_alias
        sent = alias.choices[0] if isinstance(alias, AliasChoices) else field_name
        expected[sent] = "yes" if field.is_required() else "no"
    top_level = {name: required for name, required in listed.items() if "." not in name}
    assert top_level == expected


def test_every_error_is_listed_with_its_status_and_its_partner_code() -> None:
    found = sections((DOCS / "errors.md").read_text())
    listed = [tuple(row[:3]) for row in rows(found["Codes"]) if row[0] != "code"]

    assert sorted(listed) == sorted(expected_errors())


def expected_errors() -> Iterator[tuple[str, str, str]]:
    statuses = {kind.code: status for kind, status in STATUSES.items()}
    statuses[internal_error().body["code"]] = 500
    statuses |= gateway_errors()
    for code, status in statuses.items():
        in_partner_api = "-" if code in MARKETPLACE_ONLY else partner_code(code, status)
        yield code, str(status), in_partner_api


def partner_code(code: str, status: int) -> str:
    error = {"code": code, "message": "", "details": []}
    return str(PartnerEndpoint(Scope.USAGE_READ).enveloped_error(error, status, {})["code"])


def gateway_errors() -> Mapping[str, int]:
    """What API Gateway answers itself: code -> status."""
    ((_, api),) = resources("AWS::Serverless::Api").items()
    found = {}
    for kind, response in api["Properties"]["GatewayResponses"].items():
        (body,) = response["ResponseTemplates"].values()
        (code,) = re.findall(r'"code": "(\w+)"', body)
        found[code] = response.get("StatusCode", 400 if "4XX" in kind else 500)
    return found


def test_every_error_of_the_kernel_has_a_status_or_rejects_an_event() -> None:
    rejections = set(kinds_of(Rejected))

    assert set(kinds_of(TallyError)) - rejections - {Rejected} == set(STATUSES)


def test_no_two_errors_have_the_same_code() -> None:
    codes = [kind.code for kind in kinds_of(TallyError) if kind is not Rejected]

    assert len(set(codes)) == len(codes)


def test_every_rejection_of_an_event_is_listed() -> None:
    found = sections((DOCS / "errors.md").read_text())
    listed = [row[0] for row in rows(found["Rejected events"]) if row[0] != "code"]

    assert sorted(listed) == sorted(kind.code for kind in kinds_of(Rejected))


def test_links_lead_somewhere() -> None:
    broken = []
    for path in (*DOCS.rglob("*.md"), *ROOT.glob("*.md")):
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
            target, _, anchor = link.partition("#")
            if "://" in target:
                continue
            file = (path.parent / target).resolve() if target else path
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def anchors(path: Path) -> Sequence[str]:
    """The anchors that headings have on GitHub."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings]


class Inner(BaseModel):
    price: int = Field(validation_alias=AliasChoices("the_price", "thePrice"))


class Outer(BaseModel):
    text: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    count: int = Field(default=3, ge=0, lt=1000)
    day: Annotated[int, Interval(ge=1, le=28)] | None = None
    kind: Literal["one", "two", "three"]
    parts: Annotated[list[Inner], Field(max_length=50)] | None = None
    whole: Inner


def test_fields_are_described_by_their_types() -> None:
    assert list(field_rows(Outer)) == [
        FieldRow("text", "yes", "text, 1 to 1,000 characters"),
        FieldRow("count", "no, default 3", "integer, 0 to 999"),
        FieldRow("day", "no", "integer, 1 to 28"),
        FieldRow("kind", "yes", "`one`, `two` or `three`"),
        FieldRow("parts", "no", "array of objects, at most 50"),
        FieldRow("parts[].the_price", "yes", "integer"),
        FieldRow("whole", "yes", "object"),
        FieldRow("whole.the_price", "yes", "integer"),
    ]


def test_tables_replace_what_is_between_their_marks() -> None:
    document = "# Title\n<!-- generated: a b -->\nold\n<!-- /generated -->\nafter\n"
    one_row = table(("x", "y"), [("1", "2")])

    text = filled(document, {"a": one_row, "b": one_row})

    assert text == (
        "# Title\n<!-- generated: a b -->\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n"
        "<!-- /generated -->\nafter\n"
    )
    assert filled(text, {"a": one_row, "b": one_row}) == text


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"a": "same"}, "the code does not have it"),
        ({"a": "one", "b": "another"}, "their fields differ"),
        ({"a": "same", "b": "same", "c": "missing"}, "must have each of"),
    ],
)
def test_documents_that_do_not_fit_the_code_are_refused(
    tables: Mapping[str, str], reason: str
) -> None:
    document = "<!-- generated: a b -->\n<!-- /generated -->\n"

    with pytest.raises(ValueError, match=reason):
        filled(document, tables)
