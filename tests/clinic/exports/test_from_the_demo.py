"""From the demo to the report: the command writes its records, the library draws what was observed from them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from upturn import records
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.computation import upturn
from upturn_clinic.programmes.models import Programme

pytestmark = pytest.mark.django_db


@pytest.mark.slow
def test_the_demos_records_draw_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPTURN_DATA_DIRECTORY", str(tmp_path))
    call_command("demo", "--people", "8", "--patients", "2", stdout=StringIO(), stderr=StringIO())
    for programme in Programme.objects.all():
        folder, said = tmp_path / str(programme.pk), StringIO()
        call_command("export", str(programme.pk), "--out", str(folder), stdout=said)
        found = records.read(folder)
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        enrolled = Participant.objects.filter(programme=programme).exclude(enrolled_at=None).count()
        assert about["people"] + about["left out, no dose given yet"] == enrolled
        assert found.participants.height == about["people"]
        if "letters" in about["arms"]:
            assert "upturn answer" not in said.getvalue()
            assert found.doses.is_empty()
            continue
        # What the command says can be done, is done.
        words = said.getvalue().strip().splitlines()[-1].partition("upturn ")[2].split()
        out = tmp_path / "report"
        observed = json.loads(upturn([*words, "--patients", "2", "--json", "--out", str(out)]))["observed"]
        assert observed["people"] == about["people"] > 0
        rated = [row for arm in observed["arms"] for row in arm["at"]]
        assert rated
        assert all(row["people"] <= about["people"] for row in rated)
        assert {row["response"]["of"] for row in rated} <= set(range(1, about["people"] + 1))
        assert 'id="observed"' in (out / "report.html").read_text(encoding="utf-8")
