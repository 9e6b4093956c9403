"""What a model costs: numbers to store, products to compute, memory to hold, time to wait.

Everything but the time is counted, not measured, and counted twice: each model states its own formula
(`macs_per_second`), and `traced_macs` counts the layers as they run; the tests hold one against the other.

Chapter: *What a model costs*.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from lib.errors import BookError

FLOAT = 4  # bytes


@dataclass(frozen=True)
class Cost:
    """The counted costs of a model.

    Attributes:
        parameters: numbers that training changes.
        bytes_f32: of those numbers as 32-bit floats.
        bytes_int8: with 8-bit weights, one 32-bit scale per row, and everything else in 32 bits.
        macs_per_second: multiply-adds per second of sound, part by part.
        activation_bytes: most memory a layer's input and output take together while the network makes one second at
            once; a synthesiser's own buffers are not in it.
        state_bytes: what must be remembered between two blocks of a stream.
    """

    parameters: int
    bytes_f32: int
    bytes_int8: int
    macs_per_second: dict[str, float]
    activation_bytes: int
    state_bytes: int

    @property
    def total_macs_per_second(self) -> float:
        """All parts together."""
        return sum(self.macs_per_second.values())


def cost(model: nn.Module) -> Cost:
    """Count what a model costs; see `Cost`."""
    return Cost(
        parameters=sum(p.numel() for p in model.parameters()),
        bytes_f32=FLOAT * sum(p.numel() for p in model.parameters()),
        bytes_int8=sum(int8_bytes(p) for p in model.parameters()),
        macs_per_second=model.macs_per_second(),
        activation_bytes=peak_activation_bytes(model),
        state_bytes=FLOAT * sum(model.streaming_state().values()),
    )


def int8_bytes(tensor: Tensor) -> int:
    """Bytes of one tensor: matrices and kernels in 8 bits with a scale per row, the rest in 32 bits.

    >>> int8_bytes(torch.zeros(10, 20)), int8_bytes(torch.zeros(10))
    (240, 40)
    """
    return FLOAT * tensor.numel() if tensor.ndim < 2 else tensor.numel() + FLOAT * len(tensor)


def macs_of(layer: nn.Module, given: Tensor, made: Tensor) -> int:
    """Count multiply-adds of one layer for what it was given and what it made; zero for layers without products.

    A GRU multiplies three gates, an LSTM four, at every time step, by the input and by the state; a transposed
    convolution multiplies each *input* position by its whole kernel.

    >>> layer = nn.Linear(3, 5)
    >>> macs_of(layer, torch.zeros(2, 7, 3), torch.zeros(2, 7, 5))
    210
    """
    if isinstance(layer, nn.Linear):
        return made.numel() * layer.in_features
    if isinstance(layer, nn.ConvTranspose1d):
        return given.numel() * prod(layer.weight.shape[1:])
    if isinstance(layer, nn.Conv1d):
        return made.numel() * prod(layer.weight.shape[1:])
    if isinstance(layer, nn.GRU | nn.LSTM):
        steps = given.numel() // given.shape[-1]
        return steps * sum(p.numel() for name, p in layer.named_parameters() if name.startswith("weight"))
    return 0


def traced_macs(model: nn.Module, run: Callable[[], object]) -> int:
    """Count the multiply-adds of every layer that is called while `run` runs.

    Layers whose weights are used without calling them (a windowed kernel, a sampler's single steps) are not seen.
    """
    total = 0

    def count(layer: nn.Module, given: Tensor, made: Tensor) -> None:
        nonlocal total
        total += macs_of(layer, given, made)

    with _listening(model, count), torch.no_grad():
        run()
    return total


def peak_activation_bytes(model: nn.Module, seconds: float = 1.0) -> int:
    """Find the layer whose input and output together take most memory while so much sound is made at once."""
    worst = 0

    def look(layer: nn.Module, given: Tensor, made: Tensor) -> None:
        nonlocal worst
        worst = max(worst, FLOAT * (given.numel() + made.numel()))

    inputs = tuple(model.rehearsal(seconds).values())
    with _listening(model, look), torch.no_grad():
        model.network(*inputs)
    return worst


@dataclass(frozen=True)
class Latency:
    """Seconds of computing per `seconds` of sound: the median and the range of the repeats, on one thread."""

    runtime: str
    seconds: float
    median_s: float
    fastest_s: float
    slowest_s: float

    @property
    def real_time_factor(self) -> float:
        """Below 1 is faster than real time."""
        return self.median_s / self.seconds


def torch_latency(model: nn.Module, seconds: float = 1.0, repeats: int = 7) -> Latency:
    """Time the network in torch on one thread. For WaveNet use `sampler_latency`: its network alone makes no sound."""
    inputs = tuple(model.eval().rehearsal(seconds).values())
    with torch.no_grad():
        return _timed("torch", seconds, repeats, lambda: model.network(*inputs))


def sampler_latency(model: nn.Module, seconds: float = 0.02, repeats: int = 3) -> Latency:
    """Time a sampler that makes one sample at a time, less the time it takes to fill its memory."""
    controls = {"mel": torch.zeros(1, model.config.n_mels, 2)}
    n = round(16_000 * seconds)
    empty = _timed("torch", seconds, repeats, lambda: model.generate(controls, n_samples=1))
    full = _timed("torch", seconds, repeats, lambda: model.generate(controls, n_samples=n + 1))
    return Latency(
        "torch", seconds, *(max(0.0, a - empty.median_s) for a in (full.median_s, full.fastest_s, full.slowest_s))
    )


def onnx_latency(model: nn.Module, seconds: float = 1.0, repeats: int = 7) -> tuple[Latency, int, float]:
    """Export the network, run it in onnxruntime on one thread, and compare it with torch.

    Returns:
        the latency, the size of the exported file in bytes, and the largest difference from torch.

    Raises:
        BookError: the exported file computes something else (difference above 1e-3 of the largest value).
    """
    from lib.deploy.onnx import Network, session, trace

    inputs = model.eval().rehearsal(seconds)
    exported = trace(Network(model), inputs)
    runner = session(exported)
    # The exporter drops inputs that are never used.
    feed = {i.name: inputs[i.name].numpy() for i in runner.get_inputs()}
    with torch.no_grad():
        expected = model.network(*inputs.values())
    found = runner.run(None, feed)
    largest = max(float(a.abs().max()) for a in expected)
    difference = max(float((a - torch.from_numpy(b)).abs().max()) for a, b in zip(expected, found))
    if difference > 1e-3 * max(largest, 1e-6):
        raise BookError(f"The exported {type(model).__name__} differs from torch by {difference:.1e}.")
    return _timed("onnxruntime", seconds, repeats, lambda: runner.run(None, feed)), len(exported), difference


def _timed(runtime: str, seconds: float, repeats: int, run: Callable[[], object]) -> Latency:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run()
        spans = []
        for _ in range(repeats):
            started = time.perf_counter()
            run()
            spans.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    return Latency(runtime, seconds, statistics.median(spans), min(spans), max(spans))


@contextmanager
def _listening(model: nn.Module, tell: Callable[[nn.Module, Tensor, Tensor], None]) -> Iterator[None]:
    def hook(layer: nn.Module, given: tuple, made: object) -> None:
        first = made[0] if isinstance(made, tuple) else made
        tell(layer, given[0], first)

    leaves = [layer for layer in model.modules() if not list(layer.children())]
    handles = [layer.register_forward_hook(hook) for layer in leaves]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
