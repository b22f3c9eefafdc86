from __future__ import annotations

import numpy as np

from dl4art.regression.inception import build_inception


def test_it_has_the_upstreams_number_of_parameters():
    model = build_inception()
    assert model.count_params() == 10_169_673
    assert model.input_shape == (None, 200, 200, 1)


def test_it_counts_each_window_by_itself(rng):
    model = build_inception(filters=1, side=64)
    windows = rng.random((3, 64, 64, 1)).astype(np.float32)
    together = model.predict_on_batch(windows)
    assert together.shape == (3, 1)
    np.testing.assert_allclose(model.predict_on_batch(windows[1:2]), together[1:2], rtol=1e-4)
