"""The bell of this service: it asks for a sweep each minute, and the database knows what is due."""

from servicekit.jobs import Bell

BELL = Bell(queue="rewards:bell", job="sweep", minutes=frozenset(range(60)), job_seconds=300)
