"""Apps, categories, prices and search."""
