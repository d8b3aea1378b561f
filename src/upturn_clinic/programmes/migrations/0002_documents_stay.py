"""The document of a version never changes, no version is ever removed, and what a signer took on stays as signed."""

from __future__ import annotations

from django.db import migrations

from upturn_clinic.ground.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("programmes", "0001_initial")]
    operations = [
        append_only(
            "programmes_protocolversion",
            columns=(
                "id",
                "programme_id",
                "number",
                "document",
                "digest",
                "title",
                "protocol_id",
                "protocol_version",
                "uploaded_at",
            ),
        ),
        append_only("programmes_takenrule"),
    ]
