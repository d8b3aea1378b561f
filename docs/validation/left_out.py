"""Leave each trial of the calibration out in turn, and write how it was predicted to ``docs/validation/left_out.json``.

Run from the root of the repository: ``python docs/validation/left_out.py`` (two minutes a trial), or with names
of trials to renew only those (each leaves half a gigabyte of compiled programs behind). ``page.py`` reads the file.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from upturn.evidence import shipped
from upturn.inference.calibrate import QUICK
from upturn.inference.left_out import leave_out, trials_to_leave_out

FILE = Path(__file__).with_name("left_out.json")


def main() -> None:
    """Refit and write."""
    evidence = shipped()
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("trials", nargs="*", help="trials to renew; all if none is named")
    chosen = ask.parse_args().trials or trials_to_leave_out(evidence)
    kept: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    trials = kept.get("trials", {}) if kept.get("evidence") == evidence.digest else {}
    for trial, (rows, judged) in leave_out(evidence, chosen).items():
        trials[trial] = {
            "r_hat": round(judged.worst_r_hat, 3),
            "divergences": judged.divergences,
            "rows": [
                {
                    "row": [row.predicted.finding.table, row.predicted.finding.row],
                    "family": row.family,
                    "reason": row.predicted.reason,
                    "forecasts": {
                        by: {name: _plain(value) for name, value in asdict(forecast).items()}
                        for by, forecast in row.forecasts.items()
                    },
                }
                for row in rows
            ],
        }
        scored = [row.forecasts["model"] for row in rows if row.predicted.scored]
        print(trial, f"{sum(bool(each.in90) for each in scored)} of {len(scored)} inside 90 %", flush=True)
    told = {
        "evidence": evidence.digest,
        "chains": QUICK.chains,
        "draws": QUICK.chains * QUICK.draws,
        "trials": {trial: trials[trial] for trial in trials_to_leave_out(evidence) if trial in trials},
    }
    FILE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _plain(value: float | bool | None) -> float | bool | None:
    return value if value is None or isinstance(value, bool) else float(f"{value:.6g}")


if __name__ == "__main__":
    main()
