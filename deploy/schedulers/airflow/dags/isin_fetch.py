"""Airflow 3 as the bell: each feed's list of the day of the DAG run. What failed is asked for again for half a day."""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

FEEDS = ("nse-equity",)

with DAG(
    "isin_fetch",
    description="ISIN lists, one task for each feed",
    schedule="15 2 * * *",  # UTC; in Airflow 3 the date of a run is the day on which it fires
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # nse-equity shows today's list only; for a feed with older ones True fetches them
    max_active_runs=1,
    default_args={"retries": 48, "retry_delay": timedelta(minutes=15)},
):
    for feed in FEEDS:
        BashOperator(
            task_id=feed,
            bash_command=f"isin-worker fetch {feed} --date {{{{ ds }}}}",
            append_env=True,
            # Without it Airflow would take the 99 of a command for "skipped".
            skip_on_exit_code=None,
        )
