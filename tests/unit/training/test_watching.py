import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from training.watching import LOG_FILE, RunLog, contact_sheet, plot_log, read_log


def test_a_resumed_log_has_every_step_once(tmp_path: Path) -> None:
    with RunLog(tmp_path) as log:
        for step in range(1, 6):
            log.write(step, {"loss": 10.0 - step})
    with (tmp_path / LOG_FILE).open("a") as stream:
        stream.write('{"step": 6, "lo')  # what a kill leaves
    with RunLog(tmp_path, start=3) as log:
        log.write(4, {"loss": 1.0})
    assert [(line["step"], line["loss"]) for line in read_log(tmp_path)] == [(1, 9), (2, 8), (3, 7), (4, 1)]


def test_tensorboard_reads_the_figures(tmp_path: Path) -> None:
    from tensorboardX import proto  # noqa: F401 -- its messages are what TensorBoard parses
    from tensorboardX.proto.event_pb2 import Event

    with RunLog(tmp_path) as log:
        log.write(1, {"loss": 0.5, "recall@1": 0.25})
    (path,) = (tmp_path / "tensorboard").iterdir()
    found, data = {}, path.read_bytes()
    while data:
        length = int.from_bytes(data[:8], "little")  # record: length, its checksum, the event, its checksum
        event = Event.FromString(data[12 : 12 + length])
        found.update({value.tag: value.simple_value for value in event.summary.value})
        data = data[16 + length :]
    assert found == {"loss": 0.5, "recall_1": 0.25}


def test_curves_are_drawn_from_the_log(tmp_path: Path) -> None:
    assert plot_log(tmp_path) is None
    lines = [{"step": step, "loss": 1 / step, "images_per_s": 50.0} for step in range(1, 80)]
    (tmp_path / LOG_FILE).write_text(
        "\n".join(json.dumps(line) for line in [*lines, {"step": 79, "recall@1": 0.5}])
    )
    path = plot_log(tmp_path)
    assert path is not None
    with Image.open(path) as picture:
        assert picture.size == (1100, 780)  # three panels: loss, recall, speed


def test_a_contact_sheet_shows_each_picture_once(tmp_path: Path) -> None:
    pixels = torch.zeros(3, 3, 16, 16)
    pixels[0, 0], pixels[1, 1], pixels[2, 2] = 1, 2, 1  # beyond 1 is clipped
    with Image.open(contact_sheet(pixels, tmp_path / "sheet.png", labels=("a", "b", "c"))) as page:
        colours = {colour for _, colour in page.convert("RGB").getcolors(1 << 20) or []}
    assert {(255, 0, 0), (0, 255, 0), (0, 0, 255)} <= colours
    with pytest.raises(ValueError, match="B, 3, S, S"):
        contact_sheet(torch.zeros(3, 16, 16), tmp_path / "no.png")
