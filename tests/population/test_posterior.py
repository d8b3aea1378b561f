"""The draws that are shipped: whole, in agreement with their description, and refused when they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import full_after

from upturn.errors import OutputError, ParameterError
from upturn.evidence import shipped
from upturn.population import read_posterior, shipped_posterior, write_posterior


def test_it_was_fitted_to_the_shipped_evidence() -> None:
    assert shipped_posterior().evidence == shipped().digest


def test_it_converged() -> None:
    posterior = shipped_posterior()
    assert posterior.fitted["chains"] == 4
    assert posterior.fitted["divergences"] <= 0.005 * posterior.fitted["draws"]
    for name, learnt in posterior.learnt.items():
        assert learnt.r_hat < 1.02, name
        assert learnt.ess > 400, name


def test_the_kept_draws_have_the_quantiles_of_all(tmp_path: Path) -> None:
    posterior = shipped_posterior()
    for name, learnt in posterior.learnt.items():
        spread = learnt.high - learnt.low
        assert np.median(posterior.draws[name]) == pytest.approx(learnt.median, abs=0.1 * spread), name
        assert learnt.low < learnt.median < learnt.high


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    posterior = shipped_posterior()
    write_posterior(posterior, tmp_path / "new")
    again = read_posterior(tmp_path / "new")
    assert again.digest == posterior.digest
    assert again.learnt == posterior.learnt
    np.testing.assert_array_equal(again.draws["effect"], posterior.draws["effect"])


@pytest.mark.parametrize("until", ["nothing", "the middle of a file", "between the two files"])
def test_a_full_disk_leaves_the_old_posterior_whole(tmp_path: Path, until: str) -> None:
    posterior = shipped_posterior()
    write_posterior(posterior, tmp_path)
    small, large = sorted(file.stat().st_size for file in tmp_path.iterdir())
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    size = {"nothing": 0, "the middle of a file": small // 2, "between the two files": small}[until]
    assert small < large
    with full_after(size), pytest.raises(OutputError, match="cannot be written") as refused:
        write_posterior(replace(posterior, seed=posterior.seed + 1), tmp_path)
    assert refused.value.came == "File too large"
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_changed_draws_are_refused(tmp_path: Path) -> None:
    write_posterior(shipped_posterior(), tmp_path)
    table = np.load(tmp_path / "posterior.npy")
    table[0, 0] += 1
    np.save(tmp_path / "posterior.npy", table)
    with pytest.raises(ParameterError, match="not the ones described"):
        read_posterior(tmp_path)


def test_an_empty_folder_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no posterior to read"):
        read_posterior(tmp_path)
