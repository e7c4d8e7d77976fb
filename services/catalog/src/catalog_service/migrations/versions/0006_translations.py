"""The texts of an app in further languages."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LOCALE_FORM = "locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' AND length(locale) <= 35"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("app", sa.Column("locale", sa.Text(), server_default=sa.text("'en'"), nullable=False))
    op.create_check_constraint(op.f("ck_app_locale_form"), "app", LOCALE_FORM)
    op.create_table(
        "app_text",
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.CheckConstraint(LOCALE_FORM, name=op.f("ck_app_text_locale_form")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_app_text_name_not_empty")),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_app_text_app_id_app")),
        sa.PrimaryKeyConstraint("app_id", "locale", name=op.f("pk_app_text")),
    )
