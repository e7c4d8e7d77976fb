"""From a downloaded file to batches of text for COPY, one format in one file."""
