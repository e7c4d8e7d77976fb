"""Named regular expressions over text, bytes, files and streams of any size."""
