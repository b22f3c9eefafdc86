import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.utils.class_folders import ClassedPicture, ClassFolders
from dl4art.utils.errors import InputError
from dl4art.utils.folds import block_folds, grouped_folds, largest_count, make_folds


def found_with(tmp_path, pictures):
    listed = tuple(
        ClassedPicture(tmp_path / f"{number}.png", label, f"{label}/{group}", split, str(number))
        for number, (label, group, split) in enumerate(pictures)
    )
    return ClassFolders(tmp_path, tuple(sorted({p.label for p in listed})), listed, ())


@st.composite
def collections(draw):
    """Labels and groups of pictures, and a number of folds that is possible."""
    sizes = draw(st.lists(st.lists(st.integers(1, 4), min_size=2, max_size=7), min_size=2, max_size=3))
    labels = [label for label, groups in enumerate(sizes) for size in groups for _ in range(size)]
    names = [
        f"{label}/{place}"
        for label, groups in enumerate(sizes)
        for place, size in enumerate(groups)
        for _ in range(size)
    ]
    return labels, names, draw(st.integers(2, min(map(len, sizes))))


@given(collections(), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_every_fold_tests_each_class_and_no_group_is_on_both_sides(collection, seed):
    labels, groups, count = collection
    folds = grouped_folds(labels, groups, count, seed)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(labels)))
    for fold in folds:
        assert not {groups[n] for n in fold.train} & {groups[n] for n in fold.test}
        assert {labels[n] for n in fold.test} == {*labels} == {labels[n] for n in fold.train}
        assert len(fold.train) + len(fold.test) == len(labels)


def test_the_same_seed_gives_the_same_folds_and_another_gives_others():
    labels, groups = [0] * 20 + [1] * 20, [str(n) for n in range(40)]
    first, again, other = (grouped_folds(labels, groups, 4, seed) for seed in (3, 3, 4))
    assert all((a.test == b.test).all() for a, b in zip(first, again, strict=True))
    assert any((a.test != b.test).any() for a, b in zip(first, other, strict=True))
    assert {len(fold.test) for fold in first} == {10}


def test_blocks_follow_the_order_of_each_class():
    folds = block_folds([0] * 6 + [1] * 3, [str(n) for n in range(9)], 3)
    assert [fold.test.tolist() for fold in folds] == [[0, 1, 6], [2, 3, 7], [4, 5, 8]]


def test_a_group_is_not_cut_by_a_block():
    folds = block_folds([0] * 6, ["a", "b", "b", "b", "c", "c"], 2)
    assert [fold.test.tolist() for fold in folds] == [[0, 1, 2, 3], [4, 5]]
    with pytest.raises(InputError, match="larger than a block"):
        block_folds([0] * 6, ["a", "a", "a", "a", "a", "c"], 3)


def test_folds_of_a_folder(tmp_path):
    found = found_with(tmp_path, [(label, str(n), "") for label in "ab" for n in range(4)])
    assert len(make_folds(found, 4)) == 4
    twice = make_folds(found, 2, repeats=2)
    assert len(twice) == 4
    assert (twice[0].test != twice[2].test).any()
    assert make_folds(found, 2, blocks=True)[0].test.tolist() == [0, 1, 4, 5]


def test_train_and_test_are_one_fold(tmp_path):
    pictures = [("a", "1", "train"), ("a", "2", "test"), ("b", "3", "train"), ("b", "4", "test")]
    (fold,) = make_folds(found_with(tmp_path, pictures), 10)
    assert (fold.train.tolist(), fold.test.tolist()) == ([0, 2], [1, 3])


def test_the_largest_number_of_folds_is_told(tmp_path):
    pictures = [("a", str(n), "") for n in range(9)] + [("b", group, "") for group in "xxyyz"]
    found = found_with(tmp_path, pictures)
    assert largest_count(found.labels, found.groups) == 3
    with pytest.raises(InputError, match=r"class b has 5 pictures in 3 groups.*Choose 2 to 3 folds"):
        make_folds(found, 10)
    with pytest.raises(InputError, match=r"No folds are possible.*If names that differ .* add --apart\."):
        make_folds(found_with(tmp_path, pictures[:9] + [("b", "x", "")] * 2), 2)


def test_few_groups_do_not_make_scikit_learn_warn(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grouped_folds([0, 0, 1, 1], list("abcd"), 2)
