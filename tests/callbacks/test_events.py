"""Event files, taken apart by an independent reader."""

import struct
import zlib

import numpy as np
import pytest

from jkeras.callbacks import events


def records(path):
    """The data of each TFRecord; checksums are checked."""
    raw = path.read_bytes()
    found = []
    while raw:
        (length,) = struct.unpack("<Q", raw[:8])
        assert struct.unpack("<I", raw[8:12])[0] == events.masked_crc32c(raw[:8])
        data, check = raw[12 : 12 + length], raw[12 + length : 16 + length]
        assert struct.unpack("<I", check)[0] == events.masked_crc32c(data)
        found.append(data)
        raw = raw[16 + length :]
    return found


def message(data):
    """`{field number: [values]}` of a message; lengths stay bytes."""
    fields, i = {}, 0

    def varint():
        nonlocal i
        value = shift = 0
        while True:
            byte = data[i]
            i += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while i < len(data):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(kind) or varint()
            value, i = data[i : i + size], i + size
            if kind != 2:
                value = struct.unpack("<d" if kind == 1 else "<f", value)[0]
        fields.setdefault(number, []).append(value)
    return fields


def read(folder):
    """`{(tag, step): message of the value}` and the graph of the event files in a directory."""
    values, graphs = {}, []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        first, *rest = [message(record) for record in records(path)]
        assert first[3] == [b"brain.Event:2"]
        for event in rest:
            graphs += event.get(4, [])
            for summary in event.get(5, []):
                for value in message(summary).get(1, []):
                    decoded = message(value)
                    values[decoded[1][0].decode(), event.get(2, [0])[0]] = decoded
    return values, graphs


@pytest.fixture
def written(tmp_path):
    def write(values, step=3):
        writer = events.EventWriter(tmp_path)
        writer.add(values, step)
        writer.close()
        return read(tmp_path)[0]

    return write


def test_scalar(written):
    assert written([events.scalar("loss", 0.5)])["loss", 3][2] == [0.5]


def test_histogram(written):
    x = np.array([[1.0, -2.0, 4.0], [np.nan, np.inf, 0.0]])
    histogram = message(written([events.histogram("w", x)])["w", 3][5][0])
    assert [histogram[i][0] for i in range(1, 6)] == [-2.0, 4.0, 4.0, 3.0, 21.0]
    limits, counts = (np.frombuffer(histogram[i][0], "<f8") for i in (6, 7))
    assert limits.shape == counts.shape == (30,) and counts.sum() == 4 and limits[-1] == 4.0


def test_histogram_of_nothing(written):
    assert message(written([events.histogram("w", [np.nan])])["w", 3][5][0])[3] == [1.0]


@pytest.mark.parametrize(
    "pixels, grey",
    [
        ([[0.0, 1.0, 2.0]], [[0, 128, 255]]),
        ([[-1.0, 0.0, 0.5]], [[0, 128, 191]]),
        ([[0.0, 0.0, 0.0]], [[0, 0, 0]]),
    ],
)
def test_image(written, pixels, grey):
    picture = message(written([events.image("w", pixels)])["w", 3][4][0])
    assert (picture[1], picture[2], picture[3]) == ([1], [3], [1])
    png = picture[4][0]
    start = png.index(b"IDAT")
    (size,) = struct.unpack(">I", png[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(png[start + 4 : start + 4 + size]), np.uint8).reshape(1, 4)
    assert rows[:, 1:].tolist() == grey


def test_text_and_graph(tmp_path):
    writer = events.EventWriter(tmp_path)
    writer.add_graph(events.graph([("a", "InputLayer", [], [(None, 2)]), ("b", "Dense", ["a"], [])]))
    writer.add([events.text("about", "*hello*")], 0)
    writer.close()
    values, [graph] = read(tmp_path)
    assert message(values["about", 0][8][0])[8] == [b"*hello*"]
    nodes = [message(node) for node in message(graph)[1]]
    assert [(n[1], n[2], n.get(3, [])) for n in nodes] == [
        ([b"a"], [b"InputLayer"], []),
        ([b"b"], [b"Dense"], [b"a"]),
    ]
    shape = message(message(message(message(nodes[0][5][0])[2][0])[1][0])[7][0])
    assert [message(size)[1][0] for size in shape[2]] == [2**64 - 1, 2]


def test_two_writers_in_a_second_have_files_of_their_own(tmp_path):
    writers = [events.EventWriter(tmp_path) for _ in range(2)]
    for writer in writers:
        writer.close()
    assert writers[0].path != writers[1].path


def test_the_real_tensorboard_reads_it(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    writer = events.EventWriter(tmp_path)
    writer.add([events.scalar("loss", 0.5), events.histogram("w", np.arange(5.0))], 7)
    writer.close()
    accumulator = reader.EventAccumulator(str(tmp_path))
    accumulator.Reload()
    assert [(e.step, e.value) for e in accumulator.Scalars("loss")] == [(7, 0.5)]
    assert accumulator.Histograms("w")[0].histogram_value.num == 5.0
