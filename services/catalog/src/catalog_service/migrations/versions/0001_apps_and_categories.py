"""Apps, categories with the first tree, and the price history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PUBLISHED = sa.text("status = 'published'")
WORDS = "regexp_replace(({column} COLLATE pg_c_utf8), '[[:punct:][:space:][:cntrl:]]+'::text, ' '::text, 'g'::text)"
SEARCH = " || ".join(
    f"setweight(to_tsvector('simple'::regconfig, {WORDS.format(column=column)}), '{weight}'::\"char\")"
    for column, weight in (("name", "A"), ("package_name", "B"), ("summary", "C"))
)

# Slugs are for ever (they stand in addresses); names and order can be changed.
TREE = {
    ("tools", "Tools"): [
        ("browsers", "Browsers"),
        ("file-managers", "File managers"),
        ("keyboards", "Keyboards"),
        ("security", "Security"),
    ],
    ("communication", "Communication"): [
        ("messaging", "Messaging"),
        ("email", "E-mail"),
        ("calls", "Calls"),
        ("social", "Social networks"),
    ],
    ("productivity", "Productivity"): [
        ("notes", "Notes"),
        ("calendars", "Calendars"),
        ("office", "Office"),
        ("tasks", "Tasks"),
    ],
    ("games", "Games"): [
        ("puzzle", "Puzzle"),
        ("action", "Action"),
        ("strategy", "Strategy"),
        ("casual", "Casual"),
    ],
    ("photography", "Photography"): [
        ("cameras", "Cameras"),
        ("galleries", "Galleries"),
        ("photo-editors", "Photo editors"),
    ],
    ("entertainment", "Entertainment"): [
        ("music", "Music"),
        ("video", "Video"),
        ("podcasts", "Podcasts"),
        ("books", "Books and comics"),
    ],
    ("education", "Education"): [
        ("languages", "Languages"),
        ("reference", "Reference"),
        ("kids", "For kids"),
    ],
    ("finance", "Finance"): [
        ("banking", "Banking"),
        ("budgeting", "Budgeting"),
        ("investing", "Investing"),
    ],
    ("health", "Health"): [
        ("fitness", "Fitness"),
        ("medical", "Medical"),
        ("mindfulness", "Mindfulness"),
    ],
    ("shopping", "Shopping"): [],
    ("travel", "Travel"): [
        ("maps", "Maps and navigation"),
        ("transport", "Transport"),
        ("weather", "Weather"),
    ],
    ("other", "Other"): [],
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "category",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_category_slug_form")),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_category_not_its_own_parent")),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id_category")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint("id", "parent_id", name=op.f("uq_category_id_parent_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_category_slug")),
    )
    op.create_table(
        "app",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("package_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("subcategory_id", sa.Uuid(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("max_completions", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column(
            "sort_name",
            sa.Text(collation="C"),
            sa.Computed("lower((name COLLATE pg_c_utf8))", persisted=True),
            nullable=False,
        ),
        sa.Column("search", postgresql.TSVECTOR(), sa.Computed(SEARCH, persisted=True), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_app_name_not_empty")),
        sa.CheckConstraint(
            "package_name ~ '^[A-Za-z][A-Za-z0-9_]*(\\.[A-Za-z][A-Za-z0-9_]*)+$' AND length(package_name) <= 223",
            name=op.f("ck_app_package_name_form"),
        ),
        sa.CheckConstraint("status IN ('draft', 'published', 'archived')", name=op.f("ck_app_status_known")),
        sa.CheckConstraint("max_completions >= 1", name=op.f("ck_app_max_completions_positive")),
        sa.CheckConstraint("points BETWEEN 1 AND 1000000", name=op.f("ck_app_points_range")),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_app_category_id_category")),
        sa.ForeignKeyConstraint(
            ["subcategory_id", "category_id"],
            ["category.id", "category.parent_id"],
            name=op.f("fk_app_subcategory_id_category_id_category"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app")),
        sa.UniqueConstraint("package_name", name=op.f("uq_app_package_name")),
    )
    op.create_index("ix_app_category_points", "app", ["category_id", "points", "id"], postgresql_where=PUBLISHED)
    op.create_index("ix_app_created_at", "app", ["created_at", "id"], postgresql_where=PUBLISHED)
    op.create_index("ix_app_points", "app", ["points", "id"], postgresql_where=PUBLISHED)
    op.create_index("ix_app_search", "app", ["search"], postgresql_using="gin")
    op.create_index("ix_app_sort_name", "app", ["sort_name", "id"], postgresql_where=PUBLISHED)
    op.create_index("ix_app_subcategory_points", "app", ["subcategory_id", "points", "id"], postgresql_where=PUBLISHED)
    op.create_table(
        "app_price",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("points BETWEEN 1 AND 1000000", name=op.f("ck_app_price_points_range")),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_app_price_app_id_app")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_price")),
    )
    op.create_index("ix_app_price_app_id", "app_price", ["app_id", "changed_at"])
    _plant_tree()


def _plant_tree() -> None:
    insert = sa.text(
        "INSERT INTO category (parent_id, slug, name, position)"
        " VALUES ((SELECT id FROM category WHERE slug = :parent), :slug, :name, :position)"
    )
    connection = op.get_bind()
    for position, ((slug, name), children) in enumerate(TREE.items()):
        connection.execute(insert, {"parent": None, "slug": slug, "name": name, "position": position})
        for place, (child, title) in enumerate(children):
            connection.execute(insert, {"parent": slug, "slug": child, "name": title, "position": place})
