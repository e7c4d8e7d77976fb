"""The months, the statement as a file, the leaderboard, and events."""

import pytest
from api_for_pages import FakeApi, failure
from plain_browser import Browser

pytestmark = pytest.mark.integration


def _months(**changes: tuple[int, int]) -> list[dict[str, object]]:
    return [
        {"month": f"2026-{n:02}", "added": changes.get(f"m{n}", (0, 0))[0], "taken": changes.get(f"m{n}", (0, 0))[1]}
        for n in range(1, 13)
    ]


async def test_the_months_are_drawn_and_also_told(ada: Browser, api: FakeApi) -> None:
    api.months = _months(m3=(750, 0), m11=(1250, 0))
    page = await ada.page("/points")
    drawn = [float(tag.attributes["height"]) for tag in page.tags if tag.attributes.get("class") == "series-1"]
    assert len(drawn) == 12
    assert drawn[10] > drawn[2] > drawn[0] == 0
    assert "Mar: 750" in page.text  # the tooltip
    assert "Earned" in page.text  # the table for readers


async def test_what_was_taken_away_hangs_below(ada: Browser, api: FakeApi) -> None:
    api.months = _months(m11=(1250, 300))
    page = await ada.page("/points")
    assert "Taken away" in page.text
    assert "Nov, Taken away: \N{MINUS SIGN}300" in page.text


async def test_without_points_there_is_no_chart(ada: Browser, api: FakeApi) -> None:
    api.months = _months()
    assert "The last twelve months" not in (await ada.page("/points")).text


async def test_the_statement_comes_as_a_file(ada: Browser, api: FakeApi) -> None:
    api.add_entry("Reader", 250)
    answer = await ada.get("/points/statement.csv")
    assert answer.text == "Reader,250"
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="points.csv"'
    assert answer.headers["cache-control"] == "no-store"


async def test_the_leaderboard_shows_who_wants_to_be_seen(ada: Browser, api: FakeApi) -> None:
    assert "Nobody is here yet" in (await ada.page("/points/leaderboard")).text
    api.leaders = [{"rank": 1, "name": "Bea", "points": 2500, "is_me": False},
                   {"rank": 2, "name": "Ada", "points": 250, "is_me": True}]  # fmt: skip
    page = await ada.page("/points/leaderboard?period=month")
    for words in ("Bea", "2,500", "You", "Nobody sees you"):
        assert words in page.text


async def test_joining_and_leaving_it(ada: Browser, api: FakeApi) -> None:
    for choice, seen, words in (("yes", True, "You are on the leaderboard."), ("no", False, "not on the leaderboard")):
        answer = await ada.submit("/points/leaderboard", "/points/leaderboard", leaderboard=choice)
        assert words in (await ada.follow(answer)).text
        assert api.on_leaderboard is seen


async def test_events_are_passed_on_from_where_one_was(ada: Browser, browser: Browser, api: FakeApi) -> None:
    api.events = [b"id: 1\n\n", b"id: 2\nevent: task.updated\ndata: {}\n\n"]
    answer = await ada.get("/events", Accept="text/event-stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content == b"".join(api.events)
    assert (await ada.get("/events", **{"Last-Event-ID": "1"})).content == api.events[1]
    assert (await browser.get("/events")).status_code == 303


async def test_too_many_open_pages_are_no_page_of_theirs(ada: Browser, api: FakeApi) -> None:
    api.fail("GET", "/api/v1/events", failure(429, "too-many-streams", "Five are open"))
    answer = await ada.get("/events", Accept="text/event-stream")
    assert answer.status_code == 429


async def test_a_waiting_task_says_where_it_stands(ada: Browser, api: FakeApi) -> None:
    task = api.add_task("ada@example.org", api.add_app("Reader"), "submitted")
    task.update(queue_position=12, median_review_seconds=3 * 3600)
    page = await ada.page(f"/tasks/{task['id']}")
    assert "Position 12 in the queue" in page.text
    assert "within 3 hours" in page.text
