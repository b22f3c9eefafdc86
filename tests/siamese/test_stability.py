from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.siamese.calibration import UNCALIBRATED
from dl4art.siamese.stability import KEY, CropNeeds, agreement, stable_crops

CALIBRATION = replace(UNCALIBRATED, crops=30)


def test_a_model_that_was_not_measured_advises_two_thirds():
    assert CropNeeds.of(CALIBRATION, {}) == CropNeeds(15, 20, False)


def test_a_model_that_was_measured_says_so():
    assert CropNeeds.of(CALIBRATION, {KEY: {"crops": 10}}) == CropNeeds(15, 10, True)


@pytest.mark.parametrize(
    ("crops", "said"),
    [
        (14, "14 crops are too few for the network's verdict, which needs 15"),
        (15, "may change"),
        (19, "95 % of verdicts"),
    ],
)
def test_few_crops_are_warned_of(crops, said):
    assert said in CropNeeds(15, 20, True).caution(crops)


def test_enough_crops_need_no_word():
    assert CropNeeds(15, 20, True).caution(20) is None
    assert CropNeeds(15, 10, True).caution(15) is None


def test_what_was_not_measured_is_not_called_measured():
    said = CropNeeds(15, 20, False).caution(16)
    assert "was not measured for this model, and 20 of each are advised" in said
    assert "95 %" not in said


def test_both_kinds_weigh_as_much_in_the_agreement():
    whole = ["unlike"] * 9 + ["compatible"]
    fewer = ["unlike"] * 9 + ["undecided"]
    assert agreement(whole, fewer, [False] * 9 + [True]) == 0.5
    assert agreement(whole, whole, [False] * 9 + [True]) == 1
    assert agreement(whole[:9], fewer[:9], [False] * 9) == 1


def test_the_smallest_number_from_which_on_all_sets_agree():
    first = {"5": 0.7, "10": 0.96, "15": 0.97, "20": 0.99}
    assert stable_crops([first], 30)[KEY]["crops"] == 10
    second = {"5": 0.99, "10": 0.93, "15": 0.96}
    found = stable_crops([first, second], 30)[KEY]
    assert found == {"crops": 15, "agreement": {"5": 0.7, "10": 0.93, "15": 0.96}}
    # what agrees by chance below one that does not is no proof
    assert stable_crops([{"5": 0.97, "10": 0.9}], 30)[KEY]["crops"] == 30


def test_nothing_measured_is_nothing_kept():
    assert stable_crops([], 30) == stable_crops([{}, {}], 30) == {}


shares = st.fixed_dictionaries({str(crops): st.floats(0, 1) for crops in (5, 10, 15, 20)})


@given(st.lists(shares, min_size=1, max_size=3), shares)
def test_another_set_never_makes_fewer_crops_enough(sets, more):
    assert stable_crops([*sets, more], 30)[KEY]["crops"] >= stable_crops(sets, 30)[KEY]["crops"]
