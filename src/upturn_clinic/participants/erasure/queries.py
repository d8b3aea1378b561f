"""What an erasure finds: every field, in whatever app, that says who a participant is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db import models

from upturn_clinic.accounts.letters import log_in_name
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.queries import user_with_email
from upturn_clinic.ground.classification import classification_of
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.participants.models import Participant

__all__ = ["account_of", "fields_about_participants", "what_tells"]


def account_of(participant: Participant) -> User | None:
    """Find the account that a participant logs in with; it goes by the pseudonym."""
    return user_with_email(log_in_name(participant.pseudonym))


def fields_about_participants() -> Mapping[type[Versioned], tuple[str, ...]]:
    """List the fields that say who a participant is, of all apps: found by their declarations, so none is forgotten."""
    return {
        model: classification_of(model).identifying
        for model in apps.get_models()
        if issubclass(model, Versioned) and _is_about_a_participant(model) and classification_of(model).identifying
    }


def what_tells(participant: Participant) -> Iterator[tuple[Versioned, Mapping[str, Any]]]:
    """Give each record that says who a participant is, and the empty values that are to stand there."""
    for model, names in fields_about_participants().items():
        about = classification_of(model).about or "participant"
        for record in model._default_manager.filter(**{about: participant}):
            empty = {name: None if model._meta.get_field(name).null else "" for name in names}
            if any(getattr(record, name) != value for name, value in empty.items()):
                yield record, empty


def _is_about_a_participant(model: type[models.Model]) -> bool:
    about = classification_of(model).about or "participant"
    found = {field.name: field for field in model._meta.concrete_fields}.get(about)
    return found is not None and found.related_model is Participant
