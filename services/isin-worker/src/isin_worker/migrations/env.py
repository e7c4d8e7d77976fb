"""Alembic's environment."""

from isin_worker.models import Base
from servicekit.migrations import run_env

run_env(Base.metadata)
