import dataclasses

import numpy as np
import pytest

from dl4art.utils.class_folders import ClassedPicture, ClassFolders
from dl4art.utils.cross_validation import cross_validate, data_fingerprint
from dl4art.utils.errors import InputError
from dl4art.utils.folds import make_folds


@pytest.fixture
def found(tmp_path):
    pictures = tuple(
        ClassedPicture(tmp_path / f"{label}{n}.png", label, f"{label}/{n}", "", f"{label}{n}")
        for label in "ab"
        for n in range(4)
    )
    return ClassFolders(tmp_path, ("a", "b"), pictures, ())


def test_what_is_done_is_not_done_again(found, tmp_path):
    folds, trained, told = make_folds(found, 4), [], []

    def learn(fold, number):
        if number == 2 and len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(number)
        assert not {*fold.train} & {*fold.test}
        # always the first class: half of the answers are right
        return np.tile([0.9, 0.1], (len(fold.test), 1)), {"loss": [2, 1.5]}

    with pytest.raises(KeyboardInterrupt):
        cross_validate(found, folds, learn, tmp_path / "folds", tell=told.append)
    trained.append("again")
    evaluation, curves = cross_validate(found, folds, learn, tmp_path / "folds", tell=told.append)
    assert trained == [0, 1, "again", 2, 3]
    assert evaluation.accuracies.tolist() == [0.5] * 4
    assert evaluation.confusion.tolist() == [[4, 0], [4, 0]]
    assert curves == [{"loss": [2.0, 1.5]}] * 4
    assert told[-1] == "fold 4 of 4: 2 pictures, accuracy 0.500"


def test_what_cannot_be_read_is_told(found, tmp_path):
    (tmp_path / "fold-01.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"fold-01.npz: cannot be read.*Delete it"):
        cross_validate(found, make_folds(found, 2), None, tmp_path, tell=lambda _: None)


def test_the_fingerprint_tells_what_is_learnt_from(found):
    other = dataclasses.replace(found.pictures[0], group="a/1")
    changed = dataclasses.replace(found, pictures=(other, *found.pictures[1:]))
    turned = dataclasses.replace(found, pictures=found.pictures[::-1])
    assert data_fingerprint(found) == data_fingerprint(turned) != data_fingerprint(changed)
