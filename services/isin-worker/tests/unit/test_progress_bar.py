"""The line on a terminal."""

import io

from isin_worker.progress_bar import ProgressBar


def test_a_bar_fills_towards_as_many_rows_as_last_time_and_is_wiped_at_the_end() -> None:
    terminal = io.StringIO()
    bar = ProgressBar(terminal)
    bar.reading("nse-equity", 1_200, 2_400)
    bar.publishing("nse-equity", 3)
    bar.ended()
    assert terminal.getvalue() == (
        "\r\x1b[Knse-equity: [############............] 1,200 rows read\r\x1b[Knse-equity: writing 3 changes\r\x1b[K"
    )


def test_a_first_list_is_only_counted_and_more_rows_than_expected_do_not_overflow() -> None:
    for expected, shown in ((None, "x: 10 rows read"), (5, f"x: [{'#' * 24}] 10 rows read")):
        terminal = io.StringIO()
        ProgressBar(terminal).reading("x", 10, expected)
        assert terminal.getvalue() == f"\r\x1b[K{shown}"
