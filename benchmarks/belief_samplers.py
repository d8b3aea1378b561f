"""The hierarchical fit of beliefs beside PyMC, nutpie, Stan and plain NumPyro, each in a process of its own.

What lives here: one simulated study, one simple model written four times, and the product's own analysis. This file is
also the program that each process runs, under the peers' Python too: it therefore loads nothing but NumPy at the top.

The simple model: E2 ~ Normal(E1 − (S + A·sign EE)·EE, sigma), with S and A = mean of the cell (a group at a visit) +
effect of the person + effect of the person's visit, sigma of each person log-normal, no bounds, the first answer exact.
The product's analysis is richer: answers at a bound are censored, S and A of people are correlated, events have effects
of their own on second answers, noise differs between visits too, and (``noisy``) the first answer is a noisy report.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = ["belief_samplers"]

Array = np.ndarray[Any, Any]

SEED = 20
GROUPS = {"patients": 26, "controls": 30}
VISITS = ("before", "after")
FILLERS = 8
# What changes in patients: beliefs before treatment [points], asymmetry after it [fraction].
PESSIMISM, CHANGE = 12.0, 0.12
CORES = 2
REPEATS = 3
# Means of two samplers may lie this many standard errors apart, of a few dozen comparisons.
FAR = 4.0
HOW = "see 'Samplers' in benchmarks/README.md"


class Lengths(NamedTuple):
    """Chains, warm-up and draws of each."""

    chains: int
    warmup: int
    draws: int


class Sampler(NamedTuple):
    """One line of the table: which program, whose Python, how long."""

    program: str
    peer: bool
    lengths: Lengths


LIKE_PEERS, AS_SHIPPED = Lengths(2, 1000, 1000), Lengths(4, 500, 1000)
SAMPLERS = {
    "pymc": Sampler("pymc", True, LIKE_PEERS),
    "nutpie": Sampler("nutpie", True, LIKE_PEERS),
    "stan": Sampler("stan", True, LIKE_PEERS),
    "numpyro": Sampler("numpyro", False, LIKE_PEERS),
    "upturn exact": Sampler("exact", False, LIKE_PEERS),
    "upturn exact, as shipped": Sampler("exact", False, AS_SHIPPED),
    "upturn noisy": Sampler("noisy", False, LIKE_PEERS),
    "upturn noisy, as shipped": Sampler("noisy", False, AS_SHIPPED),
}
SIMPLE = ("pymc", "nutpie", "stan", "numpyro")


class Clock(NamedTuple):
    """Seconds by the wall, and of all cores: on a busy machine only the second can be compared."""

    wall_s: float
    cpu_s: float


class Found(NamedTuple):
    """What a process found: draws of A of the cells (chain, draw, cell), when, and drawing without compiling."""

    asymmetry: Array
    at: Clock
    drawing: Clock


def _now() -> Clock:
    """Give the time, and what this process and those that it waited for have used."""
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Clock(time.time(), time.process_time() + others.ru_utime + others.ru_stime)


def _between(start: Clock, end: Clock) -> Clock:
    return Clock(end.wall_s - start.wall_s, end.cpu_s - start.cpu_s)


# --- the simple model, four times ------------------------------------------------------------------------------------


def _pymc_model(data: Mapping[str, Array]) -> Any:
    pm: Any = importlib.import_module("pymc")
    people, sessions, cells = (int(data[name]) for name in ("n_people", "n_sessions", "n_cells"))
    with pm.Model() as model:
        learning = []
        for name in ("scaling", "asymmetry"):
            cell = pm.Normal(name, data[name], data[f"{name}_sd"], shape=cells)
            between = pm.HalfNormal(f"{name}_between", data[f"people_{name}"])
            within = pm.HalfNormal(f"{name}_within", data[f"people_{name}"])
            person = pm.Normal(f"{name}_person", 0, 1, shape=people)
            visit = pm.Normal(f"{name}_visit", 0, 1, shape=sessions)
            learning.append(cell[data["cell"]] + between * person[data["person"]] + within * visit)
        typical = pm.Normal("log_noise", data["log_noise"], data["log_noise_sd"])
        spread = pm.HalfNormal("noise_spread", data["people_noise"])
        sigma = pm.math.exp(typical + spread * pm.Normal("noise", 0, 1, shape=people))
        scaling, asymmetry = learning
        at = data["session"]
        mean = data["first"] - scaling[at] * data["error"] - asymmetry[at] * np.abs(data["error"])
        pm.Normal("second", mean, sigma[data["person"]][at], observed=data["second"])
    return model


def _pymc(data: Mapping[str, Array], lengths: Lengths, seed: int) -> Found:
    pm: Any = importlib.import_module("pymc")
    with _pymc_model(data):
        found = pm.sample(
            lengths.draws, tune=lengths.warmup, chains=lengths.chains, cores=CORES, random_seed=seed, progressbar=False
        )
    # What PyMC says itself; its chains are processes, and compiling cannot be told from drawing by their cores.
    drawing = Clock(float(found.posterior.attrs["sampling_time"]), math.nan)
    return Found(np.asarray(found.posterior["asymmetry"]), _now(), drawing)


def _nutpie(data: Mapping[str, Array], lengths: Lengths, seed: int) -> Found:
    nutpie: Any = importlib.import_module("nutpie")
    compiled = nutpie.compile_pymc_model(_pymc_model(data))
    start = _now()
    found = nutpie.sample(
        compiled, draws=lengths.draws, tune=lengths.warmup, chains=lengths.chains, cores=CORES, seed=seed,
        progress_bar=False,
    )  # fmt: skip
    end = _now()
    return Found(np.asarray(found.posterior["asymmetry"]), end, _between(start, end))


STAN = """
data {
  int n_people; int n_sessions; int n_cells; int n_rows;
  array[n_rows] int session; array[n_sessions] int person; array[n_sessions] int cell;
  vector[n_rows] first; vector[n_rows] second; vector[n_rows] error;
  real scaling; real scaling_sd; real people_scaling; real asymmetry; real asymmetry_sd; real people_asymmetry;
  real log_noise; real log_noise_sd; real people_noise;
}
transformed data { vector[n_rows] size = abs(error); }
parameters {
  vector[n_cells] S; vector[n_cells] A;
  real<lower=0> S_between; real<lower=0> S_within; real<lower=0> A_between; real<lower=0> A_within;
  vector[n_people] S_person; vector[n_sessions] S_visit; vector[n_people] A_person; vector[n_sessions] A_visit;
  real typical; real<lower=0> spread; vector[n_people] noise;
}
model {
  vector[n_sessions] s = S[cell] + S_between * S_person[person] + S_within * S_visit;
  vector[n_sessions] a = A[cell] + A_between * A_person[person] + A_within * A_visit;
  vector[n_people] sigma = exp(typical + spread * noise);
  S ~ normal(scaling, scaling_sd); A ~ normal(asymmetry, asymmetry_sd);
  S_between ~ normal(0, people_scaling); S_within ~ normal(0, people_scaling);
  A_between ~ normal(0, people_asymmetry); A_within ~ normal(0, people_asymmetry);
  S_person ~ std_normal(); S_visit ~ std_normal(); A_person ~ std_normal(); A_visit ~ std_normal();
  typical ~ normal(log_noise, log_noise_sd); spread ~ normal(0, people_noise); noise ~ std_normal();
  second ~ normal(first - s[session] .* error - a[session] .* size, sigma[person[session]]);
}
"""


def _stan(data: Mapping[str, Array], lengths: Lengths, seed: int) -> Found:
    stan: Any = importlib.import_module("stan")
    counted = {name: data[name] + 1 for name in ("session", "person", "cell")}  # Stan counts from one
    simple = {
        name: value for name, value in {**data, **counted}.items() if value.dtype.kind in "if" and "." not in name
    }
    plain = {name: value.tolist() for name, value in simple.items()}
    built = stan.build(STAN, data={**plain, "n_rows": len(data["first"])}, random_seed=seed)
    start = time.time()
    found = built.sample(num_chains=lengths.chains, num_warmup=lengths.warmup, num_samples=lengths.draws)
    end = time.time()
    # Draws come as (cell, draws of the chains in turn).
    asymmetry = found["A"].reshape(-1, lengths.draws, lengths.chains).transpose(2, 1, 0)
    # Its chains are processes that outlive the call, so that what they use is not known.
    return Found(asymmetry, Clock(end, math.nan), Clock(end - start, math.nan))


def _numpyro(data: Mapping[str, Array], lengths: Lengths, seed: int) -> Found:
    numpyro: Any = importlib.import_module("numpyro")
    numpyro.enable_x64()
    numpyro.set_host_device_count(CORES)
    jax: Any = importlib.import_module("jax")
    jnp: Any = importlib.import_module("jax.numpy")
    dist: Any = importlib.import_module("numpyro.distributions")
    infer: Any = importlib.import_module("numpyro.infer")
    people, sessions, cells = (int(data[name]) for name in ("n_people", "n_sessions", "n_cells"))

    def model() -> None:
        def standard(name: str, size: int) -> Any:
            return numpyro.sample(name, dist.Normal(0, 1).expand([size]).to_event(1))

        learning = []
        for name in ("scaling", "asymmetry"):
            cell = numpyro.sample(name, dist.Normal(data[name], data[f"{name}_sd"]).expand([cells]).to_event(1))
            between = numpyro.sample(f"{name}_between", dist.HalfNormal(data[f"people_{name}"]))
            within = numpyro.sample(f"{name}_within", dist.HalfNormal(data[f"people_{name}"]))
            person, visit = standard(f"{name}_person", people), standard(f"{name}_visit", sessions)
            learning.append(cell[data["cell"]] + between * person[data["person"]] + within * visit)
        typical = numpyro.sample("log_noise", dist.Normal(data["log_noise"], data["log_noise_sd"]))
        spread = numpyro.sample("noise_spread", dist.HalfNormal(data["people_noise"]))
        sigma = jnp.exp(typical + spread * standard("noise", people))
        scaling, asymmetry = learning
        at = data["session"]
        mean = data["first"] - scaling[at] * data["error"] - asymmetry[at] * np.abs(data["error"])
        numpyro.sample("second", dist.Normal(mean, sigma[data["person"]][at]), obs=data["second"])

    mcmc = infer.MCMC(
        infer.NUTS(model), num_warmup=lengths.warmup, num_samples=lengths.draws, num_chains=lengths.chains,
        chain_method="parallel", progress_bar=False,
    )  # fmt: skip
    mcmc.run(jax.random.key(seed))
    asymmetry = np.asarray(mcmc.get_samples(group_by_chain=True)["asymmetry"])
    there = _now()
    # The same object draws again without compiling.
    mcmc.run(jax.random.key(seed + 1))
    jax.block_until_ready(mcmc.get_samples())
    return Found(asymmetry, there, _between(there, _now()))


# --- the product -----------------------------------------------------------------------------------------------------


def _upturn(reading: str) -> Callable[[Mapping[str, Array], Lengths, int], Found]:
    def run(data: Mapping[str, Array], lengths: Lengths, seed: int) -> Found:
        hierarchy: Any = importlib.import_module("upturn.inference.beliefs.hierarchy")
        answers: Any = importlib.import_module("upturn.beliefs.answers")
        study = answers.Answers(**{
            name.removeprefix("answers."): tuple(value.tolist()) if value.dtype.kind == "U" else value
            for name, value in data.items()
            if name.startswith("answers.")
        })  # fmt: skip
        settings = hierarchy.SETTINGS.__class__(
            chains=lengths.chains, warmup=lengths.warmup, draws=lengths.draws, seed=seed,
            target_accept=hierarchy.SETTINGS.target_accept,
        )  # fmt: skip
        found = hierarchy.fit_answers(study, reading=reading, settings=settings)
        there = _now()
        # Everything again with the programs at hand: the summary of sessions, tracing, drawing and diagnostics.
        hierarchy.fit_answers(study, reading=reading, settings=settings)
        return Found(found.draws["asymmetry"], there, _between(there, _now()))

    return run


PROGRAMS: dict[str, Callable[[Mapping[str, Array], Lengths, int], Found]] = {
    "pymc": _pymc,
    "nutpie": _nutpie,
    "stan": _stan,
    "numpyro": _numpyro,
    "exact": _upturn("exact"),
    "noisy": _upturn("noisy"),
}


def _program() -> None:
    """Be the process: program, file of data, file for what is found, seed, and lengths."""
    name, source, target, *numbers = sys.argv[1:]
    seed, *lengths = map(int, numbers)
    with np.load(source) as kept:
        data = dict(kept)
    found = PROGRAMS[name](data, Lengths(*lengths), seed)
    np.savez(target, **found._asdict())


# --- the workload ----------------------------------------------------------------------------------------------------


def _study(target: Path) -> None:
    """Simulate the study and lay it out as rows, with the priors of the simple model and the answers as they are."""
    jax: Any = importlib.import_module("jax")
    people: Any = importlib.import_module("upturn.beliefs.people")
    design: Any = importlib.import_module("upturn.beliefs.design")
    simulation: Any = importlib.import_module("upturn.beliefs.simulation")
    parameters: Any = importlib.import_module("upturn.parameters")
    # Learning starts from the first answer as reported, so that the simple model is right but for rounding and bounds.
    truth = people.belief_population(groups=len(GROUPS), visits=len(VISITS), carried=1.0)
    truth = people.changed(truth, group=0, visit=0, belief_mean=PESSIMISM)
    truth = people.changed(truth, group=0, visit=1, asymmetry=CHANGE)
    plan = design.study_design(GROUPS, VISITS, n_fillers=FILLERS)
    answers = simulation.simulate_study(jax.random.key(SEED), plan, truth)
    own = list(zip(answers.group, answers.visit, strict=True))
    cells, names = list(dict.fromkeys(own)), list(dict.fromkeys(answers.participant))
    at, trial = np.nonzero(answers.answered)
    priors = parameters.read("upturn.inference", "beliefs")
    numbers: dict[str, Any] = {
        name: priors.value(name) for name in ("people_scaling", "people_asymmetry", "people_noise")
    }
    for name in ("scaling", "asymmetry"):
        numbers |= {name: priors.value(name), f"{name}_sd": priors[name].prior.sd}
    numbers |= {"log_noise": math.log(priors.value("answer_noise")), "log_noise_sd": priors["answer_noise"].prior.sd}
    laid: dict[str, Any] = {
        "n_people": len(names),
        "n_sessions": len(own),
        "n_cells": len(cells),
        "person": [names.index(each) for each in answers.participant],
        "cell": [cells.index(each) for each in own],
        "cells": [" ".join(each) for each in cells],
        "session": at,
        "first": answers.first[at, trial],
        "second": answers.second[at, trial],
        "error": answers.first[at, trial] - answers.base_rate[at, trial],
        **numbers,
        **{f"answers.{name}": np.asarray(value) for name, value in vars(answers).items()},
    }
    np.savez(target, **laid)


class Timed(NamedTuple):
    """One process: from its start to its posterior, and what it found."""

    whole: Clock
    drawing: Clock
    asymmetry: Array


def _timed(interpreter: str, sampler: Sampler, folder: Path, seed: int) -> Timed:
    """Run one process; what it compiles is kept in the folder.

    Raises
    ------
    RuntimeError
        The process ended otherwise than well; the message holds the end of what it said.
    """
    cache, target = folder / "cache", folder / "found.npz"
    environment = dict(os.environ) | {
        "XDG_CACHE_HOME": str(cache),
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "PYTENSOR_FLAGS": f"base_compiledir={cache / 'pytensor'}",
    }
    if sampler.program == "numpyro":
        environment |= {
            "JAX_COMPILATION_CACHE_DIR": str(cache / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
    words = [sampler.program, folder.parent / "study.npz", target, seed, *sampler.lengths]
    start = time.time()
    done = subprocess.run(
        # -P: the folder of this file is no place to import from.
        [interpreter, "-P", __file__, *map(str, words)], check=False, capture_output=True, text=True, env=environment
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-500:])
    with np.load(target) as found:
        wall, cpu = found["at"].tolist()
        return Timed(Clock(wall - start, cpu), Clock(*found["drawing"].tolist()), found["asymmetry"])


class Posterior(NamedTuple):
    """The contrast in one run: mean, SD, their errors; effective draws of it and of the cell with the fewest.

    NUTS draws means better than spreads (neighbours lie on opposite sides), so the error of the SD is not the ESS's.
    """

    mean: float
    sd: float
    error: float
    sd_error: float
    ess_contrast: float
    ess_cells: float
    r_hat: float


def _posterior(asymmetry: Array, cells: list[str]) -> Posterior:
    stats: Any = importlib.import_module("arviz_stats.base.array").array_stats
    axes = {"chain_axis": 0, "draw_axis": 1}
    of = {cell: asymmetry[..., i] for i, cell in enumerate(cells)}
    one, two = (of[f"{group} {VISITS[1]}"] - of[f"{group} {VISITS[0]}"] for group in GROUPS)
    contrast = one - two
    each = [contrast, *of.values()]
    ess = [float(stats.ess(x, method="bulk", **axes)) for x in each]
    return Posterior(
        mean=float(contrast.mean()),
        sd=float(contrast.std()),
        error=float(stats.mcse(contrast, method="mean", **axes)),
        sd_error=float(stats.mcse(contrast, method="sd", **axes)),
        ess_contrast=ess[0],
        ess_cells=min(ess[1:]),
        r_hat=max(float(stats.rhat(x, **axes)) for x in each),
    )


def _line(cold: Timed, warm: list[Timed], found: list[Posterior]) -> dict[str, Any]:
    """Say what one sampler took and found: medians of the warm runs, and the posterior of all of them."""
    wall, wall_cpu, drawing, drawing_cpu = (
        statistics.median(getattr(getattr(run, part), name) for run in warm)
        for part in ("whole", "drawing")
        for name in Clock._fields
    )
    contrast = statistics.median(each.ess_contrast for each in found)
    cells = statistics.median(each.ess_cells for each in found)

    def shown(seconds: float, digits: int) -> float | None:
        return round(seconds, digits) if math.isfinite(seconds) else None

    def per(seconds: float) -> dict[str, int | None]:
        known = math.isfinite(seconds)
        both = {"contrast": contrast, "least_of_cells": cells}
        return {name: round(ess / seconds) if known else None for name, ess in both.items()}

    return {
        "cold_wall_s": round(cold.whole.wall_s, 1),
        "cold_cpu_s": shown(cold.whole.cpu_s, 1),
        "warm_wall_s": round(wall, 1),
        "warm_cpu_s": shown(wall_cpu, 1),
        "drawing_s": round(drawing, 2),
        "drawing_cpu_s": shown(drawing_cpu, 2),
        "ess": {"contrast": round(contrast), "least_of_cells": round(cells)},
        "ess_per_s_of_drawing": per(drawing),
        "ess_per_cpu_s_of_drawing": per(drawing_cpu),
        "ess_per_s_of_wall": per(wall),
        "worst_r_hat": round(max(each.r_hat for each in found), 4),
        "contrast": {
            "mean": round(statistics.mean(each.mean for each in found), 4),
            "sd": round(statistics.mean(each.sd for each in found), 4),
            "error_of_mean": round(math.hypot(*(each.error for each in found)) / len(found), 5),
            "error_of_sd": round(math.hypot(*(each.sd_error for each in found)) / len(found), 5),
        },
    }


def belief_samplers() -> dict[str, Any]:
    """(f) Process start to posterior, and effective draws per second, beside other samplers on the same study."""
    peers = os.environ.get("UPTURN_PEERS")
    repeats = int(os.environ.get("UPTURN_PEERS_REPEATS", REPEATS))
    lines: dict[str, Any] = {}
    load = {"before": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study.npz"
        _study(study)
        with np.load(study) as kept:
            cells, rows = kept["cells"].tolist(), len(kept["first"])
        for name, sampler in SAMPLERS.items():
            if sampler.peer and not peers:
                lines[name] = {"missing": f"UPTURN_PEERS names no Python with the peers: {HOW}"}
                continue
            own = Path(folder) / name
            own.mkdir()
            interpreter = str(peers) if sampler.peer else sys.executable
            try:
                cold, *warm = (_timed(interpreter, sampler, own, seed) for seed in range(1, repeats + 2))
            except (OSError, RuntimeError) as error:
                if not sampler.peer:
                    raise
                lines[name] = {"missing": f"{peers} could not run it ({HOW}): {error}"}
                continue
            lines[name] = _line(cold, warm, [_posterior(run.asymmetry, cells) for run in warm])
            print(json.dumps({name: lines[name]}), file=sys.stderr, flush=True)
    load["after"] = round(os.getloadavg()[0], 1)
    return {"trials": rows, "warm_runs": repeats, "load": load, "samplers": lines, "agreement": _agreement(lines)}


def _agreement(lines: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the contrast with plain NumPyro's: in standard errors for the same model, in posterior SDs for ours."""
    reference = lines["numpyro"]["contrast"]
    found: dict[str, Any] = {}
    for name, line in lines.items():
        if name == "numpyro" or "contrast" not in line:
            continue
        own = line["contrast"]
        error = math.hypot(own["error_of_mean"], reference["error_of_mean"])
        away = own["mean"] - reference["mean"]
        found[name] = {
            "difference": round(away, 4),
            "monte_carlo_error": round(error, 5),
            "in_posterior_sd": round(away / reference["sd"], 2),
            "ratio_of_sd": round(own["sd"] / reference["sd"], 3),
        }
        if name in SIMPLE:
            found[name]["within_monte_carlo_error"] = abs(away) <= FAR * error
    return found


if __name__ == "__main__":
    _program()
