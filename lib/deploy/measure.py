"""Measure one exported model on the machine this file runs on. It needs numpy and onnxruntime, and nothing else.

    python3 measure.py model.onnx --out bench.json

It runs the model step by step, as live playing would, and reports:

- how long a step takes (median, 95th percentile, worst), the network and, for DDSP, its synthesiser apart;
- how long an audio block of 64 to 2048 samples takes. A model makes a fixed number of samples a step: smaller blocks
  find what an earlier step left, until one of them has to wait for a whole step, so the worst counts, not the median;
- whether the sound would have dropped out in so many seconds of playing in real time;
- memory, temperature, clock and throttling where the machine tells, energy if a meter is named.

This file stands alone: `lib.deploy.raspberry_pi` copies it to a board. It runs on Python 3.9 and later.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shlex
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

# onnxruntime looks at this when it is imported; otherwise it leaves a device number in the home and reports its use.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
try:
    import numpy as np
    import onnxruntime
except ImportError as missing:  # said clearly by `main`, since a board may have neither
    np, onnxruntime, MISSING = None, None, missing
else:
    MISSING = None

FORMAT = 1
BLOCKS = (64, 128, 256, 512, 1024, 2048)
WARM_UP_S = 1.0
LEAST = 8


class BoardError(ValueError):
    """Something is wrong with a file or a setting; the message says what to do."""


class Harmonics:
    """The instruments inside DDSP, a frame at a time: a bank of sines and shaped noise.

    What it gives is what the book's synthesiser gives for the whole clip, one frame late: to draw a line from one frame
    to the next, it has to know the next.
    """

    def __init__(self, rate, details):
        self.rate, self.hop = rate, details["hop_length"]
        self.n_taps = 2 * (details["n_bands"] - 1)
        self.numbers = np.arange(1, details["n_partials"] + 1, dtype=np.float32)
        self.ramp = (np.arange(self.hop) / self.hop).astype(np.float32)
        self.window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.n_taps) / self.n_taps)).astype(np.float32)
        self.phase = 0.0
        self.before = None
        self.spread = np.zeros(2 * self.hop + self.n_taps, np.float32)

    def render(self, f0_hz, partials, gains, noise):
        """One frame: pitch, amplitudes [n_partials], gains [n_bands], noise [hop] in [-1, 1] -> audio [hop]."""
        # Noise: what this frame adds begins half a filter before it.
        n_fft = 1 << (self.hop + self.n_taps - 2).bit_length()
        response = np.roll(np.fft.irfft(gains, self.n_taps), self.n_taps // 2) * self.window
        shaped = np.fft.irfft(np.fft.rfft(noise, n_fft) * np.fft.rfft(response, n_fft), n_fft)
        self.spread[self.hop : 2 * self.hop + self.n_taps - 1] += shaped[: self.hop + self.n_taps - 1]
        half = self.n_taps // 2
        audio = self.spread[half : half + self.hop].copy()
        self.spread[: -self.hop] = self.spread[self.hop :]
        self.spread[-self.hop :] = 0.0
        if self.before is not None:
            last_f0, last = self.before
            turns = self.phase + np.cumsum(last_f0 + (f0_hz - last_f0) * self.ramp.astype(np.float64)) / self.rate
            self.phase = turns[-1] % 1.0
            base = (2 * np.pi * (turns % 1.0)).astype(np.float32)
            sums = np.sin(base[:, None] * self.numbers) @ np.stack([last, partials], axis=1)
            audio += sums[:, 0] + (sums[:, 1] - sums[:, 0]) * self.ramp
        self.before = (f0_hz, partials)
        return audio


class Model:
    """An exported step with its state: each `step` feeds the state back and makes `block_samples` samples."""

    def __init__(self, path, threads=1):
        self.path = Path(path)
        if not self.path.is_file():
            raise BoardError(f"There is no file {path}.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise BoardError(f"{self.path.name} is no ONNX model or is cut short; export or copy it again.") from error
        kept = self.session.get_modelmeta().custom_metadata_map.get("timbre")
        if kept is None:
            raise BoardError(f"{self.path.name} is an ONNX file, but none of this book's.")
        self.about = json.loads(kept)
        if self.about.get("format") != FORMAT:
            raise BoardError(f"{self.path.name} has format {self.about.get('format')}; this program reads {FORMAT}.")
        self.samples, self.rate = self.about["block_samples"], self.about["sample_rate"]
        self.random = np.random.default_rng(0)
        self.reset()

    def reset(self):
        """Put controls at rest and states at their beginning."""
        self.feed, self.uniform = {}, []
        for name, entry in self.about["inputs"].items():
            rest = entry["initial"] if name in self.about["states"] else entry["example"]
            if rest == "uniform":
                self.uniform.append(name)
                rest = 0.5
            self.feed[name] = np.full(entry["shape"], rest, dtype=entry["dtype"])
        is_ddsp = self.about["model"] == "ddsp" and self.about["part"] == "step"
        self.harmonics = Harmonics(self.rate, self.about["details"]) if is_ddsp else None

    def network(self):
        """Run the network once and keep its state; give all outputs by name."""
        for name in self.uniform:
            self.feed[name] = self.random.random(self.feed[name].shape, dtype=np.float32)
        names = self.about["outputs"]
        found = dict(zip(names, self.session.run(names, self.feed)))
        for state, output in self.about["states"].items():
            self.feed[state] = found[output]
        return found

    def sound(self, found):
        """Turn one step's outputs into audio [block_samples]; zeros for models that make no sound by themselves."""
        if self.harmonics is None:
            return found["audio"].reshape(-1) if "audio" in found else np.zeros(self.samples or 0, np.float32)
        frames = self.feed["f0_hz"][0]
        noise = self.random.random((len(frames), self.harmonics.hop), dtype=np.float32) * 2.0 - 1.0
        made = zip(frames, found["partials"][0], found["noise"][0], noise)
        return np.concatenate([self.harmonics.render(float(f0), a, g, n) for f0, a, g, n in made])

    def step(self):
        """Network and synthesiser, once."""
        return self.sound(self.network())


