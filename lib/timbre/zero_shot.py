"""Do distances agree with listeners whose ratings were never used? Outside studies, evaluation only.

Sounds of a study go through the same front end as the corpus. Distances between whole trajectories are
compared with the dissimilarities people gave; means over time throw away what listeners hear first.

The weights below were chosen by looking at four open studies, so agreement on these four is optimistic;
a fifth study is the test.

Chapter: *New instruments, new listeners*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lib import corpus
from lib.ratings.studies import Study
from lib.ratings.studies import studies as read_studies
from lib.ratings.table import pooled
from lib.timbre import agreement as measure
from lib.timbre import features
from lib.timbre.evaluate import band_weights
from lib.timbre.features import FrontEnd, NoteFeatures
from lib.timbre.note_features import NAMES, sounding_part
from lib.timbre.space import SHORT_BELOW_S, Space, hz_to_midi

#: Exponent that turns power into something like loudness, and the weight of the level on each frame.
LOUDNESS, LEVEL_WEIGHT = 0.15, 1.0
#: Fixed-time trajectories: 20 ms steps up to 2 s.
STEP_S, SPAN_S = 0.02, 2.0
BANDS = 42
#: Level weight and level axis of latent trajectories, in latent standard deviations.
LATENT_LEVEL, LATENT_AXIS = 0.3, 8.0
HARMONIC = tuple(i for i, name in enumerate(NAMES) if name.startswith(("odd", "H", "jag", "harmonics")))


@dataclass(frozen=True)
class Stimuli:
    """The sounds of one study as models see them, and what people said about them.

    steps: for each sound its power in 42 bands every 20 ms from the onset, [n, 100, 42], loudest step 1.
    """

    name: str
    labels: tuple[str, ...]
    instruments: tuple[str | None, ...]
    features: tuple[NoteFeatures, ...]
    steps: np.ndarray
    ratings: np.ndarray

    @property
    def midi(self) -> np.ndarray:
        """One pitch for all: studies equalise it, and the median of the estimates is safer than each."""
        return np.full(len(self.labels), hz_to_midi(float(np.median([f.f0_hz for f in self.features]))))

    @property
    def spectra(self) -> np.ndarray:
        """Level-normalised magnitudes [n, n_frames, n_bins]."""
        return np.stack([f.spectra for f in self.features])

    @property
    def level(self) -> np.ndarray:
        """Level of each frame relative to the sound's loudest, [n, n_frames]."""
        return np.stack([f.level / f.level.max() for f in self.features])

    @property
    def note(self) -> np.ndarray:
        """Whole-note features [n, NOTE_DIMS]."""
        return np.stack([f.note for f in self.features])


def stimuli(study: Study, front: FrontEnd | None = None) -> Stimuli:
    """Send every sound of a study through the front end."""
    front = front or FrontEnd()
    labels = tuple(study.sounds)
    found, steps = [], []
    for label in labels:
        audio = features.check_audio(corpus.load(study.sounds[label]))
        picture = features.picture_of(audio, front.transform)
        found.append(features.analyse(audio, front, picture=picture))
        start, _ = sounding_part(audio)
        centres = np.arange(start - STEP_S, start + SPAN_S, STEP_S)[: round(SPAN_S / STEP_S)]
        power = picture.at(centres, STEP_S) @ band_weights(picture.frequencies_hz, BANDS)
        steps.append(power / power.sum(axis=1).max())
    names = study.instrument_of
    instruments = tuple(names.get(label) for label in labels)
    return Stimuli(study.name, labels, instruments, tuple(found), np.stack(steps), study.ratings.sub(labels).matrix)


def relative(sounds: Stimuli, space: Space | None = None, spectra: np.ndarray | None = None) -> np.ndarray:
    """Loudness trajectories over 12 instants spread over each sound, [n, -1]; purely acoustic."""
    spectra = sounds.spectra if spectra is None else spectra
    frequencies = features.transform_for("nsgt-erb").frequencies_hz if space is None else space.frequencies_hz
    loudness = (np.square(spectra) @ band_weights(np.asarray(frequencies), BANDS)) ** LOUDNESS
    return (loudness * (sounds.level**LEVEL_WEIGHT)[..., None]).reshape(len(spectra), -1)


def fixed(sounds: Stimuli) -> np.ndarray:
    """Loudness trajectories in real time, the first 2 s, [n, -1]; purely acoustic."""
    return ((sounds.steps + 1e-7) ** LOUDNESS).reshape(len(sounds.steps), -1)


def latent(sounds: Stimuli, space: Space) -> np.ndarray:
    """Trajectories of the free code with the level as one more axis, [n, -1]; learned."""
    v, _ = space.free_code(sounds.spectra, sounds.midi, sounds.note)
    level = sounds.level[..., None]
    both = np.concatenate([v * level**LATENT_LEVEL, LATENT_AXIS * level**LATENT_LEVEL], axis=2)
    return both.reshape(len(v), -1)


