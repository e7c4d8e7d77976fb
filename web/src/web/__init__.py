"""The pages, a client of the REST API."""
