"""Pretraining, probes and fine-tuning with few labels, and the scales of MSAIC-Net, on a GPU.

    python benchmarks/study_pretraining.py DATA_FOLDER --results FOLDER --jobs 8    # all stages
    python benchmarks/study_pretraining.py DATA_FOLDER --results FOLDER --small --epochs 20
    python benchmarks/study_pretraining.py DATA_FOLDER --results FOLDER --fine-tuning --epochs 20
    python benchmarks/study_pretraining.py DATA_FOLDER --results FOLDER --report    # tables only
    python benchmarks/study_pretraining.py DATA_FOLDER --results FOLDER --quick     # that it runs

DATA_FOLDER contains ptbxl and challenge2011. Parameters are chosen on folds 1-6 of PTB-XL, and what
was chosen is tested once on folds 7-9.

Infarction, whole records: candidates for the default of MSAIC-Net and their rows with a single
dilation, trained on four of the folds 1-6 and tested on the other two. The best candidate, its
single row and the network of the paper are then tested on folds 7-9, each fold by networks that
were trained on all other folds.

Five superclasses with few labels: records are band-pass filtered. Encoders are pretrained on folds
1-4 (to choose) or 1-8 (to test) and on the clean records of the Challenge 2011; 1, 10 and 100 % of
the labels are drawn from these folds by patient, and folds 5-6 (to choose) or fold 9 (to test) are
predicted. Each draw has its own labels, and all draws share the encoders. The imputer and the
scaler of features are fitted on the records that the encoders are pretrained on.

Each finished fit is kept in the folder of results, with a key of its parameters and records but not
of the code: delete the folder to repeat the study. After ``--max-seconds`` no fit is started.
``--write`` replaces the table of the scales in docs/reproduction/msaic.rst, and with ``--small`` or
``--fine-tuning`` the tables of this study in docs/reproduction/acl_ecg.rst. ``--fine-tuning``
compares learning rates, on folds 5-6 to choose and on fold 9 to test; both without a name.
"""

import argparse

import numpy as np
from _pretraining_data import FRACTIONS, SPLITS, Records, Run
from _pretraining_fits import (
    CS,
    ENCODERS,
    PROBE,
    SEPARATED,
    SMALL,
    SMALL_TUNING,
    TUNED,
    TUNING,
    fit_classifier,
    fit_encoder,
    fit_logistic,
    fit_trees,
    measure_features,
)
from _pretraining_rates import CHOSEN, N_DRAWS, set_rates, tables_of_rates
from _pretraining_scales import (
    PAPER,
    PRETRAINED,
    SCALES,
    scale_jobs,
    scale_table,
    test_jobs_of_scales,
    test_table_of_scales,
)
from _pretraining_tables import (
    choose_C,
    choose_feature_C,
    choose_tuning,
    final_table,
    gap_table,
    mean_scores,
)
from _results import RESULTS
from _tables import Table, drop_zeros, make_rst, write_tables
from joblib import Parallel, delayed


def encoder_jobs(run, data):
    names = ["ACL-ECG, vgg", *[name for name in ENCODERS if name != "ACL-ECG, vgg"], *SEPARATED]
    return [
        ((name, split), (fit_encoder, run, data, name, split))
        for split in ("choose", "test")
        for name in names
        # Some for the test only, to save time.
        if name not in (*SEPARATED, "beat features, MSAIC-Net") or split == "test"
    ]


def probe_jobs(run, data, split, Cs, fractions, n_draws):
    return [
        (
            ("probe", name, fraction, C, seed),
            (
                fit_classifier,
                run,
                data,
                name,
                split,
                fraction,
                seed,
                {"frozen": True, "probe_C": C},
            ),
        )
        for name in (*ENCODERS, *SEPARATED)
        if split == "test" or name not in (*SEPARATED, "beat features, MSAIC-Net")
        for fraction in fractions
        for C in Cs
        for seed in range(1 if fraction == 1 else n_draws)
    ]


def tuning_jobs(run, data, split, variants, fractions, n_draws, C):
    return [
        (
            ("tuned", name, fraction, variant, seed),
            (
                fit_classifier,
                run,
                data,
                name,
                split,
                fraction,
                seed,
                {**TUNING[variant], "probe_C": C},
            ),
        )
        for fraction in fractions
        for name in (TUNED if split == "test" else TUNED[:2])
        for variant in variants
        for seed in range(2 if fraction == 1 and split == "test" else n_draws)
        if fraction < 1 or seed < 1 or split == "test"
    ]


