"""Train it live: a small regularised space learns while its map moves; with your own ratings, if you have them.

In a notebook ipywidgets start, stop and steer a real run. On the static page, where nothing can train, the same
view shows a recording of such a run and says so.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets
import numpy as np
from traitlets import Bool, Bytes, Dict, List, Unicode

from lib import results
from lib.ratings.table import Pooled
from lib.timbre.regularizers import Target
from lib.timbre.train import STRENGTHS, RegularizerName
from lib.widgets.base import Widget
from lib.widgets.live.session import Frame, Session, target_of

__all__ = ["RECORDING", "Live", "LiveMap", "Session", "live"]

#: The recorded run that pages without a kernel show; `python -m lib.widgets.live` makes it.
RECORDING = "timbre/live.json"
NAMES: dict[str, RegularizerName] = {
    "none": "none", "L2 on distances": "l2", "Gaussian ratings": "gaussian", "class prior": "prior",
    "Student, as printed": "student_text", "Student, as released": "student_code",
}  # fmt: skip


class LiveMap(Widget):
    """The view: all frames so far, played or scrubbed through."""

    folder: ClassVar[str] = "live"
    instruments = List(Unicode()).tag(sync=True)
    frames = List(Dict()).tag(sync=True)
    positions = Bytes().tag(sync=True)
    targets = List(List()).tag(sync=True)
    recorded = Unicode().tag(sync=True)
    running = Bool(False).tag(sync=True)


class Live(ipywidgets.VBox):
    """The widget that `live` makes; see there. `session` is the run itself, `map` what shows it."""

    def __init__(self, session_of: Any, ratings: Any, regularizer: RegularizerName, steps: int) -> None:
        self.map = LiveMap(
            label="Train it live",
            alt="A map of notes that moves as a space learns: the notes of an instrument gather, and instruments "
            "move to where listeners' ratings put them, marked by rings.",
        )
        self.session: Session | None = None
        self._session_of, self._ratings, self._steps = session_of, ratings, steps
        label = next(text for text, name in NAMES.items() if name == regularizer)
        self.regularizer = ipywidgets.Dropdown(options=list(NAMES), value=label, description="Regulariser")
        self.strength = ipywidgets.FloatLogSlider(
            value=max(STRENGTHS[regularizer], 0.1), min=-1, max=3.5, step=0.1, description="Strength",
            readout_format=".3g",
        )  # fmt: skip
        self.upload = ipywidgets.FileUpload(accept=".csv", multiple=False, description="Your ratings (CSV)", icon="")
        self.go = ipywidgets.Button(description="Start", button_style="primary")
        self.again = ipywidgets.Button(description="Afresh")
        self.says = ipywidgets.HTML("")
        for control in (self.regularizer, self.strength, self.upload):
            control.layout.width = "auto"
        self.strength.layout.width = "300px"
        self.go.on_click(lambda _: self.toggle())
        self.again.on_click(lambda _: self.reset())
        self.regularizer.observe(lambda change: self._chosen(change["new"]), names="value")
        self.strength.observe(lambda change: self._pull(change["new"]), names="value")
        self.upload.observe(lambda change: self._uploaded(change["new"]), names="value")
        controls = ipywidgets.VBox(
            [
                ipywidgets.HBox([self.go, self.again, self.upload]),
                ipywidgets.HBox([self.regularizer, self.strength]),
                self.says,
            ]
        )
        controls.add_class("live-controls")
        self._figure = _ipympl_figure()
        children = [controls, self.map] + ([self._figure.canvas] if self._figure else [])
        super().__init__(children)
        self.add_class("timbre-live-box")
        _show_recording(self.map)

    def __repr__(self) -> str:
        return f"<Live: {self.map.alt}>"

    def toggle(self) -> None:
        """Start, stop or resume."""
        if self.session is not None and self.session.running:
            self.session.stop()
        else:
            self.start()
        self._label()

    def start(self) -> None:
        """Start a run, or resume the stopped one."""
        if self.session is None or self.session.finished:
            self._new_session()
        assert self.session is not None
        self.session.start()
        self._label()

    def reset(self) -> None:
        """Stop, and forget the run: the next start begins afresh with the choices of the moment."""
        if self.session is not None:
            self.session.stop()
        self.session = None
        self.says.value = ""
        _show_recording(self.map)
        self._label()

    def _new_session(self) -> None:
        self.says.value = "Reading the corpus …"
        self.session = self._session_of(
            target_of(self._ratings), regularizer=NAMES[self.regularizer.value], strength=self.strength.value,
            steps=self._steps, show=self._show,
        )  # fmt: skip
        self.says.value = ""
        self.map.recorded = ""
        self.map.instruments = self.session.instruments
        self._put(self.session)

    def _show(self, frame: Frame) -> None:
        session = self.session
        if session is None:
            return
        self._put(session)
        if self._figure:
            _redraw(self._figure, session)
        if session.finished:
            found = f"agreement with the ratings {frame.agreement:.2f} on training notes"
            self.says.value = f"{frame.step} steps in {frame.seconds:.0f} s; {found}."
            self._label(running=False)

    def _put(self, session: Session) -> None:
        with self.map.hold_sync():
            self.map.frames, self.map.positions = packed(session.frames)
            self.map.targets = np.round(session.targets(), 4).tolist()
            self.map.running = not session.finished and session.running

    def _label(self, running: bool | None = None) -> None:
        session = self.session
        running = session is not None and session.running if running is None else running
        self.map.running = running
        fresh = session is None or session.finished
        self.go.description = "Stop" if running else "Start" if fresh else "Resume"

    def _chosen(self, text: str) -> None:
        self.strength.value = max(STRENGTHS[NAMES[text]], 0.1)
        self.reset()

    def _pull(self, strength: float) -> None:
        if self.session is not None:
            self.session.set_strength(strength)

    def _uploaded(self, files: tuple[Any, ...]) -> None:
        if not files:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ratings.csv"
            path.write_bytes(bytes(files[0]["content"]))
            try:
                self._ratings = target_of(path)
            except ValueError as error:
                self.says.value = f"<b>{error}</b>"
                return
        self.reset()
        self.says.value = f"Your ratings of {len(self._ratings.names)} instruments are the target now."


def live(
    ratings: str | Path | Pooled | Target = "published", *, regularizer: RegularizerName = "l2", steps: int = 600
) -> Live:
    """Train a small regularised space while you watch; stop, change the strength, resume.

    It takes well under two minutes on one core. Positions are the notes' means in the rated dimensions of the free
    code, seen in the plane where instruments differ most and turned to follow the frame before; rings are where
    the ratings alone would put the instruments. With the `ipympl` backend an interactive figure of the loss
    stands below.

    Args:
        ratings: "published", the CSV file that the rating widget saved, or a target.
        regularizer: how ratings act, as in `lib.timbre.train`; changed by a control.
        steps: of the whole run.

    Raises:
        BookError: the ratings cannot be read.

    Chapter: *Regularising with perception*.
    """
    return Live(Session, target_of(ratings), regularizer, steps)


def packed(frames: list[Frame]) -> tuple[list[dict[str, float | int | None]], bytes]:
    """Frames for the page: a list of numbers, and all positions as int16 thousandths, [frame, note, 2]."""
    about = [
        {
            "step": frame.step,
            "seconds": round(frame.seconds, 2),
            "reconstruction": None if np.isnan(frame.reconstruction) else round(frame.reconstruction, 3),
            "regularizer": round(frame.regularizer, 5),
            "agreement": round(frame.agreement, 4),
        }
        for frame in frames
    ]
    every = np.stack([frame.positions for frame in frames])
    return about, np.clip(np.round(every * 1000), -32768, 32767).astype("<i2").tobytes()


def record(path: str = RECORDING, *, steps: int = 600) -> Path:
    """Run once with the published ratings and keep the frames for pages without a kernel."""
    session = Session(Target.pooled(), steps=steps)
    session.start()
    session.wait()
    if session.error:
        raise session.error
    kept = [frame for frame in session.frames if frame.step % 20 == 0 or frame.step <= 60]
    about, positions = packed(kept)
    found = {
        "instruments": session.instruments,
        "frames": about,
        "positions": base64.b64encode(positions).decode(),
        "targets": np.round(session.targets(), 4).tolist(),
    }
    config = {"regularizer": "l2", "strength": STRENGTHS["l2"], "steps": steps}
    return results.write_result(path, found, provenance=results.provenance(config=config, seeds=[0]))


def _show_recording(view: LiveMap) -> None:
    if not (results.RESULTS / RECORDING).exists():
        return
    stored = results.read_result(RECORDING)
    found, source = stored["results"], stored["provenance"]
    with view.hold_sync():
        view.instruments = found["instruments"]
        view.frames = found["frames"]
        view.positions = base64.b64decode(found["positions"])
        view.targets = found["targets"]
        last = found["frames"][-1]
        view.recorded = f"{last['step']} steps in {last['seconds']:.0f} s, {source['date']}, on {source['machine']}"
        view.running = False


def _ipympl_figure() -> Any:
    """An interactive figure of the loss where the notebook's matplotlib draws with ipympl, else None."""
    import matplotlib

    backend = matplotlib.get_backend()
    if "ipympl" not in backend and backend != "widget":
        return None
    import matplotlib.pyplot as plt

    with plt.ioff():
        figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.4), constrained_layout=True)
    figure.canvas.header_visible = False
    for one, title in zip(axes, ("Reconstruction (nats a spectrum)", "Agreement with the ratings")):
        one.set_title(title, fontsize=10)
        one.set_xlabel("step")
        one.plot([], [], color="#0077a8")
    axes[1].set_ylim(-0.2, 1.02)
    return figure


def _redraw(figure: Any, session: Session) -> None:
    steps = [frame.step for frame in session.frames]
    curves = ([frame.reconstruction for frame in session.frames], [frame.agreement for frame in session.frames])
    for axes, values in zip(figure.axes, curves):
        axes.lines[0].set_data(steps, values)
        axes.relim()
        axes.autoscale_view(scaley=axes is figure.axes[0])
    figure.canvas.draw_idle()
