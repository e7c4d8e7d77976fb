import pytest
from pydantic import ValidationError

from isin_worker.settings import Settings


def test_an_address_in_the_settings_replaces_the_publishers() -> None:
    url = "http://127.0.0.1:9/list.csv"
    assert Settings.example(feed_urls={"nse-equity": url}).enabled_feeds()["nse-equity"].url == url
    assert Settings.example().enabled_feeds()["nse-equity"].url.startswith("https://nsearchives.nseindia.com/")


@pytest.mark.parametrize(
    ("urls", "words"),
    [
        ({"nothing": "http://127.0.0.1/"}, "no feed is named nothing; there are: nse-equity"),
        ({"nse-equity": "file:///etc/passwd"}, "a feed's address starts with http:// or https://"),
        ({"nse-equity": "https:///x"}, "a feed's address starts with http:// or https://"),
        ({"nse-equity": "http://me:canary@127.0.0.1/"}, "no password in a feed's address"),
    ],
)
def test_a_wrong_address_of_a_feed_is_refused_and_not_repeated(urls: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as refusal:
        Settings.example(feed_urls=urls)
    assert "canary" not in str(refusal.value)
