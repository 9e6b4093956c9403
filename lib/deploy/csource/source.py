"""Putting a model's C together from templates and its weights.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.deploy.csource.models import Program, describe
from lib.deploy.csource.weights import Precision, Weights, collector, spell
from lib.errors import BookError
from lib.models.ddsp import DDSP
from lib.models.wavenet import WaveNet
from lib.timbre.space import Space

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class CSource:
    """One model as C: `header` and `code` lie in `folder`.

    Attributes:
        name: prefix of every public name; kind: "ddsp", "wavenet" or "space".
        n_weight_bytes: of all constant arrays, padding and small tables included.
        state_bytes: size of the state struct, all the RAM the model needs besides the stack.
        facts: sizes that callers need (the macros of the header, in lower case).
    """

    name: str
    kind: str
    precision: Precision
    folder: Path
    n_weight_bytes: int
    state_bytes: int
    facts: dict[str, int]

    @property
    def header(self) -> Path:
        """The header, which explains the functions."""
        return self.folder / f"{self.name}.h"

    @property
    def code(self) -> Path:
        """The one C file."""
        return self.folder / f"{self.name}.c"

    @property
    def files(self) -> tuple[Path, Path]:
        """Header and code."""
        return self.header, self.code


def generate(
    model: DDSP | WaveNet | Space, folder: str | Path, precision: Precision = "float32", name: str | None = None
) -> CSource:
    """Write a model as one header and one C file.

    Args:
        model: a DDSP (its decoder and synthesiser are written), a WaveNet, or a timbre space (its decoder).
        folder: made if it is not there; files of the same name are overwritten.
        precision: "float32", or "int8" (weights with a scale per output, inputs of layers with a step per vector).
        name: prefix of all public names, the kind of model by default: two models with different names link together.

    Raises:
        BookError: no C code for such a model, no such precision, a weight that is not finite, or no C identifier.
    """
    weights = collector(precision)
    program = describe(model, weights)
    name = program.kind if name is None else name
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
        raise BookError(f"{name!r} cannot begin names in C: use small letters, digits and _, a letter first.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    facts = dict(program.facts)
    source = CSource(name, program.kind, precision, folder, weights.n_bytes, program.state_bytes, facts)
    source.header.write_text(_rename(_header(program, precision), name))
    source.code.write_text(_rename(_code(program, precision, weights, model), name))
    return source


def _header(program: Program, precision: Precision) -> str:
    text = _template(f"{program.kind}.h", program)
    words = {**{key: str(value) for key, value in program.facts.items()}, "about": f"{precision}; {program.about}"}
    return re.sub(r"@(\w+)@", lambda match: words[match[1]], text)


def _code(program: Program, precision: Precision, weights: Weights, model: object) -> str:
    constants = {"LANES": weights.lanes, "MODEL_WIDEST": weights.widest, **program.constants}
    numbers = ",\n".join(f"    {key} = {value}" for key, value in constants.items())
    macros = "".join(f"#define {key} {value:.9g}f\n" for key, value in program.macros.items())
    public = ""
    if isinstance(model, Space):
        frequencies = spell(np.asarray(model.frequencies_hz, dtype=np.float32))
        public = f"const float model_frequencies_hz[MODEL_N_BINS] = {{\n    {frequencies}\n}};\n"
    files = ("lanes.c", "math.c", f"dense_{precision}.c", "units.c", f"{program.kind}.c")
    return "\n".join([
        "/* See the header. Generated from a trained model; C99, no library but sqrtf, memcpy and the like. */\n",
        '#include "model.h"\n\n#include <math.h>\n#include <stddef.h>\n#include <string.h>\n',
        f"enum {{\n{numbers}\n}};\n{macros}",
        *(_template(file, program) for file in files),
        "/* ---- What was learnt " + "-" * 95 + " */\n",
        *weights.text,
        public,
    ])  # fmt: skip


def _template(file: str, program: Program) -> str:
    # Parts between /*@if x */ and /*@end*/ stay only in models that have them; they may lie inside one another.
    kept, nested = [], []
    for line in (TEMPLATES / file).read_text().splitlines():
        if match := re.fullmatch(r"/\*@if (\w+) \*/", line):
            nested.append(match[1] in program.parts)
        elif line == "/*@end*/":
            nested.pop()
        elif all(nested):
            kept.append(line)
    return "\n".join(kept).rstrip() + "\n"


def _rename(text: str, name: str) -> str:
    text = re.sub(r"\bmodel(?=_)", name, text)
    text = re.sub(r"\bMODEL(?=_)", name.upper(), text)
    return text.replace('"model.h"', f'"{name}.h"')