def feature_jobs(run, data, features, embeddings, split, Cs, fractions, n_draws):
    tables = {"features": [(features["X"], features["others"])]}
    for name, embedding in embeddings.items():
        if embedding is not None:
            own = embedding["embedding"]
            # The embedding is standardized on the records of PTB-XL in the pool.
            tables[name] = [(own, own[:0])]
            tables[f"features + {name}"] = [*tables["features"], (own, own[:0])]
    return [
        (
            ("logistic", label, fraction, C, seed),
            (fit_logistic, run, data, columns, label, split, fraction, seed, C),
        )
        for label, columns in tables.items()
        for fraction in fractions
        for C in (Cs if isinstance(Cs, tuple) else [Cs.get((label, fraction), 1e-3)])
        for seed in range(1 if fraction == 1 else n_draws)
    ]


def tree_jobs(run, data, features, embeddings, fractions, n_draws):
    """List the fits of boosting, and of what `make_beat_classifier` does with the features."""
    name = next((name for name in embeddings if name.startswith("beat features")), None)
    tables = {"features": features["X"]}
    if embeddings.get(name) is not None:
        both = np.hstack([tables["features"], embeddings[name]["embedding"]])
        tables[f"features + {name}"] = both
    return [
        (
            (kind, label, fraction, None, seed),
            (fit_trees, run, data, columns, label, fraction, seed, kind),
        )
        for kind in ("boosting", "recipe")
        # With few records, boosting predicts a constant.
        for fraction in (fractions if kind == "recipe" else fractions[-2:])
        for label, columns in tables.items()
        for seed in range(3 if fraction == 1 else n_draws)
    ]


def collect(pool, jobs):
    """Run functions with their arguments in processes, in order, and return results by name."""
    results = pool(delayed(function)(*args) for _, (function, *args) in jobs)
    return {name: result for (name, _), result in zip(jobs, results)}


def serially(jobs):
    """Run functions with their arguments in this process, and return results by name."""
    return {name: function(*args) for name, (function, *args) in jobs}


