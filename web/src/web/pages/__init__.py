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
    events,
    feeds,
    isins,
    leaderboard,
    passwords,
    points,
    profile,
    proofs,
    review,
    second_factor,
    tasks,
    theme,
    welcome,
)

EVERYBODY = (welcome, theme, accounts, passwords, apps)
PEOPLE = (tasks, events, points, leaderboard, profile, second_factor, proofs, isins, feeds)
STAFF = (review, admin_apps, admin_imports, admin_categories, admin_users, admin_points, admin_audit)
ROUTERS = [module.router for module in (*EVERYBODY, *PEOPLE, *STAFF)]
