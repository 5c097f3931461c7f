"""A small site of somebody else's: its own login, tables, templates and errors; ours under /learn.

Its template folder holds files of the same names as ours, its static folder too: neither may get
into the other's way.
"""

from pathlib import Path
from typing import Any

import flask
import flask_login
import sqlalchemy
from flask import Flask, Response
from flask.typing import ResponseReturnValue

from lms import LMS
from lms.people.actor import Identity

HERE = Path(__file__).parent
PASSWORD = "host-password"

metadata = sqlalchemy.MetaData()
users = sqlalchemy.Table(
    "users",
    metadata,
    sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
    sqlalchemy.Column("login", sqlalchemy.String(40), unique=True, nullable=False),
    sqlalchemy.Column("name", sqlalchemy.String(40), nullable=False),
)
posts = sqlalchemy.Table(
    "posts",
    metadata,
    sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
    sqlalchemy.Column("user_id", sqlalchemy.ForeignKey("users.id"), nullable=False),
    sqlalchemy.Column("text", sqlalchemy.Text, nullable=False),
)
# The host's own history stands where Alembic puts it by default.
alembic_version = sqlalchemy.Table(
    "alembic_version",
    metadata,
    sqlalchemy.Column("version_num", sqlalchemy.String(32), primary_key=True),
)


class User(flask_login.UserMixin):
    """Who is signed in, as the host knows it."""

    def __init__(self, row: Any) -> None:
        self.id = row.id
        self.name = row.name


def create_site(url: str, folder: Path, **config: Any) -> Flask:
    """The host's app with the LMS mounted on the same database."""
    site = Flask(
        "hostsite",
        root_path=str(HERE),
        template_folder="templates",
        static_folder="static",
    )
    site.config.update(
        SECRET_KEY="the host's own secret",
        SESSION_COOKIE_NAME="hostsession",
        LMS_DATABASE_URL=url,
        LMS_VAR=str(folder / "var"),
        LMS_SECRET="test-secret-of-ours",
        LMS_DATA_KEY="test-key-of-ours",
        LMS_BASE_URL="http://localhost",
        **config,
    )
    engine = sqlalchemy.create_engine(url)
    site.extensions["host_engine"] = engine
    _log_in(site, engine)
    _pages(site, engine)
    LMS(identify=identify, sign_in=lambda back: flask.url_for("login", next=back)).init_app(
        site, url_prefix="/learn"
    )
    return site


def identify() -> Identity | None:
    """The host's word on who is there."""
    user = flask_login.current_user  # noqa: TID251  the host's own login
    if not user.is_authenticated:
        return None
    return Identity(issuer="hostsite", subject=str(user.id), name=user.name)


def _log_in(site: Flask, engine: sqlalchemy.Engine) -> None:
    manager = flask_login.LoginManager(site)

    @manager.user_loader
    def load(user_id: str) -> User | None:
        with engine.connect() as connection:
            row = connection.execute(
                sqlalchemy.select(users).where(users.c.id == int(user_id))
            ).one_or_none()
        return None if row is None else User(row)

    @site.route("/login", methods=["GET", "POST"])
    def login() -> ResponseReturnValue:
        if flask.request.method == "GET":
            return flask.render_template("base.html", text="HOST LOGIN")
        form = flask.request.form
        with engine.connect() as connection:
            row = connection.execute(
                sqlalchemy.select(users).where(users.c.login == form["login"])
            ).one_or_none()
        if row is None or form["password"] != PASSWORD:
            flask.abort(403)
        flask_login.login_user(User(row))
        return flask.redirect(flask.request.args.get("next") or "/")

    @site.post("/logout")
    def logout() -> ResponseReturnValue:
        flask_login.logout_user()
        return flask.redirect("/")


def _pages(site: Flask, engine: sqlalchemy.Engine) -> None:
    @site.get("/")
    def front() -> ResponseReturnValue:
        with engine.connect() as connection:
            count = connection.scalar(sqlalchemy.select(sqlalchemy.func.count()).select_from(posts))
        return flask.render_template("base.html", text=f"HOST FRONT {count}")

    @site.get("/course")
    def same_name() -> ResponseReturnValue:
        return flask.render_template("lms/learning/course.html")

    @site.get("/broken")
    def broken() -> ResponseReturnValue:
        raise RuntimeError("the host's own fault")

    @site.errorhandler(404)
    def lost(_error: Exception) -> ResponseReturnValue:
        return flask.render_template("base.html", text="HOST 404"), 404

    @site.errorhandler(500)
    def failed(_error: Exception) -> ResponseReturnValue:
        return flask.render_template("base.html", text="HOST 500"), 500

    @site.context_processor
    def words() -> dict[str, str]:
        return {"site": "the host's own", "me": "nobody of yours", "url": "not a function"}

    @site.after_request
    def sign(response: Response) -> Response:
        response.headers["X-Host"] = "1"
        return response
