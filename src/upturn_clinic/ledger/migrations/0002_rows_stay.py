"""The database itself refuses to change or remove these rows."""

from django.db import migrations

from upturn_clinic.ground.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [append_only("ledger_entry"), append_only("ledger_personkey", columns=("person",))]
