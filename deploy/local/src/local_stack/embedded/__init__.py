"""Real PostgreSQL and Valkey servers, run from the programs that two wheels carry, under our own supervision."""
