"""That the masking of a study has ended stays as written."""

from __future__ import annotations

from django.db import migrations

from upturn_clinic.ground.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("exports", "0001_initial")]
    operations = [append_only("exports_unmasking")]
