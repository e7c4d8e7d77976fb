"""Daily lists of ISINs: feeds, runs, history and the ISIN API."""
