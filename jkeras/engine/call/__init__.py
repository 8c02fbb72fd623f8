"""One call of a layer: from the code that a user wrote to a pure pair, and what it uses and leaves."""
