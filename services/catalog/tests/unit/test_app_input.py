"""What a new app and a change may say."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from catalog_service.models import MAX_PACKAGE_NAME, MAX_POINTS, STATUSES
from catalog_service.schemas import AppCreate, AppPatch
from extractor.android import LONGEST_NAME

LINK = "https://play.google.com/store/apps/details?id=org.example.Reader&hl=en"


def new(**fields: Any) -> AppCreate:
    return AppCreate.model_validate({"name": "Reader", "points": 1, **fields})


@pytest.mark.parametrize(
    "fields", [{"package_name": "org.example.Reader"}, {"package_name": LINK}, {"store_url": LINK}]
)
def test_a_link_and_a_name_say_the_same(fields: dict[str, str]) -> None:
    assert new(**fields).package_name == "org.example.Reader"


@pytest.mark.parametrize(
    "fields", [{}, {"package_name": None}, {"package_name": "org.example.Reader", "store_url": LINK}]
)
def test_exactly_one_of_the_two_is_taken(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        new(**fields)
    assert [fault["loc"] for fault in caught.value.errors()] == [("package_name",)]


def test_a_bad_link_is_one_fault_and_not_two() -> None:
    with pytest.raises(ValidationError) as caught:
        new(store_url="https://example.org")
    assert [fault["loc"] for fault in caught.value.errors()] == [("store_url",)]


def test_a_patch_tells_null_from_absent() -> None:
    assert AppPatch.model_validate({}).sent() == {}
    assert AppPatch.model_validate({"max_completions": None}).sent() == {"max_completions": None}
    with pytest.raises(ValidationError):
        AppPatch.model_validate({"name": None})


def test_text_is_trimmed_and_composed() -> None:
    assert new(package_name=" org.example.Reader ", name=" Cafe\u0301\n").name == "Café"


def test_the_database_and_the_schemas_have_the_same_limits() -> None:
    assert MAX_PACKAGE_NAME == LONGEST_NAME
    properties = AppCreate.model_json_schema()["properties"]
    assert properties["points"]["maximum"] == MAX_POINTS
    from typing import get_args

    from catalog_service.schemas import Status

    assert get_args(Status) == STATUSES


@pytest.mark.parametrize(
    "moment", [0, 1e12, "0", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "٢026-01-01T00:00:00Z"]
)
def test_a_moment_is_written_as_rfc_3339_says(moment: object) -> None:
    with pytest.raises(ValidationError):
        new(package_name="org.example.Reader", available_from=moment)


def test_a_moment_is_kept_in_utc() -> None:
    moment = new(package_name="org.example.Reader", available_from="2026-01-01T01:30:00.5+01:30").available_from
    assert moment == datetime(2026, 1, 1, microsecond=500_000, tzinfo=UTC)
    assert moment.tzinfo is UTC
