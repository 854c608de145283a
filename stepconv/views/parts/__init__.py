"""What views are made of: numbers, grids, lines beside one another, legends."""
