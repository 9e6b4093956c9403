"""Do distances agree with listeners whose ratings were never used? Outside studies, evaluation only.

Sounds of a study go through the same front end as the corpus. Distances between whole trajectories are
compared with the dissimilarities people gave; means over time throw away what listeners hear first.

The weights below were chosen by looking at four open studies, so agreement on these four is optimistic.
`chosen_on_the_others` says by how much: it picks the blocks of a distance on three studies and tests the fourth.

Chapter: *New instruments, new listeners*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
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
#: What the onset and the modulations are taken from: the first 160 ms and the first second of real time.
ONSET_STEPS, MODULATION_STEPS = 8, 50
#: Level weight and level axis of latent trajectories, in latent standard deviations.
LATENT_LEVEL, LATENT_AXIS = 0.3, 8.0
HARMONIC = tuple(i for i, name in enumerate(NAMES) if name.startswith(("odd", "H", "jag", "harmonics")))


@dataclass(frozen=True)
class Stimuli:
    """The sounds of one study as models see them, and what people said about them.

    steps: for each sound its power in each bin every 20 ms from the onset, [n, 100, n_bins], loudest step 1.
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
        power = picture.at(centres, STEP_S)
        steps.append(power / power.sum(axis=1).max())
    names = study.instrument_of
    instruments = tuple(names.get(label) for label in labels)
    return Stimuli(study.name, labels, instruments, tuple(found), np.stack(steps), study.ratings.sub(labels).matrix)


def _pooled(power: np.ndarray) -> np.ndarray:
    """Power in bins [..., n_bins] -> in 42 bands."""
    return power @ band_weights(np.asarray(features.transform_for("nsgt-erb").frequencies_hz), BANDS)


def relative(sounds: Stimuli, spectra: np.ndarray | None = None) -> np.ndarray:
    """Loudness trajectories over 12 instants spread over each sound, [n, -1]; purely acoustic."""
    loudness = _pooled(np.square(sounds.spectra if spectra is None else spectra)) ** LOUDNESS
    return (loudness * (sounds.level**LEVEL_WEIGHT)[..., None]).reshape(len(loudness), -1)


def fixed(power: np.ndarray) -> np.ndarray:
    """Loudness in 42 bands in real time: power [n, 100, n_bins], loudest step 1 -> [n, 100, 42]."""
    return (_pooled(power) + 1e-7) ** LOUDNESS


def onset(loudness: np.ndarray) -> np.ndarray:
    """The first 160 ms of loudness in real time, [n, -1]: what is heard before a note is settled."""
    return loudness[:, :ONSET_STEPS].reshape(len(loudness), -1)


def modulation(loudness: np.ndarray) -> np.ndarray:
    """The modulation spectrum of the first second: how fast, and how finely, loudness ripples: [n, -1].

    The magnitude of a two-dimensional Fourier transform over time and bands (its square root, so that the mean
    does not drown the ripples) does not change when a sound comes later or all its bands move up together.

    Source: Patil et al. 2012 and Thoret et al. 2021 compare sounds by such modulations.
    """
    ripples = np.abs(np.fft.fft2(loudness[:, :MODULATION_STEPS], axes=(1, 2)))
    return np.sqrt(ripples).reshape(len(loudness), -1)


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


def acoustic_blocks(sounds: Stimuli) -> dict[str, np.ndarray]:
    """The parts of an acoustic distance, by name, each [n, k]."""
    loudness = fixed(sounds.steps)
    spread = np.std(sounds.note, axis=0) + 1e-6
    return {
        "12 instants": relative(sounds),
        "real time": loudness.reshape(len(loudness), -1),
        "harmonics": (sounds.note / spread)[:, HARMONIC],
        "onset": onset(loudness),
        "modulation": modulation(loudness),
    }


