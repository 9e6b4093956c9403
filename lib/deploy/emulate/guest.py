"""Runs inside the emulated processor: calls ONNX files, with marks around every call. Not imported by the book."""

import ctypes
import json
import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime


def main(folder: Path) -> None:
    """Do what `job.json` asks; leave `<n>.out.npz`."""
    job = json.loads((folder / "job.json").read_text())
    marks = ctypes.CDLL(os.path.join(os.environ["PYTHONPATH"], "libmark.so"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for number, n_calls in enumerate(job["calls"]):
        session = onnxruntime.InferenceSession(
            str(folder / f"{number}.onnx"), options, providers=["CPUExecutionProvider"]
        )
        wanted = {item.name for item in session.get_inputs()}
        names = [item.name for item in session.get_outputs()]
        carried, answers = {}, []
        with np.load(folder / f"{number}.in.npz", allow_pickle=False) as stored:
            inputs = {key: stored[key] for key in stored.files}
        for call in range(n_calls):
            given = {key.split("/", 1)[1]: value for key, value in inputs.items() if key.startswith(f"{call}/")}
            feed = {key: value for key, value in {**given, **carried}.items() if key in wanted}
            marks.mark_begin()
            answer = session.run(None, feed)
            marks.mark_end()
            answers.append(answer)
            carried = {job["carry"][name]: value for name, value in zip(names, answer) if name in job["carry"]}
        outputs = {name: np.stack([answer[k] for answer in answers]) for k, name in enumerate(names)}
        np.savez(folder / f"{number}.out.npz", **outputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
