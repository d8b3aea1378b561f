"""What was answered stays as it was answered: a rating is struck out or replaced, never changed or removed."""

from __future__ import annotations

from django.db import migrations

from upturn_clinic.ground.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("assessments", "0001_initial")]
    operations = [
        append_only(
            "assessments_rating",
            columns=(
                "id", "participant_id", "instrument", "instrument_version", "rater_kind", "mode", "rater_id",
                "planned_h", "rated_at", "entered_at", "recall_h", "answers", "total",
            ),
        ),
        append_only("assessments_selfratinglink", columns=("id", "participant_id", "token_hash", "made_at", "expires_at")),
    ]  # fmt: skip