def mixed(blocks: Sequence[tuple[float, np.ndarray]]) -> np.ndarray:
    """Combine coordinates: each block's distances scaled to RMS 1, then weighted and added in squares: [n, n]."""
    total = 0.0
    for weight, coordinates in blocks:
        gap = measure.pairwise(coordinates)
        total = total + np.square(weight * gap / max(np.sqrt(np.square(measure.upper(gap)).mean()), 1e-12))
    return np.sqrt(total)


def distances(sounds: Stimuli, space: Space) -> dict[str, np.ndarray]:
    """Every distance the chapter compares, by name: [n, n] each."""
    short = np.array([f.duration_s < SHORT_BELOW_S for f in sounds.features])
    rel, real, code = relative(sounds), fixed(sounds), latent(sounds, space)
    spread = np.std([f.note for f in sounds.features], axis=0) + 1e-6
    harmonic = (sounds.note / spread)[:, HARMONIC]
    mean_spectrum = np.log10(np.square(sounds.spectra).mean(axis=1) + 1e-4)
    z = space.trajectories(sounds.spectra, sounds.midi, sounds.note, short)
    found = {
        "mean log spectrum": measure.pairwise(mean_spectrum),
        "acoustic, 12 instants": mixed([(1.0, rel)]),
        "acoustic, real time": mixed([(1.0, real)]),
        "acoustic, both": mixed([(1.0, rel), (1.0, real)]),
        "acoustic, both + harmonics": mixed([(1.0, rel), (1.0, real), (0.3, harmonic)]),
        "latent mean": measure.pairwise(z[:, :, space.head_dims :].mean(axis=1)),
        "latent trajectory": mixed([(1.0, code)]),
        "decoded trajectory": mixed([(1.0, relative(sounds, space, space.decode(z, sounds.midi[:, None])))]),
        "latent + acoustic": mixed([(1.0, code), (1.0, rel), (1.0, real), (0.3, harmonic)]),
    }
    if space.head_dims:
        u = space.rated_code(sounds.note, short)
        found["rated code alone"] = measure.pairwise(u)
        for weight in FRONTIER:
            found[f"latent + {weight:g} rated"] = mixed([(1.0, code), (weight, u)])
    return found


#: Weights of the rated code on the frontier between the pool and new listeners.
FRONTIER = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


def judge(sounds: Stimuli, space: Space) -> dict[str, dict[str, float]]:
    """Agreement of every distance with one study's listeners.

    Returns:
        per distance: pearson and spearman over all pairs; `beyond_names`: the correlation left, on pairs of
        rated instruments, once the pooled ratings of their names are taken out. The name-only predictor is there too.
    """
    rated = measure.upper(sounds.ratings)
    named = [i for i, name in enumerate(sounds.instruments) if name in pooled().names]
    table = pooled().mean
    names = [str(sounds.instruments[i]) for i in named]
    by_name = np.array([[table[a, b] if a != b else 0.0 for b in names] for a in names])
    human = sounds.ratings[np.ix_(named, named)]
    answer = {"names only": {"pearson": measure.pearson(measure.upper(by_name), measure.upper(human)),
                             "spearman": measure.spearman(measure.upper(by_name), measure.upper(human)),
                             "n_pairs": len(measure.upper(human))}}  # fmt: skip
    for label, gap in distances(sounds, space).items():
        own = measure.upper(gap[np.ix_(named, named)])
        answer[label] = {
            "pearson": measure.pearson(measure.upper(gap), rated),
            "spearman": measure.spearman(measure.upper(gap), rated),
            "on_named": measure.pearson(own, measure.upper(human)),
            "beyond_names": measure.partial_pearson(own, measure.upper(human), measure.upper(by_name)),
            "n_pairs": len(rated),
        }
    return answer


def judge_all(space: Space, found: Mapping[str, Stimuli]) -> dict[str, Any]:
    """Judge all studies and average each distance over them; only aggregates leave this function."""
    by_study = {name: judge(sounds, space) for name, sounds in found.items()}
    labels = next(iter(by_study.values()))
    mean = {
        label: {key: float(np.mean([study[label][key] for study in by_study.values()])) for key in labels[label]}
        for label in labels
    }
    return {"mean": mean, "by_study": by_study}


def load_all(folder: str | None = None, front: FrontEnd | None = None) -> dict[str, Stimuli]:
    """Load every study of the folder that TIMBRE_STUDIES (or the argument) names.

    Raises:
        BookError: no folder is named, or it holds no studies.
    """
    return {name: stimuli(study, front) for name, study in read_studies(folder).items()}


def between_studies(folder: str | None = None) -> dict[str, float | None]:
    """How far the studies agree with each other and with the pool, on the instruments they share: the ceiling."""
    found = {name: study.instruments for name, study in read_studies(folder).items()}
    found["pool"] = pooled().mean
    answer: dict[str, float | None] = {}
    names = list(found)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            shared = found[a].shared(found[b])
            if len(shared) >= 4:
                answer[f"{a} / {b}"] = measure.pearson(found[a].sub(shared).values(), found[b].sub(shared).values())
    return answer
