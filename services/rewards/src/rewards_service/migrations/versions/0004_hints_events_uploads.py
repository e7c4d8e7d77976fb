"""What reviewers are hinted at, the events that people follow, and which blobs belong to no proof yet.

An event is written by a trigger, in the transaction of what it tells, whatever statement that was. The trigger is
deferred: it runs when the transaction commits, and only then are the person's events locked and numbered. So the
numbers of one person's events follow the order of their commits: whoever has read up to one has missed none. Locking
earlier would let two transactions block each other; waiting until all older transactions are over would let a long one,
anywhere in the server, hold everybody's events back.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

EVENTS = """
CREATE FUNCTION event_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('events ' || NEW.user_id, 0));
    INSERT INTO event (user_id, kind, data) VALUES (NEW.user_id, TG_ARGV[0], to_jsonb(NEW));
    PERFORM pg_notify('event', NEW.user_id::text);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER task_started_event AFTER INSERT ON task DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION event_record('task.updated');
CREATE CONSTRAINT TRIGGER task_updated_event AFTER UPDATE ON task DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION event_record('task.updated');
CREATE CONSTRAINT TRIGGER points_updated_event AFTER UPDATE ON account DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.user_id IS NOT NULL AND OLD.balance IS DISTINCT FROM NEW.balance)
    EXECUTE FUNCTION event_record('points.updated');
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    _hints()
    _uploads()
    _events()


def _hints() -> None:
    op.add_column("proof", sa.Column("app_id", sa.Uuid(), nullable=True))
    op.add_column("proof", sa.Column("dhash", sa.BigInteger(), nullable=True))
    op.execute("UPDATE proof SET app_id = task.app_id FROM task WHERE task.id = proof.task_id")
    op.create_index("ix_proof_app_id_id", "proof", ["app_id", "id"], postgresql_include=["dhash"])
    op.create_index("ix_proof_decided_at", "proof", ["decided_at"], postgresql_where=sa.text("decided_at IS NOT NULL"))
    op.create_index("ix_task_expires_at", "task", ["expires_at"], postgresql_where=sa.text("status = 'started'"))
    op.create_index(
        "ix_task_leased_until", "task", ["leased_until"], postgresql_where=sa.text("leased_until IS NOT NULL")
    )


def _uploads() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_index("ix_upload_digest", "upload", ["digest"])
    op.create_index("ix_proof_image_sha256", "proof", ["image_sha256"])
    op.create_index("ix_proof_thumbnail_sha256", "proof", ["thumbnail_sha256"])


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", sa.dialects.postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('task.updated', 'points.updated')", name=op.f("ck_event_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_user_id_id", "event", ["user_id", "id"])
    for statement in re.split(r"\n(?=CREATE )", EVENTS.strip()):  # asyncpg takes one statement at a time
        op.get_bind().exec_driver_sql(statement)
