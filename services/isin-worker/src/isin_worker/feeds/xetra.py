"""Deutsche Boerse: what can be traded on Xetra."""

from datetime import time

from isin_worker.feeds.feed import Feed
from isin_worker.feeds.formats import Csv
from isin_worker.feeds.page_link import PageLink

# Two lines before the header tell the market and the date. The header has more than 120 columns, and their number and
# some names are others in each season, so no more is asked for than is needed.
XETRA = Feed(
    name="xetra",
    title="Deutsche Börse, tradable instruments on Xetra",
    url="https://www.cashmarket.deutsche-boerse.com/cash-en/trading/Tradable-Instruments-Xetra/Downloads/xetra-downloads",
    terms="https://www.deutsche-boerse.com/dbg-en/meta/terms-of-use",
    source=PageLink(r"t7-xetr-allTradableInstruments\.csv"),
    hosts=frozenset({"www.deutsche-boerse.com", "www.xetra.com"}),
    due_at=time(23, 30),
    format=Csv(delimiter=";", header_within=10),
    columns={"isin": "ISIN", "name": "Instrument", "type": "Instrument Type", "currency": "Settlement Currency"},
    details={"wkn": "WKN", "mnemonic": "Mnemonic", "mic": "MIC Code"},
)
