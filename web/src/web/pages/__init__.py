"""The pages: each module answers for one part of the site. A page reads, calls the API, and renders."""

from web.pages import (
    accounts,
    admin_apps,
    apps,
    events,
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
PEOPLE = (tasks, events, points, leaderboard, profile, second_factor, proofs, isins)
STAFF = (review, admin_apps)
ROUTERS = [module.router for module in (*EVERYBODY, *PEOPLE, *STAFF)]
