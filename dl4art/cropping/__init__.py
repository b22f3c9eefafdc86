"""A plate in, crops out: reading files, scale, usable area, cutting crops, labels."""
