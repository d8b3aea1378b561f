"""No participant is ever removed or renamed; documents, decisions, allocations and unblindings stay as written."""

from __future__ import annotations

from django.db import migrations

from upturn_clinic.ground.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("participants", "0001_initial")]
    operations = [
        append_only("participants_participant", columns=("id", "pseudonym", "programme_id", "registered_at")),
        append_only("participants_consentdocument"),
        append_only("participants_criteriondecision"),
        append_only("participants_allocation"),
        append_only("participants_unblinding"),
    ]
