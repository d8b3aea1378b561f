"""No session and no entry is ever removed, and what was entered stays as it was: later it can only be struck out."""

from __future__ import annotations

from django.db import migrations

from upturn_clinic.ground.append_only import append_only

_ENTERED = ("id", "session_id", "at", "device_at", "noted_at", "by_id")


class Migration(migrations.Migration):
    dependencies = [("floor", "0001_initial")]
    operations = [
        append_only("floor_session", columns=("id", "dose_id", "participant_id", "facility_id")),
        append_only("floor_reading", columns=(*_ENTERED, "instrument", "value", "unit", "nominal_min", "row")),
        append_only("floor_answer", columns=(*_ENTERED, "list", "criterion", "text", "answer", "note")),
        append_only("floor_sign", columns=(*_ENTERED, "gate", "sign", "is_present")),
        append_only(
            "floor_gatedecision", columns=(*_ENTERED, "gate", "text", "because_of", "decision", "reason", "role")
        ),
        append_only("floor_filling", columns=(*_ENTERED, "ml")),
        append_only("floor_administration", columns=(*_ENTERED, "kind", "rate_ml_h", "percent", "because", "why")),
        append_only("floor_emergencystep", columns=(*_ENTERED, "step", "gate", "signs", "who", "note")),
    ]
