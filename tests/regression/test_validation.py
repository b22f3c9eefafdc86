from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.cropping import plate_from_array
from dl4art.regression.validation import (
    Checked,
    ManualCount,
    agreement,
    check_spots,
    compare_counts,
    read_manual,
)
from dl4art.regression.validation_report import agreement_rows, write_validation
from dl4art.utils.errors import InputError
from dl4art.utils.provenance import provenance

HEAD = "x_cm,y_cm,direction,count,width_cm\n"


@pytest.fixture
def table(tmp_path):
    def write(text, name="manual.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def found(thread_map):
    """Vertical threads 10, 11, ... per cm from column to column, horizontal ones 15; the last column is blank."""
    shape = 6, 8
    density = np.stack([np.broadcast_to(10.0 + np.arange(8), shape), np.full(shape, 15.0)], axis=-1)
    density[:, -1] = np.nan
    return thread_map(density, (0, 60))


def test_a_table_is_read_in_any_order_and_with_more_columns(table):
    counts = read_manual(table("note,Direction,count,width_cm,y_cm,x_cm\nmine,V,18,1.5,2,3.5\n,horizontal,10,1,0,1\n"))
    assert counts[0] == ManualCount(3.5, 2.0, "vertical", 18.0, 1.5)
    assert counts[0].per_cm == 12
    assert counts[1].direction == "horizontal"


def test_a_spreadsheet_may_write_semicolons_and_a_mark_first(table):
    assert read_manual(table("\ufeff" + HEAD.replace(",", ";") + "1;2;h;10;1\n"))[0].per_cm == 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y_cm,direction,count,width_cm\n1,2,v,3,1\n", "no column x_cm; there are x, y_cm"),
        ("", "no column x_cm and no column y_cm"),
        (HEAD, "holds no counts"),
        (HEAD + "1,2,v,3,1\n1,2,up,3,1\n", "line 3: direction is 'up'"),
        (HEAD + "1,2,v,many,1\n", "line 2: count is 'many'. Write a number"),
        (HEAD + "1,2,v,,1\n", "line 2: count is ''"),
        (HEAD + "1,2,v,3,0\n", "width_cm is 0. Write a number above zero"),
        (HEAD + "1,2,v,-3,1\n", "count is -3"),
        (HEAD + "1,2,v,nan,1\n", "count is 'nan'"),
        (HEAD + '"1,5",2,v,3,1\n', "Write a point for the comma: 1.5"),
        (HEAD + "1,5,2,v,3,1\n", "more cells than the first line"),
        (HEAD.replace(",", ";") + "1,5;2;v;3;1\n", "Write a point for the comma: 1.5"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(table, text, said):
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        read_manual(table(text))


def test_files_that_are_no_tables(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(InputError, match="not text in UTF-8"):
        read_manual(tmp_path / "x.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_manual(tmp_path / "none.csv")


def test_spots_lie_on_the_plate():
    plate = plate_from_array(np.zeros((300, 400)), 100.0)
    check_spots([ManualCount(4, 3, "vertical", 10, 1)], plate)
    with pytest.raises(InputError, match=r"spot 2 at x = 4.5, y = 1 cm .* 4.00 x 3.00 cm"):
        check_spots([ManualCount(1, 1, "vertical", 10, 1), ManualCount(4.5, 1, "vertical", 10, 1)], plate)


def test_the_map_speaks_over_the_counted_stretch(found):
    narrow, wide, level, blank = compare_counts(
        [
            ManualCount(1.25, 1.25, "vertical", 12, 1),
            ManualCount(1.75, 1.25, "vertical", 39, 3),
            ManualCount(1.25, 1.25, "horizontal", 15, 2),
            ManualCount(3.75, 1.25, "vertical", 12, 1),
        ],
        found,
    )
    assert narrow.map_per_cm == pytest.approx(12)
    assert (narrow.low, narrow.high) == pytest.approx((11.76, 12.24))
    assert wide.map_per_cm == pytest.approx(13)
    # a hand counts threads along the ruler, the map across the threads
    assert level.map_per_cm == pytest.approx(7.5)
    assert blank.map_per_cm is blank.difference is None


def test_agreement_as_bland_and_altman_have_it():
    manual = [ManualCount(1, 1, "vertical", 10, 1)] * 4
    checked = [
        Checked(spot, value, value - 0.2, value + 0.2)
        for spot, value in zip(manual, (10.1, 9.9, 10.6, 11.4), strict=True)
    ]
    found = agreement([*checked, Checked(manual[0], None, None, None)])
    assert (found.spots, found.compared) == (5, 4)
    assert found.mean_error == pytest.approx(0.55)
    assert found.relative_error == pytest.approx(0.055)
    assert found.bias == pytest.approx(0.5)
    assert found.sd == pytest.approx(np.std([0.1, -0.1, 0.6, 1.4], ddof=1))
    assert found.upper_limit == pytest.approx(0.5 + 1.96 * found.sd)
    assert (found.within_half, found.within_one, found.in_interval) == (0.5, 0.75, 0.5)


def test_nothing_to_compare_is_said_so():
    found = agreement([Checked(ManualCount(1, 1, "vertical", 10, 1), None, None, None)])
    assert (found.compared, found.bias) == (0, None)
    assert dict(agreement_rows(found))["spots compared"] == "0 of 1"


@given(st.lists(st.tuples(st.floats(5, 25), st.floats(5, 25)), min_size=1, max_size=20))
def test_limits_lie_about_the_bias(pairs):
    found = agreement(
        [Checked(ManualCount(0, 0, "vertical", manual, 1), value, value, value) for manual, value in pairs]
    )
    assert found.lower_limit <= found.bias <= found.upper_limit
    assert abs(found.bias) <= found.mean_error + 1e-9
    assert found.within_half <= found.within_one


def test_the_report_shows_each_spot(found, tmp_path, rng):
    y, x = np.mgrid[:600, :800] / 200
    pixels = 100 + 20 * np.cos(2 * np.pi * 12 * x) + 20 * np.cos(2 * np.pi * 15 * y) + rng.normal(0, 3, y.shape)
    plate = plate_from_array(pixels, 200.0)
    checked = compare_counts(
        [ManualCount(1.25, 1.25, "vertical", 12, 1), ManualCount(3.75, 2.9, "horizontal", 12, 1)], found
    )
    write_validation(
        tmp_path / "report.html", plate, checked, agreement(checked), provenance(parameters={"step_cm": 0.5})
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 3
    assert "12 vertical threads in 1 cm: 12.00 per cm. Map 12.00 (11.76 to 12.24), +0.00." in page
    assert "http" not in page
