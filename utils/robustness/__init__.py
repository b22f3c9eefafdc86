"""What dl4art's robustness is tested with: files that lie, faults, large plates. For maintainers, and for its tests."""
