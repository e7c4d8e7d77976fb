"""Plumbing that the Appraise services share."""
