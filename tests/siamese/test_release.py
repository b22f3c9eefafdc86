"""Calibration, tests and card, on a few woven patterns in place of simulated canvases."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from dl4art.regression.estimate import ThreadEstimate
from dl4art.siamese import FabricComparer, release
from dl4art.siamese.calibration import Calibration, Densities
from dl4art.siamese.encoder import EncoderSettings
from dl4art.siamese.false_matches import KEY
from dl4art.siamese.release import (
    Canvas,
    KnownPairs,
    calibrate,
    canvases,
    evaluate,
    finish_comparer,
    hold,
    judge,
    known_pair_scores,
)
from dl4art.siamese.samples import FamilySamples
from dl4art.siamese.training import ComparerSettings
from dl4art.simulation.statistics import STATISTICS
from dl4art.utils.models import open_model

FAMILIES, CLOTHS, PLATES, CROPS = 3, 2, 2, 6


def woven_families(seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:200, :200] / 200
    grey, labels, statistics = [], [], []
    for family in range(FAMILIES):
        for cloth in range(CLOTHS):
            number = family * CLOTHS + cloth
            for plate in range(PLATES):
                for _ in range(CROPS):
                    threads = np.cos(2 * np.pi * (9 + family) * x) + np.cos(2 * np.pi * (11 + 2 * cloth) * y)
                    noise = rng.normal(0, 0.1 + cloth, (200, 200))
                    grey.append(np.clip(128 + 20 * threads + 20 * noise, 0, 255).astype(np.uint8))
                    labels.append((family, number, number * PLATES + plate))
                    statistics.append(rng.normal(cloth, 0.1, (2, len(STATISTICS))))
    known = np.array(labels, np.int32)
    density = np.stack([9.0 + known[:, 0], np.full(len(known), 12.0)], axis=1).astype(np.float32)
    turned = np.zeros(len(known), bool)
    return FamilySamples(
        np.array(grey), known[:, 0], known[:, 1], known[:, 2], turned, density, np.array(statistics, np.float32)
    )


class Counter:
    """Cannot read the first picture of each call, and finds 12 and 13 th/cm in the others."""

    name = "test-counter"

    def __init__(self):
        self.calls = 0

    def predict(self, pictures, *, px_per_cm):
        self.calls += 1
        return [
            ThreadEstimate("ok", 12.0, 13.0, 11.5, 12.5, 12.5, 13.5) if number else ThreadEstimate("no-estimate")
            for number in range(len(pictures))
        ]


class Oracle:
    """Knows the cloth from the mean of the statistics."""

    def score(self, statistics):
        means = statistics.mean(axis=(1, 2))
        apart = np.abs(means[:, None] - means[None])
        return np.stack([-apart, -apart], axis=-1)


@pytest.fixture(scope="module")
def samples():
    return woven_families()


@pytest.fixture(scope="module")
def held(tiny, samples, tmp_path_factory):
    """Encoding takes long: not to be changed."""
    return hold(tiny, Counter(), samples, tmp_path_factory.mktemp("held") / "counted.npz")


DRIFTED = np.linspace(0, 0.8, 50)


def pairs_of(rng, same=400, different=800, apart=2.0):
    """Known pairs whose evidence is normal, with intervals of half-width 0.3."""
    truth = np.arange(same + different) < same
    evidence = rng.normal(np.where(truth, apart, -apart), 1.0)
    densities = np.where(truth, rng.uniform(0, 0.9, len(truth)), rng.uniform(0, 3, len(truth)))
    return KnownPairs(truth, evidence, evidence - 0.3, evidence + 0.3, densities, densities + 2)


def test_counts_are_kept_and_crops_encoded_as_in_a_comparison(tiny, samples, tmp_path):
    counter, samples = Counter(), samples.take(np.arange(12))
    first = hold(tiny, counter, samples, tmp_path / "c.npz")
    again = hold(tiny, counter, samples, tmp_path / "c.npz")
    assert counter.calls == 1
    np.testing.assert_array_equal(first.counted, again.counted)
    assert np.isnan(first.counted[0, 0]).all()
    assert (first.counted[1:] == [(12, 13), (0.5, 0.5)]).all()
    np.testing.assert_allclose(first.vectors[5:8], tiny.embed(samples.grey[5:8], density=[(12, 13)] * 3), atol=1e-5)


def test_counts_of_another_counter_are_made_anew(tiny, samples, tmp_path):
    samples = samples.take(np.arange(6))
    hold(tiny, Counter(), samples, tmp_path / "c.npz")
    other = Counter()
    other.name = "another"
    hold(tiny, other, samples, tmp_path / "c.npz")
    assert other.calls == 1


def test_canvases_are_the_readable_crops_of_a_plate(held):
    found = canvases(held)
    assert len(found) == FAMILIES * CLOTHS * PLATES
    assert [len(canvas.vectors) for canvas in found] == [CROPS - 1] + [CROPS] * (len(found) - 1)
    assert found[-1].densities == Densities(12.0, 13.0, 0.0, 0.0, 0.5, 0.5)
    assert len({canvas.seed for canvas in found}) == len(found)


def test_plates_with_too_few_readable_crops_are_left_out(held):
    counted = held.counted.copy()
    counted[: CROPS - 3] = np.nan
    assert len(canvases(replace(held, counted=counted))) == FAMILIES * CLOTHS * PLATES - 1


def test_pairs_are_matched_within_families_and_strangers_come_from_others(held):
    known = canvases(held)
    pairs = list(release.matched(known))
    assert len(pairs) == FAMILIES * 6
    assert sum(a.cloth == b.cloth for a, b in pairs) == FAMILIES * CLOTHS
    strangers = list(release.unmatched(known, each=2))
    assert len(strangers) == 2 * len(known)
    assert all(a.family != b.family for a, b in strangers)


def test_known_pairs_are_compared_as_plates_are(tiny):
    rng = np.random.default_rng(0)
    a, b = (
        Canvas(0, 0, rng.normal(size=(7, 2, 7)).astype(np.float32), density, n, np.zeros((7, 2, 2)))
        for n, density in enumerate(Densities(12.0, mean, 0.1, 0.1, 0.1, 0.1) for mean in (13.0, 14.0))
    )
    found, swapped = (release.compare_known(tiny, iter([pair])) for pair in ((a, b), (b, a)))
    assert found.same.tolist() == [True]
    assert found.low[0] < found.evidence[0] < found.high[0]
    for name in ("evidence", "low", "high", "apart", "doubled"):
        np.testing.assert_allclose(getattr(found, name), getattr(swapped, name), atol=1e-5)


def test_calibrated_verdicts_keep_their_promises_on_others(rng):
    calibration = calibrate(pairs_of(rng), 30, DRIFTED)
    result = judge(calibration, pairs_of(rng, 4000, 4000))
    same, different = result["same"], result["different"]
    assert same["unlike"] + same["excluded"] <= 0.015
    assert different["compatible"] <= 0.06
    assert same["decided"] > 0.6
    assert different["decided"] > 0.6
    assert calibration.bolt == pytest.approx(1.0, abs=0.2)
    assert result["auc"] > 0.99
    assert result["decided"] == pytest.approx((same["decided"] + different["decided"]) / 2)
    assert sum(same["histogram"]) == same["pairs"] == 4000
    assert same["quantiles"] == sorted(same["quantiles"])
    # the slope of two normal kinds at +-2 with deviation one is four
    assert calibration.slope == pytest.approx(4.0, rel=0.3)


def test_a_count_of_every_second_thread_spoils_no_limit(rng):
    pairs = pairs_of(rng)
    calibration = calibrate(pairs, 30, DRIFTED)
    wrong = np.arange(len(pairs.same)) < 4
    spoilt = replace(
        pairs,
        evidence=np.where(wrong, -40.0, pairs.evidence),
        high=np.where(wrong, -39.0, pairs.high),
        apart=np.where(wrong, 11.0, pairs.apart),
        doubled=np.where(wrong, 0.2, pairs.doubled),
    )
    again = calibrate(spoilt, 30, DRIFTED)
    assert again.bolt == pytest.approx(calibration.bolt, abs=0.02)
    assert again.unlike == pytest.approx(calibration.unlike, rel=0.5)
    only = KnownPairs(*(getattr(spoilt, name)[wrong] for name in KnownPairs.__dataclass_fields__))
    assert judge(again, only)["same"]["undecided"] == 1


def test_cloths_drift_more_than_the_rule_of_thumb_and_less_than_cloths_differ(held):
    known = canvases(held)
    sure = [replace(canvas, densities=Densities(12.0, 13.0, 0.0, 0.0, 0.1, 0.1)) for canvas in known]
    drifted = release.drifts(sure, count=200)
    assert drifted.shape == (200,)
    assert np.median(drifted) < 0.5
    assert 1 < np.quantile(drifted, 0.99) < 6
    np.testing.assert_array_equal(drifted, release.drifts(sure, count=200))
    # where densities are known less well, less is known to have drifted
    assert (release.drifts(known, count=200) <= drifted).mean() > 0.99


def test_kinds_that_overlap_leave_much_undecided(rng):
    calibration = calibrate(pairs_of(rng, apart=0.3), 30, DRIFTED)
    result = judge(calibration, pairs_of(rng, 4000, 4000, apart=0.3))
    assert result["same"]["undecided"] > 0.5
    assert result["same"]["unlike"] <= 0.015
    assert result["different"]["compatible"] <= 0.06


def test_one_kind_alone_is_judged_without_an_area(rng):
    pairs = pairs_of(rng, same=0)
    result = judge(calibrate(pairs_of(rng), 30, DRIFTED), pairs)
    assert set(result) == {"different"}


def test_an_evaluation_says_all_there_is_to_say(tiny, held):
    result = evaluate(tiny, held, Oracle())
    assert result["oracle"]["pair_auc"] > 0.99
    assert 0 <= result["pairs"]["pair_auc"] <= 1
    assert result["canvases"]["same"]["pairs"] == FAMILIES * CLOTHS
    assert set(result["strangers"]) == {"different"}
    assert next(iter(result["aggregations"])) == "mean log odds"
    assert result["aggregations"]["mean log odds"] == pytest.approx(result["canvases"]["auc"])
    assert set(result["by_crops"]) == {"5", "10", "15", "20"}
    # no canvas here has more than twenty
    assert result["by_crops"]["20"] == pytest.approx(result["canvases"]["auc"])
    assert 0 <= result["stability"].pop("5") <= 1
    assert result["stability"] == {}  # no canvas here has more than ten
    assert sum(weight for weight, _, _ in result["canvases"]["reliability"]) == pytest.approx(1)
    assert "oracle" not in evaluate(tiny, held)


def test_verdicts_from_fewer_crops_are_held_against_those_from_all(tiny, held, monkeypatch):
    monkeypatch.setattr(release, "FEWER", (4, CROPS))
    comparer = replace(tiny, calibration=replace(tiny.calibration, unlike=0.5, compatible=0.5))
    pairs = list(release.matched(canvases(held)))
    given = release.verdicts(comparer.calibration, release.compare_known(comparer, pairs))
    found = release.verdict_stability(comparer, pairs, given)
    few = [(a.some(4), b.some(4)) for a, b in pairs]
    assert {len(canvas.vectors) for pair in few for canvas in pair} == {4}
    agree = given == release.verdicts(comparer.calibration, release.compare_known(comparer, few))
    same = np.array([a.cloth == b.cloth for a, b in pairs])
    assert found == {"4": pytest.approx((agree[same].mean() + agree[~same].mean()) / 2)}


def test_known_pairs_of_crops_are_of_two_plates_and_readable(tiny, held):
    same, different = known_pair_scores(tiny, held)
    readable = np.isfinite(held.counted).all(axis=(1, 2))
    counts = [0, 0]
    for a, b in combinations(np.flatnonzero(readable), 2):
        if held.samples.family[a] == held.samples.family[b] and held.samples.plate[a] != held.samples.plate[b]:
            counts[int(held.samples.cloth[a] != held.samples.cloth[b])] += 1
    assert [len(same), len(different)] == counts


def test_refused_crops_are_looked_at_in_a_second_frame(tiny, held):
    refused = np.isnan(held.counted).any(axis=(1, 2))
    assert 0 < refused.sum() < len(refused)
    np.testing.assert_array_equal(held.looks.doubtful, refused)
    wrong = np.stack([held.counted[:, 0], np.full((len(refused), 2), 20.0)], axis=1)
    wrong[refused, 0] = 12.0
    looks = tiny.look(held.samples.grey, counts=(held.counted[:, 0], wrong))
    first, second = looks.views
    np.testing.assert_array_equal(second[~refused], first[~refused])
    assert not np.allclose(second[refused], first[refused])


def test_spectra_are_calibrated_on_pairs_that_cannot_be_counted(tiny, held, monkeypatch):
    asked = []
    monkeypatch.setattr(release, "fit_spectra", lambda *kinds: asked.append(kinds) or (2.0, 0.5))
    doubtful = np.ones_like(held.looks.doubtful)
    assert release.calibrate_spectra(tiny, replace(held, looks=replace(held.looks, doubtful=doubtful)), 2) == (2.0, 0.5)
    same, near, far = asked[0]
    assert len(same) == FAMILIES * CLOTHS * 4
    assert len(near) == FAMILIES * 16
    assert same[:, 1].mean() > far[:, 1].mean()
    release.calibrate_spectra(tiny, replace(held, looks=replace(held.looks, doubtful=~doubtful)), 2)
    assert [len(kind) for kind in asked[1]] == [0, 0, 0]


def test_a_finished_training_is_a_model(model_folder, monkeypatch, tmp_path):
    asked = []

    def simulated(folder, split, count, *, workers):
        asked.append((split, count))
        return woven_families(len(asked))

    monkeypatch.setattr(release, "simulate_families", simulated)
    monkeypatch.setattr(release, "fit_oracle", lambda samples: Oracle())
    made_of = open_model(model_folder).config["network"]
    network = EncoderSettings(**{**made_of, "filters": tuple(made_of["filters"])})
    settings = ComparerSettings(encoder=network, check=3, families=9)
    (tmp_path / "model.weights.h5").write_bytes((model_folder / "model.weights.h5").read_bytes())
    (tmp_path / "curve.csv").write_text("epoch,loss,val_pair_auc,val_open_auc\n0,1.5,0.7,0.8\n1,1.2,0.75,0.85\n")
    said = []
    counter = Counter()
    model = finish_comparer(settings, tmp_path, workers=1, tell=said.append, counter=counter)
    assert asked == [("calibrate", 6), ("train", 9), ("test", 3), ("held-out", 1)]
    assert said[0] == "calibrate: 6 families of cloths"

    comparer = FabricComparer.from_pretrained(model)
    assert comparer.calibration.crops == CROPS
    assert comparer.needs.measured
    assert comparer.needs.stable in (5, CROPS)
    assert set(comparer.folder.calibration[KEY]) == {"any", "like"}
    assert Calibration.from_dict(comparer.calibration.to_dict()) == comparer.calibration
    assert comparer.folder.config["network"]["size"] == network.size
    assert comparer.folder.config["settings"]["seed"] == settings.seed
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert set(results) == {"common family", "held-out family"}

    card = (model / "MODEL_CARD.md").read_text("utf-8")
    for said_there in ("own design", "simulated canvases", "no proof", "seed 1", "| 2 | 1.2000 | 0.7500 | 0.8500 |"):
        assert said_there in card
    assert f"- `check`: {settings.check}" in card
    area = results["common family"]["pairs"]["pair_auc"]
    assert f"| {area:.3f} | 1.000 |" in card  # the oracle's beside it
    tables = [block for block in card.split("\n\n") if block.startswith("|")]
    assert len(tables) == 10
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
