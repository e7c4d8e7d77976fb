"""Accounts, sessions, tokens and keys."""
