"""Securities and the daily lists."""

import pytest
from api_for_pages import FakeApi
from fake_isins import add_run
from plain_browser import Browser, Page

pytestmark = pytest.mark.integration
LINES = "INE002A01018\nINE002A01019"


async def test_a_whole_isin_leads_to_its_page(ada: Browser) -> None:
    page = await ada.follow(await ada.get("/isins?q=%20ine002a%2001018%20"))
    assert "Reliance Industries Limited" in page.text
    assert "NSE India, listed equities" in page.text
    assert "XNSE" in page.text


async def test_words_are_searched_for(ada: Browser) -> None:
    assert "INE002A01018" in (await ada.page("/isins?q=reliance")).text
    assert "Nothing fits" in (await ada.page("/isins?q=nobody")).text


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [("INE002A01017", 404, "none of our lists has it"), ("INE002", 422, "This is not an ISIN"),
     ("..%2Ffeeds", 404, "Nothing here"), ("INE002A0101%C2%B2", 422, "This is not an ISIN")],
)  # fmt: skip
async def test_what_is_not_there_is_told(ada: Browser, asked: str, status: int, words: str) -> None:
    answer = await ada.get(f"/isins/{asked}")
    assert answer.status_code == status
    assert words in Page(answer.text).text


async def test_a_pasted_list_is_judged_line_by_line(ada: Browser) -> None:
    answer = await ada.submit("/isins/check", "/isins/check", text=LINES)
    page = Page(answer.text)
    assert "1 valid" in page.text
    assert "The check digit should be 5, not 9." in page.text
    assert page.form("/isins/check").fields["text"] == LINES


async def test_in_a_pasted_text_isins_are_found(ada: Browser) -> None:
    answer = await ada.submit("/isins/check", "/isins/check", text="We bought INE002A01018 today, and nothing else.")
    page = Page(answer.text)
    assert "Found in the text" in page.text
    assert "Line by line" not in page.text


@pytest.mark.parametrize(("pasted", "words"), [(" \n ", "Paste something first."), ("A" * 20_001, "At most 20,000")])
async def test_nothing_and_too_much_are_told_at_the_field(ada: Browser, pasted: str, words: str) -> None:
    answer = await ada.submit("/isins/check", "/isins/check", text=pasted)
    assert answer.status_code == 422
    assert words in Page(answer.text).text


async def test_the_lists_have_a_chart_and_its_table(ada: Browser, api: FakeApi) -> None:
    for day in range(1, 6):
        add_run(api, business_date=f"2026-11-{day:02}", added=day * 100)
    page = await ada.page("/feeds")
    assert "2,383" in page.text
    assert sum(tag.name == "rect" for tag in page.tags) > 10
    assert "added, changed and removed by day" in page.text
    one = await ada.page("/feeds/nse-equity")
    assert one.html.count('class="chart"') == 2
    assert "Ask for a run" not in one.text


async def test_an_administrator_asks_for_a_run(admin: Browser, api: FakeApi) -> None:
    answer = await admin.submit("/feeds/nse-equity", "/feeds/nse-equity/runs", business_date="2026-11-19")
    assert "The run is asked for." in (await admin.follow(answer)).text
    assert api.runs[0]["business_date"] == "2026-11-19"


@pytest.mark.parametrize(("verb", "status"), [("release", "pending"), ("drop", "dropped")])
async def test_a_held_list_is_settled_after_a_second_look(admin: Browser, api: FakeApi, verb: str, status: str) -> None:
    gate = {"gate": "shrunk", "detail": "1,200 rows instead of 2,384", "value": 0.5, "limit": 0.1}
    run = add_run(api, status="held", gate=[gate])
    path = f"/feeds/nse-equity/runs/{run['id']}"
    page = await admin.page(path)
    assert "1,200 rows instead of 2,384" in page.text
    assert f"{path}/{verb}" not in [form.action for form in page.forms]
    await admin.follow(await admin.submit(f"{path}?confirm={verb}", f"{path}/{verb}"))
    assert run["status"] == status


async def test_a_list_that_was_settled_meanwhile_is_told(admin: Browser, api: FakeApi) -> None:
    run = add_run(api, status="held", gate=[])
    path = f"/feeds/nse-equity/runs/{run['id']}"
    form = (await admin.page(f"{path}?confirm=drop")).form(f"{path}/drop")
    run["status"] = "dropped"
    assert (await admin.post(form.action, form.fields)).status_code == 409


async def test_refused_rows_are_for_administrators(admin: Browser, ada: Browser, api: FakeApi) -> None:
    path = f"/feeds/nse-equity/runs/{add_run(api)['id']}"
    assert "RELI;INE002A01019" in (await admin.page(path)).text
    assert "RELI;INE002A01019" not in (await ada.page(path)).text
