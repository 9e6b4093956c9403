"""What listeners say: dissimilarities by name, maps made of them, and how far they can be trusted.

Read in this order: `table` (the pooled ratings), `mds` (from dissimilarities to a map), `agreement`
(comparing two matrices), `confidence` (what a number of ratings is worth), `studies` (outside
studies), `consensus` (one matrix out of several). Chapter: *Rating timbre and timbre spaces*.
"""

from lib.ratings.agreement import Agreement, agreement, correlations, kl_as_published, matched_kl
from lib.ratings.confidence import Clouds, clouds, interval_of_mean, simulate_mean
from lib.ratings.consensus import Consensus, consensus, reliability_weights, shrunken
from lib.ratings.mds import (
    Map,
    Procrustes,
    classical_mds,
    principal_axes,
    procrustes,
    smacof,
    stress_1,
    stress_curve,
)
from lib.ratings.studies import Study, instrument_name, load_study, studies, studies_folder
from lib.ratings.table import INSTRUMENTS, Dissimilarities, Pooled, pooled

__all__ = [
    "INSTRUMENTS",
    "Agreement",
    "Clouds",
    "Consensus",
    "Dissimilarities",
    "Map",
    "Pooled",
    "Procrustes",
    "Study",
    "agreement",
    "classical_mds",
    "clouds",
    "consensus",
    "correlations",
    "instrument_name",
    "interval_of_mean",
    "kl_as_published",
    "load_study",
    "matched_kl",
    "pooled",
    "principal_axes",
    "procrustes",
    "reliability_weights",
    "shrunken",
    "simulate_mean",
    "smacof",
    "stress_1",
    "stress_curve",
    "studies",
    "studies_folder",
]
