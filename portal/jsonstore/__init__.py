"""Typed fields of a JSON document, for SQLAlchemy models and for plain classes.

A field is a descriptor over the attribute `data` of its class: it reads and writes Python values, checks them
on assignment, and is a typed SQL expression on the class.
"""

from .declared import fields_of
from .document import Document, document
from .embedded import EmbeddedField, EmbeddedList, EmbeddedListField, Schema
from .field import Field, InvalidValue
from .files import File, FileField, files_of
from .merge import Change, apply, changes
from .numbers import DecimalField, FloatField, IntegerField
from .plain import check_text, plain, storable
from .references import ReferenceField, ReferenceList, ReferenceListField
from .scalars import Binary, BinaryField, BooleanField, ChoiceField, JSONField, UUIDField
from .texts import EmailField, StringField, TextField, URLField
from .times import DateField, DateTimeField, DurationField, TimeField

__all__ = [
    "Binary", "BinaryField", "BooleanField", "Change", "ChoiceField", "DateField", "DateTimeField",
    "DecimalField", "Document", "DurationField", "EmailField", "EmbeddedField", "EmbeddedList",
    "EmbeddedListField", "Field", "File", "FileField", "FloatField", "IntegerField", "InvalidValue", "JSONField",
    "ReferenceField", "ReferenceList", "ReferenceListField", "Schema", "StringField", "TextField", "TimeField",
    "URLField", "UUIDField", "apply", "changes", "check_text", "document", "fields_of", "files_of", "plain",
    "storable",
]  # fmt: skip
