"""What the pages of reviewers, administrators and the lists share."""
# ruff: noqa: RUF001 - a dash stands for what is not there

TEXTS = {
    "desk.none": "–",
    "desk.cancel": "Cancel",
    "desk.close": "Close",
    "desk.you": "You",
    "desk.nobody": "Nobody",
    "desk.bytes": "{n} bytes",
    "desk.kilobytes": "{n} KB",
    "desk.megabytes": "{n} MB",
    "desk.under_a_second": "< 1 s",
    "desk.seconds": "{n} s",
    "desk.minutes": "{n} min",
    "desk.hours": "{n} h",
    "desk.days": "{n} days",
}  # fmt: skip
