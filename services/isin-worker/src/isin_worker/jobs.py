"""The bell of this service: it asks for a reconciliation, and the ledger knows what is due."""

from servicekit.jobs import Bell

BELL = Bell(queue="isin:bell", job="reconcile")