def distances(sounds: Stimuli, space: Space) -> dict[str, np.ndarray]:
    """Every distance the chapter compares, by name: [n, n] each."""
    short = np.array([f.duration_s < SHORT_BELOW_S for f in sounds.features])
    heard, code = acoustic_blocks(sounds), latent(sounds, space)
    rel, real, harmonic = heard["12 instants"], heard["real time"], heard["harmonics"]
    lively = [(1.0, heard["onset"]), (1.0, heard["modulation"])]
    mean_spectrum = np.log10(np.square(sounds.spectra).mean(axis=1) + 1e-4)
    z = space.trajectories(sounds.spectra, sounds.midi, sounds.note, short)
    decoded = relative(sounds, space.decode(z, sounds.midi[:, None]))
    drawn = fixed(_decoded_steps(sounds, space, short))
    found = {
        "mean log spectrum": measure.pairwise(mean_spectrum),
        "acoustic, 12 instants": mixed([(1.0, rel)]),
        "acoustic, real time": mixed([(1.0, real)]),
        "acoustic, both": mixed([(1.0, rel), (1.0, real)]),
        "acoustic, both + harmonics": mixed([(1.0, rel), (1.0, real), (0.3, harmonic)]),
        "acoustic, onset + modulation": mixed([(1.0, rel), *lively]),
        "latent mean": measure.pairwise(z[:, :, space.head_dims :].mean(axis=1)),
        "latent trajectory": mixed([(1.0, code)]),
        "decoded trajectory": mixed([(1.0, decoded)]),
        "decoded, onset + modulation": mixed([(1.0, decoded), (1.0, onset(drawn)), (1.0, modulation(drawn))]),
        "latent + acoustic": mixed([(1.0, code), (1.0, rel), (1.0, real), (0.3, harmonic)]),
        "latent + acoustic, onset + modulation": mixed([(1.0, code), (1.0, rel), *lively]),
    }
    if space.head_dims:
        u = space.rated_code(sounds.note, short)
        found["rated code alone"] = measure.pairwise(u)
        for weight in FRONTIER:
            found[f"latent + {weight:g} rated"] = mixed([(1.0, code), (weight, u)])
    return found


def _decoded_steps(sounds: Stimuli, space: Space, short: np.ndarray) -> np.ndarray:
    """What the space makes of the sound every 20 ms, as power at the sound's own level: [n, 100, n_bins]."""
    power = sounds.steps.sum(axis=2, keepdims=True)
    spectra = np.sqrt(sounds.steps / power.clip(min=1e-12)).astype(np.float32)
    z = space.trajectories(spectra, sounds.midi, sounds.note, short)
    return np.square(space.decode(z, sounds.midi[:, None])) * power


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
    blocks = {name: acoustic_blocks(sounds) for name, sounds in found.items()}
    with_code = {name: {**blocks[name], "latent": latent(sounds, space)} for name, sounds in found.items()}
    rated = {name: measure.upper(sounds.ratings) for name, sounds in found.items()}
    for label, parts in (
        ("acoustic, chosen on the others", blocks),
        ("latent or acoustic, chosen on the others", with_code),
    ):
        for name, r in chosen_on_the_others(parts, rated).items():
            by_study[name][label] = {"pearson": r}
    labels = next(iter(by_study.values()))
    mean = {
        label: {key: float(np.mean([study[label][key] for study in by_study.values()])) for key in labels[label]}
        for label in labels
    }
    return {"mean": mean, "by_study": by_study}


def chosen_on_the_others(
    blocks: Mapping[str, Mapping[str, np.ndarray]], rated: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """For each study, Pearson of the mixture of blocks, all weights equal, that agrees best with the *other* studies.

    What a distance chosen by looking at studies is worth on one that nobody looked at.

    Args:
        blocks: study -> block -> coordinates [n, k]; rated: study -> dissimilarities of the pairs.
    """
    labels = list(next(iter(blocks.values())))
    subsets = [chosen for size in range(1, len(labels) + 1) for chosen in combinations(labels, size)]
    agreement = {
        study: np.array(
            [measure.pearson(measure.upper(mixed([(1.0, own[b]) for b in chosen])), rated[study]) for chosen in subsets]
        )
        for study, own in blocks.items()
    }
    total = sum(agreement.values())
    return {study: float(own[np.argmax(total - own)]) for study, own in agreement.items()}


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
