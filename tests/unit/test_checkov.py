"""What is made of checkov's report, and that nothing is skipped without a reason."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dev.checkov import PROGRAM, SETTINGS, check, problems
from dev.template import template

CLEAN = {"summary": {"passed": 98, "failed": 0, "parsing_errors": 0}}


def test_a_clean_report_has_no_problem() -> None:
    assert list(problems(CLEAN)) == []


def test_a_failed_check_is_a_problem() -> None:
    failed = {
        "check_id": "CKV_AWS_18",
        "resource": "AWS::S3::Bucket.FailedBatches",
        "check_name": "Ensure the S3 bucket has access logging enabled",
    }

    assert list(problems(CLEAN | {"results": {"failed_checks": [failed]}})) == [
        "CKV_AWS_18 AWS::S3::Bucket.FailedBatches: Ensure the S3 bucket has access logging enabled"
    ]


@pytest.mark.parametrize(
    "report",
    [
        {"summary": {"passed": 0, "failed": 0, "parsing_errors": 1}},
        {"passed": 0, "failed": 0, "parsing_errors": 0, "resource_count": 0},
    ],
    ids=["unreadable", "nothing in it"],
)
def test_a_template_that_was_not_checked_is_a_problem(report: dict[str, Any]) -> None:
    """checkov itself exits with status 0."""
    assert list(problems(report)) == ["checkov could not read the template."]


@pytest.mark.slow
@pytest.mark.skipif(not PROGRAM.exists(), reason="`make lint` installs checkov")
def test_checkov_finds_what_is_wrong_and_reads_the_skips() -> None:
    bucket = template()["Resources"]["FailedBatches"]
    public = {**bucket["Properties"]}
    del public["PublicAccessBlockConfiguration"]

    found = check({"Resources": {"FailedBatches": {**bucket, "Properties": public}}})

    assert {line.partition(":")[0] for line in found} >= {"CKV_AWS_53 AWS"}
    assert [line for line in found if line.startswith(("CKV_AWS_18 ", "CKV_AWS_21 "))] == []


def test_each_skip_has_its_reason() -> None:
    lines = SETTINGS.read_text().partition("skip-check:\n")[2].splitlines()
    in_resources = [
        skip
        for resource in template()["Resources"].values()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ())
    ]

    assert lines
    assert [line for line in lines if not re.fullmatch(r"  - CKV_AWS_\d+ # \w.{20,}", line)] == []
    assert in_resources
    assert [skip for skip in in_resources if len(skip.get("comment", "")) < 20] == []
