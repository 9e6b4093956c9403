"""Outside studies: a small tree made here, and the real ones when the reader has them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lib import ratings
from lib.errors import BookError
from lib.results import RESULTS

BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "studies"
FOLDER = os.environ.get("TIMBRE_STUDIES") or (str(BESIDE) if BESIDE.is_dir() else None)
real = [pytest.mark.studies, pytest.mark.skipif(FOLDER is None, reason="TIMBRE_STUDIES names no folder")]

FILES = ("01.W.Violin", "02.W.Vibraphone", "03.W.Cello", "04.W.MutedTrumpet", "05.W.Oboe", "06.W.Flute")


def make_study(folder: Path, files: tuple[str, ...] = FILES, *, whole: bool = False) -> np.ndarray:
    folder.mkdir(parents=True)
    random = np.random.default_rng(len(files))
    for k, name in enumerate(files):
        soundfile.write(folder / f"{name}.aiff", 0.1 * np.sin(np.arange(441) * (k + 1) / 9), 44100)
    upper = np.triu(random.uniform(1, 9, (len(files), len(files))), 1)
    np.savetxt(folder / "dissimilarity.txt", upper + upper.T if whole else upper)
    return upper + upper.T


@pytest.mark.parametrize("whole", [False, True])
def test_a_study_is_read_by_name(tmp_path: Path, whole: bool) -> None:
    matrix = make_study(tmp_path / "Small2001", whole=whole)
    study = ratings.studies(tmp_path)["Small2001"]
    assert study.ratings["01.W.Violin", "04.W.MutedTrumpet"] == pytest.approx(matrix[0, 3])
    assert set(study.instruments.names) == {"Violin", "Violoncello", "Oboe", "Flute"}
    assert study.instruments["Oboe", "Violoncello"] == pytest.approx(matrix[2, 4])
    audio, rate = study.audio("03.W.Cello")
    assert (audio.shape, audio.dtype, rate) == ((441,), np.float32, 44100)
    with pytest.raises(BookError, match="no sound"):
        study.audio("Cello")


def test_two_sounds_of_one_instrument_are_averaged(tmp_path: Path) -> None:
    matrix = make_study(tmp_path / "s", ("1_Oboe", "2_Flute", "3_Oboe.A3", "4_Piano"))
    study = ratings.load_study(tmp_path / "s")
    assert study.instruments["Flute", "Oboe"] == pytest.approx((matrix[0, 1] + matrix[1, 2]) / 2)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("12_dn_cnt", "Clarinet-Bb"), ("10_dn_can", "English-Horn"), ("05_dn_tpr", None), ("14_dn_obc", None),
        ("16_dn_stg", None), ("13_SaxTenorGrowls", None), ("12_SaxAlto", "Alto-Sax"), ("15_TrumpetMuted", None),
        ("04_FluteFlutterTongued", None), ("05_FluteNoVibe", "Flute"), ("14.W.Tuba", "Tuba"), ("05_Marimba.A3", None),
        ("02_CrumhornTenor", None), ("08_Harp", None), ("09_Bassoon.A3", "Bassoon"),
    ],
)  # fmt: skip
def test_labels_map_to_the_books_names(label: str, name: str | None) -> None:
    assert ratings.instrument_name(label) == name


def test_errors_name_the_study_and_the_fix(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("TIMBRE_STUDIES", raising=False)
    with pytest.raises(BookError, match="TIMBRE_STUDIES"):
        ratings.studies()
    with pytest.raises(BookError, match="no folder"):
        ratings.studies(tmp_path / "nothing")
    with pytest.raises(BookError, match="No study"):
        ratings.studies(tmp_path)
    make_study(tmp_path / "a" / "s")
    monkeypatch.setenv("TIMBRE_STUDIES", str(tmp_path / "a"))
    assert list(ratings.studies()) == ["s"]
    (tmp_path / "a" / "s" / "06.W.Flute.aiff").unlink()
    with pytest.raises(BookError, match="s: 5 sounds need a 5 x 5"):
        ratings.studies()
    (tmp_path / "a" / "s" / "dissimilarity.txt").write_text("zero one\n")
    with pytest.raises(BookError, match="no table"):
        ratings.studies()
    for file in (tmp_path / "a" / "s").glob("*.aiff"):
        file.unlink()
    with pytest.raises(BookError, match="no sounds"):
        ratings.studies()


def test_a_broken_sound_is_refused_by_name(tmp_path: Path) -> None:
    make_study(tmp_path / "s")
    (tmp_path / "s" / "05.W.Oboe.aiff").write_bytes(b"FORM no audio")
    with pytest.raises(BookError, match=r"05\.W\.Oboe"):
        ratings.load_study(tmp_path / "s").audio("05.W.Oboe")


def test_shipped_ceiling_holds_summaries_only() -> None:
    shipped = json.loads((RESULTS / "ratings" / "ceiling.json").read_text())["results"]
    assert set(shipped["with_pool"]) == {"Iverson1993_Whole", "Lakatos2000_Harm", "McAdams1995", "Patil2012_A3"}
    for entry in [*shipped["with_pool"].values(), *shipped["between"]]:
        n = entry["n_instruments"]
        assert entry["n_pairs"] == n * (n - 1) // 2
        assert entry["interval"][0] <= entry["pearson"] <= entry["interval"][1]


class TestRealStudies:
    pytestmark = real

    @pytest.mark.parametrize(
        ("study", "pairs", "r"),
        [("Iverson1993_Whole", 66, 0.46), ("Lakatos2000_Harm", 28, 0.60), ("Patil2012_A3", 36, 0.28)],
    )
    def test_agreement_with_the_pool(self, study: str, pairs: int, r: float) -> None:
        found = ratings.agreement(
            ratings.pooled().mean, ratings.studies(FOLDER)[study].instruments, permutations=9, resamples=9
        )
        assert found.n_pairs == pairs
        assert found.pearson == pytest.approx(r, abs=0.005)

    def test_the_shipped_ceiling_is_made_of_them(self) -> None:
        outside = ratings.studies(FOLDER)
        shipped = json.loads((RESULTS / "ratings" / "ceiling.json").read_text())["results"]
        for entry in shipped["between"]:
            a, b = (outside[name].instruments for name in entry["studies"])
            assert ratings.correlations(a, b)[0] == pytest.approx(entry["pearson"], abs=1e-4)

    def test_the_shipped_consensus_is_a_valley_of_their_ratings(self) -> None:
        shipped = json.loads((RESULTS / "ratings" / "ceiling.json").read_text())["results"]["consensus"]
        sources = {name: study.instruments for name, study in ratings.studies(FOLDER).items()}
        found = ratings.consensus({**sources, "pool": ratings.pooled().mean})
        assert found.weights == pytest.approx(shipped["weights"], abs=1e-4)
        placed = shipped["map_2d"]
        mean = found.mean.sub(placed["names"])
        # Procrustes scaled the map to lie over the pool's: undo that with the scale of least squares
        points = np.array(placed["consensus"])
        on_map = ratings.Dissimilarities.from_points(placed["names"], points).values()
        scale = (mean.values() @ on_map) / (on_map @ on_map)
        assert ratings.stress_1(mean, scale * points) == pytest.approx(placed["stress"], abs=2e-4)
        assert placed["deepest"]["stress"] <= placed["stress"]

    def test_every_sound_can_be_read(self) -> None:
        for study in ratings.studies(FOLDER).values():
            audio, rate = study.audio(next(iter(study.sounds)))
            assert rate == 44100 and np.isfinite(audio).all() and audio.any()
