"""What stands around every page."""

TEXTS = {
    "site.name": "Appraise",
    "site.skip": "Skip to the content",
    "site.api": "API documentation",
    "site.signed_in_as": "Signed in as {name}",
    "nav.label": "Main",
    "nav.apps": "Apps",
    "nav.tasks": "My tasks",
    "nav.points": "Points",
    "nav.isins": "ISINs",
    "nav.review": "Review",
    "nav.admin": "Manage apps",
    "nav.login": "Sign in",
    "nav.register": "Create account",
    "nav.logout": "Sign out",
    "list.next": "Next page",
    "list.first": "Back to the first page",
    "form.optional": "optional",
}  # fmt: skip
