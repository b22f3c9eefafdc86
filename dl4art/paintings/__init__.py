"""Pictures of paintings by class: gathering them, telling painters and kinds of work apart."""
