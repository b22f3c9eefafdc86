"""Canvases whose truth is known: the cloth, then the radiograph of it."""
