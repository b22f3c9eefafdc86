from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.siamese.calibration import UNCALIBRATED
from dl4art.siamese.catalogue import Catalogue
from dl4art.siamese.collection import VERDICTS, AllPairs, cluster, compare_all, groups, linked
from dl4art.siamese.collection_figures import draw_matrix, draw_tree
from dl4art.siamese.search import nearest
from dl4art.utils.pages import png


@pytest.fixture
def judge(tiny):
    """A comparer that can say all four things."""
    calibration = replace(UNCALIBRATED, unlike=0.45, compatible=0.55, crops=8)
    return replace(tiny, calibration=calibration)


@pytest.fixture
def canvases(made_up):
    far = (18.0, 10.0)
    made = [made_up(number, number // 2, crops=6 + number % 3) for number in range(5)]
    return [*made, made_up(5, 2, densities=far), made_up(6, 3, densities=far)]


def pairs_of(similarity, verdict):
    """All pairs with these numbers, given above the diagonal."""
    similarity = np.triu(np.asarray(similarity, float), 1)
    places = np.triu(np.vectorize(VERDICTS.index)(verdict), 1)
    similarity, places = similarity + similarity.T, (places + places.T).astype(np.int8)
    np.fill_diagonal(similarity, 0.9)
    np.fill_diagonal(places, -1)
    nothing = np.zeros(similarity.shape, bool)
    return AllPairs(similarity, similarity, similarity, 0 * similarity, places, nothing, nothing)


@st.composite
def any_pairs(draw):
    count = draw(st.integers(2, 9))
    similarity = draw(st.lists(st.floats(0, 1), min_size=count**2, max_size=count**2))
    verdict = draw(st.lists(st.sampled_from(VERDICTS), min_size=count**2, max_size=count**2))
    return pairs_of(np.reshape(similarity, (count, count)), np.reshape(verdict, (count, count)))


# All pairs


def test_each_pair_is_what_comparing_the_two_gives(judge, canvases):
    found = compare_all(judge, canvases)
    for a, b in found.each():
        alone = judge.compare_encoded(canvases[a], canvases[b])
        for field in fields(found.pair(a, b)):
            if field.name != "halved":
                expected = getattr(alone, field.name)
                assert getattr(found.pair(a, b), field.name) == pytest.approx(expected, abs=1e-5), field.name
        assert found.halved[a, b] == any("half or twice" in text for text in alone.warnings)


def test_the_order_of_canvases_changes_no_pair(judge, canvases, rng):
    found = compare_all(judge, canvases)
    order = rng.permutation(len(canvases))
    again = compare_all(judge, [canvases[place] for place in order])
    for name in ("similarity", "low", "high", "apart", "verdict", "turned"):
        values = getattr(found, name)
        np.testing.assert_array_equal(values, values.T)
        np.testing.assert_allclose(getattr(again, name), values[np.ix_(order, order)], atol=1e-5)


def test_blocks_change_nothing(judge, canvases, monkeypatch):
    found = compare_all(judge, canvases)
    monkeypatch.setattr("dl4art.siamese.collection._BLOCK", 2)
    steps = []
    again = compare_all(judge, canvases, advance=steps.append)
    np.testing.assert_allclose(again.similarity, found.similarity, atol=1e-5)
    assert sum(steps) == 21


def test_in_a_large_collection_what_densities_exclude_is_not_scored_crop_by_crop(judge, canvases):
    whole, quick = compare_all(judge, canvases), compare_all(judge, canvases, wholly=3)
    excluded = whole.has("excluded")
    assert excluded.sum() == 2 * 5 * 2
    np.testing.assert_array_equal(quick.verdict, whole.verdict)
    np.testing.assert_array_equal(quick.apart, whole.apart)
    assert np.isnan(quick.low[excluded]).all()
    assert ((quick.similarity >= 0) & (quick.similarity <= 1)).all()
    np.testing.assert_allclose(quick.similarity[~excluded], whole.similarity[~excluded], atol=1e-5)


def test_on_the_diagonal_stand_the_controls(judge, canvases):
    found = compare_all(judge, canvases)
    assert (np.diag(found.similarity) == 0.9).all()
    assert (np.diag(found.verdict) == -1).all()


# Neighbours and groups


@given(any_pairs())
def test_neighbours_fall_in_similarity_and_the_excluded_come_last(pairs):
    for canvas in range(len(pairs)):
        order = pairs.nearest(canvas, 99)
        assert sorted([*order, canvas]) == list(range(len(pairs)))
        keys = [(pairs.pair(canvas, other).verdict == "excluded", -pairs.similarity[canvas, other]) for other in order]
        assert keys == sorted(keys)
        assert pairs.nearest(canvas, 1) == order[:1]


@given(any_pairs())
def test_in_a_group_all_are_compatible_and_none_is_in_two(pairs):
    found = groups(pairs)
    members = [place for group in found for place in group]
    assert len(members) == len(set(members))
    for group in found:
        assert len(group) > 1
        assert all(pairs.pair(a, b).verdict == "compatible" for a in group for b in group if a != b)
        outside = linked(pairs, group)
        assert not set(outside) & set(group)
        assert all(any(pairs.pair(a, b).verdict == "compatible" for b in group) for a in outside)
    # no two that could be joined are left apart
    alone = [[place] for place in range(len(pairs)) if place not in members]
    for a in alone:
        assert not any(pairs.pair(a[0], b[0]).verdict == "compatible" for b in alone if a != b)


def test_a_chain_is_parted_where_it_is_weakest():
    similarity = [[0, 0.9, 0.1], [0, 0, 0.8], [0, 0, 0]]
    verdict = [["unlike", "compatible", "unlike"], ["unlike", "unlike", "compatible"], ["unlike"] * 3]
    pairs = pairs_of(similarity, verdict)
    assert groups(pairs) == [[0, 1]]
    assert linked(pairs, [0, 1]) == [2]


@given(any_pairs())
def test_distances_are_distances(pairs):
    apart = pairs.distances()
    np.testing.assert_array_equal(apart, apart.T)
    assert (np.diag(apart) == 0).all()
    assert (apart[pairs.has("excluded")] == 1).all()
    assert len(cluster(pairs)) == len(pairs) - 1


# Searching


@pytest.fixture
def catalogue(tmp_path, canvases):
    with Catalogue(tmp_path / "c.db", {"model": "tiny"}) as catalogue:
        for number, canvas in enumerate(canvases):
            catalogue.keep(f"{number}", canvas)
        catalogue.enter("/here", {f"canvas {number}": f"{number}" for number in range(len(canvases))})
        yield catalogue


def test_a_search_gives_what_comparing_with_all_gives(judge, catalogue, canvases, made_up):
    new = made_up(99, 1)
    found = nearest(judge, new, catalogue, top=4)
    alone = {f"canvas {number}": judge.compare_encoded(new, canvas) for number, canvas in enumerate(canvases)}
    assert len(found) == 4
    assert [n.result.similarity for n in found] == sorted([n.result.similarity for n in found], reverse=True)
    for neighbour in found:
        expected = alone[neighbour.entry.name]
        assert neighbour.result.similarity == pytest.approx(expected.similarity, abs=1e-5)
        assert neighbour.result.verdict == expected.verdict
    best = max(alone.values(), key=lambda result: result.similarity)
    assert found[0].result.similarity == pytest.approx(best.similarity, abs=1e-5)
    assert {"canvas", "verdict", "meaning", "low"} <= set(found[0].to_dict())


def test_a_search_is_short_where_there_is_little(judge, catalogue, canvases, made_up):
    assert len(nearest(judge, made_up(99), catalogue, top=50)) == len(canvases)
    without = nearest(judge, canvases[2], catalogue, top=50, content="2")
    assert "canvas 2" not in [neighbour.entry.name for neighbour in without]
    catalogue.enter("/here", {})
    assert nearest(judge, made_up(99), catalogue) == []


def test_a_copy_that_is_found_is_told(judge, catalogue, canvases):
    (same,) = nearest(judge, canvases[2], catalogue, top=1)
    assert same.entry.name == "canvas 2"
    assert "are the same picture" in " ".join(same.warnings)


# Pictures


@pytest.mark.parametrize("count", [2, 9, 130])
def test_pictures_can_be_drawn_of_few_and_many(count, rng):
    similarity = rng.uniform(size=(count, count))
    pairs = pairs_of(similarity, np.array(VERDICTS)[rng.integers(0, 4, (count, count))])
    names = [f"${number}$ a name that is far too long to be shown whole" for number in range(count)]
    for figure in (
        draw_matrix(pairs, names, list(range(count))),
        draw_tree(cluster(pairs), names, groups(pairs)),
    ):
        data = png(figure, dpi=30)
        assert data.startswith(b"\x89PNG")


def test_results_are_plain_values(judge, canvases):
    values = asdict(compare_all(judge, canvases).pair(0, 1))
    assert {type(value) for value in values.values()} == {float, bool, str}
