"""Paintings as pictures: whose hand, which kind of making."""
