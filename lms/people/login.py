"""The cookie of a stand-alone site: Flask-Login keeps the token of a sign-in row, and no more.

The only module that asks Flask-Login who is there; everybody else asks lms.edge.current_person().
"""

import flask
import flask_login


class SignedIn(flask_login.UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """What Flask-Login knows of somebody: the token that names a sign-in row."""

    def __init__(self, token: str) -> None:
        self.token = token

    def get_id(self) -> str:
        return self.token


def signed_in_token() -> str | None:
    """The token in the request's cookie; whether it still signs anybody in is the database's."""
    user = flask_login.current_user  # noqa: TID251  the one place that may
    return user.token if isinstance(user._get_current_object(), SignedIn) else None  # noqa: SLF001  a proxy hides the class


def sign_in(token: str) -> None:
    """Put the token into the cookie. What stood in the cookie before goes: no fixation."""
    flask.session.clear()
    flask_login.login_user(SignedIn(token))


def sign_out() -> None:
    """Take the token out of the cookie, and everything else with it."""
    flask_login.logout_user()
    flask.session.clear()
