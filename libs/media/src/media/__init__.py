"""Uploaded pictures: safe decoding, thumbnails, content-addressed storage."""
