"""NSE India: every share that is listed there."""

from datetime import time

from isin_worker.feeds.feed import BROWSER, Feed

NSE_EQUITY = Feed(
    name="nse-equity",
    title="NSE India, listed equities",
    url="https://nsearchives.nseindia.com/content/equities/EQUITY_L.csv",
    terms="https://www.nseindia.com/static/nse-terms-of-use",
    due_at=time(2, 0),  # half past seven in Mumbai, before the market opens
    columns={"isin": "ISIN NUMBER", "name": "NAME OF COMPANY"},
    details={"symbol": "SYMBOL", "series": "SERIES"},
    constants={"type": "equity", "currency": "INR"},
    # Its servers answer browsers that come from its own pages, and nobody else.
    headers={
        "User-Agent": BROWSER,
        "Accept": "text/csv,*/*;q=0.8",
        "Referer": "https://www.nseindia.com/",
    },
)
