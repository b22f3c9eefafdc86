"""Threads per centimetre: the network, the spectral method, both together, with intervals."""

from dl4art.regression.combined import CombinedCounter
from dl4art.regression.counter import ThreadCounter
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.spectral import SpectralCounter, refine_density, spectral_peaks

__all__ = ["CombinedCounter", "SpectralCounter", "ThreadCounter", "ThreadEstimate", "refine_density", "spectral_peaks"]
