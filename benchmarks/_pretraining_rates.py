"""Learning rates of fine-tuning an encoder that predicts measurements of the beat."""

from _pretraining_data import FRACTIONS, SPLITS
from _pretraining_fits import PROBE, fit_classifier
from _rates import HEADER, format_rates, rows_of_rates
from _tables import Table

# Learning rates of the encoder and of the linear layer. The second ones were the first defaults.
RATES = ((3e-4, 1e-3), (1e-4, 1e-3), (1e-4, 1e-4), (3e-5, 1e-4), (1e-5, 1e-4))
FORMER, CHOSEN = RATES[1], RATES[3]
# Encoders, and their sizes.
RATED = {
    "beat features, strided": "Default size",
    "beat features, small": "Small",
}
# Draws of each share of the labels.
N_DRAWS = dict(zip(FRACTIONS, (5, 5, 2)))


def set_rates(rates):
    """Return the parameters of fine-tuning with these rates, or of the probe if they are None."""
    if rates is None:
        return PROBE
    return {"encoder_learning_rate": rates[0], "learning_rate": rates[1]}


def tables_of_rates(run, data, splits=tuple(SPLITS)):
    """Return the scores of learning rates of fine-tuning, minus those of the probe.

    The encoders are those of folds 1-8, also where rates are chosen on the labels of folds 1-6.
    With all labels, the draws differ in the batches only.
    """
    tables = []
    for split in splits:
        tested, rates_of_split = "labels of folds 1-4, tested on folds 5-6", (None, *RATES)
        if split == "test":
            tested, rates_of_split = "labels of folds 1-8, tested on fold 9", (None, FORMER, CHOSEN)
        test = data.test(split)
        for name, size in RATED.items():
            rows = []
            for fraction, n_draws in N_DRAWS.items():
                found = {}
                for rates in rates_of_split:
                    options = fraction, set_rates(rates), split
                    found[rates] = fit_draws(run, data, name, n_draws, *options)
                n_records = len(data.draw(split, fraction, 0))
                cohort = data.y[test], data.patients[test], n_records
                rows += rows_of_rates(*cohort, found, FORMER)
                print(*rows[-len(found) :], sep="\n", flush=True)
            header = (*HEADER, f"AUROC minus {format_rates(FORMER)}")
            tables.append(Table(f"{size}; {tested}", header, rows))
    return tables


def fit_draws(run, data, name, n_draws, fraction, params, split):
    """Return probabilities by draw, of those that there is time for."""
    fits = {
        seed: fit_classifier(run, data, name, "test", fraction, seed, params, split)
        for seed in range(n_draws)
    }
    return {seed: fit["probability"] for seed, fit in fits.items() if fit is not None}
