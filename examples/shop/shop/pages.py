"""The shop's own pages."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_login import login_required, login_user, logout_user
from sqlalchemy import select

from .models import Order, Task, User, db

pages = Blueprint("shop", __name__)


@pages.get("/")
@login_required
def home() -> str:
    orders, tasks = db.session.scalars(select(Order)).all(), db.session.scalars(select(Task)).all()
    return render_template("home.html", orders=orders, tasks=tasks)


@pages.route("/login", methods=["GET", "POST"])
def login() -> str | Response | tuple[str, int]:
    if request.method == "GET":
        return render_template("login.html")
    user = db.session.scalar(select(User).where(User.login == request.form["login"]))
    if user is None or not user.check_password(request.form["password"]):
        return render_template("login.html", wrong=True), 422
    login_user(user)
    onward = request.args.get("next", "")
    inside = onward.startswith("/") and not onward.startswith(("//", "/\\"))
    return redirect(onward if inside else url_for("shop.home"))  # type: ignore[return-value]


@pages.post("/logout")
def logout() -> Response:
    logout_user()
    return redirect(url_for("shop.login"))  # type: ignore[return-value]


def not_found(_error: Exception) -> tuple[str, int]:
    return render_template("404.html"), 404
