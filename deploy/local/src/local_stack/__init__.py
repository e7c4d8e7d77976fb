"""make run: every part of Appraise on one machine, under one command."""
