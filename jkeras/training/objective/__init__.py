"""From the arguments of `compile` to one pure function: losses, metrics, and the weights they depend on."""
