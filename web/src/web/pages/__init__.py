"""The pages: each module answers for one part of the site. A page reads, calls the API, and renders."""

from web.pages import (
    accounts,
    admin_apps,
    admin_audit,
    admin_categories,
    admin_imports,
    admin_points,
    admin_users,
    apps,
    feeds,
    isins,
    passwords,
    points,
    proofs,
    review,
    tasks,
    theme,
    welcome,
)

PEOPLE = (welcome, theme, accounts, passwords, apps, tasks, points, proofs)
DESK = (review, admin_apps, admin_imports, admin_categories, admin_users, admin_points, admin_audit, isins, feeds)
ROUTERS = [module.router for module in (*PEOPLE, *DESK)]
