"""The shop's data. Its classes and tables have the names that suit the shop, whatever the portal calls its own."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, DateTime, ForeignKey, Numeric, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from werkzeug.security import check_password_hash

from portal.models import Process


class Base(DeclarativeBase):
    """Parent of the shop's models."""


db = SQLAlchemy(model_class=Base)

user_role = Table(
    "user_role",
    Base.metadata,
    Column("user_id", ForeignKey("user.id"), primary_key=True),
    Column("role_id", ForeignKey("role.id"), primary_key=True),
)


class Role(Base):
    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)


class User(UserMixin, Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(50), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    mail: Mapped[str] = mapped_column(String(200))
    password: Mapped[str] = mapped_column(String(200))
    last_seen: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    roles: Mapped[list[Role]] = relationship(secondary=user_role)

    def check_password(self, password: str) -> bool:
        return check_password_hash(self.password, password)


class Order(Base):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    customer: Mapped[str] = mapped_column(String(100))
    total: Mapped[Decimal] = mapped_column(Numeric(10, 2))

    def __str__(self) -> str:
        return f"{self.number}, {self.customer}"


class Refund(Base):
    """What a process of the portal is about: its artifact."""

    __tablename__ = "refund"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey(Order.id))
    amount: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    reason: Mapped[str] = mapped_column(String(300))
    paid: Mapped[bool] = mapped_column(default=False)
    order: Mapped[Order] = relationship()

    def __str__(self) -> str:
        return f"{self.amount} to {self.order.customer}"


class Task(Base):
    """A note of things to do, which has nothing to do with a task of the portal but may point at a process."""

    __tablename__ = "task"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(200))
    process_id: Mapped[int | None] = mapped_column(ForeignKey(Process.id))
    process: Mapped[Process | None] = relationship(Process)
