"""The siblings that are asked, each with the fake that stands in for it in tests."""
