"""What each field says about a person. Every model declares it beside its fields; a test finds any field without.

The class decides who sees a field's history on screen, what an export leaves out, and what the ledger never holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models import Model

from upturn.errors import CannotError

__all__ = ["Classified", "FieldClass", "classification_of", "person_behind"]


class FieldClass(StrEnum):
    """What a field says about a person."""

    IDENTIFYING = "identifying"
    CLINICAL = "clinical"
    OPERATIONAL = "operational"
    SECRET = "secret"  # noqa: S105  (the name of a class)


@dataclass(frozen=True)
class Classified:
    """The fields of one model, each in exactly one class.

    Parameters
    ----------
    identifying
        Says who somebody is: a name, an address, a date of birth.
    clinical
        Says how somebody is, or what was done.
    operational
        Keeps the programme running; neither of the above.
    secret
        A key or a password: never shown, never exported, never in the ledger.
    about
        The field that points at the person whom the identifying fields are about. Unless given it is ``participant``,
        where the model has that field, and else the record itself.

    Examples
    --------
    >>> Classified(identifying=("email",), operational=("id",)).of("email")
    <FieldClass.IDENTIFYING: 'identifying'>
    """

    identifying: tuple[str, ...] = ()
    clinical: tuple[str, ...] = ()
    operational: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    about: str = ""

    def of(self, field: str) -> FieldClass:
        """Give the class of a field.

        Raises
        ------
        CannotError
            The field is not declared.
        """
        for kind in FieldClass:
            if field in getattr(self, kind.value):
                return kind
        raise CannotError(f"The field {field} has no class.", expected="one of " + ", ".join(FieldClass))

    def names(self) -> tuple[str, ...]:
        """List all declared fields, as often as they are declared."""
        return self.identifying + self.clinical + self.operational + self.secret


# Tables that other packages bring; their models cannot carry a declaration.
FOREIGN: Mapping[str, Classified] = {
    "account.EmailAddress": Classified(
        identifying=("email", "user"), operational=("id", "verified", "primary"), about="user"
    ),
    "account.EmailConfirmation": Classified(operational=("id", "email_address", "created", "sent"), secret=("key",)),
    "auth.Group": Classified(operational=("id", "name", "permissions")),
    "auth.Permission": Classified(operational=("id", "name", "content_type", "codename")),
    "contenttypes.ContentType": Classified(operational=("id", "app_label", "model")),
    "mfa.Authenticator": Classified(operational=("id", "user", "type", "created_at", "last_used_at"), secret=("data",)),
}


def classification_of(model: type[Model]) -> Classified:
    """Find the declaration of a model, our own or another package's.

    Raises
    ------
    CannotError
        The model declares nothing.
    """
    found = getattr(model, "classified", None) or FOREIGN.get(model._meta.label)
    if not isinstance(found, Classified):
        raise CannotError(
            f"The fields of {model._meta.label} are not classified.",
            remedy="declare `classified = Classified(...)` in the model",
        )
    return found


def person_behind(thing: Model) -> UUID:
    """Tell whom a record's identifying fields are about: the key under which the ledger seals them.

    Raises
    ------
    CannotError
        The record points at nobody: its declaration names the wrong field.
    """
    about = classification_of(thing._meta.model).about
    attributes = {field.name: field.attname for field in thing._meta.concrete_fields}
    if not about and "participant" in attributes:
        about = "participant"
    person = getattr(thing, attributes.get(about, about)) if about else thing.pk
    if not isinstance(person, UUID):
        raise CannotError(
            f"Whom the identifying fields of {thing._meta.label} are about is not told.", expected="a person's key",
            came=repr(person), remedy='declare `Classified(about="…")` in the model',
        )  # fmt: skip
    return person
