"""Raspberry Pi programs under emulation: Python with ONNX Runtime, and compiled C."""

import os
import platform

import numpy as np
import pytest
import torch

from lib.deploy import onnx as exporting
from lib.deploy.emulate import aarch64, onnx_calls, setup, tools
from lib.deploy.emulate.counting import CORTEX_A
from lib.deploy.emulate.tools import EmulationError
from lib.models import make

emulated = pytest.mark.skipif(
    tools.missing() is not None and not os.environ.get("TIMBRE_EMULATE"), reason=str(tools.missing())
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Steps of two small models in float32 and int8, fed with the beginning of a held-out note."""
    folder = tmp_path_factory.mktemp("onnx")
    torch.manual_seed(0)
    model = make("ddsp", "book").eval()
    feeds = onnx_calls.excerpt(model, 6)
    return [onnx_calls.export(model, folder / f"{p}.onnx", p, feeds) for p in ("float32", "int8")]


@emulated
@pytest.mark.parametrize("processor", CORTEX_A)
def test_onnx_runtime_answers_as_it_does_here(files, processor):
    exact, rounded = onnx_calls.call(files, processor)
    # Amplitudes are about 0.01 to 1; another order of additions moves the last digits of float32.
    assert onnx_calls.difference(files[0], exact) < 1e-6
    # Sums of whole numbers are exact; weights of 7 bits do not saturate on any x86.
    assert onnx_calls.difference(files[1], rounded) < 1e-6
    # Rounding itself is far larger: int8 was not silently run in float32.
    apart = max(np.abs(exact.outputs[name] - rounded.outputs[name]).max() for name in exact.outputs)
    assert apart > 1e-4
    assert len(exact.counts) == 5
    totals = [one.total for one in exact.counts]
    assert max(totals) < 1.1 * min(totals)
    assert exact.counts[0].fp > 1000  # some of the 37,000 products of a frame, four or so at a time
    assert exact.evidence == "emulated"


@emulated
def test_python_runs_as_on_the_board():
    told = aarch64.run_python(
        "import platform, sys; print(platform.machine(), open('/proc/cpuinfo').read())", "cortex-a76"
    )
    assert told.output.startswith("aarch64")
    assert "0xd0b" in told.output  # what a Raspberry Pi 5 says of itself
    assert platform.machine() not in told.output or platform.machine() == "aarch64"


@emulated
def test_a_script_gets_its_arguments(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nimport numpy as np\nprint(sys.argv[1], np.arange(4).sum())\n")
    assert aarch64.run_aarch64(script, "cortex-a53", ["hello"]).output.split() == ["hello", "6"]


@emulated
def test_the_runner_for_boards_runs_there_and_its_times_are_left_out(tmp_path):
    torch.manual_seed(0)
    model = exporting.export(make("ddsp", "toy").eval(), tmp_path / "model.onnx")
    record = aarch64.rehearse_runner(model, "cortex-a53", seconds=0.2)
    assert record["evidence"] == "emulated"
    assert record["board"]["architecture"] == "aarch64"
    assert {"step", "blocks", "real_time_factor"} <= set(record["left_out"])
    assert not {"step", "blocks", "real_time_factor", "simulation"} & set(record)


@emulated
def test_compiled_c_runs_on_every_processor(tmp_path):
    source = tmp_path / "program.c"
    source.write_text(
        '#include <stdio.h>\nint main(int n, char **w) { if (n < 2) return 3; printf("%s %d", w[1], n); }\n'
    )
    for processor in CORTEX_A:
        program = aarch64.compile_c([source], tmp_path / processor, processor)
        assert aarch64.run_aarch64(program, processor, ["a b"]).output == "a b 2"
    with pytest.raises(EmulationError, match="failed with status 3"):
        aarch64.run_aarch64(tmp_path / "cortex-a53", "cortex-a53", timeout_s=5)  # without its argument


@emulated
def test_the_maximal_processor_is_refused():
    with pytest.raises(EmulationError, match="No emulated 'max'"):  # its int8 is silently wrong
        aarch64.run_python("", "max")


def test_missing_programs_are_named(monkeypatch):
    monkeypatch.setattr(tools, "PACKAGES", {"qemu-user": "no-such-program", "libc6-dev": "/no/such/file", "gcc": "sh"})
    assert tools.missing_packages() == ["qemu-user", "libc6-dev"]
    assert "qemu-user libc6-dev" in tools.missing()
    with pytest.raises(EmulationError, match="make emulate"):
        tools.require()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EmulationError, match="sudo apt-get install --no-install-recommends qemu-user libc6-dev"):
        setup.install_programs()
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(EmulationError, match="Please install what Debian calls qemu-user libc6-dev"):
        setup.install_programs()


def test_setting_up_resumes_where_it_stopped(monkeypatch):
    done, said = {"first"}, []

    def fail_once():
        if "tried" not in done:
            done.add("tried")
            raise EmulationError("the network is away")
        done.add("second")

    steps = [(name, lambda name=name: name in done, step) for name, step in (("first", None), ("second", fail_once))]
    monkeypatch.setattr(setup, "STEPS", steps)
    with pytest.raises(EmulationError, match="the network is away"):
        setup.setup(said.append)
    setup.setup(said.append)
    assert said[-1] == "[emulate] ready"
    said.clear()
    setup.setup(said.append)
    assert said == ["[emulate] first: there already", "[emulate] second: there already", "[emulate] ready"]


def test_a_missing_compiler_is_no_traceback():
    with pytest.raises(EmulationError, match="no-such-compiler is not installed"):
        tools.run(["no-such-compiler"])
