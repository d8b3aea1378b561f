"""The register only grows; what a draw took and what a lot is stays as written."""

from __future__ import annotations

from django.db import migrations

from upturn_clinic.ground.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("stock", "0001_initial")]
    operations = [
        append_only("stock_movement"),
        append_only("stock_draw", columns=("id", "lot_id", "dose_id", "facility_id", "taken", "taken_at", "by_id")),
        append_only(
            "stock_lot",
            columns=("id", "facility_id", "drug", "form", "number", "unit", "amount_each", "mg_per_ml", "basis",
                     "is_masked"),
        ),
    ]  # fmt: skip