def small_study(run, data):
    """Run one encoder, and what it is compared with, one after another.

    The encoder is that of folds 1-8, also where parameters are chosen on the labels of folds 1-6.
    """
    names = tuple(SMALL)
    features = measure_features(run, data)
    found = serially(feature_jobs(run, data, features, {}, "choose", CS, FRACTIONS, 3))
    Cs = choose_feature_C(data, found)
    embeddings = {name: fit_encoder(run, data, name, "test") for name in names}
    for name in names:
        for fraction in FRACTIONS:
            Cs[name, fraction] = 0.01
            Cs[f"features + {name}", fraction] = Cs["features", fraction]
    penalties = ", ".join(f"{drop_zeros(Cs['features', f])} with {f:.0%}" for f in FRACTIONS)
    text = f"C of the features, chosen on folds 1-6: {penalties} of the labels."
    print(f"\n{text}", flush=True)
    found = serially(feature_jobs(run, data, features, embeddings, "test", Cs, FRACTIONS, 5))

    def fit(split, fraction, seed, params):
        return fit_classifier(run, data, names[0], "test", fraction, seed, params, split)

    chosen = {}
    for seed in range(2):
        for variant in SMALL_TUNING:
            result = fit("choose", 0.1, seed, TUNING[variant])
            chosen["tuned", names[0], 0.1, variant, seed] = result
        chosen["probe", names[0], 0.1, 0.01, seed] = fit("choose", 0.1, seed, PROBE)
    rows = [
        ["probe" if name[0] == "probe" else f"tuned, {name[3]}", f"{auroc:.3f}", f"{loss:.3f}"]
        for name, (auroc, loss, _) in mean_scores(data, "choose", chosen).items()
    ]
    title = (
        "Options of fine-tuning: 10% of the labels, of folds 1-4, tested on folds 5-6, two draws"
    )
    options = Table(title, ("", "AUROC", "log loss"), [list(map(drop_zeros, row)) for row in rows])
    print(make_rst(options), flush=True)
    for fraction in FRACTIONS:
        for kind, rates in (("probe", None), ("tuned", CHOSEN)):
            for seed in range(N_DRAWS[fraction]):
                result = fit("test", fraction, seed, set_rates(rates))
                found[kind, names[0], fraction, rates, seed] = result
    jobs = tree_jobs(run, data, features, {names[0]: embeddings[names[0]]}, FRACTIONS, 5)
    found |= serially(jobs)
    found = {(*name[:3], name[-1]): result for name, result in found.items()}
    return [text, *final_table(data, found, FRACTIONS), options]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="contains ptbxl and challenge2011")
    parser.add_argument("--results", default=RESULTS / "study_pretraining")
    parser.add_argument("--jobs", type=int, default=2, help="number of processes")
    parser.add_argument("--max-seconds", type=float, default=1e9)
    parser.add_argument("--epochs", type=int, default=30, help="epochs of pretraining")
    parser.add_argument("--small", action="store_true", help="one encoder, for a CPU")
    parser.add_argument("--fine-tuning", nargs="*", choices=SPLITS, help="only learning rates")
    parser.add_argument("--report", action="store_true", help="fit nothing")
    parser.add_argument("--write", action="store_true", help="write the tables of the pages")
    parser.add_argument("--quick", action="store_true", help="one epoch and a few fits")
    args = parser.parse_args()
    run = Run(args)
    mi, data = (Records(args.folder, task, args.quick) for task in ("mi", "superclass"))
    fractions = FRACTIONS[1:] if args.quick else FRACTIONS
    print(f"{len(data.pool('test'))} records to pretrain on, {len(data.X)} labeled", flush=True)
    if args.fine_tuning is not None:
        tables = tables_of_rates(run, data, args.fine_tuning or SPLITS)
        print(*map(make_rst, tables), sep="\n")
        if args.write:
            splits = " ".join(["--fine-tuning", *args.fine_tuning])
            command = f"study_pretraining.py DATA_FOLDER {splits} --epochs {args.epochs}"
            write_tables("reproduction/acl_ecg.rst", "small-rates", tables, command)
        return
    if args.small:
        tables = small_study(run, data)
        if args.write:
            command = f"study_pretraining.py DATA_FOLDER --small --epochs {args.epochs}"
            write_tables("reproduction/acl_ecg.rst", "small", tables, command)
        return
    # Forked, because other processes would be started again and again as their memory grows, and
    # each start of CUDA takes seconds. This process does not use it.
    with Parallel(n_jobs=args.jobs, backend="multiprocessing") as pool:
        jobs = [*scale_jobs(run, mi, data), *encoder_jobs(run, data)]
        if args.quick:
            jobs = [job for job in jobs if job[0][0] in (*ENCODERS, *SEPARATED) or job[0][2] == 1]
        # The slowest encoder first.
        jobs.sort(key=lambda job: job[0][0] != "ACL-ECG, vgg")
        found = collect(pool, [(("features",), (measure_features, run, data)), *jobs])
        features = found.pop(("features",))
        is_scale = {name: name[0] in (*SCALES, PRETRAINED) for name in found}
        scales = {name: result for name, result in found.items() if is_scale[name]}
        encoders = {name: result for name, result in found.items() if not is_scale[name]}
        chosen, table = scale_table(mi, scales)
        chosen = chosen or PAPER
        print(make_rst(table))
        if args.write:
            write_tables(
                "reproduction/msaic.rst", "scales", [table], "study_pretraining.py DATA_FOLDER"
            )
        gap_table(encoders)
        print(flush=True)

        n_draws = 1 if args.quick else 2
        variants = list(TUNING)[:2] if args.quick else list(TUNING)
        of_split = {
            split: {name: result for (name, s), result in encoders.items() if s == split}
            for split in SPLITS
        }
        jobs = probe_jobs(run, data, "choose", CS, fractions, 3)
        jobs += tuning_jobs(run, data, "choose", variants, (0.1,), n_draws, 0.01)
        jobs += [] if args.quick else test_jobs_of_scales(run, mi, data, chosen, [0])
        if features is not None:
            jobs += feature_jobs(
                run, data, features, of_split["choose"], "choose", CS, fractions, 3
            )
        found = collect(pool, jobs)
        kinds = {
            kind: {name: result for name, result in found.items() if name[0] == kind}
            for kind in ("probe", "tuned", "infarction", "logistic")
        }
        C = choose_C(data, kinds["probe"])
        variant = choose_tuning(data, kinds["tuned"])
        Cs = choose_feature_C(data, kinds["logistic"])
        print(f"\nchosen: C={C:g}, {variant}", flush=True)

        n_draws = 1 if args.quick else 5
        jobs = probe_jobs(run, data, "test", (C,), fractions, n_draws)
        if features is not None:
            jobs += feature_jobs(
                run, data, features, of_split["test"], "test", Cs, fractions, n_draws
            )
        jobs += tuning_jobs(run, data, "test", [variant], fractions, n_draws, C)
        if not args.quick:
            jobs += test_jobs_of_scales(run, mi, data, chosen, [1, 2])
        if features is not None:
            jobs += tree_jobs(run, data, features, of_split["test"], fractions, n_draws)
        found = collect(pool, jobs)
        more = {name: result for name, result in found.items() if name[0] == "infarction"}
        test_table_of_scales(mi, {**kinds["infarction"], **more}, chosen)
        found = {name: result for name, result in found.items() if name not in more}
        # Each arm has one penalty or variant here.
        found = {(*name[:3], name[-1]): result for name, result in found.items()}
        final_table(data, found, fractions)


if __name__ == "__main__":
    main()
