"""Generated C as compilers see it: no warning, no undefined step, no variable, no allocation; its sizes, its stack."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from lib.deploy.csource import EXACT, CSource, compile_for, compile_shared, generate, size, sizes_from_map, worst_stack
from lib.deploy.csource.build import TARGETS
from lib.errors import BookError
from lib.models import make
from lib.timbre import load_space

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="generated C needs a C compiler: apt install gcc")

#: Functions of the C library that generated code may call: none allocates.
ALLOWED = {"memcpy", "memset", "memmove", "sqrtf", "__stack_chk_fail"}
PRECISIONS = ("float32", "int8")


def written(kind: str, folder: Path, precision: str) -> CSource:
    torch.manual_seed(0)
    model = load_space("nsgt-erb-free") if kind == "space" else make(kind, "toy").eval()
    return generate(model, folder, precision)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", ["ddsp", "wavenet", "space"])
def test_no_warning_no_variable_no_allocation(kind: str, precision: str, tmp_path: Path) -> None:
    source = written(kind, tmp_path, precision)
    for flags in (EXACT, ("-O0", "-Wshadow", "-Wconversion", "-Wno-sign-conversion"), ("-Os",)):
        found = size(compile_for(source, "host", flags))
        assert found.data == found.bss == 0
        assert set(found.outside) <= ALLOWED
        assert found.flash >= source.n_weight_bytes


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", ["ddsp", "wavenet"])
def test_state_is_as_large_as_said(kind: str, precision: str, tmp_path: Path) -> None:
    source = written(kind, tmp_path, precision)
    assert compile_shared(source, flags=("-O1",)).state_bytes == source.state_bytes


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", ["ddsp", "wavenet", "space"])
def test_header_stands_alone_in_c_and_cpp(kind: str, precision: str, tmp_path: Path) -> None:
    source = written(kind, tmp_path, precision)
    for compiler, file, standard in (("gcc", "a.c", "c99"), ("g++", "a.cpp", "c++11")):
        if shutil.which(compiler) is None:
            continue
        (tmp_path / file).write_text(f'#include "{source.header.name}"\n#include "{source.header.name}"\n')
        options = [f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
        subprocess.run([compiler, *options, str(tmp_path / file)], check=True)


#: Every public function, with inputs that make sense and inputs that do not.
DRIVERS = {
    "ddsp": """
        static ddsp_state s;
        static float z[DDSP_N_LATENT], noise[DDSP_HOP], out[DDSP_HOP];
        uint32_t seed = 7;
        ddsp_init(&s);
        for (int k = 0; k < 64; k++) {
            for (int i = 0; i < DDSP_N_LATENT; i++) z[i] = odd[(k + i) % N];
            ddsp_noise(&seed, noise);
            noise[k] = odd[k % N];
            ddsp_frame(&s, odd[k % N], odd[k / N % N], z, noise, out);
            for (int i = 0; i < DDSP_HOP; i++) if (!(out[i] < 1e3f && out[i] > -1e3f)) return 1;
        }
        ddsp_finish(&s, out);
        return ddsp_state_bytes() != sizeof s;
    """,
    "wavenet": """
        static wavenet_state s;
        static float mel[WAVENET_N_MELS], out[600], uniform[600];
        wavenet_init(&s);
        for (int k = 0; k < 600; k++) uniform[k] = odd[k % N];
        for (int k = 0; k < WAVENET_N_MELS; k++) mel[k] = odd[k % N];
        wavenet_play(&s, mel, 1, uniform, 600, out);
        wavenet_take(&s, -3);
        wavenet_take(&s, 1 << 20);
        out[0] = wavenet_sample(&s, 0.3f);
        for (int k = 0; k < N; k++) wavenet_decode(wavenet_encode(odd[k]));
        for (int k = 0; k < 600; k++) if (!(out[k] <= 1.0f && out[k] >= -1.0f)) return 1;
        return wavenet_state_bytes() != sizeof s;
    """,
    "space": """
        static float z[SPACE_N_DIMS], out[SPACE_N_BINS];
        for (int k = 0; k < N * N; k++) {
            for (int i = 0; i < SPACE_N_DIMS; i++) z[i] = odd[(k / N + i) % N];
            space_decode(z, odd[k % N], out);
            for (int i = 0; i < SPACE_N_BINS; i++) if (!(out[i] >= 0.0f && out[i] < 1e9f)) return 1;
        }
        return 0;
    """,
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", DRIVERS)
def test_sanitizers_find_nothing(kind: str, precision: str, tmp_path: Path) -> None:
    source = written(kind, tmp_path, precision)
    main = tmp_path / "main.c"
    main.write_text(
        f'#include <math.h>\n#include "{kind}.h"\nint main(void)\n{{\n'
        "    static const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-42f, 440.0f, -20.0f, 1e30f, 0.7f};\n"
        f"    enum {{ N = sizeof odd / sizeof *odd }};\n{DRIVERS[kind]}\n}}\n"
    )
    options = ["-std=c99", "-g", "-O1", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
    program = tmp_path / "main"
    built = subprocess.run(
        ["gcc", *options, str(main), str(source.code), "-o", str(program), "-lm"], capture_output=True, text=True
    )
    if "asan" in built.stderr and "cannot find" in built.stderr:
        pytest.skip("this gcc has no sanitizers: apt install libasan8 libubsan1")
    assert built.returncode == 0, built.stderr
    # Leaks cannot be: nothing is allocated. (Looking for them needs rights that containers lack.)
    ran = subprocess.run([str(program)], capture_output=True, text=True, env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "host"])
def test_boards_compile(target: str, tmp_path: Path) -> None:
    if shutil.which(TARGETS[target].compiler) is None:
        pytest.skip(f"no cross compiler: apt install {TARGETS[target].package}")
    for precision in PRECISIONS:
        source = written("ddsp", tmp_path / precision, precision)
        found = size(compile_for(source, target))
        assert found.data == found.bss == 0
        assert found.state == source.state_bytes
        assert found.stack >= 4 * 160
        helpers = {name for name in found.outside if not name.startswith("__aeabi_")}
        assert helpers <= ALLOWED


def test_a_missing_cross_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(BookError, match=re.escape("apt install gcc-arm-none-eabi libnewlib-arm-none-eabi")):
        compile_for(written("ddsp", tmp_path, "float32"), "cortex-m4")
    with pytest.raises(BookError, match="cortex-m99"):
        compile_for(written("ddsp", tmp_path, "float32"), "cortex-m99")


def test_code_that_does_not_compile_is_shown(tmp_path: Path) -> None:
    source = written("ddsp", tmp_path, "float32")
    source.code.write_text("int f(void) { return g(); }\n")
    with pytest.raises(BookError, match=r"refused ddsp\.c"):
        compile_for(source, "host")


def test_stack_by_hand() -> None:
    nodes = "".join(
        f'node: {{ title: "x.c:{name}" label: "{name}\\nx.c:1:1\\n{n} bytes (static)\\n0 dynamic objects" }}\n'
        for name, n in {"a": 10, "b": 100, "c": 30, "d": 500}.items()
    )
    edge = 'edge: {{ sourcename: "x.c:{}" targetname: "x.c:{}" label: "x.c:2:2" }}\n'
    calls = edge.format("a", "b") + edge.format("a", "c") + edge.format("c", "b")
    assert worst_stack(nodes + calls) == (500, ("d",), ())
    assert worst_stack(nodes + calls + edge.format("b", "d")) == (640, ("a", "c", "b", "d"), ())
    with pytest.raises(BookError, match="calls itself"):
        worst_stack(nodes + calls + edge.format("b", "a"))
    with pytest.raises(BookError, match="no fixed size"):
        worst_stack(nodes.replace("30 bytes (static)", "30 bytes (dynamic)"))


def test_map_names_what_an_object_brought(tmp_path: Path) -> None:
    source = written("ddsp", tmp_path, "float32")
    build = compile_for(source, "host", ("-O2", "-fno-pie"))
    (tmp_path / "main.c").write_text('#include "ddsp.h"\nint main(void) { return (int)ddsp_state_bytes() & 1; }\n')
    listing = tmp_path / "out.map"
    command = ["gcc", "-no-pie", str(tmp_path / "main.c"), str(build.object_file), f"-Wl,-Map={listing}", "-lm"]
    subprocess.run([*command, "-o", str(tmp_path / "out")], check=True)
    flash, ram = sizes_from_map(listing, "ddsp")
    found = size(build)
    assert ram == 0
    # Constants that several files share (the linker merges them) are listed where they first came.
    assert abs(flash - found.flash) <= 128
    with pytest.raises(BookError, match=r"names no object other\.o"):
        sizes_from_map(listing, "other")


def test_the_code_says_whose_layers_it_has(tmp_path: Path) -> None:
    """Optional parts come and go with the model, and no mark of the templates is left."""
    plain = generate(make("ddsp", "book", layer_norm=False), tmp_path / "plain")
    roomy = generate(make("ddsp", "toy"), tmp_path / "roomy", name="voice")
    assert "normalise(" not in plain.code.read_text()
    assert "ROOM" not in plain.code.read_text()
    assert "normalise(" in roomy.code.read_text()
    assert "VOICE_N_ROOM" in roomy.code.read_text()
    for source in (plain, roomy):
        text = source.code.read_text() + source.header.read_text()
        assert not re.search(r"/\*@|@\w+@|\bmodel_|\bMODEL_", text)
