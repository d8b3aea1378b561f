"""Every field of every table has a class; tables that only grow are guarded; migrations are complete."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from pathlib import Path
from typing import get_args

import pytest
import yaml
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from tests.clinic.conftest import COLUMNS_STAY, ONLY_GROW

import upturn_clinic
from upturn.parameters import Status, read
from upturn_clinic.ground.classification import FOREIGN, classification_of

MODELS = sorted(apps.get_models(include_auto_created=False), key=lambda model: model._meta.label)
PARAMETERS = sorted((Path(upturn_clinic.__file__).parent).rglob("parameters/*.yaml"))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_field_is_classified_once(model: type[models.Model]) -> None:
    fields = {field.name for field in (*model._meta.concrete_fields, *model._meta.many_to_many)}
    declared = Counter(classification_of(model).names())
    assert set(declared) == fields
    assert [name for name, times in declared.items() if times > 1] == []


def test_no_table_is_classified_that_is_not_there() -> None:
    assert set(FOREIGN) <= {model._meta.label for model in MODELS}


@pytest.mark.django_db
@pytest.mark.parametrize("table", [*ONLY_GROW, *COLUMNS_STAY])
def test_the_database_guards_what_only_grows(table: str) -> None:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid=tgrelid WHERE relname = %s AND NOT tgisinternal"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [table])
        found = {name for (name,) in cursor.fetchall()}
    wanted = {f"{table}_no_update", f"{table}_no_delete"}
    assert found == wanted | ({f"{table}_no_truncate"} if connection.vendor == "postgresql" else set())


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    out = StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)
    assert "No changes" in out.getvalue()


@pytest.mark.parametrize("file", PARAMETERS, ids=lambda file: file.stem)
def test_every_number_has_value_unit_source_and_status(file: Path) -> None:
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert all(document[key] for key in ("title", "source", "limits"))
    for entry in read("upturn_clinic", file.stem):
        assert entry.unit
        assert entry.source
        assert entry.status in get_args(Status)
