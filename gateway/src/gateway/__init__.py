"""The only public door: routes, limits and hygiene."""
