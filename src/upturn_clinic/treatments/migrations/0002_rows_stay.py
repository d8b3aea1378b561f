"""What was decided about a reason to stop stays as written: the table only grows."""

from __future__ import annotations

from django.db import migrations

from upturn_clinic.ground.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("treatments", "0001_initial")]
    operations = [append_only("treatments_stopdecision")]
