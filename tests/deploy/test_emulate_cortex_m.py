"""Images of microcontrollers: what they compute, how much memory they take, and what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest

from lib.deploy.emulate import cortex_m, tools
from lib.deploy.emulate.cortex_m import EMULATED, NANO_33_BLE, Board, build, read_map, run_cortex_m
from lib.deploy.emulate.counting import CORTEX_M
from lib.deploy.emulate.tools import EmulationError

pytestmark = pytest.mark.skipif(
    tools.missing() is not None and not os.environ.get("TIMBRE_EMULATE"), reason=str(tools.missing())
)

DENSE = """
#include "host.h"
#include "mark.h"
static const volatile float W[8][16] = {%s}; /* volatile: or the compiler would do the sums itself */
static const volatile float X[16] = {%s};
int main(void)
{
    static float y[8];
    for (int times = 0; times < 2; times++) {
        MARK_BEGIN();
        for (int i = 0; i < 8; i++) {
            float sum = 0.0f;
            for (int j = 0; j < 16; j++) sum += W[i][j] * X[j];
            y[i] = sum;
        }
        MARK_END();
        host_write(y, sizeof y);
    }
    return 0;
}
"""


def write(folder: Path, text: str) -> list[Path]:
    source = folder / "model.c"
    source.write_text(text)
    return [source]


def c_floats(values: np.ndarray) -> str:
    return ", ".join(f"{float(value).hex()}f" for value in values.astype(np.float32).flat)


@pytest.mark.parametrize("processor", list(CORTEX_M))
def test_a_dense_layer_computes_what_numpy_does_and_counts_the_same_again(tmp_path, processor):
    rng = np.random.default_rng(3)
    w, x = rng.standard_normal((8, 16)).astype(np.float32), rng.standard_normal(16).astype(np.float32)
    image = build(write(tmp_path, DENSE % (c_floats(w), c_floats(x))), tmp_path / "image.elf", processor)
    first, second = run_cortex_m(image), run_cortex_m(image.path, CORTEX_M[processor])
    assert first == second
    heard = np.frombuffer(first.data, "<f4").reshape(2, 8)
    # Sums of 16 products near 1: some units in the last place of float32.
    np.testing.assert_allclose(heard[0], w @ x, atol=1e-5)
    np.testing.assert_array_equal(heard[0], heard[1])
    assert first.counts[0] == first.counts[1]
    assert first.evidence == "emulated"
    if processor == "cortex-m3":  # no floating-point unit: a product is a call
        assert first.counts[0].fp == 0
        assert first.counts[0].total > 20 * 128
    else:
        # 128 products and 128 sums at least, as long as nothing is fused.
        assert 2 * 128 <= first.counts[0].fp <= 3 * 128


def test_memory_is_read_from_the_map_and_the_stack_from_its_paint(tmp_path):
    image = build(
        write(
            tmp_path,
            '#include "host.h"\n'
            "static const int table[1000] = {1, 2, 3};\n"
            "static volatile int filled[300] = {7};\n"
            "static volatile int empty[500];\n"
            "int main(void)\n{\n"
            "    volatile int deep[2000];\n"
            "    for (int i = 0; i < 2000; i++) deep[i] = table[i % 3] + filled[0];\n"
            "    empty[0] = deep[1999];\n"
            "    host_write((const void *)&empty[0], 4);\n"
            "    return 0;\n}\n",
        ),
        tmp_path / "image.elf",
        "cortex-m4",
        board=NANO_33_BLE,
    )
    run = run_cortex_m(image)
    assert np.frombuffer(run.data, "<i4")[0] == 2 + 7
    flash, ram = image.parts["model"]
    assert 4000 + 1200 < flash < 4000 + 1200 + 300  # two tables and some code
    assert ram == 1200 + 2000
    assert image.ram_bytes >= ram
    assert image.flash_bytes >= flash
    assert 8000 <= run.stack_bytes < 8000 + 400


def test_parts_of_a_map_add_up_to_the_sections(tmp_path):
    image = build(write(tmp_path, DENSE % ("1.0f", "1.0f")), tmp_path / "image.elf", "cortex-m7")
    flash, ram, parts = read_map(image.path.with_suffix(".map").read_text())
    assert (flash, ram, parts) == (image.flash_bytes, image.ram_bytes, image.parts)
    # Alignment between sections is in no part.
    assert 0 <= flash - sum(part[0] for part in parts.values()) < 200
    assert 0 <= ram - sum(part[1] for part in parts.values()) < 32
    assert parts["model"][0] > 8 * 16 * 4


def test_what_does_not_fit_does_not_link(tmp_path):
    source = write(
        tmp_path,
        '#include "host.h"\nstatic const char big[20000] = {1};\n'
        "int main(void) { host_write(big, sizeof big); return 0; }\n",
    )
    small = Board("a small board", 16_384, 8_192, 16e6)
    with pytest.raises(EmulationError, match=r"does not fit a small board: FLASH is \d+ bytes too small"):
        build(source, tmp_path / "image.elf", "cortex-m4", board=small)
    assert len(run_cortex_m(build(source, tmp_path / "image.elf", "cortex-m4", board=EMULATED)).data) == 20_000


def test_an_image_cannot_ask_for_memory(tmp_path):
    source = write(
        tmp_path,
        '#include <stdlib.h>\n#include "host.h"\nint main(void) { host_write(malloc(100), 100); return 0; }\n',
    )
    with pytest.raises(EmulationError, match="_sbrk"):
        build(source, tmp_path / "image.elf", "cortex-m4")


def test_faults_and_endless_loops_end_with_a_reason(tmp_path):
    fault = build(
        write(tmp_path, "int main(void) { *(volatile int *)0x70000000 = 1; return 0; }\n"),
        tmp_path / "fault.elf",
        "cortex-m4",
    )
    with pytest.raises(EmulationError, match="fault"):
        run_cortex_m(fault)
    loop = build(write(tmp_path, "int main(void) { for (;;) {} }\n"), tmp_path / "loop.elf", "cortex-m4")
    with pytest.raises(EmulationError, match=r"did not end within 0\.5 s"):
        run_cortex_m(loop, timeout_s=0.5)
    with pytest.raises(EmulationError, match="mps2-an385, mps2-an386, mps2-an500"):
        run_cortex_m(loop, "raspi3b")
    with pytest.raises(EmulationError, match="Say on which machine"):
        run_cortex_m(loop.path)
    with pytest.raises(EmulationError, match="No emulated 'cortex-m33'"):
        build([], tmp_path / "x.elf", "cortex-m33")
    with pytest.raises(EmulationError, match="failed with status"):
        build(write(tmp_path, "int main(void) { return wrong; }\n"), tmp_path / "x.elf", "cortex-m4")


def test_the_nano_has_the_memory_its_data_sheet_says():
    assert (NANO_33_BLE.ram_bytes, NANO_33_BLE.clock_hz) == (256 * 1024, 64e6)
    assert NANO_33_BLE.flash_bytes < 1024 * 1024
    assert cortex_m.FLAGS["cortex-m3"][-1] == "-mfloat-abi=soft"