def distribution(seconds):
    """Sum up durations: count, mean, median, 95th percentile, worst."""
    ordered = np.sort(np.asarray(seconds, dtype=np.float64))
    return {
        "n": len(ordered),
        "mean_s": float(ordered.mean()),
        "median_s": float(np.median(ordered)),
        "p95_s": float(ordered[min(len(ordered) - 1, int(np.ceil(0.95 * len(ordered))) - 1)]),
        "worst_s": float(ordered[-1]),
    }


def measure_steps(model, budget_s):
    """Time single steps for so long, at least `LEAST` of them: network, synthesiser, both."""
    network, synthesiser = [], []
    until = time.perf_counter() + budget_s
    while len(network) < LEAST or time.perf_counter() < until:
        started = time.perf_counter()
        found = model.network()
        between = time.perf_counter()
        model.sound(found)
        network.append(between - started)
        synthesiser.append(time.perf_counter() - between)
    return {
        "samples": model.samples,
        "network": distribution(network),
        "synthesiser": distribution(synthesiser) if model.harmonics is not None else None,
        "both": distribution([a + b for a, b in zip(network, synthesiser)]),
    }


def measure_block(model, block, budget_s):
    """Time the filling of one audio block after the other; what a step makes too much is left for the next block."""
    spans, steps, left = [], [], 0
    until = time.perf_counter() + budget_s
    while len(spans) < LEAST or time.perf_counter() < until:
        started, needed = time.perf_counter(), 0
        while left < block:
            model.step()
            left += model.samples
            needed += 1
        left -= block
        spans.append(time.perf_counter() - started)
        steps.append(needed)
    period = block / model.rate
    found = distribution(spans)
    return {
        "block": block,
        "period_s": period,
        "steps_least": min(steps),
        "steps_most": max(steps),
        "real_time_factor": found["mean_s"] / period,
        "worst_factor": found["worst_s"] / period,
        **found,
    }


def simulate(model, block, seconds, watch=lambda: None):
    """Play for so long against the clock, without a sound card: a block is late if it is not there when it is due.

    The card asks for a block every `block / rate` seconds and wants it one such period later. When it is late, the card
    plays silence, whole periods of it, and each of them counts as a dropout.
    """
    period, left = block / model.rate, 0
    began = start = time.perf_counter()
    blocks = dropouts = 0
    busy = worst_late = 0.0
    while time.perf_counter() - began < seconds:
        asked = start + blocks * period
        if (wait := asked - time.perf_counter()) > 0:
            watch()
            time.sleep(max(0.0, asked - time.perf_counter()))
        started = time.perf_counter()
        while left < block:
            model.step()
            left += model.samples
        left -= block
        ended = time.perf_counter()
        busy += ended - started
        late = ended - (asked + period)
        if late > 0:
            missed = int(late / period) + 1
            dropouts += missed
            start += missed * period
            worst_late = max(worst_late, late)
        blocks += 1
        if wait <= 0:
            watch()
    played = time.perf_counter() - began
    return {
        "block": block,
        "seconds": played,
        "blocks": blocks,
        "dropouts": dropouts,
        "worst_late_s": worst_late,
        "busy": busy / played,
    }


