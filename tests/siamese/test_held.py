import numpy as np

from dl4art.siamese.held import hold, look_in_families


def test_counts_are_kept_and_crops_encoded_as_in_a_comparison(tiny, samples, family_counter, tmp_path):
    counter, samples = family_counter, samples.take(np.arange(12))
    first = hold(tiny, counter, samples, tmp_path / "c.npz")
    again = hold(tiny, counter, samples, tmp_path / "c.npz")
    assert counter.calls == 1
    np.testing.assert_array_equal(first.counted, again.counted)
    assert np.isnan(first.counted[0, 0]).all()
    assert (first.counted[1:] == [(12, 13), (0.5, 0.5)]).all()
    np.testing.assert_allclose(first.vectors[5:8], tiny.embed(samples.grey[5:8], density=[(12, 13)] * 3), atol=1e-5)


def test_counts_of_another_counter_are_made_anew(tiny, samples, family_counter, tmp_path):
    samples = samples.take(np.arange(6))
    hold(tiny, family_counter, samples, tmp_path / "c.npz")
    other = type(family_counter)()
    other.name = "another"
    hold(tiny, other, samples, tmp_path / "c.npz")
    assert other.calls == 1


def test_crops_are_looked_at_beside_those_of_their_family(tiny, samples):
    guessed = np.tile([[9.0, 12.0]], (len(samples), 2, 1))
    # of the last family every second crop is counted at half its vertical density
    last = np.flatnonzero(samples.family == samples.family[-1])
    guessed[last[::2], :, 0] = 4.5
    looks = look_in_families(tiny, samples, (guessed[:, 0], guessed))
    doubled = np.isfinite(looks.doubled).all(axis=(2, 3))
    assert np.flatnonzero(doubled[:, 0]).tolist() == last[::2].tolist()
    assert not doubled[:, 1:].any()
    np.testing.assert_allclose(
        looks.views[0], tiny.look(samples.grey, counts=(guessed[:, 0], guessed)).views[0], atol=1e-5
    )
