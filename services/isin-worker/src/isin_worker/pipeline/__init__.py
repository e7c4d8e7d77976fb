"""The stages of one run, one stage in one file."""
