"""What can go wrong in the pages themselves; failures of the API are ``web.api.ApiProblem``."""


class SignInNeeded(Exception):
    """The page is for people who are signed in, and the session is missing or has ended."""


class Refused(Exception):
    """The page exists, but not for this person: a role is missing."""


class FormRefused(Exception):
    """The form does not come from a page of ours, or its token is missing or wrong."""


class FormTooLarge(Exception):
    """The form has more bytes than it can need."""


class FormUnreadable(Exception):
    """The body is not the form that the page has."""
