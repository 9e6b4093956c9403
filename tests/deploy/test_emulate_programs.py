"""Generated C on every processor, the rows of the results file, and the sounds."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from lib import results
from lib.deploy import csource
from lib.deploy.emulate import measure, programs, quality, rows, sounds, tools
from lib.deploy.emulate.cortex_m import NANO_33_BLE, Image
from lib.deploy.emulate.counting import CORTEX_A, CORTEX_M, Counts
from lib.deploy.emulate.programs import HOST, Played
from lib.deploy.emulate.tools import EmulationError
from lib.models import make
from lib.models.wavenet import WaveNetConfig

emulated = pytest.mark.skipif(
    tools.missing() is not None and not os.environ.get("TIMBRE_EMULATE"), reason=str(tools.missing())
)
PROCESSORS = (*CORTEX_A, *CORTEX_M)


def ddsp_toy(seed: int = 0):
    torch.manual_seed(seed)
    return make("ddsp", "toy").eval()


def score(model, n_frames: int = 12):
    rng = np.random.default_rng(1)
    return {
        "f0_hz": rng.uniform(100, 900, n_frames),
        "loudness_db": rng.uniform(-60, -10, n_frames),
        "z": rng.standard_normal((n_frames, model.config.latent_dims)),
    }


@emulated
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_ddsp_plays_the_same_bits_everywhere(tmp_path, precision):
    model = ddsp_toy()
    program = programs.ddsp_program(model, score(model), tmp_path, precision)
    here = programs.play(program, HOST, tmp_path / "built")
    assert here.evidence != "emulated"
    assert np.abs(here.numbers).max() > 1e-3
    for processor in PROCESSORS:
        there = programs.play(program, processor, tmp_path / "built", board=NANO_33_BLE)
        np.testing.assert_array_equal(there.numbers, here.numbers)
        assert there.evidence == "emulated"
        assert len(there.counts) == 12
        if processor in CORTEX_M:
            assert there.image.board is NANO_33_BLE
            assert 500 < there.stack_bytes < 8000


@emulated
def test_a_ddsp_on_a_chip_sounds_as_torch_says(tmp_path):
    model, n = ddsp_toy(1), 12
    wanted = {name: value.astype(np.float32) for name, value in score(model, n).items()}
    program = programs.ddsp_program(model, wanted, tmp_path, seed=7)
    heard = programs.play(program, "cortex-m4", tmp_path / "built", flags=csource.FAST).numbers
    noise = torch.from_numpy(csource.compile_shared(program.generated).noise(n, seed=7))[None]
    f0_hz, loudness_db, z = (torch.from_numpy(wanted[name])[None] for name in ("f0_hz", "loudness_db", "z"))
    with torch.no_grad():
        expected = model.render(f0_hz, model.decode(f0_hz, loudness_db, z), noise)[0].numpy()
    # Of full scale 1; a step of 16 bits is 3e-5.
    np.testing.assert_allclose(heard, expected, atol=1e-4)


@emulated
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_wavenet_scores_and_draws_the_same_everywhere(tmp_path, precision):
    torch.manual_seed(0)
    model = make("wavenet", "toy").eval()
    assert isinstance(model.config, WaveNetConfig)
    rng = np.random.default_rng(2)
    mel = rng.random((3, model.config.n_mels))
    known = rng.integers(0, model.config.n_classes, 20)
    program = programs.wavenet_program(model, mel, tmp_path, precision, known=known, n_blocks=3, block=32)
    here = programs.play(program, HOST, tmp_path / "built").numbers
    logits, drawn = np.split(here, [20 * model.config.n_classes])
    assert np.ptp(logits) > 0.01
    assert len(drawn) == 96
    assert np.ptp(drawn) > 0.1
    for processor in ("cortex-a53", "cortex-a76", "cortex-m4"):
        there = programs.play(program, processor, tmp_path / "built")
        np.testing.assert_array_equal(there.numbers, here)
        # The same work for every sample; only drawing ends sooner or later.
        totals = [one.total for one in there.counts]
        assert max(totals) < 1.2 * min(totals)


@emulated
def test_counts_of_a_chip_repeat_exactly_and_thinning_lowers_them(tmp_path):
    torch.manual_seed(0)
    thick = make("ddsp", "toy").eval()
    thin = type(thick)(thick.config, {group: max(1, width // 2) for group, width in thick.widths.items()}).eval()
    played = []
    for number, model in enumerate((thick, thick, thin)):
        folder = tmp_path / str(number)
        played.append(programs.play(programs.ddsp_program(model, score(model), folder), "cortex-m4", folder / "built"))
    assert played[0].counts == played[1].counts
    assert played[0].image.flash_bytes == played[1].image.flash_bytes > played[2].image.flash_bytes
    assert sum(one.total for one in played[2].counts) < sum(one.total for one in played[0].counts)
    with pytest.raises(EmulationError, match="host, cortex-a53"):
        programs.play(programs.ddsp_program(thin, score(thin), tmp_path / "x"), "cortex-a8", tmp_path / "x")


def test_blocks_are_averaged_and_scaled_to_a_second():
    counts = (Counts(10, 0, 0, 0, 0, 0), Counts(30, 4, 0, 0, 0, 2))
    found = rows.counted_blocks(counts, 160, 16_000)
    assert found["blocks_counted"] == 2
    assert found["per_block"]["int"] == 20
    assert found["per_block"]["total"] == 23
    assert found["per_second"]["total"] == 2300
    assert found["largest_block"] == 36
    assert rows.counted_blocks(counts, 1, 16_000, is_sound=False)["per_second"] is None


def test_a_nano_needs_at_least_as_many_cycles_as_instructions(tmp_path):
    image = Image(tmp_path, "cortex-m4", NANO_33_BLE, 900_000, 200_000, {"model": (700_000, 0)})
    counts = (Counts(600_000, 50_000, 0, 0, 0, 9_000), Counts(1, 0, 0, 0, 0, 0))
    played = Played("cortex-m4", np.zeros(1), counts, image, 10_000, "emulated")
    chip = rows.chip_of(played, 160, 16_000)
    nano = chip["nano_33_ble"]
    # 10 ms at 64 MHz; "other" holds IT, which may take no cycle of its own.
    assert (nano["cycles_per_block"], nano["least_cycles"]) == (640_000, 650_000)
    assert nano["least_load"] == pytest.approx(650 / 640, abs=1e-4)
    assert nano["fits_memory"]
    assert chip["model_flash_bytes"] == 700_000
    assert not rows.chip_of(replace(played, stack_bytes=70_000), 160, 16_000)["nano_33_ble"]["fits_memory"]
    assert rows.chip_of(replace(played, processor="cortex-m7"), 160, 16_000)["nano_33_ble"]["least_load"] is None


@emulated
def test_measuring_goes_on_where_it_stopped(tmp_path, monkeypatch):
    toy = rows.Point("ddsp", "a-run", 3, 0.5, ddsp_toy())
    monkeypatch.setattr(measure, "shipped", lambda name: [toy])
    monkeypatch.setattr(measure.count_models, "onnx_rows", lambda points, is_there: iter(()))
    monkeypatch.setattr(measure, "_judge", lambda points, kept: [])
    said: list[str] = []

    def stop_early(line):
        said.append(line)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure.measure(stop_early, ["ddsp"], tmp_path)
    target = tmp_path / measure.TARGET
    assert len(results.read_result(target)["results"]["rows"]) == 2
    measure.measure(said.append, ["ddsp"], tmp_path)
    found = results.read_result(target)
    assert len(said) == len(found["results"]["rows"]) == 2 * len(PROCESSORS)
    assert {row["evidence"] for row in found["results"]["rows"]} == {"emulated"}
    assert max(row["difference"] for row in found["results"]["rows"]) < 1e-4
    monkeypatch.setattr(measure, "shipped", lambda name: [])
    measure.measure(said.append, ["ddsp"], tmp_path)  # no longer shipped: no longer told
    assert results.read_result(target)["results"]["rows"] == []


def test_the_models_own_loss_judges_what_a_file_answers():
    # Without any emulation: what torch answers must be judged as torch judges itself.
    for name in ("ddsp", "sing"):
        torch.manual_seed(0)
        model = make(name, "toy").eval()
        batch = quality.judged(model).take(slice(0, 2))
        with torch.no_grad():
            expected = float(model.loss(batch))
            controls = model.controls(batch)
            if name == "ddsp":
                heard = model.decode(controls["f0_hz"], controls["loudness_db"], controls["z"])
                answers = {n: heard[n].transpose(0, 1)[:, :, None].numpy() for n in ("partials", "noise")}
            else:
                drawn = model.draw(controls["z"])
                early = torch.nn.functional.pad(drawn, (256 * (model.config.kernel - 1), 0))
                calls = early[:, :-768].reshape(len(early), -1, 256).transpose(0, 1)
                tail = (early[:, -768:] - model.decoder[3].bias)[None]
                answers = {"audio": calls.numpy(), "next_overlap": tail.numpy()}
        assert quality.error(model, batch, answers) == pytest.approx(expected, rel=1e-5)


def test_the_melody_is_three_seconds_in_range():
    wanted = sounds.score(make("ddsp", "book").eval())
    assert len(wanted["f0_hz"]) == len(wanted["loudness_db"]) == 300
    assert wanted["z"].shape == (1, 8)
    assert 400 < wanted["f0_hz"].min() < wanted["f0_hz"].max() < 700
    assert wanted["loudness_db"].max() <= -17
    assert wanted["loudness_db"][-1] < -60


def test_recorded_sounds_are_those_the_facts_describe():
    facts = results.RESULTS / sounds.FACTS
    if not facts.exists():
        pytest.skip("no sounds of chips are recorded yet: python -m lib.deploy.emulate sounds")
    recorded = sounds.recorded()
    assert {row["precision"] for row, _ in recorded} == {"float32", "int8"}
    for row, audio in recorded:
        assert soundfile.info(results.RESULTS / sounds.FOLDER / row["file"]).samplerate == 16_000
        assert len(audio) == 48_000 == 16_000 * row["seconds"]
        assert np.abs(audio).max() == pytest.approx(min(1.0, row["peak"]), abs=1e-3)
        assert row["sha256"] == tools.sha256(results.RESULTS / sounds.FOLDER / row["file"])
        assert row["evidence"] == "emulated"
        assert max(row["largest_difference_on"].values()) < 1e-5  # below a step of 16 bits
        if row["precision"] == "float32":
            assert row["difference_from_torch"] < 1e-4


def test_recorded_rows_are_labelled_and_whole():
    target = results.RESULTS / measure.TARGET
    if not target.exists():
        pytest.skip("nothing is recorded yet: python -m lib.deploy.emulate measure")
    kept = json.loads(target.read_text())["results"]
    for row in kept["rows"]:
        assert row["evidence"] == "emulated"
        classes = [value for name, value in row["per_block"].items() if name != "total"]
        assert sum(classes) == pytest.approx(row["per_block"]["total"], abs=1)
        assert row["largest_block"] >= row["per_block"]["total"] - 1
        assert row["difference"] < 1e-3
    for one in kept["quality"]:
        # 7-bit weights: this machine and the emulated one hear the same error.
        assert one["emulated"] == pytest.approx(one["here"], rel=1e-4)
