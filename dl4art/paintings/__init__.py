"""Paintings as pictures: gathering them by class, whose hand they are of, which kind of making."""
