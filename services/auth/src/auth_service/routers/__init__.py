"""HTTP: unpack, one call, answer."""