def read_text(path):
    """Read a small file, or nothing."""
    try:
        return Path(path).read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""


def vcgencmd(what):
    """Ask the Raspberry Pi's firmware, or nothing where there is none."""
    try:
        done = subprocess.run(["vcgencmd", *what.split()], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def conditions(ask_firmware=False):
    """Temperature, clock and throttling, as far as the machine tells; firmware is slow to answer, files are not."""
    heat = read_text("/sys/class/thermal/thermal_zone0/temp")
    clock = read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
    throttled = read_text("/sys/devices/platform/soc/soc:firmware/get_throttled")
    found = {
        "temperature_c": int(heat) / 1000 if heat.lstrip("-").isdigit() else None,
        "clock_hz": int(clock) * 1000 if clock.isdigit() else None,
        "throttled": f"0x{throttled.removeprefix('0x')}" if throttled else None,
    }
    if ask_firmware:
        told = vcgencmd("measure_temp").partition("=")[2].rstrip("'C")
        found["temperature_c"] = found["temperature_c"] if not told else float(told)
        told = vcgencmd("measure_clock arm").partition("=")[2]
        found["clock_hz"] = found["clock_hz"] if not told.isdigit() else int(told)
        told = vcgencmd("get_throttled").partition("=")[2]
        found["throttled"] = told or found["throttled"]
    return found


def resident_bytes(entry="VmRSS"):
    """Memory of this process that is really there (VmRSS), or its highest value (VmHWM)."""
    for line in read_text("/proc/self/status").splitlines():
        if line.startswith(entry + ":"):
            return int(line.split()[1]) * 1024
    return None


def describe_board():
    """What this machine is, in its own words."""
    cpu = [line.partition(":")[2].strip() for line in read_text("/proc/cpuinfo").splitlines() if "model name" in line]
    system = dict(line.split("=", 1) for line in read_text("/etc/os-release").splitlines() if "=" in line)
    memory = [line.split()[1] for line in read_text("/proc/meminfo").splitlines() if line.startswith("MemTotal")]
    fastest = read_text("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    return {
        "name": read_text("/proc/device-tree/model") or (cpu[0] if cpu else platform.machine()),
        "architecture": platform.machine(),
        "bits": 8 * struct.calcsize("P"),
        "cores": os.cpu_count(),
        "fastest_clock_hz": int(fastest) * 1000 if fastest.isdigit() else None,
        "governor": read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or None,
        "memory_bytes": int(memory[0]) * 1024 if memory else None,
        "os": system.get("PRETTY_NAME", platform.system()).strip('"'),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


class Meter(threading.Thread):
    """Read watts once a second from a command's output or from a file."""

    def __init__(self, command, file, scale):
        super().__init__(daemon=True)
        self.command, self.file, self.scale = shlex.split(command or ""), file, scale
        self.watts, self.stopped = [], threading.Event()
        self.read()  # a wrong name is said at once

    def read(self):
        """Read the meter once."""
        try:
            text = (
                subprocess.run(self.command, capture_output=True, text=True, timeout=10, check=True).stdout
                if self.command
                else Path(self.file).read_text()
            )
            return float(text.split()[0]) * self.scale
        except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
            raise BoardError(f"The meter gives no number ({error}).") from error

    def run(self):
        """Collect until stopped; a reading that fails is left out."""
        while not self.stopped.wait(1.0):
            try:
                self.watts.append(self.read())
            except BoardError:
                continue


def measure(model_path, seconds=60.0, block=512, threads=1, meter=None, say=lambda text: None):
    """Measure everything; gives what `bench.json` holds under "results"."""
    before_model = resident_bytes()
    model = Model(model_path, threads)
    about, data = model.about, Path(model_path).read_bytes()
    say(f"{about['model']} {about['precision']}, {about['parameters']:,} weights, on {platform.node()}")
    cold = conditions(ask_firmware=True)
    idle = []
    if meter is not None:
        say("reading the meter at rest")
        for _ in range(3):
            idle.append(meter.read())
            time.sleep(1.0)
    say("warming up")
    until = time.perf_counter() + min(WARM_UP_S, seconds / 5)
    while time.perf_counter() < until:
        model.step()
    budget = min(4.0, seconds / 10)
    say("timing single steps")
    steps = measure_steps(model, budget)
    blocks, simulation, factor, during = [], None, None, []
    if model.samples is not None:
        factor = steps["both"]["mean_s"] * model.rate / model.samples
        for size in BLOCKS:
            say(f"timing blocks of {size} samples")
            blocks.append(measure_block(model, size, budget))
        say(f"playing for {seconds:.0f} s in real time, without sound")
        began, last = time.perf_counter(), [time.perf_counter()]

        def watch():
            if time.perf_counter() - last[0] >= 1.0:
                last[0] = time.perf_counter()
                during.append({"at_s": last[0] - began, **conditions()})
                if len(during) % 10 == 0:
                    say(f"{last[0] - began:.0f} s of {seconds:.0f}")

        if meter is not None:
            meter.start()
        simulation = simulate(model, block, seconds, watch)
        if meter is not None:
            meter.stopped.set()
            meter.join()
    energy = None
    if meter is not None and meter.watts:
        energy = {
            "watts_idle": float(np.mean(idle)),
            "watts_playing": float(np.mean(meter.watts)),
            "joules_per_second_of_sound": float(np.mean(meter.watts)),
            "readings": len(meter.watts),
        }
    return {
        "format": FORMAT,
        "evidence": "measured",
        "board": describe_board(),
        "model": {
            **{key: about[key] for key in ("model", "part", "precision", "run", "widths", "parameters")},
            **{key: about[key] for key in ("sample_rate", "block_samples")},
            "macs_per_second": float(sum(about["macs_per_second"].values())),
            "file_bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        },
        "step": steps,
        "blocks": blocks,
        "real_time_factor": factor,
        "simulation": simulation,
        "memory": {
            "before_model_bytes": before_model,
            "resident_bytes": resident_bytes(),
            "highest_bytes": resident_bytes("VmHWM"),
        },
        "conditions": {"before": cold, "during": during, "after": conditions(ask_firmware=True)},
        "energy": energy,
    }


def write_whole(path, record):
    """Write JSON so that a file is there whole or not at all."""
    target = Path(path)
    scratch = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        scratch.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
        os.replace(scratch, target)
    finally:
        if scratch.exists():
            scratch.unlink()


def arguments(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="measure.py", description=__doc__.split("\n")[0])
    parser.add_argument("model", help="an .onnx file exported by the book")
    parser.add_argument("--out", default="bench.json", help="where to write the result")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to play in real time")
    parser.add_argument("--block", type=int, default=512, help="samples a block while playing")
    parser.add_argument("--threads", type=int, default=1, help="threads of onnxruntime")
    parser.add_argument("--meter-command", help="a program that prints watts")
    parser.add_argument("--meter-file", help="a file that holds watts")
    parser.add_argument("--meter-scale", type=float, default=1.0, help="watts per unit the meter gives, such as 1e-6")
    return parser.parse_args(argv)


def main(argv=None):
    """Measure, write `bench.json`, say what was found; 0 if all went well."""
    args = arguments(argv)

    def say(text):
        print(f"[measure] {text}", file=sys.stderr, flush=True)

    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        if MISSING is not None:
            raise BoardError(f"{MISSING.name} is missing here: python3 -m pip install numpy onnxruntime")
        if args.seconds <= 0 or args.block < 16 or args.threads < 1:
            raise BoardError("--seconds must be above 0, --block at least 16, --threads at least 1.")
        if not Path(args.out).resolve().parent.is_dir():
            raise BoardError(f"There is no folder for {args.out}.")
        wants_meter = args.meter_command or args.meter_file
        meter = Meter(args.meter_command, args.meter_file, args.meter_scale) if wants_meter else None
        found = measure(args.model, args.seconds, args.block, args.threads, meter, say)
        config = {"seconds": args.seconds, "block": args.block, "threads": args.threads}
        provenance = {
            "command": f"python measure.py {Path(args.model).name}",
            "config": config,
            "seeds": [0],
            "commit": "measure.py " + hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12],
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "machine": found["board"]["name"],
        }
        write_whole(args.out, {"provenance": provenance, "results": found})
    except KeyboardInterrupt:
        say("stopped; nothing was written")
        return 130
    except (BoardError, OSError) as error:
        say(str(error))
        return 2
    if found["real_time_factor"] is None:
        say(f"wrote {args.out}; this model makes no fixed amount of sound, so only its steps were timed")
    else:
        played = found["simulation"]
        say(
            f"takes {100 * found['real_time_factor']:.2g} % of real time; {played['dropouts']} dropouts in "
            f"{played['seconds']:.0f} s at blocks of {args.block}; wrote {args.out}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
