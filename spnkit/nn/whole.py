"""Photos of any size through the refiner: the weights by tiles that agree, the propagation in one piece."""
