"""NSE India: every share that is listed there."""

from datetime import time

from isin_worker.feeds.feed import Feed

NSE_EQUITY = Feed(
    name="nse-equity",
    title="NSE India, listed equities",
    url="https://nsearchives.nseindia.com/content/equities/EQUITY_L.csv",
    due_at=time(2, 0),  # half past seven in Mumbai, before the market opens
    columns={"isin": "ISIN NUMBER", "name": "NAME OF COMPANY"},
    details={"symbol": "SYMBOL", "series": "SERIES"},
    constants={"type": "equity", "currency": "INR"},
    # Its servers answer browsers that come from its own pages, and nobody else.
    headers={
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Accept": "text/csv,*/*;q=0.8",
        "Referer": "https://www.nseindia.com/",
    },
)
