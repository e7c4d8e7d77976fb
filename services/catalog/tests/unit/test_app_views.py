"""The fast form of an app and the documented one are the same bytes."""

from datetime import UTC
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.schemas import AppOut
from catalog_service.services.app_views import AppsPage, view
from servicekit.schemas import Page

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "id": st.uuids(),
    "created_at": st.datetimes(timezones=st.just(UTC)),
    "updated_at": st.datetimes(timezones=st.just(UTC)),
    "points": st.integers(1, 1_000_000),
    "available_from": st.none() | st.datetimes(timezones=st.just(UTC)),
    "available_until": st.none() | st.datetimes(timezones=st.just(UTC)),
    "max_completions_per_day": st.none() | st.integers(1, 2**63 - 1),
    "more_categories": st.lists(TEXT, max_size=2),
    "max_completions": st.none() | st.integers(1, 2**63 - 1),
    "status": st.sampled_from(["draft", "published", "archived"]),
    "subcategory": st.none() | TEXT,
    "icon_url": st.none() | TEXT,
}


def row(app: dict[str, Any]) -> list[Any]:
    return [app[name] for name in AppOut.model_fields]


@given(st.lists(st.fixed_dictionaries({name: BY_TYPE.get(name, TEXT) for name in AppOut.model_fields}), max_size=3))
def test_both_forms_give_the_same_bytes(apps: list[dict[str, Any]]) -> None:
    documented = Page[AppOut](items=[AppOut(**app) for app in apps], next_cursor="x")
    fast = AppsPage([view([*row(app), "the sort key of a list"]) for app in apps], "x")
    assert msgspec.json.encode(fast) == documented.model_dump_json().encode()
    for app in apps:
        assert msgspec.json.encode(view(row(app))) == AppOut(**app).model_dump_json().encode()
