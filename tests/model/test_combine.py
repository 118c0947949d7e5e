import numpy as np

from modis.model._combine import combine_classes, combine_coordinates, combine_posteriors
from modis.module import Weighing

#: Row 0 in both, row 1 in b only, row 2 in a only, row 3 in none.
POSITIONS = {"a": np.array([2, 0]), "b": np.array([0, 1])}


def together(probabilities, *weighing):
    said = {name: np.log(np.fmax(own, 1e-30)) for name, own in probabilities.items()}
    return np.exp(combine_classes(said, POSITIONS, 4, *weighing))


def test_posteriors_by_hand():
    posteriors = {
        "a": (np.array([[1.0, 0.0], [7.0, 8.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])),
        "b": (np.array([[5.0, 3.0], [4.0, 2.0]]), np.array([[0.5, 2.0], [1.0, 1.0]])),
    }
    mean, scale = combine_posteriors(posteriors, POSITIONS, 4)
    # 1/9 * 7 + 4 * 5 over 1/9 + 4; 1/16 * 8 + 1/4 * 3 over 1/16 + 1/4
    expected = [[187 / 37, 4.0], [4.0, 2.0], [1.0, 0.0], [np.nan, np.nan]]
    np.testing.assert_allclose(mean, expected, rtol=1e-6)
    variance = [[9 / 37, 16 / 5], [1.0, 1.0], [1.0, 4.0], [np.nan, np.nan]]
    np.testing.assert_allclose(scale**2, variance, rtol=1e-6)
    assert mean.dtype == scale.dtype == np.float32


def test_probabilities_by_hand():
    a, b = np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[0.2, 0.8], [0.3, 0.7]])
    probabilities = {"a": a, "b": b}
    combined = together(probabilities)
    # row 0: mean of logarithms times the root of 2; a zero counts as one in a million
    both = np.exp(np.sqrt(2) * np.log([[1.0, 1e-6], [0.2, 0.8]]).mean(axis=0))
    # other rows have what their only modality says, to the digit
    expected = [both / both.sum(), [0.3, 0.7], [0.5, 0.5], [np.nan, np.nan]]
    np.testing.assert_allclose(combined, expected, rtol=1e-6)
    assert combined.dtype == np.float32
    # and whatever the modalities weigh together
    even = np.log([0.5, 0.5])
    weighing = {"a": Weighing(0.5, even, 0 * even), "b": Weighing(2.0, even, 0 * even)}
    weighted = together(probabilities, weighing)
    both = np.exp(np.log([[1.0, 1e-6], [0.2, 0.8]]).T @ [0.5, 2.0] / np.sqrt(2))
    np.testing.assert_allclose(weighted, [both / both.sum(), *expected[1:]], rtol=1e-6)


def test_class_frequencies_count_once():
    """Modalities that say nothing beyond them leave them as they are."""
    prior = np.array([0.9, 0.09, 0.01])
    probabilities = {"a": np.tile(prior, (2, 1)), "b": np.tile(prior, (2, 1))}
    weighing = dict.fromkeys("ab", Weighing(1.7, np.log(prior), np.zeros(3)))
    combined = together(probabilities, weighing)
    np.testing.assert_allclose(combined[0], prior, rtol=1e-5)


def test_a_modality_says_nothing_of_a_class_that_it_cannot_know():
    probabilities = {"a": np.array([[0.2, 0.7, 0.1]] * 2), "b": np.array([[0.5, 0.5, 0.0]] * 2)}
    prior, unseen = np.log([0.3, 0.3, 0.4]), np.log([0.5, 0.5, np.nan])
    rarity = np.log([1.0, 1.0, 0.2])
    weighing = {"a": Weighing(1.0, prior, np.zeros(3)), "b": Weighing(1.0, unseen, rarity)}
    (combined, *_) = together(probabilities, weighing)
    own = np.log(probabilities["a"][0]) - prior
    mean = np.array([*(prior[:2] + np.log(0.5)) / 2, prior[2] + np.log(0.2)])
    expected = np.exp(own / np.sqrt(2) + mean)
    np.testing.assert_allclose(combined, expected / expected.sum(), rtol=1e-5)
    # nor does any, and it is as unlikely as can be
    nobody = dict.fromkeys("ab", Weighing(1.0, unseen, rarity))
    (combined, *_) = together(probabilities, nobody)
    assert combined[2] < 1e-5


def test_coordinates_are_the_mean_of_what_there_is():
    coordinates = {"a": np.array([[1.0], [7.0]]), "b": np.array([[5.0], [4.0]])}
    combined = combine_coordinates(coordinates, POSITIONS, 4)
    np.testing.assert_allclose(combined, [[6.0], [4.0], [1.0], [np.nan]])
