"""The pages: each module answers for one part of the site. A page reads, calls the API, and renders."""

from web.pages import accounts, admin_apps, apps, feeds, isins, passwords, points, proofs, review, tasks, theme, welcome

ROUTERS = [
    module.router
    for module in (welcome, theme, accounts, passwords, apps, tasks, points, proofs, review, admin_apps, isins, feeds)
]
